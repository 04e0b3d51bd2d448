/*
 * Who asked how much lately: token buckets for any number of keys in fixed memory, for all workers at once and without
 * a lock.
 *
 * A bucket is one number, the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371). One
 * that is full already says nothing that an absent one would not: those give way first, then those that are nearest to
 * full. However many keys somebody makes up, a look-up is one line of eight buckets, and whoever is being held back
 * stays remembered.
 *
 * Workers that race for the same line can lose a request from the count, or count one for a neighbour that has just
 * given way. That is the price of no lock, and nothing else depends on it.
 */
#ifndef ROUTE_RATE_TABLE_H
#define ROUTE_RATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_table;

/* Room for at least that many keys, of 16 bytes each; NULL: no memory. */
struct rate_table *rate_table_new(size_t keys);
struct rate_table *rate_table_hold(struct rate_table *t);

/* It goes with the last who holds it; any thread. NULL is fine. */
void rate_table_free(struct rate_table *t);

struct rate {
    int64_t interval; /* ns for one token to come back */
    int64_t burst;    /* tokens that may be taken at once, beside the one */
    int64_t delay;    /* ns by which a taker may be early, and waits for it */
};

struct rate_answer {
    int64_t wait; /* taken: to be waited first, 0 if a token was there; refused: until there would be one */
    int64_t remaining; /* tokens that are left */
};

/* Takes a token for a key (a good hash of one). False if there is none. `now` is in ns and does not run backwards. */
bool rate_take(struct rate_table *t, uint64_t key, const struct rate *rate, int64_t now,
               struct rate_answer *answer);

/* Gives one back that was taken a moment ago. */
void rate_give_back(struct rate_table *t, uint64_t key, const struct rate *rate);

#endif
