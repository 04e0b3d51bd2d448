/*
 * Scoped timeouts (gevent's Timeout). Between start and stop, once `duration` has passed, every waiting call of this
 * greenlet returns -ETIMEDOUT. They nest; each is told apart by its object, and no call swallows an outer one.
 *
 *     green_timeout_t t;
 *     green_timeout_start(&t, GREEN_S(2));
 *     int r = talk_to_peer();
 *     if (r == -ETIMEDOUT && green_timeout_fired(&t)) ...
 *     green_timeout_stop(&t);
 */
#ifndef GREEN_CORE_TIMEOUT_H
#define GREEN_CORE_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "greenlet.h"

typedef struct green_timeout {
    int64_t private_timer[4];
    struct green_node node; /* private: in its greenlet's chain while started */
    green_t *greenlet;      /* private */
    bool fired, started;    /* private */
} green_timeout_t;

/* Starts a timeout of `duration` ns, counted from now, on the calling greenlet; GREEN_FOREVER never fires. The
 * object lives on the caller's stack and must be stopped before that returns (one that is still started when its
 * greenlet ends is stopped then). After a stop it may start again. Not in a callback of the hub. Never switch. */
void green_timeout_start(green_timeout_t *t, int64_t duration);

/* The same with an absolute deadline, which saves reading the clock. Never switches. */
void green_timeout_start_at(green_timeout_t *t, green_time deadline);

/* Ends it; harmless for one that is stopped already. Never switches. */
void green_timeout_stop(green_timeout_t *t);

/* True if t has fired since it was started, also after the stop. Never switches. */
bool green_timeout_fired(const green_timeout_t *t);

/* Runs fn(arg) under a timeout: its result, or -ETIMEDOUT if this timeout fired and fn gave up with it. May switch. */
int green_with_timeout(int64_t duration, int (*fn)(void *arg), void *arg);

#endif
