/*
 * Which of many has the least key, kept up to date as keys change one at a time: each match of a knock-out tournament
 * remembers its winner, and a new key is played through to the final, in log2(n) steps. Of equal ones the first wins.
 */
#ifndef UPSTREAM_TOURNAMENT_H
#define UPSTREAM_TOURNAMENT_H

#include <stddef.h>
#include <stdint.h>

/* Compared first by load, then by turn. */
struct tournament_key {
    uint64_t turn, load;
};

#define TOURNAMENT_OUT UINT64_MAX /* the load of one that does not take part */

struct tournament {
    size_t places;               /* a power of two; 0: there is none */
    struct tournament_key *keys; /* of each place */
    uint32_t *winners; /* of each match; match 1 is the final, and match places + i is i's own place */
};

/* For so many, all of them out. 0 or -ENOMEM. */
int tournament_init(struct tournament *t, size_t count);
void tournament_destroy(struct tournament *t);

static inline int tournament_less(const struct tournament_key *a, const struct tournament_key *b)
{
    return (a->load < b->load) | ((a->load == b->load) & (a->turn < b->turn));
}

/* Many keys were written at once. */
void tournament_play(struct tournament *t);

/* A key has changed. */
static inline void tournament_set(struct tournament *t, size_t place, uint64_t load, uint64_t turn)
{
    size_t match = t->places + place;
    uint32_t winner = (uint32_t)place;
    struct tournament_key key = {turn, load};
    t->keys[place] = key;
    while (match > 1) {
        uint32_t other = t->winners[match ^ 1];
        const struct tournament_key *k = &t->keys[other];
        /* the one on the left wins a draw */
        int right = match & 1;
        int lost = right ? !tournament_less(&key, k) : tournament_less(k, &key);
        key = lost ? *k : key;
        winner = lost ? other : winner;
        match >>= 1;
        if (t->winners[match] == winner && winner != place)
            return; /* as before, and its key too */
        t->winners[match] = winner;
    }
}

static inline uint32_t tournament_winner(const struct tournament *t)
{
    return t->winners[1];
}

#endif
