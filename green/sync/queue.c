/*
 * Queues. Two things hold whenever nobody is inside a call: if a greenlet waits to get (or to peek), the queue is
 * empty; if one waits to put, it is full. So a put either finds somebody to hand the item to, or room, or waits; and
 * a get that makes room fills it with the first putter's item. Records whose wait has been decided otherwise may still
 * be in the chains: green__wake_first() passes over them.
 */
#include "../core/waiter.h"
#include "foreign.h"
#include "queue_heap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16 /* a power of two, as room in a ring always is */

/* --- the store ---------------------------------------------------------------------------------------------------- */

static int grow_ring(green_queue_t *q)
{
    if (q->room > SIZE_MAX / 2 / sizeof(void *))
        return -ENOMEM;
    size_t room = q->room ? q->room * 2 : FIRST_ROOM;
    void **old = q->store, **ring = malloc(room * sizeof *ring);
    if (!ring)
        return -ENOMEM;
    if (q->count) {
        size_t until_end = q->room - q->head; /* it is full, so everything from head on */
        memcpy(ring, old + q->head, until_end * sizeof *ring);
        memcpy(ring + until_end, old, q->head * sizeof *ring);
    }
    free(old);
    q->store = ring;
    q->room = room;
    q->head = 0;
    return 0;
}

static inline int reserve(green_queue_t *q)
{
    if (LIKELY(q->count < q->room))
        return 0;
    return q->compare ? green__heap_grow(q) : grow_ring(q);
}

static inline void *at(const green_queue_t *q, size_t index)
{
    return ((void **)q->store)[(q->head + index) & (q->room - 1)];
}

/* There is room. */
static inline void push(green_queue_t *q, void *item)
{
    if (UNLIKELY(q->compare))
        green__heap_push(q, item);
    else
        ((void **)q->store)[(q->head + q->count++) & (q->room - 1)] = item;
}

/* There is one. */
static inline void *pop(green_queue_t *q)
{
    if (UNLIKELY(q->compare))
        return green__heap_pop(q);
    q->count--;
    if (UNLIKELY(q->lifo))
        return at(q, q->count);
    void *item = at(q, 0);
    q->head = (q->head + 1) & (q->room - 1);
    return item;
}

static void *next(const green_queue_t *q)
{
    if (q->compare)
        return green__heap_first(q);
    return at(q, q->lifo ? q->count - 1 : 0);
}

/* --- waiting for one another -------------------------------------------------------------------------------------- */

/* Only their own thread can wake them. */
static inline bool others_wait(const struct green_chain *chain)
{
    return !chain_empty(chain) && green__is_foreign(&CONTAINER_OF(chain->first, struct waiter, node)->park);
}

static int wait_in(green_queue_t *q, struct green_chain *chain, struct waiter *me, const char *what,
                   green_time deadline)
{
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    if (others_wait(chain))
        return -EXDEV;
    return green__wait_in(chain, me, what, q, deadline);
}

static bool hand_over(green_queue_t *q, void *item)
{
    struct waiter *getter = green__wake_first(&q->getters, 0);
    if (getter)
        getter->item = item;
    return getter;
}

static void insert(green_queue_t *q, void *item)
{
    push(q, item);
    if (UNLIKELY(!chain_empty(&q->peekers)))
        green__wake_all(&q->peekers, 0);
    green__notify(&q->waitable);
}

int green_queue_put(green_queue_t *q, void *item, green_time deadline)
{
    if (UNLIKELY(q->closed))
        return -EPIPE;
    if (green_queue_full(q)) {
        struct waiter me = {.item = item};
        return wait_in(q, &q->putters, &me, "room in a queue", deadline);
    }
    if (UNLIKELY(others_wait(&q->getters) || others_wait(&q->peekers)))
        return -EXDEV;
    if (chain_empty(&q->getters) || !hand_over(q, item)) {
        int r = reserve(q);
        if (UNLIKELY(r < 0))
            return r;
        insert(q, item);
    }
    q->unfinished++;
    return 0;
}

/* An item has gone: the first who waits to put one in may go on. */
static void let_one_in(green_queue_t *q)
{
    struct waiter *putter = green__wake_first(&q->putters, 0);
    if (!putter)
        return;
    insert(q, putter->item);
    q->unfinished++;
}

int green_queue_get(green_queue_t *q, void **item, green_time deadline)
{
    if (!q->count) {
        struct waiter me;
        if (q->closed)
            return -EPIPE;
        int r = wait_in(q, &q->getters, &me, "an item in a queue", deadline);
        if (r == 0)
            *item = me.item;
        return r;
    }
    if (UNLIKELY(others_wait(&q->putters)))
        return -EXDEV;
    *item = pop(q);
    if (!chain_empty(&q->putters))
        let_one_in(q);
    return 0;
}

/* Whoever runs first may take the item away before a woken peeker has seen it. */
int green_queue_peek(green_queue_t *q, void **item, green_time deadline)
{
    while (!q->count) {
        struct waiter me;
        if (q->closed)
            return -EPIPE;
        int r = wait_in(q, &q->peekers, &me, "an item in a queue", deadline);
        if (r < 0)
            return r;
    }
    *item = next(q);
    return 0;
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

int green_queue_task_done(green_queue_t *q)
{
    if (!q->unfinished)
        return -EOVERFLOW;
    if (UNLIKELY(others_wait(&q->joiners)))
        return -EXDEV;
    if (!--q->unfinished)
        green__wake_all(&q->joiners, 0);
    return 0;
}

size_t green_queue_unfinished(const green_queue_t *q)
{
    return q->unfinished;
}

int green_queue_join(green_queue_t *q, green_time deadline)
{
    struct waiter me;
    if (!q->unfinished)
        return 0;
    return wait_in(q, &q->joiners, &me, "the jobs of a queue", deadline);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

bool green__queue_ready(const green_waitable_t *w)
{
    const green_queue_t *q = CONTAINER_OF(w, green_queue_t, waitable);
    return q->count || q->closed;
}

void green_queue_init(green_queue_t *q, size_t capacity)
{
    *q = (green_queue_t)GREEN_QUEUE_INIT;
    q->capacity = capacity;
}

void green_queue_init_lifo(green_queue_t *q, size_t capacity)
{
    green_queue_init(q, capacity);
    q->lifo = true;
}

int green_queue_init_priority(green_queue_t *q, size_t capacity, green_compare_fn compare)
{
    if (!compare)
        return -EINVAL;
    green_queue_init(q, capacity);
    q->compare = compare;
    return 0;
}

int green_queue_destroy(green_queue_t *q)
{
    if (!chain_empty(&q->getters) || !chain_empty(&q->putters) || !chain_empty(&q->peekers) ||
        !chain_empty(&q->joiners) || !chain_empty(&q->waitable.links))
        return -EBUSY;
    free(q->store);
    *q = (green_queue_t)GREEN_QUEUE_INIT;
    return 0;
}

int green_queue_close(green_queue_t *q)
{
    if (others_wait(&q->getters) || others_wait(&q->putters) || others_wait(&q->peekers) ||
        others_wait(&q->joiners))
        return -EXDEV;
    q->closed = true;
    green__wake_all(&q->putters, -EPIPE);
    green__wake_all(&q->getters, -EPIPE);
    green__wake_all(&q->peekers, -EPIPE);
    green__notify(&q->waitable);
    return 0;
}

int green_queue_close_drop(green_queue_t *q, void (*drop)(void *item, void *arg), void *arg)
{
    int r = green_queue_close(q);
    if (r < 0)
        return r;
    while (q->count) {
        void *item = pop(q);
        if (drop)
            drop(item, arg);
        if (q->unfinished) /* it may have been called done before it was taken */
            r = green_queue_task_done(q);
    }
    return r;
}

size_t green_queue_len(const green_queue_t *q)
{
    return q->count;
}

bool green_queue_full(const green_queue_t *q)
{
    return q->capacity && q->count >= q->capacity;
}

bool green_queue_closed(const green_queue_t *q)
{
    return q->closed;
}
