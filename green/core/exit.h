/* Leaving a greenlet from the middle of it, and what is done when one ends. */
#ifndef GREEN_CORE_EXIT_H
#define GREEN_CORE_EXIT_H

#include "greenlet.h"

/* Ends the calling greenlet as if its function had returned `result`. Functions in between do not return: what they
 * hold is for cleanup handlers to give back. In a thread's main greenlet, or in the hub: a message and abort(). */
_Noreturn void green_exit(void *result);

/* Ends the calling greenlet with a status: a negative code that green_status(), green_get(), and joins that fail fast
 * report. Otherwise like green_exit(). */
_Noreturn void green_fail(int error);

/* Something to do when the greenlet ends, unless it is popped before. */
typedef struct green_cleanup {
    struct green_cleanup *next; /* private */
    void (*fn)(void *arg);
    void *arg;
} green_cleanup_t;

/* Has fn(arg) called when the calling greenlet ends by green_exit() or green_fail(), or returns with the handler still
 * pushed; the last one first, shielded from cancellation and timeouts, so they may wait. The record is the caller's:
 * pop it before the frame it lives in returns. Never switches. */
void green_cleanup_push(green_cleanup_t *cleanup, void (*fn)(void *arg), void *arg);

/* Takes the last handler off, and runs it if `run`. May switch if that does. */
void green_cleanup_pop(bool run);

#endif
