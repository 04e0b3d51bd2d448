/*
 * pthread_create(3) that makes greenlets. Threads of libuv and those that threads of the system start stay what they
 * are. C11's threads are the same ones.
 */
#include "threads.h"

#include "places.h"

#include <stdlib.h>
#include <string.h>

/* --- who is who ----------------------------------------------------------------------------------------------------- */

static void *run_thread(void *arg)
{
    struct thread *t = arg;
    green__thread_ended(t, t->fn(t->arg));
    return NULL;
}

struct thread *green__thread_self(void)
{
    const green_t *g = green__hub ? green__hub->current : NULL;
    return g && g->entry == ENTRY_PLAIN && g->fn.plain == run_thread ? g->arg : NULL;
}

struct thread *green__thread_of(pthread_t thread)
{
    struct thread *t = (struct thread *)thread;
    return t && t->mark == ~(uintptr_t)t ? t : NULL;
}

HOOK pthread_t pthread_self(void)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    return t ? (pthread_t)t : REAL(pthread_self)();
}

/* --- making --------------------------------------------------------------------------------------------------------- */

static size_t stack_size_of(const pthread_attr_t *attr)
{
    pthread_attr_t usual;
    size_t size = 0;
    if (attr) {
        pthread_attr_getstacksize(attr, &size);
    } else if (pthread_getattr_default_np(&usual) == 0) {
        pthread_attr_getstacksize(&usual, &size);
        pthread_attr_destroy(&usual);
    }
    return size < STACK_SIZE_MAX ? size : STACK_SIZE_MAX;
}

static int make(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    struct thread *t = calloc(1, sizeof *t);
    int detached = PTHREAD_CREATE_JOINABLE;
    if (!t)
        return EAGAIN;
    if (attr)
        pthread_attr_getdetachstate(attr, &detached);
    t->mark = ~(uintptr_t)t;
    t->fn = fn;
    t->arg = arg;
    t->joinable = detached == PTHREAD_CREATE_JOINABLE;
    snprintf(t->name, sizeof t->name, "thread");
    green_attr_t wanted = {.stack_size = stack_size_of(attr), .name = t->name};
    if (green_spawn_ex(&t->greenlet, &wanted, run_thread, t) < 0) {
        free(t);
        return EAGAIN;
    }
    *out = (pthread_t)t;
    if (!t->joinable)
        green_release(t->greenlet);
    return 0;
}

/* The main thread of a program that knows nothing of libgreen gets its hub here. */
static bool becomes_greenlet(void)
{
    if (!(green_patched() & GREEN_PATCH_THREADS))
        return false;
    if (green__hub)
        return green__hub->current != NULL;
    if (gettid() != getpid())
        return false;
    green__keep_sigpipe = true;
    return green_hub() != NULL;
}

HOOK int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    return IN_LIBUV || !becomes_greenlet() ? REAL(pthread_create)(out, attr, fn, arg)
                                           : make(out, attr, fn, arg);
}

/* --- joining -------------------------------------------------------------------------------------------------------- */

static int join(struct thread *t, void **result, green_time deadline)
{
    if (!t->joinable)
        return EINVAL;
    if (t == green__thread_self())
        return EDEADLK;
    for (;;) {
        bool ends = green__thread_may_end();
        if (!ends)
            green_shield();
        int r = green_join(t->greenlet, deadline);
        if (!ends)
            green_unshield();
        if (r == 0)
            break;
        if (r == -ECANCELED)
            green__thread_cancellation();
        if (r != -ECANCELED)
            return -r;
    }
    if (result)
        *result = t->result;
    green_release(t->greenlet);
    t->mark = 0;
    free(t);
    return 0;
}

struct native_join {
    pthread_t thread;
    void *result;
    int error;
};

static void *join_native(void *arg)
{
    struct native_join *j = arg;
    j->error = REAL(pthread_join)(j->thread, &j->result);
    return NULL;
}

/* A thread of the system: another one waits for it. */
static int join_elsewhere(pthread_t thread, void **result)
{
    struct native_join j = {.thread = thread};
    green_shield();
    int r = green_blocking(join_native, &j, NULL, GREEN_FOREVER);
    green_unshield();
    if (r < 0)
        return -r;
    if (j.error == 0 && result)
        *result = j.result;
    return j.error;
}

HOOK int pthread_join(pthread_t thread, void **result)
{
    if (!COOPERATIVE(THREADS) || IN_LIBUV)
        return REAL(pthread_join)(thread, result);
    struct thread *t = green__thread_of(thread);
    if (t)
        return join(t, result, GREEN_FOREVER);
    return pthread_equal(thread, REAL(pthread_self)()) ? EDEADLK : join_elsewhere(thread, result);
}

HOOK int pthread_tryjoin_np(pthread_t thread, void **result)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_tryjoin_np)(thread, result);
    return green_done(t->greenlet) ? join(t, result, GREEN_FOREVER) : EBUSY;
}

HOOK int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_clockjoin_np)(thread, result, clock, until);
    green_time deadline = until ? green__deadline_by(clock, until) : GREEN_FOREVER;
    return deadline ? join(t, result, deadline) : EINVAL;
}

HOOK int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    return COOPERATIVE(THREADS) && green__thread_of(thread)
               ? pthread_clockjoin_np(thread, result, CLOCK_REALTIME, until)
               : REAL(pthread_timedjoin_np)(thread, result, until);
}

HOOK int pthread_detach(pthread_t thread)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_detach)(thread);
    if (!t->joinable)
        return EINVAL;
    t->joinable = false;
    green_release(t->greenlet);
    if (t->done) {
        t->mark = 0;
        free(t);
    }
    return 0;
}

/* --- C11 ------------------------------------------------------------------------------------------------------------ */

/* A thread of C11 returns an int. */
struct c11_thread {
    thrd_start_t fn;
    void *arg;
};

static void *run_c11(void *arg)
{
    struct c11_thread begin = *(struct c11_thread *)arg;
    free(arg);
    return (void *)(intptr_t)begin.fn(begin.arg);
}

HOOK int thrd_create(thrd_t *out, thrd_start_t fn, void *arg)
{
    if (!becomes_greenlet())
        return REAL(thrd_create)(out, fn, arg);
    struct c11_thread *begin = malloc(sizeof *begin);
    if (!begin)
        return thrd_nomem;
    *begin = (struct c11_thread){fn, arg};
    int r = make(out, NULL, run_c11, begin);
    if (r == 0)
        return thrd_success;
    free(begin);
    return thrd_nomem;
}

HOOK int thrd_join(thrd_t thread, int *result)
{
    if (!COOPERATIVE(THREADS) || !green__thread_of(thread))
        return REAL(thrd_join)(thread, result);
    void *value = NULL;
    int r = pthread_join(thread, &value);
    if (r == 0 && result)
        *result = (int)(intptr_t)value;
    return r == 0 ? thrd_success : thrd_error;
}

HOOK int thrd_detach(thrd_t thread)
{
    if (!COOPERATIVE(THREADS) || !green__thread_of(thread))
        return REAL(thrd_detach)(thread);
    return pthread_detach(thread) == 0 ? thrd_success : thrd_error;
}

HOOK thrd_t thrd_current(void)
{
    return pthread_self();
}
