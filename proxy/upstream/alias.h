/* Drawing by weight in constant time (Walker's alias method): each place holds one candidate and what fills it up. */
#ifndef UPSTREAM_ALIAS_H
#define UPSTREAM_ALIAS_H

#include <stddef.h>
#include <stdint.h>

struct alias_place {
    uint32_t own, other; /* candidates */
    uint32_t chance;     /* of the own one, of 2^32 - 1 */
};

struct alias {
    struct alias_place *places;
    uint32_t count;
    uint32_t *left; /* scratch space */
};

/* Room for so many. 0 or -ENOMEM. */
int alias_init(struct alias *a, size_t most);
void alias_destroy(struct alias *a);

/* What is drawn from now on: the candidates with a weight above 0. */
void alias_fill(struct alias *a, const uint32_t *weights, size_t count);

/* One of them for a random number; there must be one. */
static inline uint32_t alias_draw(const struct alias *a, uint64_t random)
{
    const struct alias_place *p = &a->places[((random >> 32) * a->count) >> 32];
    return (uint32_t)random <= p->chance ? p->own : p->other;
}

#endif
