/* How long answers take, as it is remembered. */
#include "upstream/latency.h"

#include "groups.h"

START_TEST(a_slow_answer_is_believed_at_once_and_forgotten_slowly)
{
    struct standing s = {.latency = 0};
    green_time now = GREEN_S(1000);
    latency_observe(&s, GREEN_MS(10), now);
    latency_observe(&s, GREEN_MS(500), now += GREEN_MS(1));
    ck_assert_int_eq(atomic_load(&s.latency), GREEN_MS(500));
    latency_observe(&s, GREEN_MS(10), now += GREEN_MS(1));
    ck_assert_int_gt(atomic_load(&s.latency), GREEN_MS(400));
    for (int i = 0; i < 1000; i++)
        latency_observe(&s, GREEN_MS(10), now += GREEN_MS(20));
    ck_assert_int_lt(atomic_load(&s.latency), GREEN_MS(20));
    ck_assert_int_lt(latency_now(&s, now + GREEN_S(100)), GREEN_MS(2));
}
END_TEST

START_TEST(answers_of_no_time_are_known)
{
    struct standing s = {.latency = 0};
    latency_observe(&s, 0, GREEN_S(1));
    ck_assert_int_gt(atomic_load(&s.latency), 0);
    latency_observe(&s, INT64_MAX, GREEN_S(1));
    ck_assert_int_eq(atomic_load(&s.latency), GREEN_S(1000)); /* the most that is believed */
}
END_TEST

START_TEST(costs_follow_latency_load_and_weight)
{
    struct standing s = {.latency = 0};
    green_time now = GREEN_S(1000);
    ck_assert_uint_eq(latency_cost(&s, 0, 100, now), 0); /* it is asked first, but not by all at once */
    ck_assert_uint_eq(latency_cost(&s, 1, 100, now), (uint64_t)LATENCY_UNKNOWN * 200);
    latency_observe(&s, GREEN_MS(10), now);
    ck_assert_uint_eq(latency_cost(&s, 0, 100, now), (uint64_t)GREEN_MS(10) * 100);
    ck_assert_uint_eq(latency_cost(&s, 3, 50, now), (uint64_t)GREEN_MS(10) * 200);
    latency_observe(&s, GREEN_S(1000), now);
    ck_assert_uint_lt(latency_cost(&s, INT64_MAX / 2, UINT32_MAX, now), TOURNAMENT_OUT); /* no overflow */
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("latency");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, a_slow_answer_is_believed_at_once_and_forgotten_slowly);
    tcase_add_test(tc, answers_of_no_time_are_known);
    tcase_add_test(tc, costs_follow_latency_load_and_weight);
    return run_suite(tc, "upstream/latency");
}
