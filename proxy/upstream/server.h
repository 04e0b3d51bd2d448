/*
 * A server of an upstream as one worker knows it. What outlives a configuration (idle connections, what an operator
 * wants of it, what was counted) is its state, which passes from view to view (runtime/view.h).
 */
#ifndef UPSTREAM_SERVER_H
#define UPSTREAM_SERVER_H

#include <stdbool.h>
#include <sys/queue.h>

#include <green.h>

#include "conf.h"
#include "observe/metrics.h"
#include "standing.h"

struct group;
struct members;
struct name_member;
struct upstream_connection;
TAILQ_HEAD(upstream_connections, upstream_connection);

/* Whether a server gets requests; an operator's word (`greenway ctl drain`). */
enum server_duty {
    SERVER_ENABLED,
    SERVER_DRAINING, /* what is under way goes on, nothing new comes */
    SERVER_DISABLED, /* the same, meant to last */
};

/* What outlives a configuration, and other answers about a name. */
struct server_state {
    size_t references;                /* of servers */
    struct group *group;              /* the present view's; NULL: that does not have it any more */
    struct upstream_connections idle; /* last back first */
    int64_t idle_count;
    green_tls_session_t *session; /* to resume; NULL: none */
    struct standing *standing;
    struct queue *queue; /* the upstream's, held */
    enum server_duty duty;
    int64_t weight;               /* an operator's; 0: as given */
    green_address_t addresses[2]; /* of the host, in the order to try them */
    unsigned address_count;
    uint32_t active;   /* connections in use */
    uint64_t leases;   /* connections given out so far: a request each */
    uint64_t failures; /* attempts to connect that failed */
};

struct server {
    const struct conf_server *conf;
    struct group *group;
    struct server_metrics *counts; /* NULL: nobody counts */
    struct server_state *state;
    struct standing *standing; /* the state's */
    bool named;                /* it is one of those that the configured name stands for */
    unsigned tier;             /* of a service: its priority's place in their order */
    int64_t given_weight;      /* as configured, or as the record of a service says */
    int64_t weight;            /* the same, or as an operator has set it */
    uint32_t effective;        /* the same, in parts, and less while it is warming up */
    uint64_t step; /* from one turn to the next, and what a connection weighs: the inverse of that */
    bool well;     /* enabled, not down, not ejected, */
    bool usable;   /* and in the tier that gets requests: it does */
    bool measured; /* every answer counts for something (outlier.h) */
    uint64_t turn; /* when it is its turn, in the group's own count */
};

#define SERVER_TIERS 65536 /* that a service may have */

static inline int64_t server_tier(const struct server *s)
{
    return s->conf->tier * SERVER_TIERS + s->tier;
}

/* What all workers know of it. Of a name's hosts each is one of its own. NULL: no memory. */
struct standing *server_standing(struct standings *all, const struct conf_upstream *upstream,
                                 const struct conf_server *conf, const struct name_member *host);

/* The state of this server (of a name: of this host that it stands for) in `old`, the present group of that name or NULL,
 * unless `made`, servers of `g`, has taken it already; else a new one, of which is wanted what is wanted of its line. NULL:
 * no memory. */
struct server_state *server_state_hold(const struct members *made, const struct group *g,
                                       const struct group *old, const struct conf_server *conf,
                                       const struct name_member *host);
void server_state_release(struct server_state *state);

#endif
