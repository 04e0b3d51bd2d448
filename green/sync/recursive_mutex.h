/* Mutexes that their owner may lock again (gevent's RLock): unlocked when it has been unlocked as often. */
#ifndef GREEN_SYNC_RECURSIVE_MUTEX_H
#define GREEN_SYNC_RECURSIVE_MUTEX_H

#include "mutex.h"

/* All zeros is an unlocked mutex. */
typedef struct green_recursive_mutex {
    green_mutex_t mutex; /* private */
    unsigned depth;      /* private: how often its owner has locked it */
} green_recursive_mutex_t;

#define GREEN_RECURSIVE_MUTEX_INIT                                                                           \
    {                                                                                                        \
        .depth = 0                                                                                           \
    }

/* The same as GREEN_RECURSIVE_MUTEX_INIT. Never switches. */
void green_recursive_mutex_init(green_recursive_mutex_t *m);

/* The memory may go. 0; -EBUSY: it is locked, or somebody waits for it. Never switches. */
int green_recursive_mutex_destroy(green_recursive_mutex_t *m) GREEN_MUST_CHECK;

/* Locks it, once more if the caller holds it: 0. -EOVERFLOW: locked UINT_MAX times; -EXDEV: a greenlet of another
 * thread holds it. May switch, but only if it waits. */
int green_recursive_mutex_lock(green_recursive_mutex_t *m, green_time deadline) GREEN_MUST_CHECK;

/* The same without waiting: also -EAGAIN, somebody else holds it; -EPERM, called in the hub. Never switches. */
int green_recursive_mutex_try_lock(green_recursive_mutex_t *m) GREEN_MUST_CHECK;

/* Takes back one lock; the last hands the mutex to the first who waits: 0. -EPERM: the caller does not hold it. Never
 * switches. */
int green_recursive_mutex_unlock(green_recursive_mutex_t *m);

/* How often the caller has locked it; 0: not at all. Never switches. */
unsigned green_recursive_mutex_depth(green_recursive_mutex_t *m);

#endif
