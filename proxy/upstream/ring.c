/* Making rings (ring.h). */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static uint64_t hash_name(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return ring_mix(h);
}

static uint32_t point_hash(uint64_t name, uint32_t k)
{
    return (uint32_t)(ring_mix(name + (k + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* How many points a server has when all have 1/2^shift of what they should. */
static uint32_t share(uint32_t weight, unsigned shift)
{
    uint32_t points = (RING_POINTS * weight) >> shift;
    return points ? points : 1;
}

static size_t count_points(const struct ring_owner *owners, size_t count, unsigned shift)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += share(owners[i].weight, shift);
    return sum;
}

/* Into the parts of the ring, by counting; and then within each part, where there are few. */
static void sort_points(struct ring *r, const struct ring_point *unsorted)
{
    size_t parts = (size_t)1 << r->bits;
    for (uint32_t i = 0; i < r->count; i++)
        r->starts[(unsorted[i].hash >> (32 - r->bits)) + 1]++;
    for (size_t i = 0; i < parts; i++)
        r->starts[i + 1] += r->starts[i];
    for (uint32_t i = 0; i < r->count; i++)
        r->points[r->starts[unsorted[i].hash >> (32 - r->bits)]++] = unsorted[i];
    memmove(r->starts + 1, r->starts, parts * sizeof *r->starts); /* where each ended begins the next */
    r->starts[0] = 0;
    for (uint32_t i = 1; i < r->count; i++) {
        struct ring_point p = r->points[i];
        uint32_t k = i;
        for (; k > 0 && r->points[k - 1].hash > p.hash; k--)
            r->points[k] = r->points[k - 1];
        r->points[k] = p;
    }
}

int ring_init(struct ring *r, const struct ring_owner *owners, size_t count)
{
    unsigned shift = 0;
    size_t points;
    while ((points = count_points(owners, count, shift)) > RING_POINTS_MOST && shift < 16)
        shift++;
    *r = (struct ring){.count = (uint32_t)points, .bits = 1};
    while (((size_t)4 << r->bits) < points)
        r->bits++;
    struct ring_point *unsorted = malloc(points * sizeof *unsorted);
    r->points = malloc(points * sizeof *r->points);
    r->starts = calloc(((size_t)1 << r->bits) + 1, sizeof *r->starts);
    if (!unsorted || !r->points || !r->starts) {
        free(unsorted);
        ring_destroy(r);
        return -ENOMEM;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t name = hash_name(owners[i].name);
        for (uint32_t k = 0; k < share(owners[i].weight, shift); k++)
            unsorted[at++] = (struct ring_point){point_hash(name, k), (uint32_t)i};
    }
    sort_points(r, unsorted);
    free(unsorted);
    return 0;
}

void ring_destroy(struct ring *r)
{
    free(r->points);
    free(r->starts);
    *r = (struct ring){.count = 0};
}
