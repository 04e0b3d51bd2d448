/* What the sanitizers and Valgrind must be told about stacks and switches. Without them all of it is empty.
 * Private to libgreen. */
#ifndef GREEN_CORE_SANITIZE_H
#define GREEN_CORE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define GREEN_ASAN 1
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/asan_interface.h>
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define GREEN_TSAN 1
#include <sanitizer/tsan_interface.h>
/* In a forked child with other threads or fibers TSan does not look at who forked, switches included, and would then
 * see races in every other fiber. Set there: it is not to look at those either. */
extern bool green__tsan_deaf; /* hubs.c */
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
#endif
#if defined(GREEN_VALGRIND)
#include <valgrind/valgrind.h>
#endif

/* A place to come back to: a saved stack pointer and what the tools need beside it. */
struct context {
    void *sp;
    char *stack_low;
    size_t stack_size;
#ifdef GREEN_ASAN
    void *fake_stack;
#endif
#ifdef GREEN_TSAN
    void *fiber;
    bool deaf; /* TSan was told not to look at it */
#endif
};

#endif
