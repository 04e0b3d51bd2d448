/*
 * How threads that are greenlets end: pthread_exit(3), cancellation, clean-up handlers. Handlers that C's
 * pthread_cleanup_push() left are run, destructors of C++ objects in between are not.
 */
#include "threads.h"

#include <setjmp.h>
#include <stdlib.h>

/* --- the end -------------------------------------------------------------------------------------------------------- */

void green__thread_ended(struct thread *t, void *result)
{
    t->ending = true;
    t->result = result;
    green__thread_values_end(t);
    t->done = true;
    if (!t->joinable) {
        green__hub->current->arg = NULL;
        green__hub->current->name = NULL;
        t->mark = 0;
        free(t);
    }
}

/* The rest of pthread_cleanup_push() is in the program: it saved where to go on, runs the handler there, and comes back by
 * __pthread_unwind_next(). */
static _Noreturn void unwind(struct thread *t)
{
    __pthread_unwind_buf_t *buffer = t->cleanups;
    if (buffer) {
        t->cleanups = buffer->__pad[0];
        void *volatile begun = buffer; /* a jmp_buf without room for signals, of which it has none */
        longjmp(begun, 1);
    }
    green__thread_ended(t, t->result);
    green_exit(NULL);
}

static _Noreturn void leave(struct thread *t, void *result)
{
    if (!t->ending)
        green_shield(); /* handlers may wait */
    t->ending = true;
    t->result = result;
    unwind(t);
}

/* The process goes on until all others have ended. */
static _Noreturn void main_leaves(void)
{
    green_shield();
    if (green_run(GREEN_FOREVER) < 0)
        fprintf(stderr, "libgreen-patch: the threads that are left wait for what can never come\n");
    exit(0);
}

HOOK void pthread_exit(void *result)
{
    if (COOPERATIVE(THREADS)) {
        struct thread *t = green__thread_self();
        if (t)
            leave(t, result);
        if (green__hub->current == green__hub->root)
            main_leaves();
        green_exit(result);
    }
    REAL(pthread_exit)(result);
    abort();
}

HOOK void thrd_exit(int result)
{
    if (COOPERATIVE(THREADS))
        pthread_exit((void *)(intptr_t)result);
    REAL(thrd_exit)(result);
    abort();
}

HOOK void __pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (!t) {
        REAL(__pthread_register_cancel)(buffer);
        return;
    }
    buffer->__pad[0] = t->cleanups;
    t->cleanups = buffer;
}

HOOK void __pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (t)
        t->cleanups = buffer->__pad[0];
    else
        REAL(__pthread_unregister_cancel)(buffer);
}

HOOK void __pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (t)
        unwind(t);
    REAL(__pthread_unwind_next)(buffer);
    abort();
}

/* --- cancellation --------------------------------------------------------------------------------------------------- */

bool green__thread_may_end(void)
{
    const struct thread *t = green__thread_self();
    return t && !t->disabled && !t->ending;
}

void green__thread_cancellation(void)
{
    struct thread *t = green__thread_self();
    if (t && t->cancelled && !t->disabled && !t->ending)
        leave(t, PTHREAD_CANCELED);
}

HOOK int pthread_cancel(pthread_t thread)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_cancel)(thread);
    if (t->done || t->cancelled)
        return 0;
    t->cancelled = true;
    if (t->greenlet->never_ran) { /* it never will; who joins it is told the same */
        t->result = PTHREAD_CANCELED;
        t->done = true;
    }
    green_cancel(t->greenlet);
    return 0;
}

HOOK void pthread_testcancel(void)
{
    if (COOPERATIVE(THREADS) && green__thread_self())
        green__thread_cancellation();
    else
        REAL(pthread_testcancel)();
}

/* Cancellation that is switched off waits, as a shield has it. */
HOOK int pthread_setcancelstate(int state, int *before)
{
    struct thread *t = COOPERATIVE(THREADS) ? green__thread_self() : NULL;
    if (!t)
        return REAL(pthread_setcancelstate)(state, before);
    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (before)
        *before = t->disabled ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    bool disabled = state == PTHREAD_CANCEL_DISABLE;
    if (disabled != t->disabled)
        disabled ? green_shield() : green_unshield();
    t->disabled = disabled;
    return 0;
}

/* Nothing ever interrupts a greenlet that computes: asynchronous cancellation is the deferred one. */
HOOK int pthread_setcanceltype(int type, int *before)
{
    if (!COOPERATIVE(THREADS) || !green__thread_self())
        return REAL(pthread_setcanceltype)(type, before);
    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
        return EINVAL;
    if (before)
        *before = PTHREAD_CANCEL_DEFERRED;
    return 0;
}
