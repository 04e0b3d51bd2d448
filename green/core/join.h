/* The ends of greenlets: waiting for them, hearing of them, bringing them about. */
#ifndef GREEN_CORE_JOIN_H
#define GREEN_CORE_JOIN_H

#include "greenlet.h"

/* --- waiting for the end ------------------------------------------------------------------------------------------ */

/* Waits until g has ended, however it did. 0; -EDEADLK: g is the caller itself; -EXDEV: g belongs to another thread.
 * May switch. */
int green_join(green_t *g, green_time deadline);

/* Waits for the end too, and tells how it was: green_status(g), and what the function returned in *out (may be NULL)
 * if that is 0. When the code could also be the caller's own (-ETIMEDOUT, -ECANCELED), green_done(g) tells which. May
 * switch. */
int green_get(green_t *g, void **out, green_time deadline);

enum green_join_flags {
    GREEN_FAIL_FAST = 1, /* the first greenlet whose status is not 0 ends the wait with that status */
};

/* Waits until `enough` of the greenlets have ended (0: all of them): how many have, at least `enough`. No greenlets: 0
 * at once. -EINVAL: an entry is NULL, or enough > count; -EXDEV, -EDEADLK as for green_join(). After an error,
 * -ETIMEDOUT included, green_done() tells of each. May switch. */
int green_joinall(green_t *const *greenlets, size_t count, size_t enough, unsigned flags,
                  green_time deadline) GREEN_MUST_CHECK;

/* Waits until one of the greenlets has ended: its index. -EINVAL: there are none. May switch. */
int green_join_any(green_t *const *greenlets, size_t count, green_time deadline) GREEN_MUST_CHECK;

/* --- bringing it about ---------------------------------------------------------------------------------------------- */

/* Asks g to end: from now on every waiting call in g, the present one included, returns -ECANCELED; if g has not
 * started, it never will. Sticky, idempotent, harmless when g has ended. -EXDEV. Never switches. */
int green_cancel(green_t *g);

/* The same with a reason of one's own, a negative code that the waiting calls of g return instead of -ECANCELED. The
 * first reason stays. -EINVAL: it is not negative; -EXDEV. Never switches. */
int green_cancel_with(green_t *g, int reason);

/* green_cancel() and green_join(): 0 when g has ended, -ETIMEDOUT when it is still alive. Killing oneself only
 * cancels. May switch. */
int green_kill(green_t *g, green_time deadline);

/* Cancels all of them, then joins them all under one deadline; the caller's own is cancelled and not waited for.
 * -EINVAL: an entry is NULL. May switch. */
int green_killall(green_t *const *greenlets, size_t count, green_time deadline);

/* --- hearing of it -------------------------------------------------------------------------------------------------- */

enum green_ending {
    GREEN_ON_SUCCESS = 1, /* its status is 0 */
    GREEN_ON_FAILURE = 2,
    GREEN_ON_END = GREEN_ON_SUCCESS | GREEN_ON_FAILURE,
};

/* A link that runs a function in a greenlet of its own, so that it may wait. */
typedef struct green_after {
    green_link_t link;                 /* private */
    green_t *greenlet;                 /* private */
    unsigned endings;                  /* private */
    void (*fn)(green_t *g, void *arg); /* private */
    void *arg;                         /* private */
} green_after_t;

/* When g has ended in one of these ways, a new greenlet runs fn(g, arg); if it has already, soon (gevent's link,
 * link_value and link_exception; green_rawlink() on green_waitable(g) is the one that runs in the hub). The record
 * and the handle g are the caller's and stay until fn has begun; green_unlink(&after->link) takes it back before
 * that. Should there be no memory for the greenlet, the program is told on standard error. Never switches. */
void green_link(green_t *g, green_after_t *after, unsigned endings, void (*fn)(green_t *g, void *arg),
                void *arg);

#endif
