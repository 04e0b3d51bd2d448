/* Tables to draw from (alias.h). */
#include "alias.h"

#include <errno.h>
#include <stdlib.h>

int alias_init(struct alias *a, size_t most)
{
    *a = (struct alias){.places = malloc(most * sizeof *a->places), .left = malloc(most * sizeof *a->left)};
    if (a->places && a->left)
        return 0;
    alias_destroy(a);
    return -ENOMEM;
}

void alias_destroy(struct alias *a)
{
    free(a->places);
    free(a->left);
    *a = (struct alias){.count = 0};
}

/* Weights are scaled so that a place holds `sum`: who has less is filled up by who has more. Scaled weights stay in
 * a->left, `chance` is made of them. */
void alias_fill(struct alias *a, const uint32_t *weights, size_t count)
{
    uint64_t sum = 0;
    a->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!weights[i])
            continue;
        a->places[a->count++] = (struct alias_place){.own = (uint32_t)i, .other = (uint32_t)i};
        sum += weights[i];
    }
    if (!a->count)
        return;
    /* Small ones wait at the start of a->left, large ones at its end. */
    uint32_t small = 0, large = a->count;
    double mean = (double)sum / a->count;
    for (uint32_t i = 0; i < a->count; i++)
        if (weights[a->places[i].own] < mean)
            a->left[small++] = i;
        else
            a->left[--large] = i;
    double rest =
        large < a->count ? weights[a->places[a->left[large]].own] / mean : 0; /* of the present large one */
    while (small > 0 && large < a->count) {
        struct alias_place *less = &a->places[a->left[--small]], *more = &a->places[a->left[large]];
        double part = weights[less->own] / mean;
        for (;;) {
            less->chance = (uint32_t)(part * (double)UINT32_MAX);
            less->other = more->own;
            rest -= 1 - part;
            if (rest >= 1 || large + 1 >= a->count)
                break;
            /* the large one has become a small one, and the next large one fills it up */
            part = rest > 0 ? rest : 0;
            less = more;
            more = &a->places[a->left[++large]];
            rest = weights[more->own] / mean;
        }
    }
    for (; large < a->count; large++)
        a->places[a->left[large]].chance = UINT32_MAX;
    while (small > 0) /* what rounding has left */
        a->places[a->left[--small]].chance = UINT32_MAX;
}
