/*
 * Groups of greenlets that are waited for, cancelled or killed together (gevent's Group), for the greenlets of one
 * thread. A greenlet is a member of one group at most, from being spawned into it or added until it ends or is
 * discarded. Being a member costs no memory and keeps no handle.
 *
 * A scope is a group that no member outlives: however the block is left, those that are left are cancelled and
 * waited for.
 *
 *     GREEN_SCOPE(workers, GREEN_FAIL_FAST);
 *     for (int i = 0; i < count; i++)
 *         if ((r = green_group_spawn(workers, work, &task[i])) < 0)
 *             return r;
 *     return green_group_join(workers, green_in_ms(500));
 */
#ifndef GREEN_POOL_GROUP_H
#define GREEN_POOL_GROUP_H

#include "../core/exit.h"
#include "../core/join.h"

typedef struct green_group {
    struct green_chain members; /* private; first: a member's node finds its group by it */
    green_waitable_t waitable;  /* ready while the group is empty */
    struct green_chain joiners; /* private from here on */
    size_t count;
    unsigned flags;
    unsigned killing;
    int failure;
    void (*left)(struct green_group *group); /* what is around it wants to know */
} green_group_t;

bool green__group_ready(const green_waitable_t *w);

/* Flags: 0 or GREEN_FAIL_FAST. With it, the first member whose status is an error (and not just the reason of its
 * cancellation) has all others cancelled; the join that sees the group empty then returns that error, and until then
 * new members are cancelled at once. */
#define GREEN_GROUP_INIT GREEN_GROUP_INIT_FLAGS(0)
#define GREEN_GROUP_INIT_FLAGS(how)                                                                          \
    {                                                                                                        \
        .waitable = {.ready = green__group_ready}, .flags = (how)                                            \
    }

/* The same at run time. Never switches. */
void green_group_init(green_group_t *group, unsigned flags);

/* Cancels the members that are left and waits for their ends, whatever the caller's own state; the group can be used
 * again or its memory may go. A member that calls it leaves the group first, and lives on. What cannot be waited for (in a
 * callback of the hub, or a deadlock that was reported) is cancelled and leaves the group alive. May switch. */
void green_group_destroy(green_group_t *group);

/* Makes a greenlet that is a member. -EINVAL: fn is NULL, or this is the group of a pool (use the pool's); -ENOMEM;
 * -EXDEV: the members are another thread's. Never switch. */
int green_group_spawn(green_group_t *group, green_fn fn, void *arg) GREEN_MUST_CHECK;

/* The same with attributes (may be NULL), and a handle for the caller if `out` is not NULL. Never switches. */
int green_group_spawn_ex(green_group_t *group, green_t **out, const green_attr_t *attr, green_fn fn,
                         void *arg) GREEN_MUST_CHECK;

/* Makes g a member: 0, also if it is one or has ended. -EBUSY: it is a member of another group; -EINVAL: the group of
 * a pool; -EXDEV. Never switches. */
int green_group_add(green_group_t *group, green_t *g) GREEN_MUST_CHECK;

/* g is a member no longer and lives on; false: it was none. Never switches. */
bool green_group_discard(green_group_t *group, green_t *g);

bool green_group_contains(const green_group_t *group, const green_t *g);
size_t green_group_len(const green_group_t *group);

/* Calls fn(g, arg) for each member, in the order of joining. fn must not wait; of the group it may only cancel or
 * discard the member that it was given. Never switches. */
void green_group_each(green_group_t *group, void (*fn)(green_t *g, void *arg), void *arg);

/* Waits until the group is empty; members that join it meanwhile are waited for too. 0, or with GREEN_FAIL_FAST the
 * first failure. -EDEADLK: the caller is a member; -EXDEV. May switch. */
int green_group_join(green_group_t *group, green_time deadline) GREEN_MUST_CHECK;

/* Cancels every member there is now; those that have not started never will. -EXDEV. Never switches. */
int green_group_cancel(green_group_t *group);

/* Cancels all members, also those that come while it waits, and waits until the group is empty: 0, whatever failed.
 * -ETIMEDOUT: some are still alive; -EDEADLK: the caller is a member, nothing was done; -EXDEV. May switch. */
int green_group_kill(green_group_t *group, green_time deadline);

/* --- scopes ------------------------------------------------------------------------------------------------------- */

typedef struct green_scope {
    green_group_t group;
    green_cleanup_t cleanup;
} green_scope_t;

green_group_t *green_scope_enter(green_scope_t *scope, unsigned flags);
void green_scope_leave(green_scope_t *scope);

/* Declares `name`, a green_group_t *, until the end of the block: break, return, goto, green_exit() and green_fail() are
 * seen to as well; longjmp() is not. Leaving may switch. */
#define GREEN_SCOPE(name, flags)                                                                             \
    __attribute__((cleanup(green_scope_leave))) green_scope_t name##_scope;                                  \
    green_group_t *const name = green_scope_enter(&name##_scope, flags)

#endif
