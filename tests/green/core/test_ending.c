/* How greenlets are brought to their ends: in every way and in every state; in which order; with nobody's handle; and
 * links that fail. */
#include "support.h"

static char told[32];

static void note(char letter)
{
    size_t length = strlen(told);
    ck_assert_uint_lt(length, sizeof told - 1);
    told[length] = letter;
}

/* --- every way, every state --------------------------------------------------------------------------------------- */

enum { NEW, SCHEDULED, READY, WAITING, STATES };
enum { CANCEL, KILL, KILL_ALL, WITH_REASON, WAYS };

struct counted {
    green_link_t link;
    int calls;
};

static void count_call(green_link_t *link)
{
    CONTAINER_OF(link, struct counted, link)->calls++;
}

static green_t *in_state(int state, struct outcome *o)
{
    green_t *g = state == SCHEDULED ? green_spawn_at(soon(), wait_at_gate, o) : spawn(wait_at_gate, o);
    ck_assert_ptr_nonnull(g);
    if (state >= READY)
        yields(1);
    if (state == READY)
        gate_open(&o->gate); /* woken, but it has not run */
    return g;
}

static void end_it(green_t *g, int way)
{
    switch (way) {
    case CANCEL:
        ck_assert_int_eq(green_cancel(g), 0);
        break;
    case KILL:
        ck_assert_int_eq(green_kill(g, soon()), 0);
        break;
    case KILL_ALL:
        ck_assert_int_eq(green_killall(&g, 1, soon()), 0);
        break;
    case WITH_REASON:
        ck_assert_int_eq(green_cancel_with(g, -EIO), 0);
        break;
    }
}

/* Cases 5, 6, 7, 8: what has not begun never runs, what waits is told, what was woken keeps what it got; the links are
 * called once in each case. */
START_TEST(in_every_way_and_state)
{
    int state = _i % STATES, way = _i / STATES;
    struct outcome o = {.result = 1};
    struct counted counted = {0};
    gate_init(&o.gate);
    green_t *g = in_state(state, &o);
    green_rawlink(green_waitable(g), &counted.link, count_call);
    end_it(g, way);
    ck_assert_int_eq(green_join(g, soon()), 0);
    yields(2);
    int reason = way == WITH_REASON ? -EIO : -ECANCELED;
    ck_assert_int_eq(o.runs, state >= READY);
    ck_assert_int_eq(o.result, state == WAITING ? reason : state == READY ? 0 : 1);
    ck_assert_int_eq(green_status(g), state >= READY ? 0 : reason);
    ck_assert_int_eq(counted.calls, 1);
    ck_assert(green_done(g));
    green_release(g);
}
END_TEST

/* --- order -------------------------------------------------------------------------------------------------------- */

static void *waits_for_long(void *arg)
{
    note('s');
    ck_assert_int_eq(gate_wait(arg, GREEN_FOREVER), -ECANCELED);
    note('c');
    return NULL;
}

static void *kills(void *arg)
{
    note('k');
    ck_assert_int_eq(green_kill(arg, soon()), 0);
    note('d');
    return NULL;
}

/* Case 14: it starts, the killer comes, it is told and ends, the killer goes on, and so does who joins it. */
START_TEST(the_killer_goes_on_after_the_end)
{
    struct gate gate;
    gate_init(&gate);
    green_t *g = spawn(waits_for_long, &gate), *killer = spawn(kills, g);
    finish(killer);
    note('j');
    ck_assert_str_eq(told, "skcdj");
    finish(g);
}
END_TEST

/* --- without handles, without anybody ----------------------------------------------------------------------------- */

/* Case 18: members of a group that nobody has a handle of, waiting and not begun. */
START_TEST(without_handles)
{
    struct outcome waiting = {.result = 1}, never = {.result = 1};
    green_group_t group = GREEN_GROUP_INIT;
    gate_init(&waiting.gate);
    gate_init(&never.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &waiting), 0);
    yields(1);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &never), 0);
    ck_assert_int_eq(green_group_kill(&group, soon()), 0);
    ck_assert_int_eq(waiting.result, -ECANCELED);
    ck_assert_int_eq(never.runs, 0);
    green_group_destroy(&group);
}
END_TEST

/* Case 19, and -EINVAL for what is no greenlet. */
START_TEST(of_nobody)
{
    green_t *none = NULL;
    uint64_t before = switches();
    ck_assert_int_eq(green_killall(NULL, 0, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_killall(&none, 0, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(green_killall(&none, 1, GREEN_FOREVER), -EINVAL);
}
END_TEST

/* --- links that fail ---------------------------------------------------------------------------------------------- */

static void fails(green_t *g, void *arg)
{
    (void)g;
    note(*(char *)arg);
    green_fail(-EBADMSG);
}

static void works(green_t *g, void *arg)
{
    (void)g;
    note(*(char *)arg);
}

static void *nothing(void *arg)
{
    return arg;
}

/* Case 22: the greenlet of a link that fails is its own affair. */
START_TEST(a_link_that_fails_stops_no_other)
{
    green_after_t links[3];
    green_t *g = spawn(nothing, NULL);
    green_link(g, &links[0], GREEN_ON_END, works, "a");
    green_link(g, &links[1], GREEN_ON_END, fails, "b");
    green_link(g, &links[2], GREEN_ON_END, works, "c");
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_str_eq(told, "abc");
    green_release(g);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {in_every_way_and_state, STATES * WAYS},
        {the_killer_goes_on_after_the_end, 0},
        {without_handles, 0},
        {of_nobody, 0},
        {a_link_that_fails_stops_no_other, 0},
    };
    return RUN_TESTS("ending", tests);
}
