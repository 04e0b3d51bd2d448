/*
 * Consistent hashing: servers have points on a ring, as many as their weights say, and a key belongs to the first point
 * at or behind its hash. Points depend on a server's name alone, so that all workers, instances and later configurations
 * agree; when a server leaves, only what was its goes elsewhere, evenly.
 */
#ifndef UPSTREAM_RING_H
#define UPSTREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_POINTS 160 /* of a server with weight 1 */
#define RING_POINTS_MOST                                                                                     \
    (UINT32_C(1)                                                                                             \
     << 17) /* of all together; where it would be more, each has fewer: it is to fit into a processor's cache */

struct ring_point {
    uint32_t hash, owner;
};

struct ring {
    struct ring_point *points; /* by hash */
    uint32_t *starts; /* of each of 1 << bits equal parts of the ring, the first point in it or behind */
    uint32_t count;
    unsigned bits;
};

/* What a server is known by, and its weight. */
struct ring_owner {
    const char *name;
    uint32_t weight;
};

/* 0 or -ENOMEM. */
int ring_init(struct ring *r, const struct ring_owner *owners, size_t count);
void ring_destroy(struct ring *r);

/* The place of the first point at or behind this hash. */
static inline uint32_t ring_find(const struct ring *r, uint32_t hash)
{
    uint32_t at = r->starts[hash >> (32 - r->bits)];
    while (at < r->count && r->points[at].hash < hash)
        at++;
    return at < r->count ? at : 0;
}

static inline uint32_t ring_next(const struct ring *r, uint32_t at)
{
    return at + 1 < r->count ? at + 1 : 0;
}

/* splitmix64: every bit of the result depends on every bit of the number. */
static inline uint64_t ring_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

#endif
