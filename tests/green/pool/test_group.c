/* Groups and scopes. Cases 15 (whoever ignores its cancellation), 89 (joining) and 90 (members in all states). */
#include "support.h"

/* --- members -------------------------------------------------------------------------------------------- */

static void *nothing(void *arg)
{
    return arg;
}

static void *fail_with(void *arg)
{
    green_fail((int)(intptr_t)arg);
}

static void *count_run(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

static void *wait_shielded(void *arg)
{
    green_shield();
    wait_at_gate(arg);
    green_unshield();
    return NULL;
}

static void add_to_sum(green_t *g, void *arg)
{
    *(uint64_t *)arg += green_id(g);
}

/* --- coming, going, joining ----------------------------------------------------------------------------- */

START_TEST(spawn_join_len)
{
    green_group_t group = GREEN_GROUP_INIT;
    int runs = 0;
    green_t *g;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0);
    ck_assert_int_eq(green_group_spawn_ex(&group, &g, &(green_attr_t){.name = "one"}, count_run, &runs), 0);
    ck_assert_int_eq(green_group_spawn(&group, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_group_len(&group), 6);
    ck_assert(green_group_contains(&group, g));
    ck_assert_str_eq(green_name(g), "one");
    ck_assert(!green_ready(&group.waitable));

    ck_assert_int_eq(green_group_join(&group, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_group_join(&group, soon()), 0);
    ck_assert_int_eq(runs, 6);
    ck_assert_int_eq(green_group_len(&group), 0);
    ck_assert(!green_group_contains(&group, g));
    ck_assert(green_ready(&group.waitable));
    green_release(g);

    uint64_t before = switches();
    ck_assert_int_eq(green_group_join(&group, GREEN_NOWAIT), 0); /* empty: at once */
    ck_assert_int_eq(green_group_kill(&group, GREEN_NOWAIT), 0);
    ck_assert_int_eq(switches(), before);
    green_group_destroy(&group);
}
END_TEST

START_TEST(add_discard_each)
{
    green_group_t one, two = GREEN_GROUP_INIT;
    green_group_init(&one, 0);
    struct outcome o[3] = {0};
    green_t *g[3], *done = spawn(nothing, NULL);
    uint64_t sum = 0, expected = 0;
    ck_assert_int_eq(green_join(done, soon()), 0);
    for (int i = 0; i < 3; i++) {
        gate_init(&o[i].gate);
        g[i] = spawn(wait_at_gate, &o[i]);
        expected += green_id(g[i]);
        ck_assert_int_eq(green_group_add(&one, g[i]), 0);
        ck_assert_int_eq(green_group_add(&one, g[i]), 0); /* it is one already */
        ck_assert_int_eq(green_group_add(&two, g[i]), -EBUSY);
    }
    ck_assert_int_eq(green_group_add(&one, done), 0);
    ck_assert_int_eq(green_group_len(&one), 3);
    green_group_each(&one, add_to_sum, &sum);
    ck_assert_uint_eq(sum, expected);

    ck_assert(green_group_discard(&one, g[1]));
    ck_assert(!green_group_discard(&one, g[1]));
    ck_assert_int_eq(green_group_add(&two, g[1]), 0);
    ck_assert_int_eq(green_group_kill(&one, soon()), 0);
    ck_assert(green_done(g[0]) && !green_done(g[1]) && green_done(g[2]));
    gate_open(&o[1].gate);
    ck_assert_int_eq(green_group_join(&two, soon()), 0);
    ck_assert_int_eq(o[1].result, 0);
    for (int i = 0; i < 3; i++)
        green_release(g[i]);
    green_release(done);
}
END_TEST

struct relay {
    green_group_t *group;
    int left, ran;
};

static void *spawn_the_next(void *arg)
{
    struct relay *relay = arg;
    relay->ran++;
    if (relay->left--)
        ck_assert_int_eq(green_group_spawn(relay->group, spawn_the_next, relay), 0);
    return NULL;
}

/* Case 89: those who come while it is joined are waited for too. */
START_TEST(join_covers_late_members)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct relay relay = {.group = &group, .left = 4};
    ck_assert_int_eq(green_group_spawn(&group, spawn_the_next, &relay), 0);
    ck_assert_int_eq(green_group_join(&group, soon()), 0);
    ck_assert_int_eq(relay.ran, 5);
}
END_TEST

static void *join_it(void *arg)
{
    return (void *)(intptr_t)green_group_join(arg, soon());
}

START_TEST(timeouts_and_cancellation_of_who_joins)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &o), 0);
    ck_assert_int_eq(green_group_join(&group, green_in_ms(1)), -ETIMEDOUT);

    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(1));
    ck_assert_int_eq(green_group_join(&group, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);

    green_t *first = spawn(join_it, &group), *second = spawn(join_it, &group);
    yields(1);
    ck_assert_int_eq(green_kill(first, soon()), 0);
    gate_open(&o.gate);
    void *out;
    ck_assert_int_eq(green_get(second, &out, soon()), 0);
    ck_assert_int_eq((intptr_t)out, 0);
    ck_assert_int_eq(green_get(first, &out, soon()), 0);
    ck_assert_int_eq((intptr_t)out, -ECANCELED);
    green_release(first);
    green_release(second);
}
END_TEST

START_TEST(waited_for_with_other_things)
{
    green_group_t one = GREEN_GROUP_INIT, two = GREEN_GROUP_INIT;
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&one, wait_at_gate, &o), 0);
    ck_assert_int_eq(green_group_spawn(&two, nothing, NULL), 0);
    green_waitable_t *both[] = {&one.waitable, &two.waitable};
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    gate_open(&o.gate);
    ck_assert_int_eq(green_wait_all(both, 2, soon()), 0);
}
END_TEST

/* --- cancelling, killing: case 90 ----------------------------------------------------------------------- */

START_TEST(kill_members_in_all_states)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct outcome waiting = {0}, shielded = {0};
    int runs = 0;
    green_t *g[5];
    gate_init(&waiting.gate);
    gate_init(&shielded.gate);
    ck_assert_int_eq(green_group_spawn_ex(&group, &g[0], NULL, wait_at_gate, &waiting), 0);
    ck_assert_int_eq(green_group_spawn_ex(&group, &g[1], NULL, wait_shielded, &shielded), 0);
    ck_assert_int_eq(green_group_spawn(&group, nothing, NULL), 0);
    yields(1);
    ck_assert_int_eq(green_group_len(&group), 2);
    green_attr_t later = {.start = green_in_ms(60000)}, large = {.stack_size = 256 * 1024};
    ck_assert_int_eq(green_group_spawn_ex(&group, &g[2], NULL, count_run, &runs), 0); /* not started */
    ck_assert_int_eq(green_group_spawn_ex(&group, &g[3], &later, count_run, &runs), 0);
    ck_assert_int_eq(green_group_spawn_ex(&group, &g[4], &large, count_run, &runs), 0);
    gate_open(&shielded.gate); /* ready, but has not run */

    ck_assert_int_eq(green_group_kill(&group, soon()), 0);
    ck_assert_int_eq(green_group_len(&group), 0);
    ck_assert_int_eq(waiting.result, -ECANCELED);
    ck_assert_int_eq(shielded.result, 0);
    ck_assert_int_eq(runs, 0);
    for (int i = 0; i < 5; i++) {
        ck_assert(green_done(g[i]));
        green_release(g[i]);
    }
}
END_TEST

START_TEST(who_ignores_its_cancellation)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_shielded, &o), 0);
    yields(1);
    ck_assert_int_eq(green_group_kill(&group, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_group_kill(&group, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_group_len(&group), 1);
    gate_open(&o.gate);
    ck_assert_int_eq(green_group_kill(&group, soon()), 0);
    ck_assert(o.finished);
}
END_TEST

START_TEST(kill_covers_those_who_come_meanwhile)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct relay relay = {.group = &group, .left = 1000000};
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_shielded, &o), 0);
    ck_assert_int_eq(green_group_spawn(&group, spawn_the_next, &relay), 0);
    yields(1);
    gate_open(&o.gate);
    ck_assert_int_eq(green_group_kill(&group, soon()), 0);
    ck_assert_int_le(relay.ran, 3);
    int runs = 0;
    ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0); /* it can be used again */
    ck_assert_int_eq(green_group_join(&group, soon()), 0);
    ck_assert_int_eq(runs, 1);
}
END_TEST

static void *from_within(void *arg)
{
    green_group_t *group = arg;
    ck_assert_int_eq(green_group_join(group, soon()), -EDEADLK);
    ck_assert_int_eq(green_group_kill(group, soon()), -EDEADLK);
    ck_assert_int_eq(green_group_len(group), 2);
    green_group_destroy(group); /* the others, that is */
    ck_assert_int_eq(green_group_len(group), 0);
    ck_assert(!green_cancelled());
    return NULL;
}

START_TEST(a_member_and_its_own_group)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &o), 0);
    green_t *g;
    ck_assert_int_eq(green_group_spawn_ex(&group, &g, NULL, from_within, &group), 0);
    finish(g);
    ck_assert_int_eq(o.result, -ECANCELED);
}
END_TEST

static void *use_elsewhere(void *arg)
{
    green_group_t *group = arg;
    ck_assert_int_eq(green_group_spawn(group, nothing, NULL), -EXDEV);
    ck_assert_int_eq(green_group_join(group, soon()), -EXDEV);
    ck_assert_int_eq(green_group_cancel(group), -EXDEV);
    ck_assert_int_eq(green_group_kill(group, soon()), -EXDEV);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(another_threads_group)
{
    green_group_t group = GREEN_GROUP_INIT;
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &o), 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_elsewhere, &group), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(green_group_kill(&group, soon()), 0);
}
END_TEST

/* --- failing fast --------------------------------------------------------------------------------------- */

/* Case 31. */
START_TEST(the_first_failure_ends_the_others)
{
    green_group_t group = GREEN_GROUP_INIT_FLAGS(GREEN_FAIL_FAST);
    struct outcome o = {0};
    int runs = 0;
    gate_init(&o.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &o), 0);
    ck_assert_int_eq(green_group_spawn(&group, fail_with, (void *)-EIO), 0);
    ck_assert_int_eq(green_group_spawn(&group, fail_with, (void *)-ENOSPC), 0); /* never starts */
    ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0);
    ck_assert_int_eq(green_group_join(&group, soon()), -EIO);
    ck_assert_int_eq(o.result, -ECANCELED);
    ck_assert_int_eq(runs, 0);
    ck_assert_int_eq(green_group_join(&group, soon()), 0); /* told once */
    ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0);
    ck_assert_int_eq(green_group_join(&group, soon()), 0);
    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(nobody_joined_yet)
{
    green_group_t group = GREEN_GROUP_INIT_FLAGS(GREEN_FAIL_FAST);
    int runs = 0;
    ck_assert_int_eq(green_group_spawn(&group, fail_with, (void *)-EIO), 0);
    yields(2);
    ck_assert_int_eq(green_group_len(&group), 0);
    ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0); /* in vain: the group has failed */
    yields(2);
    ck_assert_int_eq(runs, 0);
    ck_assert_int_eq(green_group_join(&group, soon()), -EIO);
}
END_TEST

START_TEST(being_cancelled_is_no_failure)
{
    green_group_t group = GREEN_GROUP_INIT_FLAGS(GREEN_FAIL_FAST), patient = GREEN_GROUP_INIT;
    int runs = 0;
    green_t *g;
    ck_assert_int_eq(green_group_spawn_ex(&group, &g, NULL, nothing, NULL), 0);
    ck_assert_int_eq(green_group_spawn(&group, count_run, &runs), 0);
    ck_assert_int_eq(green_cancel_with(g, -ENOLINK), 0);
    ck_assert_int_eq(green_status(g), -ENOLINK);
    green_release(g);
    ck_assert_int_eq(green_group_join(&group, soon()), 0);
    ck_assert_int_eq(runs, 1);

    ck_assert_int_eq(green_group_spawn(&patient, fail_with, (void *)-EIO),
                     0); /* without the flag nobody minds */
    ck_assert_int_eq(green_group_spawn(&patient, count_run, &runs), 0);
    ck_assert_int_eq(green_group_join(&patient, soon()), 0);
    ck_assert_int_eq(runs, 2);
}
END_TEST

/* --- scopes --------------------------------------------------------------------------------------------- */

enum leaving { END, RETURN, BREAK, EXIT, FAIL, CANCELLED, LEAVINGS };

struct leave {
    enum leaving how;
    struct outcome member[2];
    int joined;
};

static void *leave_scope(void *arg)
{
    struct leave *l = arg;
    for (int i = 0; i < 2; i++) {
        GREEN_SCOPE(scope, 0);
        gate_init(&l->member[i].gate);
        ck_assert_int_eq(green_group_spawn(scope, i ? wait_shielded : wait_at_gate, &l->member[i]), 0);
        yields(1);
        if (i == 0)
            continue;
        gate_open(&l->member[i].gate);
        switch (l->how) {
        case RETURN:
            return NULL;
        case EXIT:
            green_exit(NULL);
        case FAIL:
            green_fail(-EIO);
        case CANCELLED:
            green_cancel(green_self());
            l->joined = green_group_join(scope, soon());
            break;
        default:
            break;
        }
        if (l->how == BREAK)
            break;
    }
    return NULL;
}

/* Case 31. */
START_TEST(nobody_outlives_a_scope)
{
    struct leave l = {.how = (enum leaving)_i};
    green_t *g = spawn(leave_scope, &l);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert(l.member[0].finished && l.member[1].finished);
    ck_assert_int_eq(l.member[0].result, -ECANCELED);
    ck_assert_int_eq(l.member[1].result, 0);
    ck_assert_int_eq(green_status(g), _i == FAIL ? -EIO : 0);
    ck_assert_int_eq(l.joined, _i == CANCELLED ? -ECANCELED : 0);
    green_release(g);
}
END_TEST

START_TEST(nested_scopes)
{
    struct outcome outer_member = {0}, inner_member = {0};
    gate_init(&outer_member.gate);
    gate_init(&inner_member.gate);
    GREEN_SCOPE(outer, GREEN_FAIL_FAST);
    ck_assert_int_eq(green_group_spawn(outer, wait_at_gate, &outer_member), 0);
    {
        GREEN_SCOPE(inner, 0);
        ck_assert_int_eq(green_group_spawn(inner, wait_at_gate, &inner_member), 0);
        yields(1);
    }
    ck_assert_int_eq(inner_member.result, -ECANCELED);
    ck_assert(!outer_member.finished);
    ck_assert_int_eq(green_group_spawn(outer, fail_with, (void *)-EIO), 0);
    ck_assert_int_eq(green_group_join(outer, soon()), -EIO);
    ck_assert(outer_member.finished);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {spawn_join_len, 0},
        {add_discard_each, 0},
        {join_covers_late_members, 0},
        {timeouts_and_cancellation_of_who_joins, 0},
        {waited_for_with_other_things, 0},
        {kill_members_in_all_states, 0},
        {who_ignores_its_cancellation, 0},
        {kill_covers_those_who_come_meanwhile, 0},
        {a_member_and_its_own_group, 0},
        {another_threads_group, 0},
        {the_first_failure_ends_the_others, 0},
        {nobody_joined_yet, 0},
        {being_cancelled_is_no_failure, 0},
        {nobody_outlives_a_scope, LEAVINGS},
        {nested_scopes, 0},
    };
    return RUN_TESTS("group", tests);
}
