/*
 * Numbers that nobody else draws: for names of requests and of steps in a trace. They are unique by chance, cost no
 * system call, and are no secrets: who knows one can work out others.
 */
#ifndef HTTP_IDENTIFIER_H
#define HTTP_IDENTIFIER_H

#include <stdbool.h>
#include <stdint.h>

/* Two streams of splitmix64; each worker's begin somewhere else. */
struct identifiers {
    uint64_t state[2];
};

/* Begins somewhere at random. 0 or -errno. */
int identifiers_init(struct identifiers *ids);

/* 16 or 32 hexadecimal digits in lower case, not all of them 0. */
void identifier_64(struct identifiers *ids, char *out);
void identifier_128(struct identifiers *ids, char *out);

/* One in `of`? */
bool identifiers_chance(struct identifiers *ids, int64_t of);

#endif
