/*
 * Mutations that know what HTTP/1 looks like: they aim at the places where messages are taken apart, the line ends,
 * colons, spaces and numbers, and they move whole lines. The fuzzers and the storm share them.
 */
#ifndef STORM_MUTATE_H
#define STORM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Pseudo-random numbers (xorshift64*); the state must not be 0. */
static inline uint32_t chance_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * UINT64_C(2685821657736338717) >> 32);
}

/* One of 0 .. n-1. */
static inline size_t chance(uint64_t *state, size_t n)
{
    return n ? chance_next(state) % n : 0;
}

/* Changes the n bytes at data in one way, in room for cap; returns the new length. */
size_t http_mutate(char *data, size_t n, size_t cap, uint64_t *state);

#endif
