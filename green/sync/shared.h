/*
 * Waiting across threads, as the shared objects do it. An object has a lock, held only for a few instructions, and
 * queues of records on the stacks of those who wait. A waker claims records under the lock and tells their hubs
 * afterwards, so it does not look at the object again once somebody may go on. A waiter whose time is up takes its
 * record out under the lock, or, if it was claimed already, accepts what it was given. Private to libgreen.
 */
#ifndef GREEN_SYNC_SHARED_H
#define GREEN_SYNC_SHARED_H

#include "../core/internal.h"

#include <pthread.h>

struct shared_waiter {
    struct green_node node; /* in a queue of the object, then in the waker's list of the claimed */
    green_hub_t *hub;
    green_park_t park; /* this and `arrived`: only for the waiter's own thread */
    green_post_t post;
    void *item; /* what is handed over, either way */
    int result;
    bool claimed; /* under the lock */
    bool arrived; /* the news has; nobody else looks at the record any more */
};

/* Waits at the end of the queue, with the lock held, which is let go: the result that a waker has given, or the error
 * of the wait. Without a wait -EAGAIN at once, in threads without a hub as well. */
int green__shared_wait(pthread_mutex_t *lock, struct green_chain *waiters, struct shared_waiter *me,
                       const char *what, const void *object, green_time deadline);

/* The same in two steps, for who has something to do in between: under the lock, and after it was let go. An error of the
 * first means that nothing is waited for. */
int green__shared_enqueue(struct green_chain *waiters, struct shared_waiter *me, green_time deadline);
int green__shared_await(pthread_mutex_t *lock, struct shared_waiter *me, const char *what, const void *object,
                        green_time deadline);

/* Under the lock: moves the first who waits to the claimed, with what its wait will return. NULL: nobody waits. */
struct shared_waiter *green__shared_claim(struct green_chain *waiters, struct green_chain *claimed,
                                          int result);
void green__shared_claim_all(struct green_chain *waiters, struct green_chain *claimed, int result);

/* After the lock was let go: tells the claimed. Never makes a hub. */
void green__shared_tell(struct green_chain *claimed);

#endif
