/* Results: delivered once, read by any number. */
#include "support.h"

static green_result_t box = GREEN_RESULT_INIT;

struct getter {
    void *value;
    int result;
};

static void *get_it(void *arg)
{
    struct getter *g = arg;
    g->result = green_result_get(&box, &g->value, GREEN_FOREVER);
    return NULL;
}

static int letter;

/* Case 56: three getters, one delivery; a second delivery is refused and changes nothing. */
START_TEST(all_getters_get_it)
{
    struct getter getters[3] = {{0}};
    green_t *g[3];
    void *value = NULL;
    bool good = _i == 0;
    for (int i = 0; i < 3; i++)
        g[i] = spawn(get_it, &getters[i]);
    yields(1);
    ck_assert_int_eq(green_result_destroy(&box), -EBUSY);
    ck_assert_int_eq(good ? green_result_set(&box, &letter) : green_result_fail(&box, -ECONNRESET), 0);
    ck_assert_int_eq(green_result_set(&box, NULL), -EALREADY);
    ck_assert_int_eq(green_result_fail(&box, -EIO), -EALREADY);
    for (int i = 0; i < 3; i++) {
        finish(g[i]);
        ck_assert_int_eq(getters[i].result, good ? 0 : -ECONNRESET);
        ck_assert_ptr_eq(getters[i].value, good ? &letter : NULL);
    }
    ck_assert_int_eq(green_result_try(&box, &value), good ? 0 : -ECONNRESET);
    ck_assert_ptr_eq(value, good ? &letter : NULL);
    ck_assert_int_eq(green_result_get(&box, NULL, GREEN_NOWAIT), good ? 0 : -ECONNRESET);
    ck_assert_int_eq(green_result_destroy(&box), 0);
}
END_TEST

START_TEST(not_there_yet)
{
    void *value = &letter;
    uint64_t before = switches();
    green_result_init(&box);
    ck_assert(!green_result_arrived(&box));
    ck_assert_int_eq(green_result_try(&box, &value), -EAGAIN);
    ck_assert_int_eq(green_result_get(&box, &value, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(green_result_get(&box, &value, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_ptr_eq(value, &letter);
    ck_assert_int_eq(green_result_fail(&box, 0), -EINVAL);
    ck_assert_int_eq(green_result_fail(&box, EIO), -EINVAL);
    ck_assert(!green_result_arrived(&box));
    ck_assert_int_eq(green_result_set(&box, NULL), 0); /* NULL is a value like others */
    ck_assert(green_result_arrived(&box));
    ck_assert_int_eq(green_result_get(&box, &value, soon()), 0);
    ck_assert_ptr_null(value);
}
END_TEST

static void *deliver(void *arg)
{
    ck_assert_int_eq(green_result_set(&box, arg), 0);
    return NULL;
}

START_TEST(waited_for_among_others)
{
    green_event_t event = GREEN_EVENT_INIT;
    green_waitable_t *both[] = {&event.waitable, &box.waitable};
    void *value;
    green_t *g = spawn(deliver, &letter);
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    ck_assert_int_eq(green_result_try(&box, &value), 0);
    ck_assert_ptr_eq(value, &letter);
    finish(g);
}
END_TEST

START_TEST(a_killed_getter_leaves_nothing)
{
    struct getter first = {0}, second = {0};
    green_t *a = spawn(get_it, &first), *b = spawn(get_it, &second);
    yields(1);
    ck_assert_int_eq(green_kill(a, soon()), 0);
    ck_assert_int_eq(first.result, -ECANCELED);
    ck_assert_int_eq(green_result_set(&box, &letter), 0);
    finish(b);
    ck_assert_int_eq(second.result, 0);
    ck_assert_ptr_eq(second.value, &letter);
    green_release(a);
    ck_assert_int_eq(green_result_destroy(&box), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {all_getters_get_it, 2},
        {not_there_yet, 0},
        {waited_for_among_others, 0},
        {a_killed_getter_leaves_nothing, 0},
    };
    return RUN_TESTS("result", tests);
}
