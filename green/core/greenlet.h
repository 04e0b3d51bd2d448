/* Greenlets: functions with a stack of their own that take turns in one thread. */
#ifndef GREEN_CORE_GREENLET_H
#define GREEN_CORE_GREENLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "time.h"
#include "waitable.h"

typedef struct green green_t;
typedef void *(*green_fn)(void *arg);

enum green_state {
    GREEN_READY,   /* made or woken, waiting for its turn */
    GREEN_RUNNING, /* the one that runs now */
    GREEN_WAITING, /* in a call that waits */
    GREEN_DONE,    /* its function returned, or it was cancelled before it ever ran */
};

/* How to make a greenlet; zero in every field is the default. */
typedef struct green_attr {
    size_t stack_size; /* bytes; 0: 64 KiB. Rounded up to a power of two of at least 16 KiB. */
    const char *name;  /* for reports; not copied, must outlive the greenlet; NULL: "greenlet" */
} green_attr_t;

/* Makes a greenlet that will run fn(arg) at its turn; the caller goes on at once (gevent's spawn). The handle is
 * the caller's: give it up with green_release(). NULL: no memory for a stack. Never switches. */
green_t *green_spawn(green_fn fn, void *arg) GREEN_MUST_CHECK;

/* The same with attributes. -EINVAL: fn is NULL or the stack size is absurd; -ENOMEM. Never switches. */
int green_spawn_ex(green_t **out, const green_attr_t *attr, green_fn fn, void *arg) GREEN_MUST_CHECK;

/* Makes a greenlet that nobody will ask about: no handle, everything is recycled when fn returns. 0 or -ENOMEM.
 * Never switches. */
int green_spawn_detached(const char *name, void (*fn)(void *arg), void *arg) GREEN_MUST_CHECK;

/* Takes another reference to g, or gives one up; the greenlet runs on regardless. Never switch. */
green_t *green_retain(green_t *g);
void green_release(green_t *g);

/* Waits until g has ended. 0; -EDEADLK: g is the caller itself; -EXDEV: g belongs to another thread. May switch. */
int green_join(green_t *g, green_time deadline);

/* Like green_join(), and hands out what fn returned (out may be NULL). -ECANCELED also when g itself was cancelled
 * before it ran. May switch. */
int green_get(green_t *g, void **out, green_time deadline);

/* Asks g to end: from now on every waiting call in g, the present one included, returns -ECANCELED; if g has not
 * started, it never will. Sticky, idempotent, harmless when g has ended. -EXDEV. Never switches. */
int green_cancel(green_t *g);

/* green_cancel() and green_join(): 0 when g has ended, -ETIMEDOUT when it is still alive. Killing oneself only
 * cancels. May switch. */
int green_kill(green_t *g, green_time deadline);

/* True once the calling greenlet has been cancelled, shielded or not. Never switches. */
bool green_cancelled(void);

/* Between these two, calls that wait ignore a cancellation and enclosing timeouts (they stay pending), so that
 * clean-up can wait. Nests. Never switch. */
void green_shield(void);
void green_unshield(void);

/* Lets every other ready greenlet run first; waiting I/O and timers get their turn too. 0 or -ECANCELED,
 * -ETIMEDOUT, -EPERM. May switch. */
int green_yield(void);

/* Waits at least `duration` ns, counted from now (0 or less: green_yield), or until a deadline. 0 when the time has
 * passed. May switch. */
int green_sleep(int64_t duration);
int green_sleep_until(green_time when);

/* The running greenlet (a borrowed reference): the thread's main greenlet outside any other, NULL in a callback of the
 * hub. Never switch. */
green_t *green_self(void);
uint64_t green_id(const green_t *g); /* unique in the process, never reused */
const char *green_name(const green_t *g);
void green_set_name(green_t *g, const char *name); /* not copied */
enum green_state green_state(const green_t *g);
bool green_done(const green_t *g);

/* The end of g, to wait for along with other things (core/waitable.h). Lives as long as the handle. Never switches. */
green_waitable_t *green_waitable(green_t *g);

#endif
