/* What the tests of shared objects need: threads, and knowing that somebody waits. */
#ifndef TESTS_GREEN_SYNC_THREADS_H
#define TESTS_GREEN_SYNC_THREADS_H

#include "../support.h"

#include <pthread.h>
#include <sched.h>

static inline pthread_t start(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

/* Holds up the whole thread, hub and all. */
static inline void *end_of(pthread_t thread)
{
    void *result;
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    return result;
}

/* Returns when `count` greenlets, of whatever thread, are in the queue. For threads without a hub. */
static inline void until_waiting(pthread_mutex_t *lock, const struct green_chain *waiters, int count)
{
    for (int n = -1; n != count; sched_yield()) {
        pthread_mutex_lock(lock);
        n = 0;
        for (const struct green_node *node = waiters->first; node; node = node->next)
            n++;
        pthread_mutex_unlock(lock);
    }
}

/* A thread that is done with its hub: its result, or 1 for a hub that cannot be closed. TSan does not see how libuv
 * closes descriptors, so those of no two hubs may be the same: all threads wait for each other first. */
static inline void *close_hub(pthread_barrier_t *all, intptr_t result)
{
    pthread_barrier_wait(all);
    return (void *)(green_hub_close() == 0 ? result : 1);
}

#endif
