/*
 * SipHash-1-3 with a key that is drawn when the process starts: whoever chooses what is hashed can neither foresee nor
 * steer where it falls.
 */
#ifndef ROUTE_KEYED_HASH_H
#define ROUTE_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t a, b;
};

/* Draws a key. 0 or -errno. */
int hash_key_draw(struct hash_key *key);

/* `before` is the hash of what comes before, so that several pieces make one value; 0 for the first one. */
uint64_t keyed_hash(const struct hash_key *key, uint64_t before, const void *data, size_t n);

#endif
