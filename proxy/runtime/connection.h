/* A client connection, from accept to close. While it is idle this record and a parked descriptor are all of it. */
#ifndef RUNTIME_CONNECTION_H
#define RUNTIME_CONNECTION_H

#include "wire.h"
#include "worker.h"

/* Why a connection is turned away. */
struct refusal {
    int status;
    const char *reason, *directive;
    bool by_process; /* the key is one of [greenway] */
};

struct connection {
    LIST_ENTRY(connection) link;
    struct worker *worker;
    struct listener *listener;
    struct listener_metrics *counts; /* the listener's, in this worker */
    int fd;                          /* -1 once a tunnel owns the socket */
    green_stream_t *tls;             /* over it; NULL: plain */
    uint32_t requests;
    bool idle;    /* parked between requests: may be closed at any time */
    bool waiting; /* it owes us a request, or the rest of its head: may be shed for the sake of others */
    bool aborted; /* the peer is to see that its connection did not end as it should */
    bool shed;    /* that has happened: its place was given away, its socket was shut down */
    TAILQ_ENTRY(connection) waiting_link; /* while waiting */
    struct source_count *counted;         /* NULL: its source is not counted */
    green_time accepted;
    green_address_t peer;
};

/* Where the key stands that was the reason. */
struct conf_origin refusal_origin(const struct worker *w, const struct listener *l,
                                  const struct refusal *why);

/* A connection that was accepted: counts it and starts its service. Closes the socket if that cannot be. */
void connection_open(struct worker *w, struct listener *l, int fd, const green_address_t *peer);

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

/* While a connection waits it can be shed when there are too many: the one that has waited longest first. */
void connection_waits(struct connection *c);
void connection_busy(struct connection *c);

/* It is idle no longer. */
void connection_stirs(struct connection *c);

/* Closes up to so many idle connections of the worker, of each listener those that have been idle the longest. */
void connections_shed(struct worker *w, size_t most);

/* Closes every idle connection of the worker (when it drains). */
void connections_close_idle(struct worker *w);

#endif
