/*
 * The one waiting primitive. Everything that waits in libgreen is built on it and so can you:
 *
 *     green_park_t me = GREEN_PARK_INIT;      // on the waiter's own stack
 *     push_somewhere(&me);                    // where the waker will find it
 *     int result = green_park(&me, deadline);
 *     remove_if_still_there(&me);
 *
 * The first waker wins: a deadline, a cancellation and green_wake() compete, and exactly one decides the result.
 */
#ifndef GREEN_CORE_PARK_H
#define GREEN_CORE_PARK_H

#include <stdbool.h>

#include "greenlet.h"

typedef struct green_park {
    green_t *waiter; /* private: set while parked */
    int result;      /* private */
    bool woken;      /* private */
} green_park_t;

#define GREEN_PARK_INIT                                                                                      \
    {                                                                                                        \
        0                                                                                                    \
    }

/* Waits until green_wake(park, result) and returns that result (or one of the codes in green.h). If it was woken
 * before, returns at once without switching. May switch. */
int green_park(green_park_t *park, green_time deadline) GREEN_MUST_CHECK;

/* Makes the greenlet parked there ready, with `result` as the return value of its green_park(). False: somebody
 * else was first, nothing happened. Same thread only (other threads: green_post). Never switches. */
bool green_wake(green_park_t *park, int result);

#endif
