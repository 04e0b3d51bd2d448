/* Queues across threads: a ring that grows as needed. Getters wait only while it is empty, putters only while it is
 * full. */
#include "shared.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM_AT_FIRST 16

void green_shared_queue_init(green_shared_queue_t *q, size_t capacity)
{
    *q = (green_shared_queue_t)GREEN_SHARED_QUEUE_INIT(capacity);
}

int green_shared_queue_destroy(green_shared_queue_t *q)
{
    pthread_mutex_lock(&q->lock);
    bool used = !chain_empty(&q->getters) || !chain_empty(&q->putters);
    pthread_mutex_unlock(&q->lock);
    if (used)
        return -EBUSY;
    pthread_mutex_destroy(&q->lock);
    free(q->ring);
    q->ring = NULL;
    q->room = q->count = 0;
    return 0;
}

/* --- the ring, under the lock --------------------------------------------------------------------------------- */

static int grow(green_shared_queue_t *q)
{
    if (q->room > SIZE_MAX / sizeof *q->ring / 2)
        return -ENOMEM;
    size_t room = q->room ? q->room * 2 : ROOM_AT_FIRST;
    void **ring = malloc(room * sizeof *ring);
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < q->count; i++)
        ring[i] = q->ring[(q->head + i) % q->room];
    free(q->ring);
    q->ring = ring;
    q->room = room;
    q->head = 0;
    return 0;
}

static int append(green_shared_queue_t *q, void *item)
{
    if (q->count == q->room) {
        int r = grow(q);
        if (r < 0)
            return r;
    }
    q->ring[(q->head + q->count++) % q->room] = item;
    return 0;
}

static void *take_first(green_shared_queue_t *q)
{
    void *item = q->ring[q->head];
    q->head = (q->head + 1) % q->room;
    q->count--;
    return item;
}

static int put_now(green_shared_queue_t *q, void *item, struct green_chain *claimed)
{
    if (q->closed)
        return -EPIPE;
    struct shared_waiter *getter = green__shared_claim(&q->getters, claimed, 0);
    if (getter) {
        getter->item = item;
        return 0;
    }
    if (q->capacity && q->count == q->capacity)
        return -EAGAIN;
    return append(q, item);
}

static int get_now(green_shared_queue_t *q, void **item, struct green_chain *claimed)
{
    if (!q->count)
        return q->closed ? -EPIPE : -EAGAIN;
    *item = take_first(q);
    struct shared_waiter *putter = green__shared_claim(&q->putters, claimed, 0);
    if (putter)
        putter->result = append(q, putter->item); /* there is room: one has just been taken out */
    return 0;
}

/* --- the calls -------------------------------------------------------------------------------------------------- */

int green_shared_queue_try_put(green_shared_queue_t *q, void *item)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&q->lock);
    int r = put_now(q, item, &claimed);
    pthread_mutex_unlock(&q->lock);
    green__shared_tell(&claimed);
    return r;
}

int green_shared_queue_try_get(green_shared_queue_t *q, void **item)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&q->lock);
    int r = get_now(q, item, &claimed);
    pthread_mutex_unlock(&q->lock);
    green__shared_tell(&claimed);
    return r;
}

int green_shared_queue_put(green_shared_queue_t *q, void *item, green_time deadline)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&q->lock);
    int r = put_now(q, item, &claimed);
    if (r == -EAGAIN) {
        struct shared_waiter me = {.item = item};
        return green__shared_wait(&q->lock, &q->putters, &me, "room in a shared queue", q, deadline);
    }
    pthread_mutex_unlock(&q->lock);
    green__shared_tell(&claimed);
    return r;
}

int green_shared_queue_get(green_shared_queue_t *q, void **item, green_time deadline)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&q->lock);
    int r = get_now(q, item, &claimed);
    if (r == -EAGAIN) {
        struct shared_waiter me = {0};
        r = green__shared_wait(&q->lock, &q->getters, &me, "an item of a shared queue", q, deadline);
        if (r == 0)
            *item = me.item;
        return r;
    }
    pthread_mutex_unlock(&q->lock);
    green__shared_tell(&claimed);
    return r;
}

void green_shared_queue_close(green_shared_queue_t *q)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    green__shared_claim_all(&q->getters, &claimed, -EPIPE);
    green__shared_claim_all(&q->putters, &claimed, -EPIPE);
    pthread_mutex_unlock(&q->lock);
    green__shared_tell(&claimed);
}

size_t green_shared_queue_len(green_shared_queue_t *q)
{
    pthread_mutex_lock(&q->lock);
    size_t count = q->count;
    pthread_mutex_unlock(&q->lock);
    return count;
}
