/*
 * Queues of pointers between the greenlets of one thread: first in first out, last in first out, or by priority. An
 * item goes straight from the one who puts it to the one who waits for it; getters are served in the order in which
 * they came, and so are putters when the queue is full. Whoever times out or is cancelled while waiting has taken
 * nothing and has put nothing in.
 *
 *     green_queue_t jobs = GREEN_QUEUE_INIT;
 *     green_queue_put(&jobs, job, GREEN_FOREVER);
 *     ...
 *     while (green_queue_get(&jobs, &job, GREEN_FOREVER) == 0) // until it is closed and empty
 *         work(job);
 *
 * The calls switch only if they wait. With GREEN_NOWAIT they never do, do not return -ECANCELED, and may be made in a
 * callback of the hub. A queue may pass from thread to thread while nobody waits in it; -EXDEV: somebody of another thread does.
 */
#ifndef GREEN_SYNC_QUEUE_H
#define GREEN_SYNC_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/time.h"
#include "../core/waitable.h"

/* Below 0: a comes out before b; 0: the one that was put first does; above 0: b comes out before a. It must not use the
 * queue and must not wait. */
typedef int (*green_compare_fn)(const void *a, const void *b);

typedef struct green_queue {
    green_waitable_t waitable; /* ready while an item can be had, and once the queue is closed */
    void *store;               /* private, like all that follows */
    size_t room, head, count, capacity;
    green_compare_fn compare;
    uint64_t puts;
    size_t unfinished;
    struct green_chain getters, putters, peekers, joiners;
    bool lifo, closed;
} green_queue_t;

bool green__queue_ready(const green_waitable_t *w);

/* An empty queue, first in first out, unbounded. */
#define GREEN_QUEUE_INIT                                                                                     \
    {                                                                                                        \
        .waitable = {.ready = green__queue_ready }                                                           \
    }

/* Makes an empty queue that holds at most `capacity` items, 0: any number. The memory for items comes as they do and is
 * kept until green_queue_destroy(). Priority: the least comes out first; -EINVAL: no comparison. Never switch. */
void green_queue_init(green_queue_t *q, size_t capacity);
void green_queue_init_lifo(green_queue_t *q, size_t capacity);
int green_queue_init_priority(green_queue_t *q, size_t capacity, green_compare_fn compare) GREEN_MUST_CHECK;

/* Gives the memory back; what is still in it is forgotten (green_queue_close_drop() frees it). Before another use it must
 * be made anew. 0; -EBUSY: greenlets wait in it or links hang on it, and nothing happened. Never switches. */
int green_queue_destroy(green_queue_t *q);

/* Puts an item in, which may be NULL; waits while the queue is full. 0; -EPIPE: it is closed, or was meanwhile;
 * -ENOMEM: no room for one more. On any error the item is not in the queue and still the caller's. May switch. */
int green_queue_put(green_queue_t *q, void *item, green_time deadline) GREEN_MUST_CHECK;

/* Takes the next item out; waits while there is none. 0; -EPIPE: the queue is closed and empty. On an error *item is as
 * it was. May switch. */
int green_queue_get(green_queue_t *q, void **item, green_time deadline) GREEN_MUST_CHECK;

/* Like green_queue_get(), but the item stays in the queue and is still there when this returns: an item that goes
 * straight to a greenlet waiting in green_queue_get() is not seen. May switch. */
int green_queue_peek(green_queue_t *q, void **item, green_time deadline) GREEN_MUST_CHECK;

/* Closes the queue for good: no more can be put in, what is in it can still be had. Greenlets that wait to put return
 * -EPIPE with their items, and so do those who wait to get. 0, also when it was closed before; -EXDEV. Never
 * switches. */
int green_queue_close(green_queue_t *q);

/* The same, and what is in it is dropped: drop(item, arg) for each, in the order in which they would have come out;
 * drop may be NULL and must not wait. Dropped items count as done. Never switches. */
int green_queue_close_drop(green_queue_t *q, void (*drop)(void *item, void *arg), void *arg);

/* For queues of jobs: every item that was put in is unfinished until somebody calls green_queue_task_done() for it.
 * 0; -EOVERFLOW: there were not so many. Never switches. */
int green_queue_task_done(green_queue_t *q) GREEN_MUST_CHECK;
size_t green_queue_unfinished(const green_queue_t *q);

/* Waits until nothing is unfinished; 0 at once if nothing is. May switch. */
int green_queue_join(green_queue_t *q, green_time deadline) GREEN_MUST_CHECK;

/* How many items are in it; whether a put would have to wait; whether it is closed. Never switch. */
size_t green_queue_len(const green_queue_t *q);
bool green_queue_full(const green_queue_t *q);
bool green_queue_closed(const green_queue_t *q);

#endif
