/* green_idle() and green_run(). */
#include "support.h"

static char order[32];

static void note(char letter)
{
    order[strlen(order)] = letter;
}

static void *idles(void *arg)
{
    ck_assert_int_eq(green_idle(soon()), 0);
    note('i');
    return NULL;
}

static void *busy(void *arg)
{
    for (int i = 0; i < 3; i++) {
        note('b');
        yields(1);
    }
    return NULL;
}

/* Case 105. */
START_TEST(idle_comes_after_all_that_is_ready)
{
    green_t *a = spawn(idles, NULL), *b = spawn(busy, NULL), *c = spawn(idles, NULL);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_str_eq(order, "bbbii");
    finish(a);
    finish(b);
    finish(c);
}
END_TEST

START_TEST(idle_does_not_wait_for_timers)
{
    green_time before = green_now();
    green_t *g = green_spawn_at(green_in(GREEN_S(1000)), busy, NULL);
    ck_assert_int_eq(green_idle(soon()), 0);
    ck_assert_int_lt(green_now() - before, GREEN_S(20));
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(green_idle(GREEN_NOWAIT), -EAGAIN);
}
END_TEST

static void *sleeps(void *arg)
{
    return (void *)(intptr_t)green_sleep(*(int64_t *)arg);
}

static struct gate gate;

static void *stuck(void *arg)
{
    return (void *)(intptr_t)gate_wait(&gate, GREEN_FOREVER);
}

/* Case 99: what runs in the background does not hold it up; it may be called again and again. */
START_TEST(run_waits_for_all_but_the_background)
{
    int64_t little = GREEN_MS(5), long_time = GREEN_S(1000);
    green_attr_t attr = {.background = true};
    green_t *background, *g = spawn(sleeps, &little);
    ck_assert_int_eq(green_spawn_ex(&background, &attr, sleeps, &long_time), 0);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert(green_done(g) && !green_done(background));
    ck_assert_int_eq(green_run(soon()), 0);
    gate_init(&gate);
    green_t *held = spawn(stuck, NULL), *later = green_spawn_at(green_in_ms(5), busy, NULL);
    ck_assert_int_eq(green_run(GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_run(green_in_ms(1)), -ETIMEDOUT);
    gate_open(&gate);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert(green_done(later) && green_done(held));
    green_release(held);
    ck_assert_int_eq(green_kill(background, soon()), 0);
    green_release(background);
    green_release(g);
    green_release(later);
}
END_TEST

static void *tries_to_run(void *arg)
{
    ck_assert_int_eq(green_run(soon()), -EPERM);
    return NULL;
}

START_TEST(run_is_for_the_main_greenlet)
{
    finish(spawn(tries_to_run, NULL));
}
END_TEST

START_TEST(run_ends_when_nothing_can_come)
{
    gate_init(&gate);
    green_t *g = spawn(stuck, NULL);
    ck_assert_int_eq(green_run(GREEN_FOREVER), -EDEADLK);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {idle_comes_after_all_that_is_ready, 0},   {idle_does_not_wait_for_timers, 0},
        {run_waits_for_all_but_the_background, 0}, {run_is_for_the_main_greenlet, 0},
        {run_ends_when_nothing_can_come, 0},
    };
    return RUN_TESTS("idle", tests);
}
