/*
 * What was found to be right a moment ago: passwords and signatures are dear to check, and come with every request.
 * Entries are found by a fingerprint that is keyed with a secret of the table's own, so that nothing in memory tells
 * what they were made of; they are few, and live briefly. Only what is right is remembered: who guesses cannot fill it.
 */
#ifndef ROUTE_VERIFIED_H
#define ROUTE_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "http/span.h"

#define VERIFIED_ENTRIES 1024

struct verified;

struct verified_key {
    unsigned char bytes[16];
};

/* release() is called on values that leave; NULL: the values need none. NULL: there is no memory. */
struct verified *verified_new(void (*release)(void *));
void verified_free(struct verified *v);

/* The fingerprint of the parts, whose borders count. False: there is no memory. */
bool verified_key(struct verified *v, const struct span *parts, size_t count, struct verified_key *key);

/* The value, or NULL. It is valid until the next verified_add(). */
void *verified_find(struct verified *v, const struct verified_key *key, int64_t now);

/* Remembers a value (not NULL), which is the table's from now on, until `expires`, or until something newer takes its
 * place. */
void verified_add(struct verified *v, const struct verified_key *key, void *value, int64_t expires);

#endif
