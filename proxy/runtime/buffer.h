/*
 * Buffers and pipes of one worker, kept for reuse: taken at the first byte, given back when empty. No locks:
 * only the worker's own thread touches them.
 */
#ifndef RUNTIME_BUFFER_H
#define RUNTIME_BUFFER_H

#include <stddef.h>

#include <green.h>

#define BUFFER_SIZE ((size_t)16384)
#define PIPE_SIZE   ((size_t)1 << 20) /* wished for; the system may give less */

struct buffers {
    char **free; /* last back, first out */
    size_t count, capacity;
    size_t least; /* smallest count since the last trim: the lowest so many were not needed since */
    size_t cold;  /* the lowest so many have had their memory given back */
    char **slabs;
    size_t slab_count;
    green_pipe_t *pipes;
    size_t pipe_count;
    size_t pipe_least; /* like `least` */
};

void buffers_init(struct buffers *b);
void buffers_destroy(struct buffers *b);

/* BUFFER_SIZE bytes of undefined content; NULL: out of memory. */
char *buffer_take(struct buffers *b);
void buffer_give(struct buffers *b, char *buffer);

/* How many there are, free ones included. */
size_t buffers_count(const struct buffers *b);

/* A pipe for splicing, empty. 0 or -errno; -ENOBUFS: the system gives only pipes that are too small to be of
 * use. Given back: one that still holds bytes, or is one too many to keep, is closed. */
int pipe_take(struct buffers *b, green_pipe_t *out);
void pipe_give(struct buffers *b, green_pipe_t *pipe);

/* Gives the memory of the buffers, and closes the pipes, that were not needed since the last call (for
 * green_on_idle()). */
void buffers_trim(struct buffers *b);

#endif
