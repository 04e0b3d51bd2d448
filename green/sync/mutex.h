/*
 * Mutexes for the greenlets of one thread: at most one holds it, and only that one can unlock it. Handed over first
 * come, first served. They are needed where a critical section waits; between two waits nobody else runs anyway.
 */
#ifndef GREEN_SYNC_MUTEX_H
#define GREEN_SYNC_MUTEX_H

#include <stdbool.h>

#include "../core/greenlet.h"
#include "../core/hub.h"

/* All zeros is an unlocked mutex. */
typedef struct green_mutex {
    struct green_chain waiters; /* private */
    green_t *owner;             /* private; NULL: unlocked */
    green_hub_t *hub;           /* private: the owner's, while there is one */
    unsigned forks;             /* private */
} green_mutex_t;

#define GREEN_MUTEX_INIT                                                                                     \
    {                                                                                                        \
        .owner = NULL                                                                                        \
    }

/* The same as GREEN_MUTEX_INIT. Never switches. */
void green_mutex_init(green_mutex_t *m);

/* The memory may go. 0; -EBUSY: it is locked, or somebody waits for it. Never switches. */
int green_mutex_destroy(green_mutex_t *m) GREEN_MUST_CHECK;

/* Locks it: 0. Whoever was handed the mutex and is cancelled before it runs holds it and gets 0. -EDEADLK: the caller
 * holds it already; -EXDEV: a greenlet of another thread holds it. In the child of a fork() a mutex that the code which
 * forked held is held by the child's main greenlet; one that another greenlet held is free. May switch, but only if
 * it waits. */
int green_mutex_lock(green_mutex_t *m, green_time deadline) GREEN_MUST_CHECK;

/* Locks it if it is free: 0; -EAGAIN: somebody else holds it; -EDEADLK, -EXDEV as above; -EPERM: called in the hub.
 * Never switches. */
int green_mutex_try_lock(green_mutex_t *m) GREEN_MUST_CHECK;

/* Unlocks it, or hands it to the first who waits: 0. -EPERM: the caller does not hold it. Never switches. */
int green_mutex_unlock(green_mutex_t *m);

/* Whether the caller holds it. Never switches. */
bool green_mutex_is_mine(green_mutex_t *m);

#endif
