/*
 * Condition variables. Greenlets wait at the address, threads in the object itself; who signals wakes one of each, which
 * POSIX allows.
 */
#include "places.h"
#include "threads.h"

/* glibc keeps the clock that pthread_condattr_setclock(3) chose in this bit. */
static clockid_t clock_of(const pthread_cond_t *c)
{
    return c->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

/* A cancelled thread has the mutex when its clean-up handlers run. */
static int wait_until(pthread_cond_t *c, pthread_mutex_t *m, green_time deadline)
{
    struct place_waiter me;
    bool ends = green__thread_may_end();
    green__place_enter(&me, c, ends);
    int r = pthread_mutex_unlock(m);
    if (r != 0) {
        green__place_leave(&me);
        return r;
    }
    r = green__place_wait(&me, "a condition variable", deadline, ends);
    pthread_mutex_lock(m);
    if (r == -ECANCELED)
        green__thread_cancellation();
    return r == -ETIMEDOUT ? ETIMEDOUT : 0;
}

HOOK int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_cond_wait)(c, m) : wait_until(c, m, GREEN_FOREVER);
}

HOOK int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                const struct timespec *until)
{
    if (!COOPERATIVE(SYNC) || IN_LIBUV)
        return REAL(pthread_cond_clockwait)(c, m, clock, until);
    green_time deadline = green__deadline_by(clock, until);
    return deadline ? wait_until(c, m, deadline) : EINVAL;
}

HOOK int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    if (!COOPERATIVE(SYNC) || IN_LIBUV)
        return REAL(pthread_cond_timedwait)(c, m, until);
    green_time deadline = green__deadline_by(clock_of(c), until);
    return deadline ? wait_until(c, m, deadline) : EINVAL;
}

HOOK int pthread_cond_signal(pthread_cond_t *c)
{
    if (green_patched() & GREEN_PATCH_SYNC)
        green__place_wake(c, 1);
    return REAL(pthread_cond_signal)(c);
}

HOOK int pthread_cond_broadcast(pthread_cond_t *c)
{
    if (green_patched() & GREEN_PATCH_SYNC)
        green__place_wake(c, UINT_MAX);
    return REAL(pthread_cond_broadcast)(c);
}

HOOK int cnd_wait(cnd_t *c, mtx_t *m)
{
    if (!COOPERATIVE(SYNC))
        return REAL(cnd_wait)(c, m);
    return pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m) == 0 ? thrd_success : thrd_error;
}

HOOK int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
    if (!COOPERATIVE(SYNC))
        return REAL(cnd_timedwait)(c, m, until);
    int r = pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until);
    return r == 0 ? thrd_success : r == ETIMEDOUT ? thrd_timedout : thrd_error;
}

HOOK int cnd_signal(cnd_t *c)
{
    return pthread_cond_signal((pthread_cond_t *)c) == 0 ? thrd_success : thrd_error;
}

HOOK int cnd_broadcast(cnd_t *c)
{
    return pthread_cond_broadcast((pthread_cond_t *)c) == 0 ? thrd_success : thrd_error;
}
