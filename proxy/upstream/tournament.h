/*
 * Which of many has the least key, kept up to date as keys change one at a time: each match of a knock-out tournament
 * remembers its winner, and a new key is played through to the final, in log2(n) steps. Of equal ones the first wins.
 */
#ifndef UPSTREAM_TOURNAMENT_H
#define UPSTREAM_TOURNAMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compared first by load, then by turn; the place below the turn makes each key another. */
struct tournament_key {
    uint64_t turn, load;
};

#define TOURNAMENT_PLACE_BITS 24
#define TOURNAMENT_TURN_MOST  (UINT64_C(1) << (63 - TOURNAMENT_PLACE_BITS))
#define TOURNAMENT_OUT        UINT64_MAX /* the load of one that does not take part */

static inline struct tournament_key tournament_key(size_t place, uint64_t load, uint64_t turn)
{
    return (struct tournament_key){.turn = turn << TOURNAMENT_PLACE_BITS | place, .load = load};
}

struct tournament {
    size_t places;               /* a power of two; 0: there is none */
    struct tournament_key *keys; /* of each place */
    uint32_t *winners; /* of each match; match 1 is the final, and match places + i is i's own place */
};

/* For so many, all of them out. 0 or -ENOMEM. */
int tournament_init(struct tournament *t, size_t count);
void tournament_destroy(struct tournament *t);

/* As one number where there are such: a match must not be foretold wrongly more often than need be. */
static inline bool tournament_less(const struct tournament_key *a, const struct tournament_key *b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 whole;
    return ((whole)a->load << 64 | a->turn) < ((whole)b->load << 64 | b->turn);
#else
    return a->load < b->load || (a->load == b->load && a->turn < b->turn);
#endif
}

/* Many keys were written at once. */
void tournament_play(struct tournament *t);

/* A key has changed. */
void tournament_set(struct tournament *t, size_t place, uint64_t load, uint64_t turn);

static inline uint32_t tournament_winner(const struct tournament *t)
{
    return t->winners[1];
}

#endif
