/* Connections to servers that are idle: kept for the next request, watched, closed in time. No locks: a worker's own. */
#ifndef UPSTREAM_POOL_H
#define UPSTREAM_POOL_H

#include "runtime/wire.h"
#include "server.h"

/* A connection to a server: leased to one exchange, or idle in the pool, parked. */
struct upstream_connection {
    TAILQ_ENTRY(upstream_connection) link;
    struct server *server; /* while leased: of the group that leased it; NULL: no configuration names it */
    struct server_state *state;
    int fd;
    green_stream_t *tls;     /* over it; NULL: plain */
    uint32_t uses;           /* requests sent on it */
    struct members *members; /* while leased: what `server` is one of */
    unsigned address;        /* which of the server's it is connected to */
    bool idle;               /* in the pool */
    bool reused;             /* it has answered before */
    bool leased;             /* group_lease() gave it out, and it has not come back */
    bool placed;             /* it has a place (places.h), */
    bool counted;            /* in what all workers have in use */
    bool watched;            /* it ends when what was sent stays unacknowledged (timeout_ack) */
    green_time made;
    green_time expires; /* while idle: not to be leased after this */
};

static inline struct wire upstream_wire(const struct upstream_connection *c)
{
    return (struct wire){c->fd, c->tls};
}

/* An idle connection to the server, which is its own from now on; or NULL. Never switches. */
struct upstream_connection *pool_take(struct server *s);

/* The connection is idle from now on, in the pool of its server. False: it is not worth keeping, or there is no room.
 * announced: seconds of the server's Keep-Alive: timeout=, -1 if it said nothing. Never switches. */
bool pool_keep(struct upstream_connection *c, int32_t announced);

/* If it is in the pool, it is not any more. Somebody else has to close it. */
void pool_leave(struct upstream_connection *c);

/* Closes what is idle. */
void pool_close(struct server_state *state);

/* How long an idle connection may be kept: at most `keep`, and less if the server announced that it will close it
 * before. */
int64_t pool_keep_time(int64_t keep, int32_t announced);

#endif
