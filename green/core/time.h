/* Time: an absolute deadline in nanoseconds of CLOCK_MONOTONIC. Compute it once, pass it down. */
#ifndef GREEN_CORE_TIME_H
#define GREEN_CORE_TIME_H

#include <stdint.h>

typedef int64_t green_time;

#define GREEN_FOREVER INT64_MAX /* no deadline */
#define GREEN_NOWAIT  0         /* do not wait at all: -EAGAIN instead */

/* Durations in nanoseconds, for green_sleep(), green_timeout_start() and green_in(). */
#define GREEN_US(n) ((int64_t)(n)*1000)
#define GREEN_MS(n) ((int64_t)(n)*1000000)
#define GREEN_S(n)  ((int64_t)(n)*1000000000)

/* The clock, read now. Never switches. */
green_time green_now(void);

/* The clock as this thread's hub read it when it last polled: free of cost, a little behind green_now() while a
 * turn of greenlets runs. Good for idle deadlines and log timers. Never switches. */
green_time green_turn_time(void);

/* The deadline `duration` nanoseconds from now; saturates at GREEN_FOREVER. A duration of 0 or less is a deadline
 * that has passed, not GREEN_NOWAIT. Never switches. */
green_time green_in(int64_t duration);
green_time green_in_ms(int64_t milliseconds);

#endif
