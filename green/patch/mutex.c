/*
 * Mutexes: libc's own, tried instead of waited for. A mutex knows its owner by the number of a thread, which greenlets have in
 * common; where the owner matters (recursive and error-checking ones), it gets a number of the greenlet's own
 * for as long as it is locked.
 */
#include "places.h"

#include <sys/syscall.h>

#define KIND(mutex)     ((mutex)->__data.__kind & 3)
#define FOREIGN_SLICE   GREEN_MS(2)
#define GREENLET_NUMBER 0x40000000 /* beyond all threads' */

static int my_number(void)
{
    return GREENLET_NUMBER | (int)(green__hub->current->id & (GREENLET_NUMBER - 1));
}

static bool is_owned_by_greenlets(const pthread_mutex_t *m)
{
    return (KIND(m) == PTHREAD_MUTEX_RECURSIVE || KIND(m) == PTHREAD_MUTEX_ERRORCHECK) &&
           !(m->__data.__kind & (16 | 32 | 64));
}

/* 0, EBUSY or what is wrong. */
static int try_lock(pthread_mutex_t *m, bool waits)
{
    if (!is_owned_by_greenlets(m))
        return REAL(pthread_mutex_trylock)(m);
    if (m->__data.__owner == my_number()) {
        if (KIND(m) != PTHREAD_MUTEX_RECURSIVE)
            return waits ? EDEADLK : EBUSY;
        if (m->__data.__count + 1 == 0)
            return EAGAIN;
        m->__data.__count++;
        return 0;
    }
    /* Locked before there were greenlets, by who is the main one now: to the others it is busy. */
    if (m->__data.__owner == green__hub->tid && green__hub->current != green__hub->root)
        return EBUSY;
    int r = REAL(pthread_mutex_trylock)(m);
    if (r == 0 && m->__data.__count <= 1)
        m->__data.__owner = my_number();
    return r;
}

/* A thread of the system that holds it may let go where no hook sees it: in a wait for a condition. */
static bool is_ours(const pthread_mutex_t *m)
{
    int owner = __atomic_load_n(&m->__data.__owner, __ATOMIC_RELAXED);
    return owner == green__hub->tid || (owner & GREENLET_NUMBER);
}

static int lock_until(pthread_mutex_t *m, green_time deadline)
{
    int r;
    while ((r = try_lock(m, true)) == EBUSY) {
        struct place_waiter me;
        green__place_enter(&me, m, false);
        if ((r = try_lock(m, true)) != EBUSY) {
            green__place_leave(&me);
            return r;
        }
        green_time look = is_ours(m) ? deadline : green_in(FOREIGN_SLICE);
        int waited = green__place_wait(&me, "a mutex", look < deadline ? look : deadline, false);
        if (waited == -ETIMEDOUT && green_now() >= deadline)
            return try_lock(m, true) == 0 ? 0 : ETIMEDOUT;
    }
    return r;
}

HOOK int pthread_mutex_lock(pthread_mutex_t *m)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_mutex_lock)(m) : lock_until(m, GREEN_FOREVER);
}

HOOK int pthread_mutex_trylock(pthread_mutex_t *m)
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_mutex_trylock)(m) : try_lock(m, false);
}

HOOK int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    if (!COOPERATIVE(SYNC))
        return REAL(pthread_mutex_clocklock)(m, clock, until);
    int r = try_lock(m, true);
    green_time deadline;
    if (r != EBUSY)
        return r;
    return (deadline = green__deadline_by(clock, until)) ? lock_until(m, deadline) : EINVAL;
}

HOOK int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
    return COOPERATIVE(SYNC) ? pthread_mutex_clocklock(m, CLOCK_REALTIME, until)
                             : REAL(pthread_mutex_timedlock)(m, until);
}

static int unlock(pthread_mutex_t *m)
{
    if (is_owned_by_greenlets(m)) {
        if (m->__data.__owner & GREENLET_NUMBER) {
            if (m->__data.__owner != my_number())
                return EPERM;
            if (KIND(m) == PTHREAD_MUTEX_RECURSIVE && m->__data.__count > 1) {
                m->__data.__count--;
                return 0;
            }
            m->__data.__owner = green__hub->tid;
        } else if (green__hub->current != green__hub->root) {
            return EPERM;
        }
    }
    return REAL(pthread_mutex_unlock)(m);
}

static bool anybody_waits(void)
{
    return atomic_load_explicit(&green__patched_families, memory_order_relaxed) & GREEN_PATCH_SYNC;
}

HOOK int pthread_mutex_unlock(pthread_mutex_t *m)
{
    int r = COOPERATIVE(SYNC) ? unlock(m) : REAL(pthread_mutex_unlock)(m);
    if (r == 0 && anybody_waits())
        green__place_wake(m, 1);
    return r;
}

HOOK int pthread_spin_lock(pthread_spinlock_t *lock)
{
    if (!COOPERATIVE(SYNC))
        return REAL(pthread_spin_lock)(lock);
    int r;
    while ((r = pthread_spin_trylock(lock)) == EBUSY) {
        green_shield();
        green_yield();
        green_unshield();
    }
    return r;
}

/* --- once ----------------------------------------------------------------------------------------------------------- */

#define ONCE_BEGUN 1
#define ONCE_DONE  2

/* As glibc does it, so that threads without greenlets understand it, but for who waits. */
static int once_among_greenlets(pthread_once_t *once, void (*fn)(void))
{
    for (;;) {
        int present = __atomic_load_n(once, __ATOMIC_ACQUIRE);
        if (present & ONCE_DONE)
            return 0;
        if (!(present & ONCE_BEGUN)) {
            if (!__atomic_compare_exchange_n(once, &present, present | ONCE_BEGUN, false, __ATOMIC_ACQ_REL,
                                             __ATOMIC_ACQUIRE))
                continue;
            fn();
            __atomic_store_n(once, ONCE_DONE, __ATOMIC_RELEASE);
            syscall(SYS_futex, once, 129 /* FUTEX_WAKE_PRIVATE */, INT_MAX, NULL, NULL, 0);
            green__place_wake(once, UINT_MAX);
            return 0;
        }
        struct place_waiter me;
        green__place_enter(&me, once, false);
        if (__atomic_load_n(once, __ATOMIC_ACQUIRE) & ONCE_DONE)
            green__place_leave(&me);
        else
            green__place_wait(&me, "what is done once", green_in_ms(10), false); /* threads do not wake us */
    }
}

HOOK int pthread_once(pthread_once_t *once, void (*fn)(void))
{
    return !COOPERATIVE(SYNC) || IN_LIBUV ? REAL(pthread_once)(once, fn) : once_among_greenlets(once, fn);
}

HOOK void call_once(once_flag *once, void (*fn)(void))
{
    if (COOPERATIVE(SYNC))
        once_among_greenlets((pthread_once_t *)once, fn);
    else
        REAL(call_once)(once, fn);
}

/* --- C11: the same objects, other results --------------------------------------------------------------------------- */

static int as_c11(int error)
{
    return error == 0           ? thrd_success
           : error == EBUSY     ? thrd_busy
           : error == ETIMEDOUT ? thrd_timedout
           : error == ENOMEM    ? thrd_nomem
                                : thrd_error;
}

HOOK int mtx_lock(mtx_t *m)
{
    return COOPERATIVE(SYNC) ? as_c11(pthread_mutex_lock((pthread_mutex_t *)m)) : REAL(mtx_lock)(m);
}

HOOK int mtx_trylock(mtx_t *m)
{
    return COOPERATIVE(SYNC) ? as_c11(pthread_mutex_trylock((pthread_mutex_t *)m)) : REAL(mtx_trylock)(m);
}

HOOK int mtx_timedlock(mtx_t *m, const struct timespec *until)
{
    return COOPERATIVE(SYNC) ? as_c11(pthread_mutex_timedlock((pthread_mutex_t *)m, until))
                             : REAL(mtx_timedlock)(m, until);
}

HOOK int mtx_unlock(mtx_t *m)
{
    return as_c11(pthread_mutex_unlock((pthread_mutex_t *)m));
}
