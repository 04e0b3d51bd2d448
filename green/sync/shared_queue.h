/*
 * Queues of pointers for any number of threads, first in first out. Greenlets of any hub wait for items, and for room if
 * the queue is bounded, each in the order of coming; any thread tries and closes, one without a hub too (it gets none).
 * An item is handed to one who waits for it and is never lost. While anybody waits, its hub expects help from outside
 * and reports no deadlock.
 */
#ifndef GREEN_SYNC_SHARED_QUEUE_H
#define GREEN_SYNC_SHARED_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/time.h"

/* All fields are private. */
typedef struct green_shared_queue {
    pthread_mutex_t lock;
    struct green_chain getters, putters;
    void **ring;
    size_t room, head, count, capacity;
    bool closed;
} green_shared_queue_t;

/* An empty queue of at most `limit` items, 0: any number. */
#define GREEN_SHARED_QUEUE_INIT(limit)                                                                       \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER, .capacity = (limit)                                               \
    }

/* The same at run time. Memory for items comes as they do. Never switches. */
void green_shared_queue_init(green_shared_queue_t *q, size_t capacity);

/* Gives the memory back; what is still in it is forgotten. 0; -EBUSY: somebody waits in it, and nothing was done. Never
 * switches. */
int green_shared_queue_destroy(green_shared_queue_t *q) GREEN_MUST_CHECK;

/* Puts an item in, which may be NULL; waits while the queue is full. 0; -EPIPE: it is closed, or was meanwhile;
 * -ENOMEM. On an error the item is still the caller's. A caller whose item was taken over gets 0, even if its deadline
 * passes or it is cancelled meanwhile. May switch, but only if it waits. */
int green_shared_queue_put(green_shared_queue_t *q, void *item, green_time deadline) GREEN_MUST_CHECK;

/* Takes the next item out; waits while there is none. 0; -EPIPE: the queue is closed and empty. On an error *item is as
 * it was. A caller that was handed an item has it and gets 0, even if its deadline passes or it is cancelled meanwhile.
 * May switch, but only if it waits. */
int green_shared_queue_get(green_shared_queue_t *q, void **item, green_time deadline) GREEN_MUST_CHECK;

/* The same without waiting: also -EAGAIN, full or empty. Any thread. Never switch. */
int green_shared_queue_try_put(green_shared_queue_t *q, void *item) GREEN_MUST_CHECK;
int green_shared_queue_try_get(green_shared_queue_t *q, void **item) GREEN_MUST_CHECK;

/* Closes the queue for good: no more can be put in, what is in it can still be had; those who wait get -EPIPE. Any
 * thread. Never switches. */
void green_shared_queue_close(green_shared_queue_t *q);

/* How many items are in it. Any thread. Never switches. */
size_t green_shared_queue_len(green_shared_queue_t *q);

#endif
