/* What one asks of, and does to, a thread by its pthread_t. A greenlet answers for itself where it can, and else for the
 * thread that it runs in. */
#include "threads.h"

#include <string.h>

/* The thread of the system that stands behind it. */
static pthread_t system_thread(pthread_t thread)
{
    return green__hub && green__thread_of(thread) ? green__hub->thread : thread;
}

HOOK int pthread_kill(pthread_t thread, int signal)
{
    const struct thread *t = green__hub ? green__thread_of(thread) : NULL;
    if (t && t->done)
        return ESRCH;
    return REAL(pthread_kill)(system_thread(thread), signal);
}

HOOK int pthread_sigqueue(pthread_t thread, int signal, const union sigval value)
{
    return REAL(pthread_sigqueue)(system_thread(thread), signal, value);
}

HOOK int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    const struct thread *t = green__hub ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_getattr_np)(thread, attr);
    int r = pthread_attr_init(attr);
    if (r == 0 && !t->done && t->greenlet->stack.low)
        r = pthread_attr_setstack(attr, t->greenlet->stack.low, t->greenlet->stack.size);
    if (r == 0 && !t->joinable)
        r = pthread_attr_setdetachstate(attr, PTHREAD_CREATE_DETACHED);
    return r;
}

HOOK int pthread_setname_np(pthread_t thread, const char *name)
{
    struct thread *t = green__hub ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_setname_np)(thread, name);
    if (strlen(name) >= sizeof t->name)
        return ERANGE;
    memcpy(t->name, name, strlen(name) + 1);
    return 0;
}

HOOK int pthread_getname_np(pthread_t thread, char *name, size_t size)
{
    const struct thread *t = green__hub ? green__thread_of(thread) : NULL;
    if (!t)
        return REAL(pthread_getname_np)(thread, name, size);
    if (strlen(t->name) >= size)
        return ERANGE;
    memcpy(name, t->name, strlen(t->name) + 1);
    return 0;
}

HOOK int pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *parameters)
{
    return REAL(pthread_getschedparam)(system_thread(thread), policy, parameters);
}

/* One cannot be more urgent than the others, nor run on a processor of its own. */
HOOK int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameters)
{
    return green__hub && green__thread_of(thread) ? 0
                                                  : REAL(pthread_setschedparam)(thread, policy, parameters);
}

HOOK int pthread_setschedprio(pthread_t thread, int priority)
{
    return green__hub && green__thread_of(thread) ? 0 : REAL(pthread_setschedprio)(thread, priority);
}

HOOK int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *cpus)
{
    return green__hub && green__thread_of(thread) ? 0 : REAL(pthread_setaffinity_np)(thread, size, cpus);
}

HOOK int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *cpus)
{
    return REAL(pthread_getaffinity_np)(system_thread(thread), size, cpus);
}

HOOK int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    return REAL(pthread_getcpuclockid)(system_thread(thread), clock);
}
