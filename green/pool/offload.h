/*
 * Work for OS threads (threadpool.h): a greenlet has a function run on one of them and waits for it like for anything
 * else, while the other greenlets of its thread run.
 *
 *     void *answer;
 *     int r = green_blocking(expensive, &question, &answer, green_in_ms(500));
 *
 * Calls may be made from the greenlets of any thread. Made by a job, that is on a pool's own thread, they run the
 * function there and then: that thread may block, and a job that waited for its own pool might wait for ever.
 */
#ifndef GREEN_POOL_OFFLOAD_H
#define GREEN_POOL_OFFLOAD_H

#include "../core/waitable.h"
#include "threadpool.h"

/* Runs fn(arg) on a thread of the application's pool and waits for it: 0; its result goes to *out (may be NULL) and
 * its errno to errno. fn sees no greenlet; of libgreen it may use what any thread may.
 *
 * What has begun cannot be stopped. When the deadline passes, or the caller is cancelled, a job that still waits for a
 * thread is taken back and never runs; one that runs is waited for to its end, so that arg may live on the caller's
 * stack, and the error is returned then. *out is NULL exactly if fn did not run or returned NULL. Who cannot wait that
 * long uses green_offload().
 *
 * -EAGAIN: GREEN_NOWAIT, nothing was run; -EINVAL: fn is NULL; -EPIPE: the pool is closing; -ENOMEM: no thread could be
 * started, and there is none. May switch. */
int green_blocking(void *(*fn)(void *arg), void *arg, void **out, green_time deadline) GREEN_MUST_CHECK;

/* The same in a pool of one's choice. */
int green_blocking_in(green_threads_t *threads, void *(*fn)(void *arg), void *arg, void **out,
                      green_time deadline) GREEN_MUST_CHECK;

/* A job that one may walk away from. */
typedef struct green_offload green_offload_t;

/* Gives fn(arg) to the pool (NULL: the application's) and goes on; the handle is the caller's, for its thread only. arg
 * belongs to the job: destroy(arg) (may be NULL) is called once when fn has returned or never will be called, and the
 * handle has been released; in that release, or on the pool's thread if the handle was released while fn ran. What fn
 * makes that needs freeing is best kept within arg.
 * -EAGAIN: the pool's backlog is full; -EINVAL: fn is NULL; -EPIPE; -ENOMEM; on an error arg still is the caller's.
 * Never switches. */
int green_offload(green_offload_t **out, green_threads_t *threads, void *(*fn)(void *arg), void *arg,
                  void (*destroy)(void *arg)) GREEN_MUST_CHECK;

/* Waits until fn has returned: 0, and its result and errno as with green_blocking(). On an error the job goes on, and
 * may be asked again. -EXDEV: another thread's. May switch. */
int green_offload_get(green_offload_t *job, void **out, green_time deadline) GREEN_MUST_CHECK;

/* That fn has returned, to wait for along with other things. Lives as long as the handle. Never switches. */
green_waitable_t *green_offload_waitable(green_offload_t *job);

/* Gives the handle up. A job that waits for a thread is taken back; one that runs does so unheeded. To be called before
 * the thread that made the job closes its hub. NULL is harmless. Never switches. */
void green_offload_release(green_offload_t *job);

#endif
