/*
 * Sleeping, and waiting for signals. A signal that comes while the whole thread is idle ends the sleep of the main greenlet
 * (core/hub.c tells), for signals of a process are its main thread's.
 */
#include "signals.h"
#include "threads.h"

#include <sched.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SIGNAL_SLICE GREEN_MS(20) /* how often a wait for signals looks for them */

static bool is_valid(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

/* Sleeps until `end`: 0, or the errno. */
static int sleep_to(green_time end)
{
    int r = INTERRUPTIBLY(ALWAYS, green_sleep_until(end));
    if (r == -ECANCELED)
        green__thread_cancellation();
    return r < 0 ? -r : 0;
}

static int64_t left_of(green_time end)
{
    green_time now = green_now();
    return end > now ? end - now : 0;
}

static int sleep_for(const struct timespec *duration, struct timespec *left)
{
    green_time end = green_in(green__ns(duration));
    int error = sleep_to(end);
    if (error && left)
        *left = green__timespec(left_of(end));
    return error;
}

HOOK unsigned sleep(unsigned seconds)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(sleep)(seconds);
    green_time end = green_in((int64_t)seconds * 1000000000);
    int error = sleep_to(end);
    if (!error)
        return 0;
    errno = error;
    return (unsigned)((left_of(end) + 999999999) / 1000000000);
}

HOOK int usleep(useconds_t us)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(usleep)(us);
    int error = sleep_to(green_in((int64_t)us * 1000));
    return error ? fail(-error) : 0;
}

HOOK int nanosleep(const struct timespec *duration, struct timespec *left)
{
    if (!COOPERATIVE(SLEEP) || !duration || !is_valid(duration))
        return REAL(nanosleep)(duration, left);
    int error = sleep_for(duration, left);
    return error ? fail(-error) : 0;
}

HOOK int __nanosleep(const struct timespec *duration, struct timespec *left)
    __attribute__((alias("nanosleep")));

HOOK int thrd_sleep(const struct timespec *duration, struct timespec *left)
{
    if (!COOPERATIVE(SLEEP) || !duration || !is_valid(duration))
        return REAL(thrd_sleep)(duration, left);
    return sleep_for(duration, left) ? -1 : 0;
}

/* Clocks that can be set are looked at again when their time should have come. */
static int sleep_to_clock(clockid_t clock, const struct timespec *when)
{
    for (;;) {
        struct timespec now;
        if (clock_gettime(clock, &now) < 0)
            return errno;
        int64_t left = green__ns(when) - green__ns(&now);
        if (left <= 0)
            return 0;
        if (clock != CLOCK_MONOTONIC && left > GREEN_S(1))
            left = GREEN_S(1);
        int error = sleep_to(green_in(left));
        if (error)
            return error;
    }
}

HOOK int clock_nanosleep(clockid_t clock, int flags, const struct timespec *when, struct timespec *left)
{
    bool passes =
        clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_TAI;
    if (!COOPERATIVE(SLEEP) || !passes || !when || !is_valid(when))
        return REAL(clock_nanosleep)(clock, flags, when, left);
    return flags & TIMER_ABSTIME ? sleep_to_clock(clock, when) : sleep_for(when, left);
}

HOOK int sched_yield(void)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(sched_yield)();
    green_yield(); /* cancelled or not: it never fails */
    return 0;
}

/* --- signals -------------------------------------------------------------------------------------------------------- */

/* Takes a pending signal of the set: its number, 0 when there is none, -1 and errno. */
static int take_signal(const sigset_t *set, siginfo_t *info, green_time end)
{
    static const struct timespec none;
    for (;;) {
        int signal = REAL(sigtimedwait)(set, info, &none);
        if (signal > 0 || errno != EAGAIN || green_now() >= end)
            return signal;
        green_time slice = green_in(SIGNAL_SLICE);
        int error = sleep_to(slice < end ? slice : end);
        if (error)
            return fail(-error);
    }
}

HOOK int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    if (!COOPERATIVE(SLEEP) || (timeout && !is_valid(timeout)))
        return REAL(sigtimedwait)(set, info, timeout);
    return take_signal(set, info, timeout ? green_in(green__ns(timeout)) : GREEN_FOREVER);
}

HOOK int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return COOPERATIVE(SLEEP) ? take_signal(set, info, GREEN_FOREVER) : REAL(sigwaitinfo)(set, info);
}

HOOK int sigwait(const sigset_t *set, int *signal)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(sigwait)(set, signal);
    int r;
    do
        r = take_signal(set, NULL, GREEN_FOREVER);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno;
    *signal = r;
    return 0;
}

/* The mask is the thread's: it holds for the moments in which the kernel is asked. */
HOOK int sigsuspend(const sigset_t *mask)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(sigsuspend)(mask);
    static const struct timespec none;
    for (;;) {
        if (REAL(ppoll)(NULL, 0, &none, mask) < 0)
            return -1; /* EINTR: a handler ran */
        int error = sleep_to(green_in(SIGNAL_SLICE));
        if (error)
            return fail(-error);
    }
}

HOOK int pause(void)
{
    if (!COOPERATIVE(SLEEP))
        return REAL(pause)();
    int error = sleep_to(GREEN_FOREVER - 1);
    return fail(error ? -error : -EINTR);
}
