/* What threadpool.c (the threads and their queue) and offload.c (the greenlets that wait for them) share. Private to
 * libgreen. */
#ifndef GREEN_POOL_THREADS_H
#define GREEN_POOL_THREADS_H

#include "../core/internal.h"
#include "offload.h"

struct job {
    struct green_node queued; /* in the pool's queue while JOB_QUEUED */
    green_threads_t *threads;
    void *(*fn)(void *arg);
    void *arg, *result;
    int error;                                     /* the errno that fn left */
    enum { JOB_NEW, JOB_QUEUED, JOB_BEGUN } state; /* under the pool's lock */
    bool droppable;                                /* counts against the backlog */
    void (*ended)(
        struct job *job); /* on the pool's thread, without its lock; the job may be gone afterwards */
};

/* Queues the job: 0, -EPIPE, -ENOMEM, -EAGAIN (backlog). */
int green__threads_submit(green_threads_t *threads, struct job *job);

/* Takes it back if it has not begun. */
bool green__threads_withdraw(struct job *job);

/* Whether this thread is one of a pool's. */
bool green__on_pool_thread(void);

/* How many forks lie between this process and the first: what was begun before one has no thread any more. */
unsigned green__threads_generation(void);

/* Something outside the hub that will be over: the waiter's record and the post that comes back. */
struct outside {
    green_post_t post;
    green_hub_t *hub;
    green_park_t *park;
    bool over;
};

/* Before the other side can know of it. -EPERM in the hub, -EAGAIN for GREEN_NOWAIT, or the caller's interruption. */
int green__outside_begin(struct outside *o, green_time deadline);

/* By the other side, once, as its last touch. */
void green__outside_over(struct outside *o);

/* Waits until it is over. If that fails and `withdraw` cannot prevent it any more, it is waited for all the same,
 * shielded: whichever is returned, the other side has let go. */
int green__outside_wait(struct outside *o, const char *what, bool (*withdraw)(struct outside *o),
                        green_time deadline);

#endif
