/* Once: one run, everybody waits for it. */
#include "support.h"

static green_once_t once = GREEN_ONCE_INIT;
static int runs, failures;

static int slowly(void *arg)
{
    int r = green_sleep(GREEN_MS(2));
    if (r < 0)
        return r;
    runs++;
    return runs <= failures ? -EIO : 7;
}

static void *do_once(void *arg)
{
    return (void *)(intptr_t)green_once(&once, slowly, NULL, GREEN_FOREVER);
}

static int result_of(green_t *g)
{
    void *result;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    green_release(g);
    return (int)(intptr_t)result;
}

START_TEST(run_once_for_all)
{
    green_t *g[5];
    for (int i = 0; i < 5; i++)
        g[i] = spawn(do_once, NULL);
    yields(1);
    ck_assert_int_eq(green_once(&once, slowly, NULL, GREEN_NOWAIT), -EAGAIN);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(result_of(g[i]), 0);
    ck_assert_int_eq(runs, 1);
    uint64_t before = switches();
    ck_assert_int_eq(green_once(&once, slowly, NULL, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* A failure, or a cancellation of the one who does it, is that one's own; the next in line tries. */
START_TEST(the_next_one_tries_again)
{
    green_t *g[5];
    failures = 2;
    for (int i = 0; i < 5; i++)
        g[i] = spawn(do_once, NULL);
    yields(1);
    ck_assert_int_eq(green_cancel(g[0]), 0);
    ck_assert_int_eq(result_of(g[0]), -ECANCELED);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(result_of(g[i]), i <= 2 ? -EIO : 0);
    ck_assert_int_eq(runs, 3);
}
END_TEST

static int once_more(void *arg)
{
    ck_assert_int_eq(green_once(&once, once_more, arg, soon()), -EDEADLK);
    return 0;
}

START_TEST(not_within_itself)
{
    ck_assert_int_eq(green_once(&once, once_more, NULL, soon()), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {run_once_for_all, 0},
        {the_next_one_tries_again, 0},
        {not_within_itself, 0},
    };
    return RUN_TESTS("once", tests);
}
