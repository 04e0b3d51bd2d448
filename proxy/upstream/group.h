/*
 * An upstream as one worker sees it: its servers, their idle connections, whose turn it is. No locks: each worker
 * has its own. A group belongs to one view of the configuration (runtime/view.h); what is known of a server lives on
 * in the next view's group of that name, if that has the server too.
 */
#ifndef UPSTREAM_GROUP_H
#define UPSTREAM_GROUP_H

#include <sys/queue.h>

#include <green.h>

#include "conf.h"
#include "observe/metrics.h"
#include "runtime/wire.h"

struct server;

/* A connection to a server: leased to one exchange, or idle in the pool, parked. */
struct upstream_connection {
    TAILQ_ENTRY(upstream_connection) link;
    struct server *server; /* while leased: of the group that leased it; NULL: no configuration names it */
    struct server_state *state;
    int fd;
    green_stream_t *tls; /* over it; NULL: plain */
    uint32_t uses;       /* requests sent on it */
    bool idle;           /* in the pool */
    bool reused;         /* it has answered before */
    green_time expires;  /* while idle: not to be leased after this */
};

static inline struct wire upstream_wire(const struct upstream_connection *c)
{
    return (struct wire){c->fd, c->tls};
}

TAILQ_HEAD(upstream_connections, upstream_connection);

/* What outlives a configuration. */
struct server_state {
    size_t references;                /* of servers, one in each view that knows it */
    struct group *group;              /* the present view's; NULL: that does not have it any more */
    struct upstream_connections idle; /* last back first */
    int64_t idle_count;
    green_tls_session_t *session; /* to resume; NULL: none */
};

struct server {
    const struct conf_server *conf;
    struct group *group;
    struct server_metrics *counts; /* NULL: nobody counts */
    struct server_state *state;
    int64_t current_weight; /* of the smooth weighted round robin */
};

struct group {
    const struct conf_upstream *conf;
    struct upstream_metrics *counts; /* NULL: nobody counts */
    struct server *servers;
    size_t count;
    int64_t idle_count; /* all servers' */
    uint64_t reused;    /* leases of idle connections */
};

/* Why no connection could be had: for the page, the log and Proxy-Status. */
struct connect_failure {
    int status;         /* 502, 503 or 504 */
    const char *reason; /* connect_failed, connect_timeout, dns_failed, ... */
    const char *error;  /* RFC 9209 error type */
    const char *directive;
    const struct conf_server *server; /* the last one tried */
    int code;                         /* the last error */
};

/* Fills it in for an error of resolving a name or of connecting; `server` and, unless it is a timeout, `directive`
 * are left to the caller. */
void connect_explain(struct connect_failure *f, int code, bool resolving);

/* The group of an upstream, with the servers that `old`, the present group of that name or NULL, has too. 0 or -ENOMEM:
 * then it is to be destroyed. */
int group_init(struct group *g, const struct conf_upstream *conf, const struct group *old);

/* What happens from now on is counted there. */
void group_count(struct group *g, const struct metrics_view *metrics, unsigned worker);

/* Now and then: tells there what it counts for itself. */
void group_tell_counts(const struct group *g);

/* It is the present one from now on, instead of `old` (or NULL): turns go on, and so do idle connections. */
void group_settle(struct group *g, const struct group *old);

/* No later group has its servers unless that was settled before: idle connections to others are closed. */
void group_retire(struct group *g);

/* Closes the idle connections, those of later groups with the same servers too. */
void group_close_idle(struct group *g);

/* Leased connections must have been given back. */
void group_destroy(struct group *g);

/* Servers that an exchange has tried in vain: a bit each, as far as they go. */
#define GROUP_TRIED_MAX 64

/*
 * A connection to the server whose turn it is: a pooled one if `pooled`, else a new one; when it cannot be reached, to
 * the next, until every server was tried once. Servers in *tried are left out, and those tried are added. 0 and
 * *out, or the last error and *failure. May switch.
 */
int group_lease(struct group *g, bool pooled, uint64_t *tried, struct upstream_connection **out,
                struct connect_failure *failure);

/* The same for one client alone, of whom servers are told that want to know (send_proxy_protocol); never a pooled one. */
struct connection;
int group_lease_for(struct group *g, const struct connection *client, uint64_t *tried,
                    struct upstream_connection **out, struct connect_failure *failure);

/* The connection has answered completely and may be used again. announced: seconds of the upstream's Keep-Alive:
 * timeout=, -1 if it said nothing. It goes to the pool if that has room for it. Never switches. */
void group_return(struct upstream_connection *c, int32_t announced);

/* How long an idle connection may be kept: at most `keep`, and less if the server announced that it will close it
 * before. */
int64_t group_keep_time(int64_t keep, int32_t announced);

/* The connection cannot be used again. Never switches. */
void group_discard(struct upstream_connection *c);

/* The wire goes to somebody else; the rest is freed. */
void group_take_wire(struct upstream_connection *c);

#endif
