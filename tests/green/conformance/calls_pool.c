/* Groups and pools of greenlets. Members wait at a gate. */
#include "generic.h"

static struct outcome member;

/* --- groups ------------------------------------------------------------------------------------------------------- */

static green_group_t group = GREEN_GROUP_INIT;

static void begin_group(void)
{
    gate_init(&member.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_at_gate, &member), 0);
    yields(1);
}

static void *wait_shielded(void *arg)
{
    green_shield();
    wait_at_gate(arg);
    green_unshield();
    return NULL;
}

static void begin_shielded(void)
{
    gate_init(&member.gate);
    ck_assert_int_eq(green_group_spawn(&group, wait_shielded, &member), 0);
    yields(1);
}

static int wait_join(green_time deadline)
{
    return green_group_join(&group, deadline);
}

static int wait_kill(green_time deadline)
{
    return green_group_kill(&group, deadline);
}

static void let_member(void)
{
    gate_open(&member.gate);
}

static void end_group(void)
{
    gate_open(&member.gate);
    green_group_destroy(&group);
    ck_assert_uint_eq(green_group_len(&group), 0);
}

/* --- pools with room for one, which is there ---------------------------------------------------------------------- */

static green_pool_t pool = GREEN_POOL_INIT(1);

static void again_pool(void)
{
    if (green_pool_free(&pool))
        ck_assert_int_eq(green_pool_spawn(&pool, wait_at_gate, &member, GREEN_NOWAIT), 0);
    yields(1);
}

static void begin_pool(void)
{
    green_pool_init(&pool, 1);
    gate_init(&member.gate);
    again_pool();
}

static int wait_spawn(green_time deadline)
{
    return green_pool_spawn(&pool, wait_at_gate, &member, deadline);
}

static int wait_spawn_ex(green_time deadline)
{
    green_t *g = NULL;
    int r = green_pool_spawn_ex(&pool, &g, NULL, wait_at_gate, &member, deadline);
    ck_assert((r == 0) == (g != NULL));
    green_release(g);
    return r;
}

static int wait_add(green_time deadline)
{
    green_t *g = spawn(wait_at_gate, &member);
    int r = green_pool_add(&pool, g, deadline);
    if (r < 0)
        green_cancel(g);
    green_release(g);
    return r;
}

static void *answer(void *arg)
{
    return arg;
}

static int wait_apply(green_time deadline)
{
    void *out = NULL;
    int r = green_pool_apply(&pool, answer, &member, &out, deadline);
    ck_assert_ptr_eq(out, r == 0 ? &member : NULL);
    return r;
}

static int wait_pool(green_time deadline)
{
    return green_pool_wait(&pool, deadline);
}

/* Plenty of room, but what is applied takes its time. */
static void begin_wide_pool(void)
{
    green_pool_init(&pool, 10);
    gate_init(&member.gate);
}

static int wait_apply_running(green_time deadline)
{
    return green_pool_apply(&pool, wait_at_gate, &member, NULL, deadline);
}

static void end_pool(void)
{
    gate_open(&member.gate);
    green_pool_destroy(&pool);
    ck_assert_uint_eq(green_group_len(&pool.group), 0);
}

/* --- maps --------------------------------------------------------------------------------------------------------- */

static green_map_t *map;

static int endless(void *arg, void **item)
{
    *item = arg;
    return 1;
}

static void begin_gate(void)
{
    gate_init(&member.gate);
}

static void begin_map(void)
{
    begin_gate();
    ck_assert_int_eq(
        green_map_start_from(&map, &(green_map_attr_t){.concurrency = 3}, wait_at_gate, endless, &member), 0);
    yields(3);
}

static int wait_map_next(green_time deadline)
{
    green_mapped_t mapped;
    return green_map_next(map, &mapped, deadline);
}

static void end_map(void)
{
    green_map_close(map);
}

static int wait_map(green_time deadline)
{
    void *items[] = {&member}, *results[1];
    return green_map(NULL, wait_at_gate, items, results, NULL, 1, deadline);
}

static int pass_gate(void *arg, size_t index)
{
    (void)index;
    return gate_wait(arg, GREEN_FOREVER);
}

static int wait_parallel_for(green_time deadline)
{
    return green_parallel_for(1, 1, pass_gate, &member.gate, deadline);
}

static void end_gate(void)
{
    ck_assert(list_empty(&member.gate.waiters));
}

#define ROW(call, start, what, repeat, finally)                                                              \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = let_member, .again = repeat, .end = finally       \
    }

static const struct call rows[] = {
    ROW("green_group_join", begin_group, wait_join, begin_group, end_group),
    ROW("green_group_kill", begin_shielded, wait_kill, begin_shielded, end_group),
    ROW("green_pool_spawn", begin_pool, wait_spawn, NULL, end_pool),
    ROW("green_pool_spawn_ex", begin_pool, wait_spawn_ex, NULL, end_pool),
    ROW("green_pool_add", begin_pool, wait_add, NULL, end_pool),
    ROW("green_pool_apply", begin_pool, wait_apply, again_pool, end_pool),
    {.name = "green_pool_apply, running",
     .flags = CALL_OWN,
     .begin = begin_wide_pool,
     .wait = wait_apply_running,
     .let = let_member,
     .end = end_pool},
    ROW("green_pool_wait", begin_pool, wait_pool, again_pool, end_pool),
    ROW("green_map_next", begin_map, wait_map_next, NULL, end_map),
    {.name = "green_map",
     .flags = CALL_OWN,
     .begin = begin_gate,
     .wait = wait_map,
     .let = let_member,
     .again = begin_gate,
     .mend = begin_gate,
     .end = end_gate},
    {.name = "green_parallel_for",
     .flags = CALL_OWN,
     .begin = begin_gate,
     .wait = wait_parallel_for,
     .let = let_member,
     .again = begin_gate,
     .mend = begin_gate,
     .end = end_gate},
};

const struct calls calls_pool = CALLS(rows);
