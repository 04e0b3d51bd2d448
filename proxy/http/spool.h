/*
 * A body that is kept until somebody wants it, as often as wanted: first it is written to like a peer, then read from
 * like one. So much of it stays in memory, the rest is in a file without a name.
 */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include "runtime/buffer.h"
#include "stream.h"

struct spool_piece;

struct spool {
    struct http_stream stream;
    struct buffers *buffers;
    const char *folder; /* for the file */
    uint64_t most;      /* bytes in memory */
    uint64_t in_memory, in_file;
    struct spool_piece *first, *last; /* the bytes in memory, in their order */
    int fd;                           /* -1: no file */
    char *buffer;                     /* on the way to the file, or from it */
    size_t collected;                 /* of it, not written yet */
    const struct http_trailers *trailers;
    const struct spool_piece *next; /* to be read; NULL: the file is, */
    uint64_t at;                    /* from here on */
};

/* An empty body. */
void spool_init(struct spool *s, struct buffers *buffers, uint64_t most, const char *folder);

/* What was written to it, once it was finished. */
static inline uint64_t spool_length(const struct spool *s)
{
    return s->in_memory + s->in_file;
}

/* Reading starts from the beginning. */
void spool_rewind(struct spool *s);

/* Gives memory and file back. */
void spool_end(struct spool *s);

#endif
