/*
 * Events for any number of threads. Greenlets of any hub wait; any thread sets and clears, one without a hub too (it
 * gets none). An event on a waiter's stack may go when the wait has returned 0: setting does not look at it again
 * once somebody may go on. While anybody waits, its hub expects help from outside and reports no deadlock.
 */
#ifndef GREEN_SYNC_SHARED_EVENT_H
#define GREEN_SYNC_SHARED_EVENT_H

#include <pthread.h>
#include <stdbool.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/time.h"

typedef struct green_shared_event {
    pthread_mutex_t lock;       /* private */
    struct green_chain waiters; /* private */
    bool set;                   /* private */
} green_shared_event_t;

#define GREEN_SHARED_EVENT_INIT                                                                              \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                    \
    }

/* The same as GREEN_SHARED_EVENT_INIT: not set. Never switches. */
void green_shared_event_init(green_shared_event_t *e);

/* The memory may go. 0; -EBUSY: somebody waits for it, and nothing was done. Never switches. */
int green_shared_event_destroy(green_shared_event_t *e) GREEN_MUST_CHECK;

/* Sets the flag and lets all who wait through, even if it is cleared again before they run. Any thread. Never
 * switches. */
void green_shared_event_set(green_shared_event_t *e);

/* Takes the flag down. Any thread. Never switches. */
void green_shared_event_clear(green_shared_event_t *e);

/* Any thread. Never switches. */
bool green_shared_event_is_set(green_shared_event_t *e);

/* Waits until the event is set: 0; at once when it is, in a thread without a hub as well. Whoever was let through gets
 * 0, even if its deadline passes or it is cancelled meanwhile. May switch. */
int green_shared_event_wait(green_shared_event_t *e, green_time deadline) GREEN_MUST_CHECK;

#endif
