/*
 * The functions as the C library has them, and the question that every hook asks first. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_REAL_H
#define GREEN_PATCH_REAL_H

#include "../core/internal.h"
#include "../patch.h"

#include <fcntl.h>
#include <resolv.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* Each begins as a function that looks the real one up and stands in for it. */
struct real_functions {
#define GREEN_HOOKED(family, result, name, parameters, arguments) result(*_Atomic name) parameters;
#define GREEN_HOOKED_VARIADIC(family, result, name, parameters)   result(*_Atomic name) parameters;
#include "hooked.h"
};

extern struct real_functions green__real;

#define REAL(name) atomic_load_explicit(&green__real.name, memory_order_relaxed)

/* What a program sees instead. */
#define HOOK __attribute__((visibility("default")))

#define GREEN_HOOKED(family, result, name, parameters, arguments) HOOK result name parameters;
#define GREEN_HOOKED_VARIADIC(family, result, name, parameters)   HOOK result name parameters;
#define GREEN_HOOKED_ALIAS(name, alias)                           HOOK __typeof__(name) alias;
#include "hooked.h"

extern atomic_uint green__patched_families;

/* Whether a call is to be cooperative: made by a greenlet (the main one of a thread that has a hub counts), not in the
 * hub, and of a family that is patched. Threads without a hub leave at the first test. */
#define COOPERATIVE(family) UNLIKELY(green__hub != NULL && green__in_greenlet(GREEN_PATCH_##family))

static inline bool green__in_greenlet(unsigned family)
{
    return green__hub->current &&
           (atomic_load_explicit(&green__patched_families, memory_order_relaxed) & family);
}

/* The child of a vfork(2) runs in our memory and looks like us, until it calls exec: it must neither wait nor change what
 * we know. Costs a system call. */
bool green__is_vforked(void);

/* Fails as the C library does: -1 and errno. A thread that was cancelled ends there. */
void green__thread_cancellation(void);
static inline int fail(int r)
{
    if (r == -ECANCELED)
        green__thread_cancellation();
    errno = -r;
    return -1;
}

/* A wait has returned r: whether it ended because the caller's own time was over, not because of a timeout around it. */
static inline bool own_time_is_over(int r)
{
    return r == -ETIMEDOUT && !green__interruption(green__hub->current);
}

/* How long a struct timespec or timeval is, in ns; saturates. */
int64_t green__ns(const struct timespec *t);
int64_t green__ns_of_timeval(const struct timeval *t);
struct timespec green__timespec(int64_t ns);

#endif
