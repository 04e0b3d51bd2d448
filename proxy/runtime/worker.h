/*
 * A worker: one thread, one hub, its own listening sockets (SO_REUSEPORT), upstream pools, buffers and log tail.
 * Everything in it is touched by its own thread only, once it runs, except where it says otherwise.
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
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "route/split.h"
#include "upstream/group.h"

struct authenticator;
struct connection;
struct process;
struct origins;
LIST_HEAD(connections, connection);
TAILQ_HEAD(waiting, connection);

/* A listener of the configuration as the process runs it; shared by all workers. */
struct listener {
    const struct conf_listener *conf;
    green_address_t *bound; /* where it listens, with the ports that the kernel chose */
    size_t bound_count;
    atomic_long connections; /* open now */
};

/* One listening socket of one worker. */
struct listening {
    struct listener *listener;
    int fd;
    green_t *acceptor;
};

struct worker {
    struct process *process;
    const struct conf *conf;
    unsigned index;
    const char *via; /* our name in Via */
    struct access_log_tail *log;
    const struct metrics_view *metrics; /* where it counts, at its index */
    struct listening *listening;
    size_t listening_count;
    pthread_t thread;

    green_hub_t *hub;                    /* the main thread reads it after WORKER_STARTED, to post to it */
    struct group *groups;                /* by index in conf->upstreams */
    struct origins *origins;             /* by index in conf->listeners; used for forward proxies */
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
    struct waiting *waiting; /* by index in conf->listeners: those that owe us a request, longest first */
    green_time told_of_shedding;
    int reserve_fd;    /* given up to accept, and turn away, clients when there is no other; -1: none */
    unsigned refusing; /* connections that were turned away and have yet to close */
    green_park_t told_to_drain;
    bool draining;
    green_park_t *drained; /* set while somebody waits for connection_count to reach 0 */

    struct askable_worker asked;
    green_post_t drain_post;               /* main thread to worker */
    green_post_t started_post, ended_post; /* worker to main thread */
    int result;                            /* of setting up; valid after WORKER_STARTED */
};

/* The worker whose thread this is. */
struct worker *worker_self(void);

/* The upstream's group in this worker. */
struct group *worker_group(struct worker *w, const struct conf_upstream *upstream);

/* The forward listener's connections in this worker. */
struct origins *worker_origins(struct worker *w, const struct conf_listener *listener);

/* "Sun, 06 Nov 1994 08:49:37 GMT", made once a second. */
struct span worker_date(struct worker *w);

/* Body of a worker's thread; process.c has filled in the first part of the struct. */
void *worker_main(void *w);

/* To be posted to the worker's hub: it stops accepting, lets its connections end, and ends. */
void worker_drain(green_post_t *post);

/* process.c: told by the worker's thread. After WORKER_ENDED nothing of the worker is touched by it again. */
enum worker_event { WORKER_STARTED, WORKER_ENDED };
void worker_report(struct worker *w, enum worker_event event);

#endif
