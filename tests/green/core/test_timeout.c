/* Scoped timeouts: they nest, each knows whether it fired, none is swallowed. */
#include "support.h"

static void burn(int64_t duration)
{
    for (green_time end = green_now() + duration; green_now() < end;)
        ;
}

/* Case 39. */
START_TEST(fires_and_says_so)
{
    green_timeout_t t;
    for (int i = 0; i < 3; i++) { /* the same object again and again */
        green_time start = green_now();
        green_timeout_start(&t, GREEN_MS(15));
        ck_assert(!green_timeout_fired(&t));
        ck_assert_int_eq(green_sleep(GREEN_S(60)), -ETIMEDOUT);
        ck_assert_int_ge(green_now() - start, GREEN_MS(15));
        ck_assert(green_timeout_fired(&t));
        ck_assert_int_eq(green_sleep(1), -ETIMEDOUT); /* until it is stopped */
        ck_assert_int_eq(green_yield(), -ETIMEDOUT);
        green_timeout_stop(&t);
        ck_assert(green_timeout_fired(&t));
        ck_assert_int_eq(green_sleep(1), 0);
    }
}
END_TEST

/* Case 40. */
START_TEST(stopped_in_time_never_fires)
{
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(10));
    green_timeout_stop(&t);
    green_timeout_stop(&t); /* twice is harmless */
    ck_assert_int_eq(green_sleep(GREEN_MS(30)), 0);
    ck_assert(!green_timeout_fired(&t));
}
END_TEST

/* Case 41. */
START_TEST(forever_never_fires)
{
    green_timeout_t t;
    green_timeout_start(&t, GREEN_FOREVER);
    ck_assert_int_eq(green_sleep(GREEN_MS(20)), 0);
    ck_assert(!green_timeout_fired(&t));
    green_timeout_stop(&t);
}
END_TEST

/* Case 42. */
START_TEST(zero_fires_at_the_first_wait)
{
    green_timeout_t t;
    green_timeout_start(&t, _i == 0 ? 0 : -GREEN_S(1));
    ck_assert(!green_timeout_fired(&t)); /* not before */
    ck_assert_int_eq(green_sleep(GREEN_S(60)), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);
}
END_TEST

/* Case 43. */
START_TEST(the_inner_one_first)
{
    green_timeout_t outer, inner;
    green_timeout_start(&outer, GREEN_S(60));
    green_timeout_start(&inner, GREEN_MS(10));
    ck_assert_int_eq(green_sleep(GREEN_S(30)), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&inner));
    ck_assert(!green_timeout_fired(&outer));
    green_timeout_stop(&inner);
    ck_assert_int_eq(green_sleep(1), 0); /* the outer one is still to come */
    ck_assert(!green_timeout_fired(&outer));
    green_timeout_stop(&outer);
}
END_TEST

/* Case 44. */
START_TEST(the_outer_one_first)
{
    green_timeout_t outer, inner;
    green_timeout_start(&outer, GREEN_MS(10));
    green_timeout_start(&inner, GREEN_S(60));
    ck_assert_int_eq(green_sleep(GREEN_S(30)), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    ck_assert(!green_timeout_fired(&inner));
    green_timeout_stop(&inner);
    ck_assert_int_eq(green_sleep(1), -ETIMEDOUT); /* stopping the inner one changes nothing */
    green_timeout_stop(&outer);
    ck_assert_int_eq(green_sleep(1), 0);
}
END_TEST

/* Case 45. */
START_TEST(both_in_one_turn)
{
    green_timeout_t outer, inner;
    green_timeout_start(&outer, GREEN_MS(5));
    green_timeout_start(&inner, GREEN_MS(5));
    burn(GREEN_MS(10));
    ck_assert_int_eq(green_sleep(GREEN_S(30)), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    ck_assert(green_timeout_fired(&inner));
    green_timeout_stop(&inner);
    ck_assert_int_eq(green_sleep(1), -ETIMEDOUT);
    green_timeout_stop(&outer);
    ck_assert_int_eq(green_sleep(1), 0);
}
END_TEST

static int sleep_long(void *arg)
{
    return green_sleep(*(int64_t *)arg);
}

static int sleep_within_timeout(void *arg)
{
    int64_t sixty = GREEN_S(60);
    return green_with_timeout(GREEN_S(30), sleep_long, &sixty);
}

/* Case 46. */
START_TEST(with_timeout)
{
    int64_t sixty = GREEN_S(60), little = 1000;
    ck_assert_int_eq(green_with_timeout(GREEN_MS(10), sleep_long, &sixty), -ETIMEDOUT);
    ck_assert_int_eq(green_with_timeout(GREEN_S(60), sleep_long, &little), 0);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(10));
    ck_assert_int_eq(sleep_within_timeout(NULL), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    ck_assert_int_eq(green_with_timeout(GREEN_MS(10), sleep_within_timeout, NULL), -ETIMEDOUT);
}
END_TEST

/* Case 47. The clock of the last poll is old after a long computation: timeouts count from now all the same. */
START_TEST(counts_from_now)
{
    green_timeout_t t;
    ck_assert_int_eq(green_yield(), 0);
    burn(GREEN_MS(50));
    green_time start = green_now();
    green_timeout_start(&t, GREEN_MS(20));
    ck_assert_int_eq(green_sleep(GREEN_S(60)), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - start, GREEN_MS(20));
    green_timeout_stop(&t);
}
END_TEST

static void *sleep_under_timeout(void *arg)
{
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(10));
    ck_assert_int_eq(green_yield(), 0);
    if (arg)
        ck_assert_int_eq(green_sleep(GREEN_S(60)), -ECANCELED);
    green_timeout_stop(&t);
    ck_assert(!green_timeout_fired(&t));
    return NULL;
}

static void *sleep_undisturbed(void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_MS(30)), 0);
    return arg;
}

/* Case 48. What is left of a greenlet's timers must not reach the next one on the same stack. */
START_TEST(never_hits_the_next_user_of_a_stack)
{
    green_t *g = green_spawn(sleep_under_timeout, NULL);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_join(g, soon()), 0);
    green_release(g);
    g = green_spawn(sleep_under_timeout, &g);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    g = green_spawn(sleep_undisturbed, &g);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_get(g, NULL, soon()), 0);
    green_release(g);
}
END_TEST

START_TEST(of_one_greenlet_only)
{
    green_t *g = green_spawn(sleep_undisturbed, NULL);
    ck_assert_ptr_nonnull(g);
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(5));
    ck_assert_int_eq(green_join(g, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);
    ck_assert_int_eq(green_get(g, NULL, soon()), 0);
    green_release(g);
}
END_TEST

START_TEST(a_shield_holds_it_back)
{
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(5));
    green_shield();
    ck_assert_int_eq(green_sleep(GREEN_MS(20)), 0);
    ck_assert(green_timeout_fired(&t)); /* it did fire, and waits */
    green_unshield();
    ck_assert_int_eq(green_sleep(1), -ETIMEDOUT);
    green_timeout_stop(&t);
}
END_TEST

START_TEST(a_deadline_is_no_timeout)
{
    green_timeout_t t;
    green_park_t me = GREEN_PARK_INIT;
    green_timeout_start(&t, GREEN_S(60));
    ck_assert_int_eq(green_park(&me, green_in_ms(5)), -ETIMEDOUT);
    ck_assert(!green_timeout_fired(&t));
    green_timeout_stop(&t);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {fires_and_says_so, 0},        {stopped_in_time_never_fires, 0},
        {forever_never_fires, 0},      {zero_fires_at_the_first_wait, 2},
        {the_inner_one_first, 0},      {the_outer_one_first, 0},
        {both_in_one_turn, 0},         {with_timeout, 0},
        {counts_from_now, 0},          {never_hits_the_next_user_of_a_stack, 0},
        {of_one_greenlet_only, 0},     {a_shield_holds_it_back, 0},
        {a_deadline_is_no_timeout, 0},
    };
    return RUN_TESTS("timeout", tests);
}
