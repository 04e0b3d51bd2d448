/*
 * A worker: one thread, one hub, its own listening sockets (SO_REUSEPORT), upstream pools, buffers and log tail.
 * Everything in it is touched by its own thread only, once it runs, except where it says otherwise.
 *
 * The main thread tells it what to do by orders, one at a time, and waits until it has answered. A worker that is one
 * too many retires: it accepts nothing any more, and ends with its last connection.
 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <green.h>

#include "ask.h"
#include "buffer.h"
#include "conf.h"
#include "http/date.h"
#include "http/encoder.h"
#include "http/identifier.h"
#include "http/mirror.h"
#include "listener.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "route/split.h"
#include "view.h"

struct authenticator;
struct connection;
struct connection_walk;
struct process;
LIST_HEAD(connections, connection);
LIST_HEAD(connection_walks, connection_walk);

struct worker {
    struct process *process;
    unsigned index;
    struct access_log_tail *log;
    pthread_t thread;
    bool running;        /* started, and has not reported its end; main thread only, as ... */
    bool leaving;        /* ... these: it was sent home, */
    bool joinable;       /* its thread has not been joined, */
    green_park_t *ended; /* who waits for its end */
    void (*next_order)(struct worker *w); /* set by the main thread before it posts order_post */

    green_hub_t *hub; /* the main thread reads it after WORKER_STARTED, to post to it */
    struct view *view;
    struct view *next_view; /* between two orders */
    struct listenings listenings;
    struct authenticator *authenticator; /* NULL until a request needs it */
    struct buffers buffers;
    struct encoders encoders;
    struct http_date date;
    struct mirrors mirrors;
    struct route_random random;
    struct identifiers identifiers;
    struct presence *presences; /* of files that switch maintenance on */
    char scratch[65536]; /* for work that does not wait: stacks stay small. No request target is larger */
    struct connections connections;
    size_t connection_count;
    struct connection_walks walks; /* over them */
    green_time told_of_shedding;
    int reserve_fd;    /* given up to accept, and turn away, clients when there is no other; -1: none */
    unsigned refusing; /* connections that were turned away and have yet to close */
    green_t *cutter;   /* cuts connections when reload_grace is over; NULL: there was none yet */
    green_park_t cutter_told;
    bool retired;      /* accepts nothing, ends with its last connection, */
    bool told_empty;   /* and that was said to have closed */
    green_park_t told; /* to drain, or an order came */
    bool draining;
    green_park_t *drained; /* set while somebody waits for connection_count to reach 0 */
    void (*order)(struct worker *w);

    struct askable_worker asked;
    green_post_t drain_post, order_post;                            /* main thread to worker */
    green_post_t started_post, ended_post, answer_post, empty_post; /* worker to main thread */
    int result; /* of setting up, or of the last order; valid after WORKER_STARTED, WORKER_ANSWERED */
};

/* The worker whose thread this is. */
struct worker *worker_self(void);

/* "Sun, 06 Nov 1994 08:49:37 GMT", made once a second. */
struct span worker_date(struct worker *w);

/* Body of a worker's thread; workers.c has filled in the first part of the struct. */
void *worker_main(void *w);

/* To be posted to the worker's hub: it stops accepting, lets its connections end, and ends. */
void worker_drain(green_post_t *post);

/* To be posted to the worker's hub: it carries out w->next_order, which may set w->result. */
void worker_obey(green_post_t *post);

/* Its last connection has closed. */
void worker_empty(struct worker *w);

/* workers.c: told by the worker's thread. After WORKER_ENDED nothing of the worker is touched by it again. */
enum worker_event { WORKER_STARTED, WORKER_ENDED, WORKER_ANSWERED, WORKER_EMPTY };
void worker_report(struct worker *w, enum worker_event event);

#endif
