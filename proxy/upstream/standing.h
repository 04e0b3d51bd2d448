/*
 * What the whole process knows of a server of an upstream: how many connections lead to it, how long its answers take,
 * whether it is well. All workers share one standing of each server; it lives for as long as anybody refers to it, so
 * reloads do not touch it.
 *
 * Everything that workers change is an atomic of its own: what two of them see at the same moment may differ a little.
 */
#ifndef UPSTREAM_STANDING_H
#define UPSTREAM_STANDING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <green.h>

#include "queue.h"

/* What the health check of a server has seen; the main thread's alone. */
struct standing_check {
    green_time due;     /* the next one */
    unsigned round;     /* when it was last found to be checked (health.h) */
    unsigned good, bad; /* in a row */
    bool known;         /* it is checked */
    bool under_way;
    bool inherited,
        was_known; /* another process has told of it, and whether it was checked there (inheritance.h) */
    char why[128]; /* what the last one has seen */
};

struct standing {
    atomic_llong active;     /* connections in use, where somebody wants to know (group->shares_counts) */
    atomic_llong limit;      /* of those; 0: none (places.h) */
    _Atomic int64_t latency; /* peak EWMA of the time to the first byte, ns; 0: nothing is known */
    _Atomic green_time latency_at;    /* when that was */
    _Atomic green_time recovered;     /* when it came back; 0: it was never away */
    _Atomic green_time ejected_until; /* it failed too many requests; 0: it is not ejected */
    atomic_bool down;                 /* says the health check */
    atomic_uint errors;               /* in a row */
    atomic_uint ejections;            /* so far in a row: each lasts longer */
    _Atomic green_time window;        /* when the present one began, in which the following are counted */
    atomic_uint window_requests, window_failures;
    atomic_uint_fast64_t ejected, changes; /* how often it was; how often the health check changed its mind */
    atomic_uint_fast64_t checks, checks_failed; /* that were made */

    struct standings *all;
    unsigned references; /* under all->lock */
    LIST_ENTRY(standing) link;
    const char *upstream, *server;
    struct standing_check check;
};

LIST_HEAD(standing_list, standing);

/* All of a process. */
struct standings {
    pthread_mutex_t lock; /* of the list, and of references: held for moments */
    struct standing_list list;
    struct queue_list queues;
    void *tree;                  /* the same, of tsearch(3) */
    unsigned char secret[32];    /* drawn at the start: for cookies (sticky.h) */
    struct standing **inherited; /* what another process has told of, held; the main thread's */
    size_t inherited_count;
    atomic_uint generation; /* changes whenever the choice of servers may: groups look at all again */
};

/* 0 or -errno. */
int standings_init(struct standings *all);
void standings_destroy(struct standings *all); /* after the last reference */

/* That of this server of this upstream, made if need be. Any thread. NULL: no memory. */
struct standing *standing_hold(struct standings *all, const char *upstream, const char *server);
void standing_hold_again(struct standing *s);
void standing_release(struct standing *s);

enum standing_state { STANDING_UP, STANDING_DOWN, STANDING_EJECTED };

/* How it is now, whatever an operator says. Any thread. */
static inline enum standing_state standing_state(const struct standing *s, green_time now)
{
    if (atomic_load_explicit(&s->down, memory_order_relaxed))
        return STANDING_DOWN;
    return now < atomic_load_explicit(&s->ejected_until, memory_order_relaxed) ? STANDING_EJECTED
                                                                               : STANDING_UP;
}

/* Something changed that decides who gets requests. Any thread. */
static inline void standings_changed(struct standings *all)
{
    atomic_fetch_add_explicit(&all->generation, 1, memory_order_release);
}

#endif
