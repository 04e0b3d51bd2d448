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

/* From now on each arrival of the signal makes a greenlet that runs fn(signal, arg); fn may wait. Arrivals in quick
 * succession may fold into one. A handler does not keep the hub from being stuck: a main greenlet that waits for what
 * only fn would do gets -EDEADLK, unless green_expect_outside() says otherwise. Several handlers and green_signals_t
 * of one signal are all told. 0, -EINVAL (a signal that cannot be caught, no fn), -ENOMEM. Never switches. */
typedef struct green_signal_handler green_signal_handler_t;
int green_on_signal(green_signal_handler_t **out, int signal, void (*fn)(int signal, void *arg),
                    void *arg) GREEN_MUST_CHECK;

/* No greenlet is made any more, one that was made but has not begun does not call fn; those that run go on. The handle
 * is given back; NULL is fine. The last one gives the signal its default effect back. Before green_hub_close(). Never
 * switches. */
void green_signal_cancel(green_signal_handler_t *handler);

#endif
