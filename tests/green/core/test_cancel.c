/* Cancelling and shields: what a cancelled greenlet still does, and when it does no more. */
#include "support.h"

static void *mark(void *arg)
{
    *(bool *)arg = true;
    return arg;
}

static void *wait_shielded(void *arg)
{
    struct outcome *o = arg;
    green_shield();
    int inside = gate_wait(&o->gate, GREEN_FOREVER);
    green_unshield();
    o->result = inside < 0 ? inside : green_yield();
    o->finished = true;
    return NULL;
}

/* --- cancelling
 * --------------------------------------------------------------------------------------------------- */

START_TEST(cancelled_before_it_ran)
{
    bool ran = false;
    green_t *g = spawn(mark, &ran);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert(green_done(g));
    ck_assert_int_eq(green_join(g, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_get(g, NULL, GREEN_NOWAIT), -ECANCELED);
    yields(3);
    ck_assert(!ran);
    ck_assert_int_eq(green_kill(g, GREEN_FOREVER), 0); /* once more: nothing */
    green_release(g);
}
END_TEST

static void *join_it(void *arg)
{
    ck_assert_int_eq(green_join(arg, GREEN_FOREVER), 0);
    return NULL;
}

/* Case 11, without a reason. */
START_TEST(killed_before_it_ran_wakes_who_joined)
{
    bool ran = false;
    green_t *g = spawn(mark, &ran);
    green_t *joiner = spawn(join_it, g);
    green_t *gone = spawn(mark, &ran);
    ck_assert_int_eq(green_cancel(gone), 0);
    green_release(gone);
    ck_assert_int_eq(green_kill(g, GREEN_NOWAIT), 0); /* without a switch */
    finish(joiner);
    ck_assert(!ran);
    green_release(g);
}
END_TEST

START_TEST(killed_while_waiting)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *g = spawn(wait_at_gate, &o);
    yields(1);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(o.result, -ECANCELED);
    ck_assert(list_empty(&o.gate.waiters));
    ck_assert_int_eq(green_kill(g, GREEN_FOREVER), 0);
    ck_assert_int_eq(o.runs, 1);
    green_release(g);
}
END_TEST

/* Case 10: twice, and told once. */
START_TEST(cancel_returns_before_it_is_delivered)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *g = spawn(wait_at_gate, &o);
    yields(1);
    uint64_t before = switches();
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert_uint_eq(switches(), before);
    ck_assert(!o.finished);
    yields(1);
    ck_assert(o.finished);
    ck_assert_int_eq(o.result, -ECANCELED);
    ck_assert_int_eq(o.runs, 1);
    green_release(g);
}
END_TEST

static void *every_call_fails(void *arg)
{
    struct outcome *o = arg;
    o->result = green_sleep(GREEN_S(60));
    ck_assert(green_cancelled());
    ck_assert_int_eq(green_sleep(1), -ECANCELED);
    ck_assert_int_eq(green_yield(), -ECANCELED);
    ck_assert_int_eq(gate_wait(&o->gate, GREEN_FOREVER), -ECANCELED);
    ck_assert_int_eq(gate_wait(&o->gate, GREEN_NOWAIT), -ECANCELED);
    return NULL;
}

START_TEST(cancellation_is_sticky)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *g = spawn(every_call_fails, &o);
    yields(1);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(o.result, -ECANCELED);
    green_release(g);
}
END_TEST

static void *kill_oneself(void *arg)
{
    ck_assert_int_eq(green_kill(green_self(), GREEN_FOREVER), 0); /* comes back */
    ck_assert(green_cancelled());
    return (void *)(intptr_t)green_sleep(1);
}

/* Case 38. */
START_TEST(killing_oneself_takes_effect_at_the_next_wait)
{
    void *result;
    green_t *g = spawn(kill_oneself, NULL);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -ECANCELED);
    green_release(g);
}
END_TEST

START_TEST(a_ready_greenlet_keeps_what_it_was_woken_with)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *g = spawn(wait_at_gate, &o);
    yields(1);
    gate_open(&o.gate); /* woken, not run yet */
    ck_assert_int_eq(green_cancel(g), 0);
    finish(g);
    ck_assert_int_eq(o.result, 0);
    ck_assert_int_eq(o.gate.tokens, 0);
}
END_TEST

START_TEST(a_shield_holds_a_cancellation_back)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *g = spawn(wait_shielded, &o);
    yields(1);
    ck_assert_int_eq(green_kill(g, green_in_ms(20)), -ETIMEDOUT); /* still alive */
    ck_assert_int_eq(green_kill(g, GREEN_NOWAIT), -EAGAIN);
    ck_assert(!green_done(g));
    gate_open(&o.gate);
    finish(g);
    ck_assert_int_eq(o.result, -ECANCELED); /* the first wait outside the shield */
}
END_TEST

static void *shield_twice(void *arg)
{
    ck_assert_int_eq(green_cancel(green_self()), 0);
    green_shield();
    green_shield();
    ck_assert_int_eq(green_sleep(1), 0);
    green_unshield();
    ck_assert(green_cancelled());
    ck_assert_int_eq(green_sleep(1), 0);
    green_unshield();
    ck_assert_int_eq(green_sleep(1), -ECANCELED);
    return NULL;
}

START_TEST(shields_nest)
{
    finish(spawn(shield_twice, NULL));
}
END_TEST

START_TEST(many_die_together)
{
    struct outcome o[20];
    green_t *g[20];
    for (int i = 0; i < 20; i++) {
        o[i] = (struct outcome){.result = 1};
        gate_init(&o[i].gate);
        g[i] = spawn(wait_at_gate, &o[i]);
        if (i == 9)
            yields(1); /* the first half waits, the second has not begun */
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(green_cancel(g[i]), 0);
    for (int i = 0; i < 20; i++) {
        finish(g[i]);
        ck_assert_int_eq(o[i].runs, i < 10);
        ck_assert_int_eq(o[i].result, i < 10 ? -ECANCELED : 1);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {cancelled_before_it_ran, 0},
        {killed_before_it_ran_wakes_who_joined, 0},
        {killed_while_waiting, 0},
        {cancel_returns_before_it_is_delivered, 0},
        {cancellation_is_sticky, 0},
        {killing_oneself_takes_effect_at_the_next_wait, 0},
        {a_ready_greenlet_keeps_what_it_was_woken_with, 0},
        {a_shield_holds_a_cancellation_back, 0},
        {shields_nest, 0},
        {many_die_together, 0},
    };
    return RUN_TESTS("cancel", tests);
}
