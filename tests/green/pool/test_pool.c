/* Pools: cases 83 (waiting for a slot), 84 (not waiting), 85 (discarding) and 86 (applying from within). */
#include "support.h"

/* --- members, and who wants to be one ------------------------------------------------------------------- */

static void *nothing(void *arg)
{
    return arg;
}

static void *count_run(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

struct spawner {
    green_pool_t *pool;
    green_fn fn;
    void *arg;
    int result;
    green_time deadline;
};

static void *spawn_into(void *arg)
{
    struct spawner *s = arg;
    s->result = green_pool_spawn(s->pool, s->fn, s->arg, s->deadline);
    return NULL;
}

static void fill_pool(green_pool_t *pool, struct outcome *o, int count)
{
    for (int i = 0; i < count; i++) {
        o[i] = (struct outcome){0};
        gate_init(&o[i].gate);
        ck_assert_int_eq(green_pool_spawn(pool, wait_at_gate, &o[i], GREEN_NOWAIT), 0);
    }
    ck_assert_int_eq(green_pool_free(pool), 0);
    yields(1);
}

/* --- slots ---------------------------------------------------------------------------------------------- */

START_TEST(spawning_waits_for_a_slot)
{
    green_pool_t pool = GREEN_POOL_INIT(2);
    struct outcome o[2];
    int runs = 0;
    ck_assert_int_eq(green_pool_free(&pool), 2);
    fill_pool(&pool, o, 2);
    struct spawner s[2];
    green_t *g[2];
    for (int i = 0; i < 2; i++) {
        s[i] =
            (struct spawner){.pool = &pool, .fn = count_run, .arg = &runs, .result = 1, .deadline = soon()};
        g[i] = spawn(spawn_into, &s[i]);
    }
    yields(3);
    ck_assert_int_eq(s[0].result, 1);
    gate_open(&o[1].gate);
    finish(g[0]);
    ck_assert_int_eq(s[0].result, 0);
    finish(g[1]); /* the first one's member ends by itself */
    gate_open(&o[0].gate);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 2);
    ck_assert_int_eq(green_pool_free(&pool), 2);
    green_pool_destroy(&pool);
}
END_TEST

START_TEST(a_full_pool_and_no_patience)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct outcome o;
    int runs = 0;
    fill_pool(&pool, &o, 1);
    green_t *g = spawn(count_run, &runs);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_pool_add(&pool, g, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_pool_apply(&pool, count_run, &runs, NULL, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_pool_wait(&pool, green_in_ms(1)), -ETIMEDOUT);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(1));
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    finish(g);
    ck_assert_int_eq(runs, 1);
    gate_open(&o.gate);
    ck_assert_int_eq(green_pool_wait(&pool, soon()), 1);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 2);
}
END_TEST

START_TEST(size_zero_always_waits)
{
    green_pool_t pool;
    green_pool_init(&pool, 0);
    int runs = 0;
    ck_assert_int_eq(green_pool_free(&pool), 0);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, green_in_ms(1)), -ETIMEDOUT);
    struct spawner s = {.pool = &pool, .fn = count_run, .arg = &runs, .result = 1, .deadline = soon()};
    green_t *g = spawn(spawn_into, &s);
    yields(2);
    ck_assert_int_eq(s.result, 1);
    green_pool_resize(&pool, 1);
    finish(g);
    ck_assert_int_eq(s.result, 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 1);

    green_pool_resize(&pool, GREEN_POOL_UNLIMITED);
    ck_assert_int_eq(green_pool_free(&pool), INT_MAX);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 1001);
}
END_TEST

START_TEST(a_discarded_member_lives_on)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct outcome o = {0};
    gate_init(&o.gate);
    green_t *g;
    int runs = 0;
    ck_assert_int_eq(green_pool_spawn_ex(&pool, &g, NULL, wait_at_gate, &o, GREEN_NOWAIT), 0);
    struct spawner s = {.pool = &pool, .fn = count_run, .arg = &runs, .result = 1, .deadline = soon()};
    green_t *waiting = spawn(spawn_into, &s);
    yields(2);
    ck_assert(green_group_discard(&pool.group, g));
    finish(waiting);
    ck_assert_int_eq(s.result, 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 1);
    ck_assert(!green_done(g));
    gate_open(&o.gate);
    finish(g);
    ck_assert_int_eq(green_pool_free(&pool), 1); /* not given back twice */
}
END_TEST

START_TEST(adding)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct outcome o;
    green_group_t other = GREEN_GROUP_INIT;
    fill_pool(&pool, &o, 1);
    green_t *g = spawn(nothing, NULL), *taken = spawn(nothing, NULL);
    ck_assert_int_eq(green_group_add(&other, taken), 0);
    gate_open(&o.gate);
    ck_assert_int_eq(green_pool_add(&pool, g, soon()), 0); /* it ended while it waited for its slot */
    ck_assert_int_eq(green_pool_free(&pool), 1);
    green_release(g);
    green_release(taken);

    g = spawn(wait_at_gate, &o);
    taken = spawn(nothing, NULL);
    ck_assert_int_eq(green_group_add(&other, taken), 0);
    ck_assert_int_eq(green_pool_add(&pool, taken, soon()), -EBUSY);
    ck_assert_int_eq(green_pool_free(&pool), 1);
    ck_assert_int_eq(green_pool_add(&pool, g, soon()), 0);
    ck_assert_int_eq(green_pool_add(&pool, g, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_pool_free(&pool), 0);
    ck_assert_int_eq(green_group_spawn(&pool.group, nothing, NULL), -EINVAL); /* past the bound */
    ck_assert_int_eq(green_group_add(&pool.group, taken), -EINVAL);
    ck_assert_int_eq(green_pool_spawn(&pool, NULL, NULL, soon()), -EINVAL);
    ck_assert_int_eq(green_group_kill(&pool.group, soon()), 0);
    ck_assert_int_eq(green_group_join(&other, soon()), 0);
    green_release(g);
    green_release(taken);
}
END_TEST

/* A slot that its receiver cannot use any more goes to the next; one already granted is used. */
START_TEST(no_slot_is_lost)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct outcome o;
    int runs = 0;
    fill_pool(&pool, &o, 1);
    struct spawner s[4];
    green_t *g[4];
    for (int i = 0; i < 4; i++) {
        s[i] =
            (struct spawner){.pool = &pool, .fn = count_run, .arg = &runs, .result = 1, .deadline = soon()};
        if (i == 1)
            s[i].deadline = green_in_ms(1);
        g[i] = spawn(spawn_into, &s[i]);
    }
    yields(1);
    green_cancel(g[0]);
    finish(g[1]);
    ck_assert_int_eq(s[0].result, -ECANCELED);
    ck_assert_int_eq(s[1].result, -ETIMEDOUT);
    ck_assert_int_eq(green_group_cancel(&pool.group), 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(s[2].result, 1); /* granted, but it has not run */
    green_cancel(g[2]);
    ck_assert_int_eq(green_pool_free(&pool), 0);
    finish(g[2]);
    ck_assert_int_eq(s[2].result, 0);
    finish(g[3]);
    ck_assert_int_eq(s[3].result, 0);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 2);
    ck_assert_int_eq(green_pool_free(&pool), 1);
    finish(g[0]);
}
END_TEST

START_TEST(no_memory_for_a_member)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    green_attr_t absurd = {.stack_size = SIZE_MAX};
    green_t *g = NULL;
    ck_assert_int_eq(green_pool_spawn_ex(&pool, &g, &absurd, nothing, NULL, soon()), -EINVAL);
    ck_assert_ptr_null(g);
    ck_assert_int_eq(green_pool_free(&pool), 1);
    green_attr_t large = {.stack_size = 256 * 1024, .name = "large"};
    ck_assert_int_eq(green_pool_spawn_ex(&pool, &g, &large, nothing, &pool, soon()), 0);
    void *out;
    ck_assert_str_eq(green_name(g), "large");
    ck_assert_int_eq(green_get(g, &out, soon()), 0);
    ck_assert_ptr_eq(out, &pool);
    green_release(g);
}
END_TEST

START_TEST(resized_while_in_use)
{
    green_pool_t pool = GREEN_POOL_INIT(3);
    struct outcome o[3];
    int runs = 0;
    fill_pool(&pool, o, 3);
    green_pool_resize(&pool, 1);
    gate_open(&o[0].gate);
    gate_open(&o[1].gate);
    yields(2);
    ck_assert_int_eq(green_group_len(&pool.group), 1);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), -EAGAIN);
    green_pool_resize(&pool, 2);
    ck_assert_int_eq(green_pool_spawn(&pool, count_run, &runs, GREEN_NOWAIT), 0);
    gate_open(&o[2].gate);
    ck_assert_int_eq(green_group_join(&pool.group, soon()), 0);
    ck_assert_int_eq(runs, 1);
}
END_TEST

START_TEST(a_free_slot_among_other_things)
{
    green_pool_t full = GREEN_POOL_INIT(1), other = GREEN_POOL_INIT(1);
    struct outcome a, b;
    fill_pool(&full, &a, 1);
    fill_pool(&other, &b, 1);
    green_waitable_t *both[] = {&full.waitable, &other.waitable};
    ck_assert_int_eq(green_wait_any(both, 2, green_in_ms(1)), -ETIMEDOUT);
    gate_open(&b.gate);
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    ck_assert_int_eq(green_pool_wait(&other, GREEN_NOWAIT), 1);
    gate_open(&a.gate);
    ck_assert_int_eq(green_wait_all(both, 2, soon()), 0);
}
END_TEST

/* --- apply: case 86 ------------------------------------------------------------------------------------- */

static void *fail_with(void *arg)
{
    green_fail((int)(intptr_t)arg);
}

struct nesting {
    green_pool_t *pool;
    int depth, status;
};

static void *apply_within(void *arg)
{
    struct nesting *n = arg;
    void *out = NULL;
    if (n->depth-- == 0)
        return n;
    n->status = green_pool_apply(n->pool, apply_within, n, &out, soon());
    return out;
}

START_TEST(applied_by_a_member)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct nesting n = {.pool = &pool, .depth = 4, .status = 1};
    void *out = NULL;
    ck_assert_int_eq(green_pool_apply(&pool, apply_within, &n, &out, soon()), 0);
    ck_assert_int_eq(n.status, 0);
    ck_assert_ptr_eq(out, &n);
    ck_assert_int_eq(green_pool_apply(&pool, fail_with, (void *)-EIO, &out, soon()), -EIO);
    ck_assert_int_eq(green_pool_apply(&pool, NULL, NULL, NULL, soon()), -EINVAL);
    ck_assert_int_eq(green_pool_free(&pool), 1);
}
END_TEST

struct application {
    green_pool_t *pool;
    struct outcome o;
    int status;
};

static void *apply_outcome(void *arg)
{
    struct application *a = arg;
    a->status = green_pool_apply(a->pool, wait_at_gate, &a->o, NULL, soon());
    return NULL;
}

/* What it works on may be on the caller's stack: it has ended when the call returns. */
START_TEST(an_application_given_up)
{
    green_pool_t pool = GREEN_POOL_INIT(1);
    struct outcome o = {0};
    gate_init(&o.gate);
    ck_assert_int_eq(green_pool_apply(&pool, wait_at_gate, &o, NULL, green_in_ms(1)), -ETIMEDOUT);
    ck_assert(o.finished);
    ck_assert_int_eq(o.result, -ECANCELED);

    struct application a = {.pool = &pool, .status = 1};
    gate_init(&a.o.gate);
    green_t *g = spawn(apply_outcome, &a);
    yields(2);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(a.status, -ECANCELED);
    ck_assert_int_eq(a.o.result, -ECANCELED);
    green_release(g);
}
END_TEST

/* --- the end of a pool ---------------------------------------------------------------------------------- */

START_TEST(destroyed_while_others_want_in)
{
    green_pool_t pool = GREEN_POOL_INIT(2);
    struct outcome o[2];
    int runs = 0;
    green_t *member[2];
    for (int i = 0; i < 2; i++) {
        o[i] = (struct outcome){0};
        gate_init(&o[i].gate);
        ck_assert_int_eq(green_pool_spawn_ex(&pool, &member[i], NULL, wait_at_gate, &o[i], soon()), 0);
    }
    struct spawner s[2];
    green_t *g[2];
    for (int i = 0; i < 2; i++) {
        s[i] =
            (struct spawner){.pool = &pool, .fn = count_run, .arg = &runs, .result = 1, .deadline = soon()};
        g[i] = spawn(spawn_into, &s[i]);
    }
    yields(1);
    ck_assert(green_group_discard(&pool.group, member[0]));
    green_pool_destroy(&pool);                        /* one of them has been granted a slot, and not run */
    memset(&pool.waiters, 0xff, sizeof pool.waiters); /* nobody looks into it any more */
    finish(g[0]);
    finish(g[1]);
    ck_assert_int_eq(s[0].result, -EPIPE);
    ck_assert_int_eq(s[1].result, -EPIPE);
    ck_assert_int_eq(runs, 0);
    ck_assert_int_eq(green_pool_spawn(&pool, nothing, NULL, soon()), -EPIPE);
    ck_assert(!o[0].finished && o[1].finished);
    gate_open(&o[0].gate);
    finish(member[0]);
    finish(member[1]);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {spawning_waits_for_a_slot, 0},
        {a_full_pool_and_no_patience, 0},
        {size_zero_always_waits, 0},
        {a_discarded_member_lives_on, 0},
        {adding, 0},
        {no_slot_is_lost, 0},
        {no_memory_for_a_member, 0},
        {resized_while_in_use, 0},
        {a_free_slot_among_other_things, 0},
        {applied_by_a_member, 0},
        {an_application_given_up, 0},
        {destroyed_while_others_want_in, 0},
    };
    return RUN_TESTS("pool", tests);
}
