/* Bounds, and what lies between them. */
#include "histogram.h"

/* Ten bounds from `ns` on, each about a quarter more than the one before. */
#define DECADE(ns)                                                                                           \
    (ns), (ns)*5 / 4, (ns)*8 / 5, (ns)*2, (ns)*5 / 2, (ns)*16 / 5, (ns)*4, (ns)*5, (ns)*32 / 5, (ns)*8

static const int64_t bounds[HISTOGRAM_BUCKETS] = {
    DECADE(INT64_C(1000)),       DECADE(INT64_C(10000)),
    DECADE(INT64_C(100000)),     DECADE(INT64_C(1000000)),
    DECADE(INT64_C(10000000)),   DECADE(INT64_C(100000000)),
    DECADE(INT64_C(1000000000)), DECADE(INT64_C(10000000000)),
    INT64_C(100000000000),       INT64_MAX,
};

/* Where to look: for each quarter of what lies between two powers of two, the bucket of its first value. No more than one
 * bound lies within a quarter, so it is that bucket or the next. */
#define FIRST_POWER 9
#define LAST_POWER  36

static const uint8_t begin[(LAST_POWER + 1 - FIRST_POWER) * 4] = {
    0,  0,  0,  0,  1,  2,  2,  3,  4,  5,  5,  6,  7,  8,  8,  9,  10, 11, 11, 12, 13, 14, 14,
    15, 16, 17, 17, 18, 19, 20, 20, 21, 22, 23, 23, 24, 25, 26, 26, 27, 28, 29, 29, 30, 31, 32,
    32, 33, 34, 35, 35, 36, 37, 38, 38, 39, 40, 41, 42, 42, 43, 44, 45, 45, 46, 47, 48, 48, 49,
    50, 51, 51, 52, 53, 54, 54, 55, 56, 57, 57, 58, 59, 60, 60, 61, 62, 63, 63, 64, 65, 66, 66,
    67, 68, 69, 69, 70, 71, 72, 72, 73, 74, 75, 75, 76, 77, 78, 78, 79, 80, 81, 81,
};

unsigned histogram_bucket(int64_t ns)
{
    const int64_t least = INT64_C(1) << FIRST_POWER, most = INT64_C(2) << LAST_POWER;
    if ((uint64_t)(ns - least) >= (uint64_t)(most - least))
        return ns < least ? 0 : HISTOGRAM_BUCKETS - 1;
    unsigned power = 63u - (unsigned)__builtin_clzll((unsigned long long)ns);
    unsigned bucket = begin[(unsigned)(ns >> (power - 2)) + 4 * power - 4 * FIRST_POWER - 4];
    return bucket + (ns > bounds[bucket]);
}

int64_t histogram_bound(unsigned bucket)
{
    return bounds[bucket];
}

void histogram_read(struct histogram_reading *reading, const struct histogram *h)
{
    reading->sum += counter_read(&h->sum);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = counter_read(&h->buckets[i]);
        reading->buckets[i] += n;
        reading->count += n;
    }
}

void histogram_since(struct histogram_reading *out, const struct histogram_reading *later,
                     const struct histogram_reading *earlier)
{
    out->count = later->count - earlier->count;
    out->sum = later->sum - earlier->sum;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        out->buckets[i] = later->buckets[i] - earlier->buckets[i];
}

int64_t histogram_percentile(const struct histogram_reading *reading, double share)
{
    double wanted = share * (double)reading->count, before = 0;
    if (!reading->count)
        return -1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        double here = (double)reading->buckets[i];
        if (here > 0 && before + here >= wanted) {
            int64_t low = i ? bounds[i - 1] : 0;
            return low + (int64_t)((double)(bounds[i] - low) * (wanted - before) / here);
        }
        before += here;
    }
    return bounds[HISTOGRAM_BUCKETS - 2];
}

uint64_t histogram_within(const struct histogram_reading *reading, int64_t ns)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && bounds[i] <= ns; i++)
        count += reading->buckets[i];
    return count;
}
