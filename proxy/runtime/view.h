/*
 * A snapshot as one worker sees it: with the worker's own groups of servers, pools and queues. No locks. The worker
 * holds its present view, and so does every connection from its last look at it until its end: what they point to in
 * the configuration all comes from one and the same. Connections without a request under way move to the next view at
 * once; others with their next request.
 */
#ifndef RUNTIME_VIEW_H
#define RUNTIME_VIEW_H

#include <sys/queue.h>

#include "snapshot.h"
#include "upstream/group.h"

struct connection;
struct origins;
struct worker;
TAILQ_HEAD(waiting, connection);

/* A listener's part in one worker; it lives on with the listener. */
struct post {
    size_t references;      /* of views */
    struct waiting waiting; /* connections that owe us a request, longest first */
};

struct view {
    size_t references;
    struct snapshot *snapshot;
    const struct conf *conf;
    const char *via;                    /* our name in Via */
    const struct metrics_view *metrics; /* where it counts */
    struct group *groups;               /* by index in conf->upstreams */
    struct origins **origins;           /* by index in conf->listeners; NULL unless it is a forward proxy's */
    struct post **posts;                /* by index in conf->listeners */
};

/* A view of the snapshot, which it holds from now on. What lives on is taken from the present view, `old` (or NULL),
 * that of the snapshot just before; `worker` is whose it is. view_settle() has to follow when this one is used. NULL: no memory. */
struct view *view_new(struct snapshot *s, const struct view *old, unsigned worker);

/* `v` is the present view from now on, instead of `old` (or NULL): kept connections to servers are its. */
void view_settle(struct view *v, struct view *old);

/* It is no worker's present view any more: what is kept for later is closed. view_settle() does that to `old`. */
void view_retire(struct view *v);

static inline struct view *view_hold(struct view *v)
{
    v->references++;
    return v;
}

void view_release(struct view *v);

/* The upstream's servers, and the forward proxy's pool. */
static inline struct group *view_group(const struct view *v, const struct conf_upstream *upstream)
{
    return &v->groups[upstream - v->conf->upstreams];
}

static inline struct origins *view_origins(const struct view *v, const struct conf_listener *listener)
{
    return v->origins[listener - v->conf->listeners];
}

#endif
