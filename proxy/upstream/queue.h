/*
 * The queue in front of an upstream's servers, for the whole process: who waits for a place at one of them, and how many
 * have one. Whoever gives a place back calls the first in line, who looks for a server by himself; nobody overtakes. It
 * lives for as long as anybody refers to it, so reloads do not touch it.
 */
#ifndef UPSTREAM_QUEUE_H
#define UPSTREAM_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <green.h>

struct standings;

/* One who waits; on its own stack. */
struct queue_waiter {
    TAILQ_ENTRY(queue_waiter) link;
    green_shared_event_t called; /* it may look */
    bool picky; /* it leaves servers out: one that it does not take may do for the next in line */
};

struct queue {
    atomic_llong active;  /* places taken, of all servers; only where there are limits */
    atomic_llong limit;   /* of that; 0: none */
    atomic_llong waiting; /* how many */
    pthread_mutex_t lock; /* of the line, held for moments */
    TAILQ_HEAD(, queue_waiter) line;

    struct standings *all;
    unsigned references; /* under all->lock, as is the list */
    LIST_ENTRY(queue) link;
    char upstream[];
};

LIST_HEAD(queue_list, queue);

/* That of the upstream of this name, made if need be. Any thread. NULL: no memory. */
struct queue *queue_hold(struct standings *all, const char *upstream);
void queue_hold_again(struct queue *q);
void queue_release(struct queue *q);

/* In line, unless so many wait already: -ENOBUFS. Never switch. */
int queue_enter(struct queue *q, struct queue_waiter *w, int64_t most);

/* Out of it; the next one is called, for it may have been called for nothing while this one was first. */
void queue_leave(struct queue *q, struct queue_waiter *w);

/* Is it its turn to look? That of the first in line, and of those behind it as long as all before them are picky. */
bool queue_is_turn(struct queue *q, const struct queue_waiter *w);

/* A place has become free: those whose turn it is may look. Any thread. */
void queue_call(struct queue *q);

/* How many wait there and how many places are taken, for who shows it; 0 and 0 if there is no such queue. Any thread. */
void queue_look(struct standings *all, const char *upstream, uint64_t *waiting, uint64_t *active);

#endif
