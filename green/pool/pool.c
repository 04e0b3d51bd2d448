/* Pools: groups with a bound. A slot that becomes free is granted to the first who waits, and is his until he uses it. */
#include "../core/waiter.h"
#include "member.h"

static size_t free_slots(const green_pool_t *pool)
{
    size_t taken = pool->group.count + pool->granted;
    return taken < pool->size ? pool->size - taken : 0;
}

bool green__pool_ready(const green_waitable_t *w)
{
    return free_slots(CONTAINER_OF(w, green_pool_t, waitable)) > 0;
}

static void offer(green_pool_t *pool)
{
    while (free_slots(pool) && green__wake_first(&pool->waiters, 0))
        pool->granted++;
    if (free_slots(pool))
        green__notify(&pool->waitable);
}

void green__pool_left(green_group_t *group)
{
    offer(CONTAINER_OF(group, green_pool_t, group));
}

void green_pool_init(green_pool_t *pool, size_t most)
{
    *pool = (green_pool_t)GREEN_POOL_INIT(most);
}

void green_pool_destroy(green_pool_t *pool)
{
    if (pool->closed)
        return;
    pool->closed = true;
    green__wake_all(&pool->waiters, -EPIPE);
    green_group_destroy(&pool->group);
    green_shield();
    while (pool->granted && green_yield() == 0) /* they will look into the pool once more */
        ;
    green_unshield();
}

/* A slot for the caller to use before anybody else runs: one that is free, or one that is granted. */
static int take_slot(green_pool_t *pool, green_time deadline)
{
    if (pool->closed)
        return -EPIPE;
    if (free_slots(pool))
        return 0;
    struct waiter me;
    int r = green__wait_in(&pool->waiters, &me, "a slot of a pool", pool, deadline);
    if (r < 0)
        return r;
    pool->granted--;
    return pool->closed ? -EPIPE : 0;
}

/* The slot may not have been used after all. */
static int used(green_pool_t *pool, int r)
{
    offer(pool);
    return r;
}

int green_pool_spawn_ex(green_pool_t *pool, green_t **out, const green_attr_t *attr, green_fn fn, void *arg,
                        green_time deadline)
{
    if (!fn)
        return -EINVAL;
    int r = take_slot(pool, deadline);
    return r < 0 ? r : used(pool, green__group_spawn(&pool->group, out, attr, fn, arg));
}

int green_pool_spawn(green_pool_t *pool, green_fn fn, void *arg, green_time deadline)
{
    return green_pool_spawn_ex(pool, NULL, NULL, fn, arg, deadline);
}

int green_pool_add(green_pool_t *pool, green_t *g, green_time deadline)
{
    if (green_group_contains(&pool->group, g))
        return 0;
    int r = take_slot(pool, deadline);
    return r < 0 ? r : used(pool, green__group_add(&pool->group, g));
}

int green_pool_apply(green_pool_t *pool, green_fn fn, void *arg, void **out, green_time deadline)
{
    green_t *g, *self = green_self();
    if (!self)
        return -EPERM;
    if (!fn)
        return -EINVAL;
    if (green_group_contains(&pool->group, self)) {
        void *result = fn(arg);
        if (out)
            *out = result;
        return 0;
    }
    int r = green_pool_spawn_ex(pool, &g, NULL, fn, arg, deadline);
    if (r < 0)
        return r;
    r = green_join(g, deadline);
    if (green_done(g)) {
        r = green_get(g, out, GREEN_NOWAIT);
    } else {
        green_shield();
        (void)green_kill(g, GREEN_FOREVER);
        green_unshield();
    }
    green_release(g);
    return r;
}

int green_pool_wait(green_pool_t *pool, green_time deadline)
{
    green_waitable_t *slot = &pool->waitable;
    int r = green_wait_any(&slot, 1, deadline);
    return r < 0 ? r : green_pool_free(pool);
}

int green_pool_free(const green_pool_t *pool)
{
    size_t count = free_slots(pool);
    return count < INT_MAX ? (int)count : INT_MAX;
}

void green_pool_resize(green_pool_t *pool, size_t most)
{
    pool->size = most;
    offer(pool);
}
