/*
 * Watching: an operator watches the requests of some clients as they end. Workers copy what is known of such a request into
 * a ring of the watcher's; what finds no room there is counted. While nobody watches, a request pays one load for this.
 */
#ifndef OBSERVE_OBSERVER_H
#define OBSERVE_OBSERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "access_log.h"

struct observer;

/* Everybody who watches. */
struct observers {
    atomic_uint count;
    pthread_mutex_t lock; /* of all that follows, and of the rings; never held for long */
    LIST_HEAD(, observer) list;
};

/* One request or tunnel; texts that are too long end in "...". Phases are ns since its start, -1: not reached. */
struct observed_event {
    int64_t at;                /* ns since 1970, its end */
    int minor;                 /* HTTP/1.minor; -1: TCP */
    int status;                /* 0: none was sent */
    char client[64], peer[64]; /* peer: the trusted proxy that named the client, or "" */
    char method[16], host[128], target[512];
    char listener[64], route[64], upstream[64], server[96]; /* "": none */
    char reason[48], directive[48], origin[128];            /* "": all went well */
    char request_id[64], trace_id[40];
    uint64_t bytes_in, bytes_out;
    int64_t queued, connected, first_byte, total;
};

void observers_init(struct observers *t);
void observers_destroy(struct observers *t);

/* Does anybody watch? Any thread. */
static inline bool observers_wanted(const struct observers *t)
{
    return __builtin_expect(atomic_load_explicit(&t->count, memory_order_relaxed) != 0, 0);
}

/* Tells those who watch this client. Any thread; never switches. */
void observers_tell(struct observers *t, const struct access_entry *entry);

/* Watches the clients of a network from now on. NULL: no memory. */
struct observer *observer_begin(struct observers *t, const struct conf_network *network);
void observer_end(struct observers *t, struct observer *observer);

/* Waits until there is something to take, observer_knock() was called, or the deadline has passed. May switch. */
void observer_wait(struct observer *observer, green_time deadline);
void observer_knock(struct observer *observer);

/* The oldest event, and how many were lost before it; false: there is none. */
bool observer_take(struct observers *t, struct observer *observer, struct observed_event *out,
                   uint64_t *lost);

#endif
