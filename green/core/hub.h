/*
 * The hub: one per OS thread, made on the first use of any libgreen call in that thread. It holds the run queue,
 * the timers, the poller and an embedded libuv loop, and it is the only thing that switches greenlets in. The
 * thread's own stack is its main greenlet: when that waits, the others run.
 */
#ifndef GREEN_CORE_HUB_H
#define GREEN_CORE_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "time.h"

typedef struct green_hub green_hub_t;
struct uv_loop_s;

/* This thread's hub; made if there is none yet. NULL: out of memory or descriptors. For what a
 * fork() leaves of it see os/fork.h. Never switches. */
green_hub_t *green_hub(void);

/* Frees this thread's hub. Call from the main greenlet when no other greenlet is left: -EBUSY while some are alive,
 * -EPERM elsewhere. A later call of libgreen makes a new hub. */
int green_hub_close(void);

/* Work that another thread hands to a hub. The caller owns the node and keeps it until fn has run. */
typedef struct green_post {
    struct green_post *next; /* private */
    void (*fn)(struct green_post *node);
} green_post_t;

/* Runs node->fn inside `hub`, on its thread, soon; in the order of posting. The only libgreen call that may be made for a foreign hub, from
 * any thread. fn must not wait (it gets -EPERM); it may wake and spawn. The target hub must be open when the call
 * begins; that fn runs, and even that the hub closes, before the call returns does no harm. */
void green_post(green_hub_t *hub, green_post_t *node);

/* The embedded libuv loop, to start handles of your own on. The hub notices new handles because you asked for the
 * loop: call this again after a pause instead of keeping the pointer. Callbacks run in the hub: never wait there. */
struct uv_loop_s *green_uv_loop(void);

/* Tells the hub that something outside libgreen (another thread, a libuv handle) will wake a greenlet, so that a
 * main greenlet waiting for it is no deadlock. Calls pair up. Never switches. */
void green_expect_outside(void);
void green_unexpect_outside(void);

typedef struct green_stats {
    uint64_t switches;    /* greenlets switched in since the hub was made */
    uint64_t polls;       /* times the poller was asked */
    size_t greenlets;     /* alive, main included */
    size_t ready;         /* waiting for their turn */
    size_t parked;        /* descriptors parked without a greenlet */
    size_t stacks_cached; /* stacks kept for reuse */
} green_stats_t;

/* Counters of this thread's hub. Never switches. */
void green_hub_stats(green_stats_t *out);

/* Called in the hub about once a second while greenlets run, and once or twice after they have come to rest: the
 * place to give memory back. One hook per hub; fn must not wait. Never switches. */
void green_on_idle(void (*fn)(void *arg), void *arg);

#endif
