/*
 * How long a server's answers take: an exponentially weighted mean of the times to the first byte that forgets within
 * some seconds, but takes a slow answer for the truth at once (peak EWMA): who becomes slow is avoided from the next
 * request on, and tried again as the memory fades.
 */
#ifndef UPSTREAM_LATENCY_H
#define UPSTREAM_LATENCY_H

#include "standing.h"

#define LATENCY_MEMORY  GREEN_S(10)
#define LATENCY_UNKNOWN GREEN_S(1) /* of one that has yet to give its first answer, while it is being asked */

/* What there is to remember of it now. */
static inline int64_t latency_now(const struct standing *s, green_time now)
{
    int64_t latency = atomic_load_explicit(&s->latency, memory_order_relaxed);
    int64_t age = now - atomic_load_explicit(&s->latency_at, memory_order_relaxed);
    return age <= 0 ? latency : (int64_t)((double)latency * LATENCY_MEMORY / (double)(LATENCY_MEMORY + age));
}

/* What an answer promises to cost, with so many requests under way. The inverse of its weight is in any unit up to 2^32. */
static inline uint64_t latency_cost(const struct standing *s, int64_t active, uint64_t inverse_weight,
                                    green_time now)
{
    int64_t latency = latency_now(s, now);
    if (!latency)
        latency = active ? LATENCY_UNKNOWN : 0;
    double cost = (double)latency * (double)(active + 1) * (double)inverse_weight;
    return cost < 1e19 ? (uint64_t)cost : (uint64_t)1e19;
}

/* An answer took so long. */
void latency_observe(struct standing *s, int64_t latency, green_time now);

#endif
