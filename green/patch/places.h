/*
 * Waiting at an address, as futexes do: greenlets of any thread wait for what happens to a mutex, a condition or a
 * semaphore of libc's, and whoever changes it wakes them, greenlet or not. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_PLACES_H
#define GREEN_PATCH_PLACES_H

#include "../sync/shared.h"
#include "real.h"

struct place_waiter {
    struct shared_waiter waiter;
    const void *address;
    struct place *place;
};

/* How many greenlets of the process wait at any address: without one, waking costs a look. */
extern atomic_uint green__place_waiters;

/*
 * Waits at the address: enter, look whether there is still a reason to wait, and wait, or leave. Whoever changes the
 * object after `enter` wakes us. Neither cancellation nor timeouts end the wait, for those who wait for a mutex go on as if
 * they had it: 0, or -ETIMEDOUT when the deadline has passed. With `ends` a cancellation does: -ECANCELED.
 */
void green__place_enter(struct place_waiter *me, const void *address, bool ends);
int green__place_wait(struct place_waiter *me, const char *what, green_time deadline, bool ends);
void green__place_leave(struct place_waiter *me);

/* Wakes so many of those who wait there, from any thread. */
void green__place_wake_slowly(const void *address, unsigned count);
static inline void green__place_wake(const void *address, unsigned count)
{
    atomic_thread_fence(memory_order_seq_cst); /* what was changed is seen before the look */
    if (UNLIKELY(atomic_load_explicit(&green__place_waiters, memory_order_relaxed)))
        green__place_wake_slowly(address, count);
}

/* For barriers: wakes all who wait there if these are so many, and says whether it did; else enters. */
bool green__place_wake_or_enter(struct place_waiter *me, const void *address, unsigned count);

/* The deadline that a time by such a clock is; a time that is none is 0. */
green_time green__deadline_by(clockid_t clock, const struct timespec *until);

/* libuv locks what it shares with its threads for moments in which nothing may switch, and its threads are real. */
bool green__calls_from_libuv(const void *return_address);
#define IN_LIBUV green__calls_from_libuv(__builtin_return_address(0))

#endif
