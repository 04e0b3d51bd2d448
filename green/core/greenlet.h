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
    GREEN_READY,     /* made or woken, waiting for its turn */
    GREEN_RUNNING,   /* the one that runs now */
    GREEN_WAITING,   /* in a call that waits */
    GREEN_SCHEDULED, /* its time to start has not come: green_spawn_at() */
    GREEN_DONE, /* its function returned, it left by green_exit() or green_fail(), or never ran and never will */
};

/* How to make a greenlet; zero in every field is the default. */
typedef struct green_attr {
    size_t stack_size; /* bytes; 0: 64 KiB. Rounded up to a power of two of at least 16 KiB. */
    const char *name;  /* for reports; not copied, must outlive the greenlet; NULL: "greenlet" */
    green_time start;  /* not before this time; 0: at its next turn */
    bool background;   /* green_run() does not wait for its end */
} green_attr_t;

/* Makes a greenlet that will run fn(arg) at its turn; the caller goes on at once (gevent's spawn). The handle is
 * the caller's: give it up with green_release(). NULL: no memory for a stack. Never switches. */
green_t *green_spawn(green_fn fn, void *arg) GREEN_MUST_CHECK;

/* The same with attributes. -EINVAL: fn is NULL or the stack size is absurd; -ENOMEM. Never switches. */
int green_spawn_ex(green_t **out, const green_attr_t *attr, green_fn fn, void *arg) GREEN_MUST_CHECK;

/* Makes a greenlet that starts at `when`, or at its next turn if that has passed (gevent's spawn_later). Cancelled
 * before, it never runs. NULL: no memory. Never switches. */
green_t *green_spawn_at(green_time when, green_fn fn, void *arg) GREEN_MUST_CHECK;

/* Makes a greenlet that nobody will ask about: no handle, everything is recycled when fn returns. 0 or -ENOMEM.
 * Never switches. */
int green_spawn_detached(const char *name, void (*fn)(void *arg), void *arg) GREEN_MUST_CHECK;

/* Takes another reference to g, or gives one up; the greenlet runs on regardless. Never switch. */
green_t *green_retain(green_t *g);
void green_release(green_t *g);

/* True once the calling greenlet has been cancelled, shielded or not. Never switches. */
bool green_cancelled(void);

/* Between these two, calls that wait ignore a cancellation and enclosing timeouts (they stay pending), so that
 * clean-up can wait. Nests. Never switch. */
void green_shield(void);
void green_unshield(void);

/* Lets every other ready greenlet run first; waiting I/O and timers get their turn too. 0 or -ECANCELED,
 * -ETIMEDOUT, -EPERM. May switch. */
int green_yield(void);

/* Waits until no greenlet of this thread is ready any more and no I/O or timer is due: for work of no urgency (gevent's
 * idle). May switch. */
int green_idle(green_time deadline) GREEN_MUST_CHECK;

/* For a thread's main greenlet: lets the others run until all of them, but those in the background, have ended
 * (gevent's wait() without objects). 0; -EDEADLK: those that are left wait for what can never come (reported on
 * standard error); -EPERM in another greenlet. May switch. */
int green_run(green_time deadline) GREEN_MUST_CHECK;

/* Waits at least `duration` ns, counted from now (0 or less: green_yield), or until a deadline. 0 when the time has
 * passed. May switch. */
int green_sleep(int64_t duration);
int green_sleep_until(green_time when);

/* The running greenlet (a borrowed reference): the thread's main greenlet outside any other, NULL in a callback of the
 * hub. Never switch. */
green_t *green_self(void);
uint64_t green_id(const green_t *g); /* unique in the process, never reused */
unsigned
green_slot(green_t *g); /* from 1 on, unique in its thread while g lives, then reused; 0: no memory */
const char *green_name(const green_t *g);
void green_set_name(green_t *g, const char *name); /* not copied */
enum green_state green_state(const green_t *g);
bool green_done(const green_t *g);

/* How it ended: 0 when its function returned or it left by green_exit(), and while it lives; what it gave
 * green_fail(); the reason of the cancellation (-ECANCELED) when it never ran. Never switches. */
int green_status(const green_t *g);

/* The end of g, to wait for along with other things (core/waitable.h). Lives as long as the handle. Never switches. */
green_waitable_t *green_waitable(green_t *g);

#endif
