/* Wait groups: counting up, down, and waiting for nothing to be left. */
#include "support.h"

static green_waitgroup_t group = GREEN_WAITGROUP_INIT;
static int worked;

static void *work(void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_US((intptr_t)arg * 100)), 0);
    worked++;
    ck_assert_int_ge(green_waitgroup_done(&group), 0);
    return NULL;
}

START_TEST(waits_for_all)
{
    green_t *g[5];
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(green_waitgroup_add(&group, 1), i + 1);
        g[i] = spawn(work, (void *)(intptr_t)(5 - i));
    }
    ck_assert_int_eq(green_waitgroup_wait(&group, soon()), 0);
    ck_assert_int_eq(worked, 5);
    for (int i = 0; i < 5; i++)
        finish(g[i]);
    ck_assert_int_eq(green_waitgroup_destroy(&group), 0);
}
END_TEST

START_TEST(counting)
{
    uint64_t before = switches();
    green_waitgroup_init(&group);
    ck_assert_int_eq(green_waitgroup_wait(&group, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_waitgroup_done(&group), -EOVERFLOW);
    ck_assert_int_eq(green_waitgroup_add(&group, INT_MIN), -EOVERFLOW);
    ck_assert_int_eq(green_waitgroup_add(&group, INT_MAX), INT_MAX);
    ck_assert_int_eq(green_waitgroup_add(&group, 1), -EOVERFLOW);
    ck_assert_int_eq(green_waitgroup_count(&group), INT_MAX);
    ck_assert_int_eq(green_waitgroup_add(&group, 2 - INT_MAX), 2);
    ck_assert_int_eq(green_waitgroup_wait(&group, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_waitgroup_add(&group, -3), -EOVERFLOW);
    ck_assert_int_eq(green_waitgroup_add(&group, -2), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

static void *wait_for_group(void *arg)
{
    return (void *)(intptr_t)green_waitgroup_wait(&group, GREEN_FOREVER);
}

/* Through at zero, even if more is added before the waiters run; a killed one leaves nothing. */
START_TEST(zero_is_enough)
{
    void *result;
    ck_assert_int_eq(green_waitgroup_add(&group, 1), 1);
    green_t *g[] = {spawn(wait_for_group, NULL), spawn(wait_for_group, NULL)};
    yields(1);
    ck_assert_int_eq(green_waitgroup_destroy(&group), -EBUSY);
    ck_assert_int_eq(green_cancel(g[0]), 0);
    ck_assert_int_eq(green_waitgroup_done(&group), 0);
    ck_assert_int_eq(green_waitgroup_add(&group, 1), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_get(g[i], &result, soon()), 0);
        ck_assert_int_eq((int)(intptr_t)result, i == 0 ? -ECANCELED : 0);
        green_release(g[i]);
    }
    ck_assert_int_eq(green_waitgroup_wait(&group, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_waitgroup_destroy(&group), 0);
}
END_TEST

START_TEST(waited_for_among_others)
{
    green_event_t event = GREEN_EVENT_INIT;
    green_waitable_t *both[] = {&event.waitable, &group.waitable};
    ck_assert_int_eq(green_wait_any(both, 2, GREEN_NOWAIT), 1);
    ck_assert_int_eq(green_waitgroup_add(&group, 1), 1);
    green_t *g = spawn(work, (void *)1);
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    finish(g);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {waits_for_all, 0},
        {counting, 0},
        {zero_is_enough, 0},
        {waited_for_among_others, 0},
    };
    return RUN_TESTS("waitgroup", tests);
}
