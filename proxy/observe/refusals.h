/*
 * The last requests and connections of a worker that were refused or failed, for people who look at the dashboard. The
 * worker never waits for who reads: if both come at once, or in a flood, entries are left out. Counters miss none.
 */
#ifndef OBSERVE_REFUSALS_H
#define OBSERVE_REFUSALS_H

#include <pthread.h>

#include "access_log.h"

#define REFUSALS_KEPT 32

struct refusal_entry {
    int64_t time; /* ms since 1970 */
    size_t reason;
    int status;
    char listener[48], route[48], upstream[48]; /* "": none */
    char client[64], method[16], host[80], target[160];
    char origin[120]; /* "file:line" of the key that fired; "": none */
};

struct refusals {
    pthread_mutex_t lock; /* the worker only tries */
    uint64_t count;       /* of all time: the last one is at (count - 1) % REFUSALS_KEPT */
    green_time window;    /* when the present tenth of a second began; the worker's own */
    unsigned in_window;
    struct refusal_entry list[REFUSALS_KEPT];
};

struct refusals *refusals_new(void);
void refusals_free(struct refusals *r);

/* By the worker. Copies; never waits. */
void refusals_add(struct refusals *r, const struct access_entry *entry, size_t reason);

/* By another thread: copies those that there are, the oldest first, and returns how many. */
size_t refusals_read(struct refusals *r, struct refusal_entry out[REFUSALS_KEPT]);

#endif
