/*
 * Semaphores for any number of threads. Greenlets of any hub wait for tokens, first come, first served across all
 * threads; any thread releases and tries, one without a hub too (it gets none). While anybody waits, its hub expects
 * help from outside and reports no deadlock.
 */
#ifndef GREEN_SYNC_SHARED_SEMAPHORE_H
#define GREEN_SYNC_SHARED_SEMAPHORE_H

#include <limits.h>
#include <pthread.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/time.h"

typedef struct green_shared_semaphore {
    pthread_mutex_t lock;       /* private */
    struct green_chain waiters; /* private */
    int count, max;             /* private */
} green_shared_semaphore_t;

/* `tokens` free at first; the bounded kind never has more than `limit` of them free. 0 <= tokens <= limit, limit > 0. */
#define GREEN_SHARED_SEMAPHORE_INIT(tokens) GREEN_SHARED_SEMAPHORE_INIT_BOUNDED(tokens, INT_MAX)
#define GREEN_SHARED_SEMAPHORE_INIT_BOUNDED(tokens, limit)                                                   \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER, .count = (tokens), .max = (limit)                                 \
    }

/* The same at run time. -EINVAL: the numbers make no sense. Never switch. */
int green_shared_semaphore_init(green_shared_semaphore_t *s, int tokens);
int green_shared_semaphore_init_bounded(green_shared_semaphore_t *s, int tokens, int limit);

/* The memory may go. 0; -EBUSY: somebody waits for it, and nothing was done. Never switches. */
int green_shared_semaphore_destroy(green_shared_semaphore_t *s) GREEN_MUST_CHECK;

/* Takes a token, waiting for one if need be: 0. A caller that was handed a token has it and gets 0, even if its deadline
 * passes or it is cancelled meanwhile. May switch, but only if it waits. */
int green_shared_semaphore_acquire(green_shared_semaphore_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Takes a token if one is free: 0 or -EAGAIN. Any thread. Never switches. */
int green_shared_semaphore_try_acquire(green_shared_semaphore_t *s) GREEN_MUST_CHECK;

/* Gives a token back, or a new one. The number that are free now: 0 if it went to somebody who waited. -EOVERFLOW: more
 * than the limit would be free; nothing changed. Any thread. Never switches. */
int green_shared_semaphore_release(green_shared_semaphore_t *s);

/* How many tokens are free. Any thread. Never switches. */
int green_shared_semaphore_count(green_shared_semaphore_t *s);

#endif
