/*
 * The servers that a forward proxy's clients ask for: connecting to them under the listener's rules, and keeping idle
 * connections, each for the host and port that it was made for. One for each forward listener of a worker.
 */
#ifndef UPSTREAM_ORIGINS_H
#define UPSTREAM_ORIGINS_H

#include <sys/queue.h>

#include "group.h"
#include "route/destination.h"

#define ORIGINS_BUCKETS 64

struct snapshot;
struct origin;
TAILQ_HEAD(origin_list, origin);
LIST_HEAD(origin_bucket, origin);

struct origins {
    const struct conf_forward *conf;
    struct origin_list idle;                       /* last back first */
    struct origin_bucket buckets[ORIGINS_BUCKETS]; /* the same, by name and port */
    int64_t idle_count;
    bool retired; /* nobody will ask for what is kept here */
};

void origins_init(struct origins *o, const struct conf_forward *conf);

/* Closes the idle connections, and keeps none from now on; leased ones are not known here. */
void origins_retire(struct origins *o);

/* An idle connection to this destination, or NULL. Never switches. */
struct upstream_connection *origins_take(struct origins *o, const struct destination *d);

/*
 * A new connection: resolves the name once, judges every address of the answer, and connects to one of those that
 * passed, as RFC 8305 says. 0 and *out, or an error and *failure; failure->status 403 means that no address
 * may be connected to, and failure->directive names the key. May switch.
 */
int origins_connect(struct origins *o, const struct snapshot *snapshot, const struct destination *d,
                    struct upstream_connection **out, struct connect_failure *failure);

/* The address at the other end. */
const green_address_t *origins_peer(const struct upstream_connection *c);

/* As group_return(), for a connection from here; when there are too many the one idle for the longest is closed. To
 * give one up, group_discard() and group_take_socket() do. */
void origins_return(struct upstream_connection *c, int32_t announced);

#endif
