/* Remembering how long answers take (latency.h). */
#include "latency.h"

#define LATENCY_MOST GREEN_S(1000)

/* Two workers may do this at once: then one answer counts for nothing, which does no harm. */
void latency_observe(struct standing *s, int64_t latency, green_time now)
{
    int64_t before = atomic_load_explicit(&s->latency, memory_order_relaxed);
    int64_t age = now - atomic_load_explicit(&s->latency_at, memory_order_relaxed);
    if (latency > LATENCY_MOST)
        latency = LATENCY_MOST;
    if (latency < 1)
        latency = 1; /* 0 is nothing known */
    if (before && latency < before) {
        /* A share of the memory as large as the time that has passed, and at least 1/64: many answers a second count
         * each for something. */
        double share = age > 0 ? (double)age / (double)(LATENCY_MEMORY + age) : 0;
        if (share < 1.0 / 64)
            share = 1.0 / 64;
        latency = before - (int64_t)((double)(before - latency) * share);
    }
    atomic_store_explicit(&s->latency, latency, memory_order_relaxed);
    atomic_store_explicit(&s->latency_at, now, memory_order_relaxed);
}
