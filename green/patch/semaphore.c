/* Semaphores, locks of readers and writers, barriers: libc's own, tried instead of waited for. */
#include "places.h"
#include "threads.h"

static int wait_until(sem_t *s, green_time deadline)
{
    bool ends = green__thread_may_end();
    while (sem_trywait(s) < 0) {
        struct place_waiter me;
        if (errno != EAGAIN)
            return -1;
        green__place_enter(&me, s, ends);
        if (sem_trywait(s) == 0) {
            green__place_leave(&me);
            return 0;
        }
        int r = green__place_wait(&me, "a semaphore", deadline, ends);
        if (r == -ECANCELED)
            green__thread_cancellation();
        if (r == -ETIMEDOUT)
            return sem_trywait(s) == 0 ? 0 : fail(-ETIMEDOUT);
    }
    return 0;
}

HOOK int sem_wait(sem_t *s)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(sem_wait)(s) : wait_until(s, GREEN_FOREVER);
}

HOOK int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
    if (!COOPERATIVE(SYNC))
        return REAL(sem_clockwait)(s, clock, until);
    if (sem_trywait(s) == 0)
        return 0;
    green_time deadline = green__deadline_by(clock, until);
    return deadline ? wait_until(s, deadline) : fail(-EINVAL);
}

HOOK int sem_timedwait(sem_t *s, const struct timespec *until)
{
    return COOPERATIVE(SYNC) ? sem_clockwait(s, CLOCK_REALTIME, until) : REAL(sem_timedwait)(s, until);
}

HOOK int sem_post(sem_t *s)
{
    int r = REAL(sem_post)(s);
    if (r == 0 && (green_patched() & GREEN_PATCH_SYNC))
        green__place_wake(s, 1);
    return r;
}

/* --- readers and writers -------------------------------------------------------------------------------------------- */

static int lock_until(pthread_rwlock_t *lock, int (*try)(pthread_rwlock_t *lock), green_time deadline)
{
    int r;
    while ((r = try(lock)) == EBUSY) {
        struct place_waiter me;
        green__place_enter(&me, lock, false);
        if ((r = try(lock)) != EBUSY) {
            green__place_leave(&me);
            return r;
        }
        if (green__place_wait(&me, "a lock of readers and writers", deadline, false) == -ETIMEDOUT)
            return try(lock) == 0 ? 0 : ETIMEDOUT;
    }
    return r;
}

HOOK int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_rwlock_rdlock)(lock)
                                          : lock_until(lock, pthread_rwlock_tryrdlock, GREEN_FOREVER);
}

HOOK int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_rwlock_wrlock)(lock)
                                          : lock_until(lock, pthread_rwlock_trywrlock, GREEN_FOREVER);
}

static int lock_by(pthread_rwlock_t *lock, int (*try)(pthread_rwlock_t *lock), const struct timespec *until)
{
    int r = try(lock);
    green_time deadline;
    if (r != EBUSY)
        return r;
    return (deadline = green__deadline_by(CLOCK_REALTIME, until)) ? lock_until(lock, try, deadline) : EINVAL;
}

HOOK int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return COOPERATIVE(SYNC) ? lock_by(lock, pthread_rwlock_tryrdlock, until)
                             : REAL(pthread_rwlock_timedrdlock)(lock, until);
}

HOOK int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return COOPERATIVE(SYNC) ? lock_by(lock, pthread_rwlock_trywrlock, until)
                             : REAL(pthread_rwlock_timedwrlock)(lock, until);
}

HOOK int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int r = REAL(pthread_rwlock_unlock)(lock);
    if (r == 0 && (green_patched() & GREEN_PATCH_SYNC))
        green__place_wake(lock, UINT_MAX); /* whoever fits goes on */
    return r;
}

/* --- barriers ------------------------------------------------------------------------------------------------------- */

/* As glibc lays it out. */
struct barrier {
    unsigned in, round, count;
};

/* All who wait are greenlets, or all are threads. */
HOOK int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    if (!COOPERATIVE(SYNC) || IN_LIBUV)
        return REAL(pthread_barrier_wait)(barrier);
    struct place_waiter me;
    unsigned count = ((const struct barrier *)(const void *)barrier)->count;
    if (green__place_wake_or_enter(&me, barrier, count - 1))
        return PTHREAD_BARRIER_SERIAL_THREAD;
    green__place_wait(&me, "a barrier", GREEN_FOREVER, false);
    return 0;
}
