/* Making tournaments (tournament.h). */
#include "tournament.h"

#include <errno.h>
#include <stdlib.h>

int tournament_init(struct tournament *t, size_t count)
{
    size_t places = 2;
    while (places < count)
        places *= 2;
    *t = (struct tournament){.places = places,
                             .keys = malloc(places * sizeof *t->keys),
                             .winners = malloc(2 * places * sizeof *t->winners)};
    if (!t->keys || !t->winners) {
        tournament_destroy(t);
        return -ENOMEM;
    }
    for (size_t i = 0; i < places; i++) {
        t->keys[i] = (struct tournament_key){.load = TOURNAMENT_OUT, .turn = UINT64_MAX};
        t->winners[places + i] = (uint32_t)i;
    }
    tournament_play(t);
    return 0;
}

void tournament_destroy(struct tournament *t)
{
    free(t->keys);
    free(t->winners);
    *t = (struct tournament){.places = 0};
}

void tournament_play(struct tournament *t)
{
    for (size_t match = t->places - 1; match > 0; match--) {
        uint32_t left = t->winners[2 * match], right = t->winners[2 * match + 1];
        t->winners[match] = tournament_less(&t->keys[right], &t->keys[left]) ? right : left;
    }
}
