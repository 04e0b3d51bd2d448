/*
 * Streams of libc's in greenlets, family stdio: which of them are waited for here, and whose turn it is. A stream's own
 * lock is the thread's, which all greenlets have in common. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_TURNS_H
#define GREEN_PATCH_TURNS_H

#include "descriptors.h"

#include <stdio_ext.h>

enum stream_kind {
    STREAM_PASSES, /* files, strings, what the program has made non-blocking, wide characters: libc's matter */
    STREAM_BY_HOOKS, /* libc's calls wait cooperatively on it (streams.c), and must not meet */
    STREAM_WAITED    /* its descriptor is waited for before libc is called */
};

/* Lives on the stack of a greenlet that uses a stream. */
struct turn {
    struct green_node node;
    FILE *file;
    green_t *owner;
    struct green_chain waiters;
    enum stream_kind kind;
    int fd;
    unsigned about;
};

extern __thread struct green_chain green__turns;

/* Nobody uses a stream in this thread, so that a call which does not wait can be made at once. */
static inline bool no_turns(void)
{
    return chain_empty(&green__turns);
}

/* Waits until nobody else uses the stream, which is the caller's until `leave` then; of those that pass nothing is kept. */
enum stream_kind green__turn_enter(struct turn *t, FILE *f);
void green__turn_leave(struct turn *t);

static inline size_t stream_has(const FILE *f)
{
    return f->_IO_read_end > f->_IO_read_ptr ? (size_t)(f->_IO_read_end - f->_IO_read_ptr) : 0;
}

/* output.c: writes out what the stream holds back. 0 or -errno. */
int green__stream_flush(struct turn *t);

#endif
