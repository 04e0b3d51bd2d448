/*
 * The stack census: how much of its stack each kind of greenlet uses at most, by the function that it begins with. Run
 * the program's worst day with it, then size stacks by what it says. While it is on, every greenlet starts on a stack
 * that was emptied (a system call), and is measured when it ends: to the word, not to the page.
 */
#ifndef GREEN_DEBUG_CENSUS_H
#define GREEN_DEBUG_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* For greenlets of all threads that start from now on; switching it off keeps what was counted. Also by GREEN_CENSUS=1
 * in the environment. Never switches. */
void green_census(bool on);

typedef struct green_census_entry {
    void (*entry)(void); /* what it began with: the fn of its spawn, or of green_park_readable() */
    uint64_t runs;
    size_t high_water; /* bytes, of the hungriest run */
    size_t stack_size; /* the smallest it had */
} green_census_entry_t;

/* Copies up to `max` entries, the hungriest first; how many there are in all. `out` may be NULL if max is 0. Never
 * switches. */
size_t green_census_read(green_census_entry_t *out, size_t max);

/* Writes them as a table, by name where there is one. Never switches. */
void green_census_write(FILE *out);

#endif
