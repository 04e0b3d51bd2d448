/*
 * How long things took: a fixed number of buckets from a microsecond to a hundred seconds, ten to a factor of ten (so
 * a percentile is off by a quarter at most, mostly by less). The bounds include the usual ones of Prometheus, so
 * that its buckets are sums of these and exact.
 */
#ifndef OBSERVE_HISTOGRAM_H
#define OBSERVE_HISTOGRAM_H

#include "counter.h"

#define HISTOGRAM_PER_DECADE 10
#define HISTOGRAM_DECADES    8
/* The last bound is 100 s, and one more bucket holds what took longer. */
#define HISTOGRAM_BUCKETS (HISTOGRAM_DECADES * HISTOGRAM_PER_DECADE + 2)

/* Counted by one thread, see counter.h. */
struct histogram {
    counter_t sum; /* ns */
    counter_t buckets[HISTOGRAM_BUCKETS];
};

/* Several of them together, or the difference of two readings. */
struct histogram_reading {
    uint64_t count, sum; /* ns */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* What bucket a duration falls into; below 0 counts as 0. */
unsigned histogram_bucket(int64_t ns);

/* The largest duration of a bucket in ns; INT64_MAX for the last one. */
int64_t histogram_bound(unsigned bucket);

static inline void histogram_count(struct histogram *h, unsigned bucket, int64_t ns)
{
    counter_add(&h->sum, ns > 0 ? (uint64_t)ns : 0);
    counter_add(&h->buckets[bucket], 1);
}

/* Adds what `h` holds. */
void histogram_read(struct histogram_reading *reading, const struct histogram *h);

/* later - earlier, bucket by bucket. */
void histogram_since(struct histogram_reading *out, const struct histogram_reading *later,
                     const struct histogram_reading *earlier);

/* The duration in ns that `share` (0 to 1) of all did not exceed, interpolated within its bucket; -1 if there is none. */
int64_t histogram_percentile(const struct histogram_reading *reading, double share);

/* How many took at most `ns`, which has to be one of the bounds. */
uint64_t histogram_within(const struct histogram_reading *reading, int64_t ns);

#endif
