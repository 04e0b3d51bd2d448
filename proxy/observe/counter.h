/*
 * A number that one thread counts and others read: plain 64-bit loads and stores, which cost what a variable costs.
 */
#ifndef OBSERVE_COUNTER_H
#define OBSERVE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#define COUNTER_WATCHED (__has_feature(thread_sanitizer) || __has_feature(memory_sanitizer))

typedef _Atomic uint64_t counter_t;

static inline uint64_t counter_read(const counter_t *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void counter_set(counter_t *c, uint64_t n)
{
    atomic_store_explicit(c, n, memory_order_relaxed);
}

/* By the thread whose counter it is, and no other: it is no atomic addition. Compilers load, add and store where the
 * processor needs one instruction, and a request counts a dozen things. */
static inline void counter_add(counter_t *c, uint64_t n)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !COUNTER_WATCHED
    __asm__("addq %1, %0" : "+m"(*(uint64_t *)c) : "er"(n) : "cc");
#else
    counter_set(c, counter_read(c) + n);
#endif
}

#endif
