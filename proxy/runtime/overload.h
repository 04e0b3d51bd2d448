/*
 * What happens when descriptors or memory run short. The process goes through levels, each keeping the measures of those
 * below it, and comes back by itself. The main thread measures once a second; workers read one number.
 */
#ifndef RUNTIME_OVERLOAD_H
#define RUNTIME_OVERLOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <green.h>

#include "conf.h"

enum overload_level {
    OVERLOAD_NONE,
    OVERLOAD_HURRY,  /* from 80 % on: idle clients are waited for a tenth of timeout_keepalive */
    OVERLOAD_SHED,   /* 85 %: those idle the longest are closed, and so are idle connections to servers */
    OVERLOAD_REFUSE, /* 90 %: new connections are answered with 503, and if it is memory, requests too */
    OVERLOAD_STOP,   /* 95 %: nothing is accepted but to be reset */
    OVERLOAD_LEVELS
};

enum overload_resource { OVERLOAD_DESCRIPTORS, OVERLOAD_MEMORY, OVERLOAD_RESOURCES };

/* One of the things that run short. Written by the main thread, but for `exhausted`; any thread may read. */
struct overload_gauge {
    atomic_int level;
    atomic_int_fast64_t used, limit; /* descriptors, bytes; limit 0: none is known */
    atomic_bool exhausted;           /* a worker was refused one since the last look */
};

struct overload {
    atomic_int level; /* the higher one of both: what rules */
    struct overload_gauge gauges[OVERLOAD_RESOURCES];
    atomic_int_fast64_t refuse_from; /* a new client's descriptor from this number on is one too many */
    atomic_uint_fast64_t entered[OVERLOAD_LEVELS]; /* how often each level was entered from below */
    atomic_uint_fast64_t shed, refused,
        reset; /* connections closed, requests and connections answered with 503,
                                                      connections reset */
    atomic_bool on;
    int64_t max_memory; /* as configured; 0: by the system */
    green_time trimmed; /* when memory was last given back to the system */
};

/* Looks for the first time; nothing is in use yet. */
void overload_init(struct overload *o, const struct conf *conf);

/* The configuration may have changed: main thread. */
void overload_configure(struct overload *o, const struct conf *conf);

/* Greenlet of the main thread: looks once a second, while it is on, until it is cancelled. `arg` is the struct overload. */
void *overload_watch(void *arg);

/* One look: measures, goes to the level that follows, tells the error log of each change. */
void overload_look(struct overload *o);

/* The level that a share of the limit leads to; it is left again only 5 % of the limit further down. */
enum overload_level overload_level_of(int64_t used, int64_t limit, enum overload_level before);

/* The kernel has refused a worker a descriptor (EMFILE, ENFILE) or memory (ENOBUFS, ENOMEM). */
void overload_exhausted(struct overload *o, int error);

static inline enum overload_level overload_level(const struct overload *o)
{
    return (enum overload_level)atomic_load_explicit(&o->level, memory_order_relaxed);
}

/* Of one resource alone. */
static inline enum overload_level overload_level_of_gauge(const struct overload *o,
                                                          enum overload_resource resource)
{
    return (enum overload_level)atomic_load_explicit(&o->gauges[resource].level, memory_order_relaxed);
}

static inline void overload_count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
