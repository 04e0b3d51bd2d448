/*
 * Pools: groups of a bounded number of greenlets (gevent's Pool), for the greenlets of one thread. Who spawns into a
 * full pool waits for a slot, first come, first served. A member gives its slot back when it ends or is discarded.
 *
 *     green_pool_t connections = GREEN_POOL_INIT(1000);
 *     while ((fd = green_accept(listener, NULL, GREEN_FOREVER)) >= 0)
 *         if (green_pool_spawn(&connections, serve, context_of(fd), GREEN_FOREVER) < 0)
 *             green_close(fd);
 *
 * The members are a group (group.h): green_group_join(&pool.group, deadline), and _cancel, _kill, _len, _contains,
 * _each and _discard. For spawning and adding there are the functions below.
 */
#ifndef GREEN_POOL_POOL_H
#define GREEN_POOL_POOL_H

#include <stdint.h>

#include "group.h"

#define GREEN_POOL_UNLIMITED SIZE_MAX

typedef struct green_pool {
    green_group_t group;
    green_waitable_t waitable;  /* ready while a slot is free */
    struct green_chain waiters; /* private from here on */
    size_t size, granted;
    bool closed;
} green_pool_t;

bool green__pool_ready(const green_waitable_t *w);
void green__pool_left(green_group_t *group);

/* `most` members at a time. 0: whoever spawns waits until the pool is resized. */
#define GREEN_POOL_INIT(most)                                                                                \
    {                                                                                                        \
        .group = {.waitable = {.ready = green__group_ready}, .left = green__pool_left},                      \
        .waitable = {.ready = green__pool_ready}, .size = (most)                                             \
    }

/* The same at run time. Never switches. */
void green_pool_init(green_pool_t *pool, size_t most);

/* Those who wait for a slot get -EPIPE; then like green_group_destroy(). Whoever still wants to spawn gets -EPIPE until
 * the pool is initialised again. May switch. */
void green_pool_destroy(green_pool_t *pool);

/* Waits for a slot if need be and makes a greenlet that is a member: 0. -EINVAL: fn is NULL; -ENOMEM; -EXDEV: the
 * members are another thread's; -EPIPE: destroyed. Whoever was given a slot spawns even if cancelled before it ran.
 * May switch, but only if the pool is full. */
int green_pool_spawn(green_pool_t *pool, green_fn fn, void *arg, green_time deadline) GREEN_MUST_CHECK;

/* The same with attributes (may be NULL), and a handle for the caller if `out` is not NULL. */
int green_pool_spawn_ex(green_pool_t *pool, green_t **out, const green_attr_t *attr, green_fn fn, void *arg,
                        green_time deadline) GREEN_MUST_CHECK;

/* Makes g a member once there is a slot: 0, also if it is one, or has ended meanwhile. -EBUSY: it is a member of
 * another group; -EXDEV; -EPIPE. May switch, but only if the pool is full. */
int green_pool_add(green_pool_t *pool, green_t *g, green_time deadline) GREEN_MUST_CHECK;

/* Has a member run fn(arg) and waits for its end: its status, and what it returned in *out (may be NULL) if that is 0.
 * Called by a member of the pool it runs fn there and then, so that a full pool cannot wait for itself. When the
 * deadline passes or the caller is cancelled, the one that runs fn is cancelled and waited for: arg may be on the
 * caller's stack. Otherwise as green_pool_spawn(). May switch. */
int green_pool_apply(green_pool_t *pool, green_fn fn, void *arg, void **out,
                     green_time deadline) GREEN_MUST_CHECK;

/* Waits until a slot is free: how many are. It is not reserved: somebody may be faster. May switch. */
int green_pool_wait(green_pool_t *pool, green_time deadline) GREEN_MUST_CHECK;

/* Free slots (INT_MAX at most). Never switches. */
int green_pool_free(const green_pool_t *pool);

/* Sets the size. More: those who wait are let in. Fewer: members stay, none comes until enough have left. Never
 * switches. */
void green_pool_resize(green_pool_t *pool, size_t most);

#endif
