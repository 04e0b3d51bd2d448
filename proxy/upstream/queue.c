/* Standing in line for a place at a server (queue.h). */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "standing.h"

/* --- life ---------------------------------------------------------------------------------------------------------- */

static struct queue *find(struct standings *all, const char *upstream)
{
    struct queue *q;
    LIST_FOREACH(q, &all->queues, link)
    if (!strcmp(q->upstream, upstream))
        return q;
    return NULL;
}

static struct queue *make(struct standings *all, const char *upstream)
{
    size_t n = strlen(upstream) + 1;
    struct queue *q = calloc(1, sizeof *q + n);
    if (!q)
        return NULL;
    q->all = all;
    memcpy(q->upstream, upstream, n);
    pthread_mutex_init(&q->lock, NULL);
    TAILQ_INIT(&q->line);
    LIST_INSERT_HEAD(&all->queues, q, link);
    return q;
}

struct queue *queue_hold(struct standings *all, const char *upstream)
{
    pthread_mutex_lock(&all->lock);
    struct queue *q = find(all, upstream);
    if (!q)
        q = make(all, upstream);
    if (q)
        q->references++;
    pthread_mutex_unlock(&all->lock);
    return q;
}

void queue_hold_again(struct queue *q)
{
    pthread_mutex_lock(&q->all->lock);
    q->references++;
    pthread_mutex_unlock(&q->all->lock);
}

void queue_release(struct queue *q)
{
    struct standings *all = q->all;
    pthread_mutex_lock(&all->lock);
    bool last = --q->references == 0;
    if (last)
        LIST_REMOVE(q, link);
    pthread_mutex_unlock(&all->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void queue_look(struct standings *all, const char *upstream, uint64_t *waiting, uint64_t *active)
{
    pthread_mutex_lock(&all->lock);
    const struct queue *q = find(all, upstream);
    *waiting = q ? (uint64_t)atomic_load(&q->waiting) : 0;
    *active = q ? (uint64_t)atomic_load(&q->active) : 0;
    pthread_mutex_unlock(&all->lock);
}

/* --- the line ------------------------------------------------------------------------------------------------------ */

static void call(struct queue *q)
{
    struct queue_waiter *w;
    TAILQ_FOREACH(w, &q->line, link)
    {
        green_shared_event_set(&w->called); /* under the lock: it cannot go before */
        if (!w->picky)
            break;
    }
}

void queue_call(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    call(q);
    pthread_mutex_unlock(&q->lock);
}

int queue_enter(struct queue *q, struct queue_waiter *w, int64_t most)
{
    pthread_mutex_lock(&q->lock);
    bool room = atomic_load(&q->waiting) < most;
    if (room) {
        TAILQ_INSERT_TAIL(&q->line, w, link);
        atomic_fetch_add(&q->waiting, 1);
    }
    pthread_mutex_unlock(&q->lock);
    return room ? 0 : -ENOBUFS;
}

void queue_leave(struct queue *q, struct queue_waiter *w)
{
    pthread_mutex_lock(&q->lock);
    TAILQ_REMOVE(&q->line, w, link);
    atomic_fetch_sub(&q->waiting, 1);
    call(q);
    pthread_mutex_unlock(&q->lock);
}

bool queue_is_turn(struct queue *q, const struct queue_waiter *w)
{
    const struct queue_waiter *one;
    pthread_mutex_lock(&q->lock);
    TAILQ_FOREACH(one, &q->line, link)
    if (one == w || !one->picky)
        break;
    pthread_mutex_unlock(&q->lock);
    return one == w;
}
