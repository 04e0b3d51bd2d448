/*
 * A configuration as the process runs it: what was loaded, and what goes with it for all workers. Nobody changes one
 * after it was made; a reload makes the next. The process and every worker's view hold the present one, and whatever
 * began under an older one holds that until it ends.
 *
 * Listeners and endpoints live on from snapshot to snapshot: a listener by its section's name, with its count of
 * connections; an endpoint by its address, with its sockets.
 */
#ifndef RUNTIME_SNAPSHOT_H
#define RUNTIME_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <green.h>

#include "conf.h"

struct process;
struct metrics_view;
struct name;
struct rate_table;
struct sources;

#define SNAPSHOT_GONE ((size_t)-1)

/* A [listener], shared by all workers. */
struct listener {
    atomic_uint references;  /* of snapshots */
    atomic_long connections; /* open now */
    char name[];
};

/* One of its sockets: one worker accepts on each. Main thread only, or a worker while the main thread waits for it. */
struct endpoint_socket {
    int fd;
    unsigned owner,
        next; /* indexes of workers; the latter from the next swap on. ENDPOINT_NOBODY: none yet */
};

#define ENDPOINT_NOBODY ((unsigned)-1)

/* An address that is bound. */
struct endpoint {
    atomic_uint references;  /* of snapshots */
    green_address_t address; /* with the port that the kernel chose */
    char *host;              /* as configured, with the port: endpoints are recognised by both */
    int port;
    bool is_unix;
    int flags;       /* of green_listen() */
    size_t listener; /* index in the newest snapshot, SNAPSHOT_GONE: no longer; as the sockets */
    bool tls;        /* clients speak it there; as the index */
    struct endpoint_socket *sockets;
    size_t socket_count;
};

/* Where a listener of this snapshot listens. */
struct snapshot_bind {
    struct endpoint *endpoint;
    const struct conf_address *conf;
    size_t listener; /* index in conf->listeners */
};

struct snapshot {
    atomic_uint references;
    struct conf *conf; /* owned */
    struct process *process;
    struct listener **listeners; /* by index in conf->listeners */
    size_t *before;              /* the same listeners' indexes in the snapshot before, or SNAPSHOT_GONE */
    struct snapshot_bind *binds; /* all of them, in the order of the file */
    size_t bind_count;
    char via[80];             /* our name in Via */
    struct rate_table *rates; /* NULL: nothing limits a rate */
    struct sources *sources;  /* NULL: nothing is counted by source; the process's */
    bool logged;              /* the access log knows of it */
    struct metrics_view *metrics;
    struct name **
        *names; /* by index of conf->upstreams, and of its servers; NULL: that has none, or is an address */
    green_post_t free_post; /* whoever gives up the last reference has the main thread free it */
};

/*
 * The snapshot of a configuration, which it takes over (and frees with itself, or at once if this fails), for so many
 * workers; `old` is the present one or NULL. Endpoints are not filled in yet: endpoint.h. NULL: no memory. Main thread.
 */
struct snapshot *snapshot_new(struct process *p, struct conf *conf, const struct snapshot *old,
                              unsigned workers);

/* Before the metrics are read: how often names were asked for. Main thread. */
void snapshot_count_names(const struct snapshot *s);

/* Any thread. */
struct snapshot *snapshot_hold(struct snapshot *s);
void snapshot_release(struct snapshot *s);

#endif
