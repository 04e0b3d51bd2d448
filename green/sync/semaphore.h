/*
 * Semaphores (gevent's Semaphore and BoundedSemaphore) for the greenlets of one thread: a number of tokens. First come,
 * first served: a token released while somebody waits is handed to the first who does, so a loop that releases and
 * acquires again starves nobody. Across threads: sync/shared_semaphore.h.
 */
#ifndef GREEN_SYNC_SEMAPHORE_H
#define GREEN_SYNC_SEMAPHORE_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "../core/waitable.h"

typedef struct green_semaphore {
    green_waitable_t waitable;  /* ready while a token is free */
    struct green_chain waiters; /* private */
    int count, max;             /* private */
} green_semaphore_t;

bool green__semaphore_ready(const green_waitable_t *w);
int green__semaphore_wait(green_semaphore_t *s, green_time deadline);
int green__semaphore_hand_over(green_semaphore_t *s);

/* `tokens` free at first; the bounded kind never has more than `limit` of them free. 0 <= tokens <= limit, limit > 0. */
#define GREEN_SEMAPHORE_INIT(tokens) GREEN_SEMAPHORE_INIT_BOUNDED(tokens, INT_MAX)
#define GREEN_SEMAPHORE_INIT_BOUNDED(tokens, limit)                                                          \
    {                                                                                                        \
        .waitable = {.ready = green__semaphore_ready}, .count = (tokens), .max = (limit)                     \
    }

/* The same at run time. -EINVAL: the numbers make no sense. Never switch. */
int green_semaphore_init(green_semaphore_t *s, int tokens);
int green_semaphore_init_bounded(green_semaphore_t *s, int tokens, int limit);

/* The memory may go. 0; -EBUSY: somebody waits for it or has a link on it, and nothing was done. Never switches. */
int green_semaphore_destroy(green_semaphore_t *s) GREEN_MUST_CHECK;

/* Takes a token, waiting for one if need be: 0. A caller that was handed a token and is cancelled before it runs has
 * the token and gets 0; the cancellation shows in its next wait. May switch, but only if it waits. */
GREEN_MUST_CHECK static inline int green_semaphore_acquire(green_semaphore_t *s, green_time deadline)
{
    if (s->count > 0) {
        s->count--;
        return 0;
    }
    return green__semaphore_wait(s, deadline);
}

/* Takes a token if one is free: 0 or -EAGAIN. Never switches. */
GREEN_MUST_CHECK static inline int green_semaphore_try_acquire(green_semaphore_t *s)
{
    if (s->count <= 0)
        return -EAGAIN;
    s->count--;
    return 0;
}

/* Gives a token back, or a new one; any greenlet may. The number that are free now: 0 if it went to somebody who
 * waited. -EOVERFLOW: more than the limit (INT_MAX for the unbounded kind) would be free; nothing changed. Never
 * switches. */
static inline int green_semaphore_release(green_semaphore_t *s)
{
    if (!s->waiters.first && !s->waitable.links.first && s->count < s->max)
        return ++s->count;
    return green__semaphore_hand_over(s);
}

/* How many tokens are free. Never switches. */
static inline int green_semaphore_count(const green_semaphore_t *s)
{
    return s->count;
}

#endif
