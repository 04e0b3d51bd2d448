/* Signals as something a greenlet waits for, by way of libuv. */
#ifndef GREEN_OS_SIGNAL_H
#define GREEN_OS_SIGNAL_H

#include <stddef.h>

#include "../core/error.h"
#include "../core/time.h"

typedef struct green_signals green_signals_t;

/* From now on the given signals are kept for green_signals_wait() instead of having their default effect. 0 or
 * -errno (-EINVAL: a signal that cannot be caught, or more than 16). Never switches. */
int green_signals_open(green_signals_t **out, const int *signals, size_t count) GREEN_MUST_CHECK;

/* The number of the next signal that came, in order of arrival; equal ones that came while nobody waited may fold
 * into one. -EBUSY: another greenlet waits already. May switch. */
int green_signals_wait(green_signals_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Gives the signals back their default effect. Nobody may be waiting. Before green_hub_close(). Never switches. */
void green_signals_close(green_signals_t *s);

#endif
