/* A pool of OS threads with one thread, which is held by a job until it is told to end. */
#ifndef TESTS_GREEN_HELD_POOL_H
#define TESTS_GREEN_HELD_POOL_H

#include <semaphore.h>
#include <stdatomic.h>

#include "generic.h"

static green_threads_t *threads;
static green_offload_t *job;
static sem_t go;
static atomic_int held;

static inline void *hold(void *arg)
{
    while (sem_wait(&go) < 0)
        ;
    atomic_fetch_sub(&held, 1);
    return arg;
}

static inline void until_running(void)
{
    green_threads_stats_t stats;
    green_time limit = soon();
    while (green_threads_stats(threads, &stats), stats.queued) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static inline void start_job(void)
{
    atomic_fetch_add(&held, 1);
    ck_assert_int_eq(green_offload(&job, threads, hold, &go, NULL), 0);
    until_running();
}

static inline void let_job(void)
{
    int posted;
    sem_getvalue(&go, &posted);
    if (atomic_load(&held) > posted)
        sem_post(&go);
}

static inline void again_job(void)
{
    let_job();
    ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
    green_offload_release(job);
    start_job();
}

/* One of those that every process has. */
static inline void begin_pool_of_process(green_threads_t *pool)
{
    sem_init(&go, 0, 0);
    threads = pool;
    ck_assert_int_eq(green_threads_resize(threads, 1), 0);
    start_job();
}

static inline void end_pool_of_process(void)
{
    let_job();
    ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
    green_offload_release(job);
    sem_destroy(&go);
}

#endif
