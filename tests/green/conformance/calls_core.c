/* Waiting for greenlets, for time, for anything that can be waited for. */
#include "generic.h"

/* --- a greenlet that waits at a gate ------------------------------------------------------------------------------ */

static struct outcome target;
static green_t *greenlet;

static void begin_target(void)
{
    gate_init(&target.gate);
    greenlet = spawn(wait_at_gate, &target);
    yields(1);
}

static void let_target(void)
{
    gate_open(&target.gate);
}

static void end_target(void)
{
    gate_open(&target.gate);
    finish(greenlet);
}

static void again_target(void)
{
    green_release(greenlet);
    begin_target();
}

static int wait_join(green_time deadline)
{
    return green_join(greenlet, deadline);
}

static int wait_get(green_time deadline)
{
    void *value;
    return green_get(greenlet, &value, deadline);
}

static int wait_joinall(green_time deadline)
{
    green_t *both[] = {greenlet, greenlet};
    return green_joinall(both, 2, 0, 0, deadline);
}

static int wait_join_any(green_time deadline)
{
    return green_join_any(&greenlet, 1, deadline);
}

static int wait_run(green_time deadline)
{
    return green_run(deadline);
}

/* One that is not impressed by being cancelled. */
static void *wait_shielded(void *arg)
{
    green_shield();
    wait_at_gate(arg);
    green_unshield();
    return NULL;
}

static void begin_shielded(void)
{
    gate_init(&target.gate);
    greenlet = spawn(wait_shielded, &target);
    yields(1);
}

static int wait_kill(green_time deadline)
{
    return green_kill(greenlet, deadline);
}

static int wait_killall(green_time deadline)
{
    return green_killall(&greenlet, 1, deadline);
}

/* --- waitables ---------------------------------------------------------------------------------------------------- */

static green_event_t event = GREEN_EVENT_INIT, other = GREEN_EVENT_INIT;
static green_waitable_t *const both_events[] = {&other.waitable, &event.waitable};

static void nothing_to_begin(void)
{
}

static void let_event(void)
{
    green_event_set(&event);
}

static void let_both(void)
{
    green_event_set(&event);
    green_event_set(&other);
}

static void again_events(void)
{
    green_event_clear(&event);
    green_event_clear(&other);
}

static void end_events(void)
{
    ck_assert_int_eq(green_event_destroy(&event), 0);
    ck_assert_int_eq(green_event_destroy(&other), 0);
    green_event_init(&event);
    green_event_init(&other);
}

static int wait_any(green_time deadline)
{
    return green_wait_any(both_events, 2, deadline);
}

static int wait_all(green_time deadline)
{
    return green_wait_all(both_events, 2, deadline);
}

static int wait_some(green_time deadline)
{
    return green_wait_some(both_events, 2, 1, NULL, NULL, deadline);
}

/* --- parking ------------------------------------------------------------------------------------------------------ */

static struct gate gate;

static void begin_gate(void)
{
    gate_init(&gate);
}

static void let_gate(void)
{
    gate_open(&gate);
}

static int wait_park(green_time deadline)
{
    return gate_wait(&gate, deadline);
}

static void end_gate(void)
{
    ck_assert(list_empty(&gate.waiters));
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static int wait_sleep(green_time deadline)
{
    return green_sleep(deadline - green_now());
}

static int wait_sleep_until(green_time deadline)
{
    return green_sleep_until(deadline);
}

static void nothing_to_end(void)
{
}

/* --- idling: somebody is busy ------------------------------------------------------------------------------------- */

static bool busy;
static green_t *worker;

static void *work(void *arg)
{
    (void)arg;
    while (busy)
        ck_assert_int_eq(green_yield(), 0);
    return NULL;
}

static void begin_busy(void)
{
    busy = true;
    worker = spawn(work, NULL);
    yields(1);
}

static void let_busy(void)
{
    busy = false;
}

static void end_busy(void)
{
    busy = false;
    finish(worker);
}

static void again_busy(void)
{
    end_busy();
    begin_busy();
}

static int wait_idle(green_time deadline)
{
    return green_idle(deadline);
}

#define TIME_HAS_NO_NOWAIT "a time that has passed is what it waits for: it lets others run and succeeds"

#define OF_TARGET(what)                                                                                      \
    {                                                                                                        \
        .name = "green_" #what, .flags = CALL_LAST, .begin = begin_target, .wait = wait_##what,              \
        .let = let_target, .end = end_target                                                                 \
    }
#define OF_SHIELDED(what)                                                                                    \
    {                                                                                                        \
        .name = "green_" #what, .flags = CALL_LAST, .begin = begin_shielded, .wait = wait_##what,            \
        .let = let_target, .end = end_target                                                                 \
    }
#define OF_EVENTS(what, how)                                                                                 \
    {                                                                                                        \
        .name = "green_" #what, .begin = nothing_to_begin, .wait = what, .let = how, .again = again_events,  \
        .end = end_events                                                                                    \
    }

static const struct call rows[] = {
    OF_TARGET(join),
    OF_TARGET(get),
    OF_TARGET(joinall),
    OF_TARGET(join_any),
    OF_SHIELDED(kill),
    OF_SHIELDED(killall),
    OF_EVENTS(wait_any, let_event),
    OF_EVENTS(wait_all, let_both),
    OF_EVENTS(wait_some, let_event),
    {.name = "green_run",
     .flags = CALL_MAIN,
     .begin = begin_target,
     .wait = wait_run,
     .let = let_target,
     .again = again_target,
     .end = end_target},
    {.name = "green_park", .begin = begin_gate, .wait = wait_park, .let = let_gate, .end = end_gate},
    {.name = "green_sleep",
     .flags = CALL_ELAPSES,
     .begin = nothing_to_begin,
     .wait = wait_sleep,
     .end = nothing_to_end,
     .not_for[1] = TIME_HAS_NO_NOWAIT},
    {.name = "green_sleep_until",
     .flags = CALL_ELAPSES,
     .begin = nothing_to_begin,
     .wait = wait_sleep_until,
     .end = nothing_to_end,
     .not_for[1] = TIME_HAS_NO_NOWAIT},
    {.name = "green_idle",
     .begin = begin_busy,
     .wait = wait_idle,
     .let = let_busy,
     .again = again_busy,
     .end = end_busy},
};

const struct calls calls_core = CALLS(rows);
