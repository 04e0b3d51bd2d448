/* Making tournaments (tournament.h). */
#include "tournament.h"

#include <errno.h>
#include <stdlib.h>

int tournament_init(struct tournament *t, size_t count)
{
    size_t places = 2;
    if (count > (size_t)1 << TOURNAMENT_PLACE_BITS)
        return -ENOMEM;
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
        t->keys[i] = tournament_key(i, TOURNAMENT_OUT, 0);
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

void tournament_set(struct tournament *t, size_t place, uint64_t load, uint64_t turn)
{
    uint32_t *winners = t->winners, winner = (uint32_t)place;
    struct tournament_key *keys = t->keys, key = tournament_key(place, load, turn);
    keys[place] = key;
    for (size_t match = t->places + place; match > 1;) {
        uint32_t other = winners[match ^ 1];
        struct tournament_key k = keys[other];
        bool lost = tournament_less(&k, &key);
        key.turn = lost ? k.turn : key.turn;
        key.load = lost ? k.load : key.load;
        winner = lost ? other : winner;
        match >>= 1;
        if ((winners[match] == winner) & (winner != place))
            return; /* as before, and its key too */
        winners[match] = winner;
    }
}
