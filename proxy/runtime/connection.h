/* A client connection, from accept to close. While it is idle this record and a parked descriptor are all of it. */
#ifndef RUNTIME_CONNECTION_H
#define RUNTIME_CONNECTION_H

#include "listener.h"
#include "wire.h"
#include "worker.h"

struct tunnel;

/* Has what a tunnel remembers for the log point into another configuration; false: what it names is not there. Never
 * switches. */
typedef bool (*connection_follow_fn)(void *of_tunnel, const struct conf *from, const struct conf *to);

/* Why a connection is turned away. */
struct refusal {
    int status;
    const char *reason, *directive;
    bool by_process;   /* the key is one of [greenway] */
    const char *error; /* RFC 9209 error type; NULL: that of a limit on connections */
    const char *text;  /* of the page; NULL: the usual one */
};

struct tls_identity;

/* What a connection is about, as far as its present work knows. */
struct connection_facts {
    const char *state; /* a word: "reading", "waiting", "tunnel" */
    struct span method, host, target;
    const char *upstream, *server; /* their names; NULL: none yet */
    const char *route;             /* NULL: none */
    uint64_t bytes_in, bytes_out;  /* of that work */
    green_time since;              /* when it began */
};

/* Whoever works on a connection can be asked about it, and told to give it up. Both run in the worker's thread. */
struct connection_work {
    void (*describe)(const struct connection *c, struct connection_facts *facts);
    void (*end)(struct connection *c); /* soon; without switching */
};

struct connection {
    LIST_ENTRY(connection) link;
    uint64_t id;                        /* unique in the process */
    const struct connection_work *work; /* NULL: nothing goes on */
    void *doing;                        /* the work's own */
    struct worker *worker;
    struct listening *at;             /* where it was accepted */
    struct view *view;                /* the configuration that it lives by: from it come ... */
    const struct conf_listener *conf; /* ... its listener's section, */
    struct listener *listener;        /* its listener, */
    struct post *post;                /* the worker's part of that, */
    struct listener_metrics *counts;  /* and what is counted of it there */
    int fd;                           /* -1 once a tunnel owns the socket */
    green_stream_t *tls;              /* over it; NULL: plain */
    struct tls_identity
        *identity; /* tls/accept.h: of the client, if a certificate said who that is; else NULL */
    uint32_t requests;
    uint64_t bytes_in, bytes_out; /* of requests and answers that are over */
    bool secure;                  /* it came to an address for TLS */
    bool idle;                    /* parked between requests: may be closed at any time */
    bool waiting;      /* it owes us a request, or the rest of its head: may be shed for the sake of others */
    bool aborted;      /* the peer is to see that its connection did not end as it should */
    bool shed;         /* that has happened: its place was given away, its socket was shut down */
    bool killed;       /* by an operator: its work is ending */
    bool ending;       /* its listener is gone, or the worker retires: no request after this one */
    bool cut;          /* it has had its time after that */
    green_time cut_at; /* when that will be so; 0: never */
    TAILQ_ENTRY(connection) waiting_link; /* while waiting */
    struct source_count *counted;         /* NULL: its source is not counted */
    green_time accepted;
    green_address_t peer;
    struct tunnel *tunnel; /* NULL: none */
    connection_follow_fn follow;
    void *of_tunnel;
};

/* Where the key stands that was the reason. */
struct conf_origin refusal_origin(const struct view *v, const struct conf_listener *conf,
                                  const struct refusal *why);

/* A connection that was accepted: counts it and starts its service. Closes the socket if that cannot be. */
void connection_open(struct listening *at, int fd, const green_address_t *peer);

/* What follows when it is known for whom the peer speaks: TLS, where the listener has it; then its protocol. 0 or an error;
 * it is still to be closed then. */
int connection_secure(struct connection *c);
int connection_serve(struct connection *c);

/* Closing it is to reset it. */
void connection_abort(struct connection *c);

/* The end of it: closes the socket if it is still there, frees the record. */
void connection_close(struct connection *c);

static inline struct wire connection_wire(const struct connection *c)
{
    return (struct wire){c->fd, c->tls};
}

/* A tunnel has the wire. */
static inline void connection_give_wire(struct connection *c)
{
    c->fd = -1;
    c->tls = NULL;
}

/* Ends a connection on an operator's word, whatever it does: at once if it is idle, soon otherwise. */
void connection_kill(struct connection *c);

/* What a connection is about; of one that does nothing, too. */
void connection_describe(const struct connection *c, struct connection_facts *facts);

/* A walk over all connections of a worker that takes several turns: those that end meanwhile are passed over, new ones
 * may be missed. */
struct connection_walk {
    LIST_ENTRY(connection_walk) link;
    struct connection *next;
};

void connection_walk_begin(struct connection_walk *walk, struct worker *w);
struct connection *connection_walk_next(struct connection_walk *walk); /* NULL: that was all */
void connection_walk_end(struct connection_walk *walk);

/* While a connection waits it can be shed when there are too many: the one that has waited longest first. */
void connection_waits(struct connection *c);
void connection_busy(struct connection *c);

/* It is idle no longer. */
void connection_stirs(struct connection *c);

/* Closes up to so many idle connections of the worker, of each listener those that have been idle the longest. */
void connections_shed(struct worker *w, size_t most);

/* Is this its last request? */
static inline bool connection_ends(const struct connection *c)
{
    return c->ending || c->worker->draining;
}

/* Goes over to the worker's present view, which has the listener. Never switches. */
void connection_move(struct connection *c);

/* Does so if there is one; to be called before each request. */
static inline void connection_refresh(struct connection *c)
{
    if (c->view != c->at->view && !c->at->gone && !c->ending)
        connection_move(c);
}

/* From now on a tunnel carries it. Never switches. */
void connection_tunnels(struct connection *c, struct tunnel *tunnel, connection_follow_fn follow,
                        void *of_tunnel);

/* After the worker's change to another view, or when it was told to retire: each of its connections goes over to the
 * present view, at once or with its next request, or ends. Never switches. */
void connections_follow(struct worker *w);

/* Nobody is cut off any more. May switch. */
void connections_stop_cutting(struct worker *w);

/* Closes the idle connections of the worker (when it drains); after an upgrade not those that have not asked yet. */
void connections_close_idle(struct worker *w);

#endif
