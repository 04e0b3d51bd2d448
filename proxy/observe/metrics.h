/*
 * What is counted: of each listener, route, upstream and server of the configuration, by each worker for itself. A worker
 * adds to memory of its own, with plain stores; whoever reads adds up what the workers have. Names come from the
 * configuration alone and reasons from a table, so that no request can make anything grow.
 *
 * Structure belongs to the main thread: it makes and frees sets when a configuration begins and ends to be used, and it
 * is the only reader. A name that two configurations share has one set in both: its counters go on.
 */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <stdbool.h>

#include "access_log.h"
#include "counter.h"
#include "histogram.h"
#include "reason.h"
#include "refusals.h"

#define METRICS_WORKERS 256 /* the most that there can be */
#define METRICS_METHODS 10  /* those of enum http_method; the first is all others */

/* How an answer came out: none was sent, 1xx (a switch of protocols) to 5xx. */
#define METRICS_CLASSES 6

struct traffic {
    counter_t requests[METRICS_METHODS][METRICS_CLASSES];
    counter_t bytes_in, bytes_out; /* of bodies, as in the access log */
    struct histogram
        duration; /* from a request's first byte to the last of its answer; tunnels are not in it */
};

struct listener_metrics {
    struct traffic traffic;
    counter_t accepted, closed; /* connections */
    counter_t turned_away;      /* connections that were refused a place */
    counter_t shed;             /* connections whose place was given to others */
    counter_t idle;             /* connections that wait for a request, now */
    counter_t tunnels_begun, tunnels_ended;
    counter_t failures[REASONS_MOST];
};

struct route_metrics {
    struct traffic traffic;
};

struct upstream_metrics {
    counter_t reused, idle;       /* leases of kept connections; kept connections now: told now and then */
    counter_t retries;            /* requests sent once more */
    counter_t retries_refused;    /* requests that were not, for retry_budget was used up */
    counter_t hedges, hedges_won; /* second requests beside a slow first one; those that answered first */
    counter_t names_asked, names_failed, names_failing;
    struct histogram connect; /* until a new connection stood, names included */
    struct histogram queue;   /* waits for a place at a server, over for whatever reason */
    counter_t failures[REASONS_MOST];
};

/* An upstream's answers are those of its servers. */
struct server_metrics {
    counter_t responses[METRICS_CLASSES];
    counter_t connects, connect_failures;
    counter_t active;            /* connections in use, told now and then */
    counter_t failures;          /* requests and tunnels that failed for a reason of its side */
    struct histogram first_byte; /* from the connection to the first byte of the answer */
};

/* What a worker tells of itself now and then. */
struct worker_metrics {
    counter_t turns, polls, greenlets, ready, parked, stacks_cached;
    counter_t buffers, buffers_free;
    counter_t mirrors; /* copies of requests under way, and what became of the others */
    counter_t mirrors_answered, mirrors_failed, mirrors_dropped;
    counter_t updated; /* green_now() of the last time */
    struct {
        const char *name, *directive;
        size_t index;
    } reasons[64]; /* what reason_find() said; the worker's own */
};

enum metrics_kind { METRICS_LISTENER, METRICS_ROUTE, METRICS_UPSTREAM, METRICS_SERVER, METRICS_KINDS };

/* What all workers count of one name. */
struct metrics_set {
    enum metrics_kind kind;
    const char *owner, *name; /* owner: of a server its upstream, else "" */
    unsigned references;
    void *by_worker[METRICS_WORKERS];
};

struct metrics {
    void *sets; /* a tree of tsearch(3) */
    unsigned worker_count;
    struct worker_metrics *workers[METRICS_WORKERS];
    struct refusals *refusals[METRICS_WORKERS]; /* of each worker, the last ones */
    green_time started;
    int64_t started_clock; /* the same moment, seconds since 1970 */
};

/* The sets of one configuration, by the indexes of its arrays. */
struct metrics_view {
    struct metrics *metrics;
    const struct conf *conf;
    struct metrics_set **listeners, **routes, **upstreams;
    struct metrics_set ***servers; /* of each upstream */
};

/* Main thread. NULL: out of memory. A view makes what its configuration needs for so many workers, keeping what is there
 * of names that another view has; it has to outlive the use of its configuration. */
struct metrics *metrics_new(void);
struct metrics_view *metrics_view_new(struct metrics *m, const struct conf *conf, unsigned workers);
void metrics_view_free(struct metrics_view *view);
void metrics_free(struct metrics *m); /* after all views */

static inline struct listener_metrics *metrics_listener(const struct metrics_view *v, unsigned worker,
                                                        const struct conf_listener *listener)
{
    return v->listeners[listener - v->conf->listeners]->by_worker[worker];
}

static inline struct route_metrics *metrics_route(const struct metrics_view *v, unsigned worker,
                                                  const struct conf_route *route)
{
    return v->routes[route - v->conf->routes]->by_worker[worker];
}

static inline struct upstream_metrics *metrics_upstream(const struct metrics_view *v, unsigned worker,
                                                        const struct conf_upstream *upstream)
{
    return v->upstreams[upstream - v->conf->upstreams]->by_worker[worker];
}

static inline struct server_metrics *metrics_server(const struct metrics_view *v, unsigned worker,
                                                    const struct conf_upstream *upstream,
                                                    const struct conf_server *server)
{
    return v->servers[upstream - v->conf->upstreams][server - upstream->servers]->by_worker[worker];
}

/* Where something that has ended is counted. */
struct metrics_places {
    const struct metrics_view *view;
    unsigned worker;
    struct listener_metrics *listener;
    struct route_metrics *route;   /* NULL: none */
    struct server_metrics *server; /* NULL: none, or one that no configuration names */
};

/* A request has ended; `method` is one of enum http_method. By the worker's thread, without a system call. */
void metrics_request(const struct metrics_places *at, const struct access_entry *entry, unsigned method);

/* A tunnel has ended that began as a request (`method`), or as a TCP connection. */
void metrics_tunnel(const struct metrics_places *at, const struct access_entry *entry, unsigned method);

/* A connection was refused a place, for the reason in `entry`. */
void metrics_turned_away(const struct metrics_view *v, unsigned worker, const struct access_entry *entry);

#endif
