/*
 * Watching: an operator watches the requests of some clients as they end. Workers copy what is known of such a request into
 * a ring of the watcher's; what finds no room there is counted. While nobody watches, a request pays one load for this.
 */
#ifndef OBSERVE_WATCH_H
#define OBSERVE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "access_log.h"

struct watch;

/* Everybody who watches. */
struct watches {
    atomic_uint count;
    pthread_mutex_t lock; /* of all that follows, and of the rings; never held for long */
    LIST_HEAD(, watch) list;
};

/* One request or tunnel; texts that are too long end in "...". Phases are ns since its start, -1: not reached. */
struct watch_event {
    int64_t at;                /* ns since 1970, its end */
    int minor;                 /* HTTP/1.minor; -1: TCP */
    int status;                /* 0: none was sent */
    char client[64], peer[64]; /* peer: the trusted proxy that named the client, or "" */
    char method[16], host[128], target[512];
    char listener[64], route[64], upstream[64], server[96]; /* "": none */
    char reason[48], directive[48], origin[128];            /* "": all went well */
    char request_id[64], trace_id[40];
    uint64_t bytes_in, bytes_out;
    int64_t connected, first_byte, total;
};

void watches_init(struct watches *t);
void watches_destroy(struct watches *t);

/* Does anybody watch? Any thread. */
static inline bool watch_wanted(const struct watches *t)
{
    return __builtin_expect(atomic_load_explicit(&t->count, memory_order_relaxed) != 0, 0);
}

/* Tells those who watch this client. Any thread; never switches. */
void watch_tell(struct watches *t, const struct access_entry *entry);

/* Watches the clients of a network from now on. NULL: no memory. */
struct watch *watch_begin(struct watches *t, const struct conf_network *network);
void watch_end(struct watches *t, struct watch *watch);

/* Waits until there is something to take, watch_knock() was called, or the deadline has passed. May switch. */
void watch_wait(struct watch *watch, green_time deadline);
void watch_knock(struct watch *watch);

/* The oldest event, and how many were lost before it; false: there is none. */
bool watch_take(struct watches *t, struct watch *watch, struct watch_event *out, uint64_t *lost);

#endif
