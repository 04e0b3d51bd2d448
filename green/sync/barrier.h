/*
 * Barriers (Python's Barrier): a given number of greenlets of one thread wait for each other, again and again. When one
 * of them gives up, the barrier is broken and nobody waits in vain.
 */
#ifndef GREEN_SYNC_BARRIER_H
#define GREEN_SYNC_BARRIER_H

#include <stdbool.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/time.h"

typedef struct green_barrier {
    struct green_chain waiters; /* private */
    unsigned parties, waiting;  /* private */
    bool broken;                /* private */
} green_barrier_t;

#define GREEN_BARRIER_SERIAL 1 /* what one of them gets */

#define GREEN_BARRIER_INIT(count)                                                                            \
    {                                                                                                        \
        .parties = (count)                                                                                   \
    }

/* The same as GREEN_BARRIER_INIT. 0; -EINVAL: no parties. Never switches. */
int green_barrier_init(green_barrier_t *b, unsigned parties);

/* The memory may go. 0; -EBUSY: somebody waits. Never switches. */
int green_barrier_destroy(green_barrier_t *b) GREEN_MUST_CHECK;

/* Waits until all parties have come: GREEN_BARRIER_SERIAL for the last to come, 0 for the others. Whoever was among
 * those who passed gets that even if its deadline passes or it is cancelled before it runs. -EPIPE: the barrier is
 * broken, or was reset meanwhile. Any other error of a caller that has waited, and a pending cancellation or timeout,
 * breaks the barrier; with GREEN_NOWAIT the caller counts only if it is the last (-EAGAIN if not). -EINVAL: no
 * parties. May switch. */
int green_barrier_wait(green_barrier_t *b, green_time deadline) GREEN_MUST_CHECK;

/* Breaks the barrier: all who wait, and all who come, get -EPIPE. Never switches. */
void green_barrier_abort(green_barrier_t *b);

/* Makes the barrier as new; those who wait get -EPIPE. Never switches. */
void green_barrier_reset(green_barrier_t *b);

/* How many wait; whether it is broken. Never switch. */
static inline unsigned green_barrier_waiting(const green_barrier_t *b)
{
    return b->waiting;
}

static inline bool green_barrier_broken(const green_barrier_t *b)
{
    return b->broken;
}

#endif
