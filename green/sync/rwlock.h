/*
 * Read-write locks: many readers or one writer among the greenlets of one thread. A writer who waits keeps new readers
 * out; when a writer unlocks, the readers who wait go in before the next writer does. So neither kind can keep the
 * other out for good.
 */
#ifndef GREEN_SYNC_RWLOCK_H
#define GREEN_SYNC_RWLOCK_H

#include <errno.h>

#include "../core/greenlet.h"

/* All zeros is an unlocked lock. */
typedef struct green_rwlock {
    struct green_chain readers, writers; /* private: who wait */
    green_t *writer;                     /* private: who writes, else NULL */
    unsigned reading;                    /* private: how many read */
} green_rwlock_t;

int green__rwlock_wait_to_read(green_rwlock_t *l, green_time deadline);
int green__rwlock_hand_over(green_rwlock_t *l);

#define GREEN_RWLOCK_INIT                                                                                    \
    {                                                                                                        \
        .writer = NULL                                                                                       \
    }

/* The same as GREEN_RWLOCK_INIT. Never switches. */
void green_rwlock_init(green_rwlock_t *l);

/* The memory may go. 0; -EBUSY: it is locked, or somebody waits for it. Never switches. */
int green_rwlock_destroy(green_rwlock_t *l) GREEN_MUST_CHECK;

/* Locks it for reading: 0 or, since a writer writes or waits, -EAGAIN. Never switches. */
GREEN_MUST_CHECK static inline int green_rwlock_try_read_lock(green_rwlock_t *l)
{
    if (l->writer || l->writers.first)
        return -EAGAIN;
    l->reading++;
    return 0;
}

/* Locks it for reading: 0; with other readers, but not past a writer who waits. A reader must therefore not lock it
 * again: with a writer waiting in between, both would wait for ever. -EDEADLK: the caller writes. May switch, but only if
 * it waits. */
GREEN_MUST_CHECK static inline int green_rwlock_read_lock(green_rwlock_t *l, green_time deadline)
{
    return green_rwlock_try_read_lock(l) == 0 ? 0 : green__rwlock_wait_to_read(l, deadline);
}

/* Locks it for writing: 0. -EDEADLK: the caller writes already. May switch, but only if it waits. */
int green_rwlock_write_lock(green_rwlock_t *l, green_time deadline) GREEN_MUST_CHECK;

/* The same without waiting: -EAGAIN if somebody reads or writes; -EPERM: called in the hub. Never switches. */
int green_rwlock_try_write_lock(green_rwlock_t *l) GREEN_MUST_CHECK;

/* Ends the caller's reading or writing and lets the next in: 0. -EPERM: it is not locked, or another greenlet writes.
 * Never switches. */
static inline int green_rwlock_unlock(green_rwlock_t *l)
{
    if (l->reading > 1 || (l->reading && !l->writers.first && !l->readers.first)) {
        l->reading--;
        return 0;
    }
    return green__rwlock_hand_over(l);
}

#endif
