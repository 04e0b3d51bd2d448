/*
 * An upstream as one worker sees it: its servers, and the lease that ties together whose turn it is (balance.h), idle
 * connections (pool.h) and new ones (connect.h). No locks: each worker has its own. A group belongs to one view of the
 * configuration (runtime/view.h); what is known of a server lives on in the next view's group of that name, if that has
 * the server too.
 */
#ifndef UPSTREAM_GROUP_H
#define UPSTREAM_GROUP_H

#include "balance.h"
#include "connect.h"
#include "members.h"
#include "places.h"
#include "pool.h"
#include "queue.h"
#include "retry_budget.h"
#include "server.h"
#include "sticky.h"
#include "usual_time.h"
#include "wanted.h"

struct group {
    const struct conf_upstream *conf;
    struct upstream_metrics *counts; /* NULL: nobody counts */
    struct name *const *names;       /* by index of the configured server; NULL: all are addresses */
    struct members *members;
    struct server *servers; /* the members' */
    size_t count;
    unsigned generation; /* other answers make another one */
    int64_t idle_count;  /* all servers' */
    uint64_t reused;     /* leases of idle connections */
    struct standings *standings;
    struct balance balance;
    struct wanted *wanted;       /* by index of the configured server */
    struct sticky_token *tokens; /* of each server; NULL: clients are not brought back */
    bool shares_counts;          /* what is in use is counted for all workers together */
    const struct metrics_view *metrics;
    unsigned worker;
    struct retry_budget budget;
    struct queue *queue;      /* held */
    bool limited;             /* servers have only so many places, */
    size_t looked_from;       /* and where one was looked for when the first were full */
    struct usual_time *usual; /* NULL: nobody asks */
    bool settled;             /* it is the present one */
};

/* The group of an upstream, with the servers that `old`, the present group of that name or NULL, has too; the names are
 * those of the snapshot. 0 or -ENOMEM: then it is to be destroyed. */
int group_init(struct group *g, const struct conf_upstream *conf, struct standings *standings,
               struct name *const *names, const struct group *old);

/* What happens from now on is counted there. */
void group_count(struct group *g, const struct metrics_view *metrics, unsigned worker);

/* Now and then: tells there what it counts for itself. */
void group_tell_counts(const struct group *g);

/* It is the present one from now on, instead of `old` (or NULL): turns go on, and so do idle connections. */
void group_settle(struct group *g, const struct group *old);

/* No later group has its servers unless that was settled before: idle connections to others are closed. */
void group_retire(struct group *g);

/* Now and then: what its names stand for by now. A lease looks at that too. Never switches. */
void group_follow_names(struct group *g);

/* Closes the idle connections, those of later groups with the same servers too. */
void group_close_idle(struct group *g);

/* Leased connections must have been given back. */
void group_destroy(struct group *g);

/* Does to one server what is wanted (a weight of 0: as configured; balance_reweigh() is to follow); idle connections of a
 * server that gets nothing any more are closed. Never switch. */
void server_set_duty(struct server *s, enum server_duty duty);
void server_set_weight(struct server *s, int64_t weight);

/* What somebody wants who asks for a connection. */
struct lease_request {
    /* It is for this client alone, of whom servers are told that want to know (send_proxy_protocol); NULL: for anybody. */
    const struct connection *client;
    bool pooled;         /* one that was used before will do */
    bool no_wait;        /* for a place: one that is free, or none */
    bool desperate;      /* all whose turn it is have failed: others will do too */
    bool hashed;         /* requests with the same ... */
    struct span token;   /* of the server that the client had before (sticky.h); or empty */
    uint64_t hash;       /* ... go to the same server, where balance = hash:... */
    unsigned generation; /* of the group's servers, that the following are of */
    int client_fd;       /* who need not wait when that was closed; -1: nobody looks */
    green_time queued;   /* when it had waited for a place; 0: it has not */
    uint32_t used;       /* tries that failed, of those that `retries` allows */
    uint32_t failed;     /* connections that could not be made */
    struct tried tried;  /* servers that are left out, for they were tried; group_lease() adds to them */
};

static inline void lease_request_init(struct lease_request *r, const struct connection *client, bool pooled)
{
    r->client = client;
    r->pooled = pooled;
    r->hashed = r->no_wait = r->desperate = false;
    r->token = span_of(NULL, 0);
    r->generation = 0;
    r->used = r->failed = 0;
    r->client_fd = -1;
    r->queued = 0;
    r->tried.count = 0;
}

/*
 * A connection to the server whose turn it is: a pooled one if that will do, else a new one; when it cannot be reached,
 * to the next, until every server was tried once. 0 and *out, or the last error and *failure. May switch.
 */
int group_lease(struct group *g, struct lease_request *request, struct upstream_connection **out,
                struct connect_failure *failure);

/* A try on this lease has failed: the next one is made with another server, if there is one. */
void lease_request_failed(struct lease_request *request, const struct upstream_connection *c);

/* The connection has answered completely and may be used again. announced: seconds of the upstream's Keep-Alive:
 * timeout=, -1 if it said nothing. It goes to the pool if that has room for it. Never switches. */
void group_return(struct upstream_connection *c, int32_t announced);

/* The connection cannot be used again. Never switches. */
void group_discard(struct upstream_connection *c);

/* The wire goes to a tunnel. What is left counts as in use until group_end_tunnel(); NULL: nothing counts it. Never
 * switch. */
struct upstream_connection *group_take_wire(struct upstream_connection *c);
void group_end_tunnel(struct upstream_connection *c);

#endif
