/*
 * Conditions: waiting, with a mutex let go meanwhile, for something that the mutex guards to change.
 *
 *     r = green_mutex_lock(&m, deadline);
 *     ...
 *     while (r == 0 && !what_i_need())
 *         r = green_condition_wait(&c, &m, deadline);
 *     ...                                                // the mutex is held, whatever r is
 *     green_mutex_unlock(&m);
 */
#ifndef GREEN_SYNC_CONDITION_H
#define GREEN_SYNC_CONDITION_H

#include "mutex.h"
#include "recursive_mutex.h"

/* All zeros is a condition that nobody waits for. */
typedef struct green_condition {
    struct green_chain waiters; /* private */
} green_condition_t;

#define GREEN_CONDITION_INIT                                                                                 \
    {                                                                                                        \
        .waiters = { 0 }                                                                                     \
    }

/* The same as GREEN_CONDITION_INIT. Never switches. */
void green_condition_init(green_condition_t *c);

/* The memory may go. 0; -EBUSY: somebody waits for it. Never switches. */
int green_condition_destroy(green_condition_t *c) GREEN_MUST_CHECK;

/* Unlocks m, waits for a signal, locks m again: 0. Whoever was signalled gets 0, even if its deadline passes or it is
 * cancelled before it has the mutex. -EPERM: the caller does not hold m. On every other error too the caller holds m on
 * return, and waits for it, in spite of deadlines and cancellation, if need be; with one exception, -ENOLCK: in the
 * main greenlet, nobody was left who could ever have unlocked it. May switch. */
int green_condition_wait(green_condition_t *c, green_mutex_t *m, green_time deadline) GREEN_MUST_CHECK;

/* The same with a recursive mutex, let go and taken back in full depth. */
int green_condition_wait_recursive(green_condition_t *c, green_recursive_mutex_t *m,
                                   green_time deadline) GREEN_MUST_CHECK;

/* Lets the first, or all, of those go on who wait now, each when it gets the mutex. The caller need not hold that. Never
 * switch. */
void green_condition_signal(green_condition_t *c);
void green_condition_broadcast(green_condition_t *c);

#endif
