/*
 * Passive health: servers that fail the requests that they are given are ejected, which means that they get none for a
 * while, longer each time; then they are tried again. At most a share of an upstream's servers is ejected at a time, and
 * never the last one that is well.
 */
#ifndef UPSTREAM_OUTLIER_H
#define UPSTREAM_OUTLIER_H

#include "server.h"
#include "standing.h"

/* Is it ejected? If that is over since a moment ago, it is over from now on. */
bool outlier_is_out(struct standing *s, green_time now);

/* What became of a request or connection: failed is the reason's name, or NULL. latency: to the first byte, or -1. Never
 * switches. */
void outlier_count(struct server *s, const char *failed, int64_t latency);

/* The same, for nearly nothing when all is well. */
static inline void server_report(struct server *s, const char *failed, int64_t latency)
{
    if (failed || s->measured || atomic_load_explicit(&s->standing->errors, memory_order_relaxed))
        outlier_count(s, failed, latency);
}

/* Does the upstream measure every answer? */
bool outlier_measures(const struct conf_upstream *conf);

#endif
