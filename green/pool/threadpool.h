/*
 * Pools of OS threads for what would block a hub: calls of the C library that wait, long computations, files. A pool
 * starts a thread when there is a job that no thread is free for, up to its maximum; a thread that has had nothing
 * to do for a while leaves. Pools may be used from any thread. How to give them work: offload.h.
 *
 * There are three in every process, apart from each other so that none starves the others: for the application, for
 * files (os/file.h) and for names (net/dns.h).
 *
 * After fork() the child has every pool, empty and without threads, as large as it was; jobs of the parent are the
 * parent's alone. The child of a job that forks ends, without ado, when the job returns in it.
 */
#ifndef GREEN_POOL_THREADPOOL_H
#define GREEN_POOL_THREADPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "../core/error.h"
#include "../core/time.h"

#define GREEN_THREADS_MOST 4096 /* no pool is larger */

typedef struct green_threads green_threads_t;

/* How to make a pool; zero in every field is the default. */
typedef struct green_threads_attr {
    const char *name; /* of its threads, in top and gdb; the first 15 bytes count; copied; NULL: "threads" */
    size_t max;       /* threads at most; 0: 10 (green_threads_resize() can make it a real 0) */
    int64_t idle;     /* ns without work after which a thread leaves; 0: 5 s */
    size_t backlog;   /* jobs of green_offload() that may wait for a thread; 0: 1000 */
} green_threads_attr_t;

typedef struct green_threads_stats {
    size_t max, threads, running, queued;
} green_threads_stats_t;

/* The pools of the process: for the application, for files, for names. They cannot be closed. Never switch. */
green_threads_t *green_threads_user(void);
green_threads_t *green_threads_file(void);
green_threads_t *green_threads_dns(void);

/* Makes a pool; no thread is started yet. attr may be NULL. -EINVAL: max is more than GREEN_THREADS_MOST, idle is
 * negative; -ENOMEM. Never switches. */
int green_threads_open(green_threads_t **out, const green_threads_attr_t *attr) GREEN_MUST_CHECK;

/* Sets the maximum, now. More: jobs that wait are begun. Fewer: threads leave as they end their jobs. 0: jobs wait
 * until it is raised again. -EINVAL: more than GREEN_THREADS_MOST. Never switches. */
int green_threads_resize(green_threads_t *threads, size_t max);

/* What it is doing now. Never switches. */
void green_threads_stats(green_threads_t *threads, green_threads_stats_t *out);

/* Waits for a moment without a job, waiting or running. 0. -EDEADLK: called by a job of a pool. May switch. */
int green_threads_join(green_threads_t *threads, green_time deadline) GREEN_MUST_CHECK;

/* Refuses new jobs with -EPIPE, waits for those there are, ends the threads and frees the pool: 0. On an error
 * (-ETIMEDOUT, -ECANCELED, ...) the pool still refuses and is not freed: call it again. -EPERM: one of the process's
 * own; -EDEADLK: called by a job of a pool. Nobody may use the pool once this has returned 0. May switch. */
int green_threads_close(green_threads_t *threads, green_time deadline) GREEN_MUST_CHECK;

#endif
