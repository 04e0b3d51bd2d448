/* The timer heap against a naive model, and the clock. */
#include "support.h"

enum { TIMERS = 200 };

static struct timers heap;
static struct timer timers[TIMERS];
static green_time expected[TIMERS]; /* what the model says; GREEN_FOREVER: off */
static green_time last_fired, now;
static int fired;

static void on_fire(struct timer *t)
{
    int i = (int)(t - timers);
    ck_assert_int_ne(expected[i], GREEN_FOREVER);
    ck_assert_int_le(expected[i], now);
    ck_assert_int_ge(expected[i], last_fired); /* in the order of their deadlines */
    last_fired = expected[i];
    expected[i] = GREEN_FOREVER;
    fired++;
}

static void init_all(void)
{
    fired = 0;
    for (int i = 0; i < TIMERS; i++) {
        timer_init(&timers[i], on_fire);
        expected[i] = GREEN_FOREVER;
    }
}

static void set(int i, green_time when)
{
    ck_assert_int_eq(green__timer_set(&heap, &timers[i], when), 0);
    expected[i] = when;
}

static green_time first_expected(void)
{
    green_time first = GREEN_FOREVER;
    for (int i = 0; i < TIMERS; i++)
        if (expected[i] < first)
            first = expected[i];
    return first;
}

static void run_until(green_time when)
{
    now = when;
    last_fired = 0;
    green__timers_run(&heap, now);
    ck_assert_int_gt(first_expected(), now);
}

static uint32_t dice(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

START_TEST(fire_in_order)
{
    init_all();
    for (int i = 0; i < TIMERS; i++)
        set(i, 1 + dice() % 1000);
    ck_assert_int_eq(green__timers_next(&heap), first_expected());
    run_until(500);
    run_until(1000);
    ck_assert_int_eq(fired, TIMERS);
    ck_assert_int_eq(green__timers_next(&heap), GREEN_FOREVER);
    green__timers_destroy(&heap);
}
END_TEST

START_TEST(random_operations_agree_with_the_model)
{
    init_all();
    green_time clock = 1;
    for (int round = 0; round < 20000; round++) {
        int i = (int)(dice() % TIMERS);
        switch (dice() % 6) {
        case 0:
        case 1:
        case 2:
            set(i, clock + 1 + dice() % 500);
            break;
        case 3:
            timer_disarm(&timers[i]);
            expected[i] = GREEN_FOREVER;
            break;
        case 4:
            timer_remove(&heap, &timers[i]);
            ck_assert_uint_eq(timers[i].slot, 0);
            expected[i] = GREEN_FOREVER;
            break;
        default:
            clock += dice() % 50;
            run_until(clock);
        }
        ck_assert_int_eq(green__timers_next(&heap), first_expected());
        ck_assert_uint_le(heap.count, TIMERS);
    }
    ck_assert_int_gt(fired, 1000);
    for (int i = 0; i < TIMERS; i++)
        timer_remove(&heap, &timers[i]);
    ck_assert_uint_eq(heap.count, 0);
    green__timers_destroy(&heap);
}
END_TEST

START_TEST(pushing_a_deadline_away_is_lazy)
{
    init_all();
    set(0, 100);
    uint32_t slot = timers[0].slot;
    for (green_time when = 200; when < 1000000; when += 100)
        set(0, when);
    ck_assert_uint_eq(timers[0].slot, slot);
    ck_assert_int_eq(heap.heap[0].key, 100); /* the heap has not been touched */
    ck_assert_uint_eq(heap.count, 1);
    run_until(500);
    ck_assert_int_eq(fired, 0);
    ck_assert_int_eq(heap.heap[0].key, expected[0]);
    set(0, 600); /* nearer is not lazy */
    ck_assert_int_eq(green__timers_next(&heap), 600);
    run_until(600);
    ck_assert_int_eq(fired, 1);
    green__timers_destroy(&heap);
}
END_TEST

START_TEST(switched_off_timers_leave_the_heap_when_they_come_up)
{
    init_all();
    for (int i = 0; i < TIMERS; i++)
        set(i, 10 + i);
    for (int i = 0; i < TIMERS; i++) {
        timer_disarm(&timers[i]);
        expected[i] = GREEN_FOREVER;
    }
    ck_assert_int_eq(green__timers_next(&heap), GREEN_FOREVER);
    ck_assert_uint_eq(heap.count, 0);
    run_until(1000);
    ck_assert_int_eq(fired, 0);
    green__timers_destroy(&heap);
}
END_TEST

static int periodic;

static void again(struct timer *t)
{
    if (++periodic < 5)
        ck_assert_int_eq(green__timer_set(&heap, t, now + 10), 0);
}

START_TEST(a_timer_may_set_itself_again)
{
    struct timer t;
    timer_init(&t, again);
    ck_assert_int_eq(green__timer_set(&heap, &t, 10), 0);
    for (now = 0; now <= 100; now += 5)
        green__timers_run(&heap, now);
    ck_assert_int_eq(periodic, 5);
    ck_assert_uint_eq(heap.count, 0);
    green__timers_destroy(&heap);
}
END_TEST

START_TEST(forever_is_not_set_at_all)
{
    init_all();
    set(0, GREEN_FOREVER);
    ck_assert_uint_eq(heap.count, 0);
    timer_remove(&heap, &timers[0]); /* harmless */
    ck_assert_int_eq(green__timers_next(&heap), GREEN_FOREVER);
    green__timers_destroy(&heap);
}
END_TEST

START_TEST(deadlines)
{
    green_time before = green_now();
    green_time deadline = green_in(GREEN_MS(5));
    ck_assert_int_ge(deadline, before + GREEN_MS(5));
    ck_assert_int_le(deadline, green_now() + GREEN_MS(5));
    deadline = green_in_ms(5);
    ck_assert_int_ge(deadline, before + GREEN_MS(5));
    ck_assert_int_le(deadline, green_now() + GREEN_MS(5));
    ck_assert_int_eq(green_in(GREEN_FOREVER), GREEN_FOREVER);
    ck_assert_int_eq(green_in(GREEN_FOREVER - 1), GREEN_FOREVER);
    ck_assert_int_eq(green_in_ms(INT64_MAX), GREEN_FOREVER);
    ck_assert_int_eq(green_in_ms(INT64_MAX / 1000000), GREEN_FOREVER);
    ck_assert_int_le(green_in(-1), green_now());
    ck_assert_int_le(green_in(INT64_MIN), green_now());
    ck_assert_int_le(green_in_ms(INT64_MIN), green_now());
    ck_assert_int_gt(green_in(-1), GREEN_NOWAIT);
    ck_assert_int_eq(GREEN_S(1), 1000 * GREEN_MS(1));
    ck_assert_int_eq(GREEN_MS(1), 1000 * GREEN_US(1));
}
END_TEST

START_TEST(the_turns_clock_follows)
{
    green_time turn = green_turn_time(), end = soon();
    ck_assert_int_le(turn, green_now());
    while (green_turn_time() < turn + GREEN_MS(10) && green_now() < end)
        ck_assert_int_eq(green_sleep(GREEN_MS(10)), 0);
    ck_assert_int_ge(green_turn_time(), turn + GREEN_MS(10));
    ck_assert_int_le(green_turn_time(), green_now());
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {fire_in_order, 0},
        {random_operations_agree_with_the_model, 0},
        {pushing_a_deadline_away_is_lazy, 0},
        {switched_off_timers_leave_the_heap_when_they_come_up, 0},
        {a_timer_may_set_itself_again, 0},
        {forever_is_not_set_at_all, 0},
        {deadlines, 0},
        {the_turns_clock_follows, 0},
    };
    return RUN_TESTS("timer", tests);
}
