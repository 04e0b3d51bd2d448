/*
 * Memory that lives as long as one exchange: values of variables, fields that are made here. It comes in buffers of the
 * worker's pool, of which most exchanges need none.
 */
#ifndef RUNTIME_MEMORY_H
#define RUNTIME_MEMORY_H

#include "buffer.h"

#define MEMORY_MOST (BUFFER_SIZE - 32) /* bytes in one piece */

struct memory {
    struct buffers *buffers;
    char *newest; /* a buffer; it begins with a pointer to the one before it */
    size_t used;  /* of the newest */
    unsigned count;
};

static inline void memory_init(struct memory *m, struct buffers *buffers)
{
    *m = (struct memory){.buffers = buffers};
}

/* n bytes, aligned for any type; NULL: there is no memory, n is more than MEMORY_MOST, or one exchange wants more than
 * it should. */
void *memory_take(struct memory *m, size_t n);

/* A copy of n bytes with a NUL behind them, or NULL. */
char *memory_copy(struct memory *m, const char *text, size_t n);

/* Gives everything back. */
void memory_release(struct memory *m);

#endif
