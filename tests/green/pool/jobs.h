/* Jobs for the tests of threads: one that is held until told, and some that are over at once. */
#ifndef TESTS_GREEN_POOL_JOBS_H
#define TESTS_GREEN_POOL_JOBS_H

#include "support.h"

#include <pthread.h>
#include <semaphore.h>

static inline green_threads_t *pool_of(size_t max)
{
    green_threads_t *threads = NULL;
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.name = "test", .max = max}), 0);
    return threads;
}

static inline void close_pool(green_threads_t *threads)
{
    ck_assert_int_eq(green_threads_close(threads, soon()), 0);
}

static inline green_threads_stats_t stats_of(green_threads_t *threads)
{
    green_threads_stats_t stats;
    green_threads_stats(threads, &stats);
    return stats;
}

/* A job that says that it has begun and ends when it is told to. */
struct held {
    sem_t go;
    atomic_int begun, ended, destroyed;
    green_threads_t *threads;
    void *out;
    int result;
};

static inline void hold_init(struct held *h, green_threads_t *threads)
{
    *h = (struct held){.threads = threads, .result = 1};
    sem_init(&h->go, 0, 0);
}

static inline void *hold(void *arg)
{
    struct held *h = arg;
    atomic_fetch_add(&h->begun, 1);
    while (sem_wait(&h->go) < 0)
        ;
    atomic_fetch_add(&h->ended, 1);
    return h;
}

static inline void until(atomic_int *counter, int value)
{
    green_time limit = soon();
    while (atomic_load(counter) != value) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static inline void until_threads(green_threads_t *threads, size_t count)
{
    green_time limit = soon();
    while (stats_of(threads).threads != count) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static inline void *hold_in_pool(void *arg)
{
    struct held *h = arg;
    h->result = green_blocking_in(h->threads, hold, h, &h->out, soon());
    return NULL;
}

static inline void *double_it(void *arg)
{
    errno = ERANGE;
    return (void *)((intptr_t)arg * 2);
}

static inline void *count_up(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    return NULL;
}

#endif
