/* Small numbers for greenlets that want one: the lowest free bit of a map per hub. */
#include "internal.h"

#include <stdlib.h>

unsigned green_slot(green_t *g)
{
    green_hub_t *hub = g->hub;
    if (g->slot || g->state == GREEN_DONE)
        return g->slot;
    for (size_t word = 0;; word++) {
        if (word == hub->slot_words) {
            uint64_t *grown = realloc(hub->slots, (word + 1) * sizeof *grown);
            if (!grown)
                return 0;
            grown[word] = 0;
            hub->slots = grown;
            hub->slot_words++;
        }
        if (~hub->slots[word]) {
            unsigned bit = (unsigned)__builtin_ctzll(~hub->slots[word]);
            hub->slots[word] |= (uint64_t)1 << bit;
            return g->slot = (unsigned)word * 64 + bit + 1;
        }
    }
}

void green__slot_free(green_hub_t *hub, unsigned slot)
{
    hub->slots[(slot - 1) / 64] &= ~((uint64_t)1 << (slot - 1) % 64);
}
