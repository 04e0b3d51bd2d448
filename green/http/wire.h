/*
 * One end of an HTTP connection: the bytes that have arrived and are not used, and the reading of heads and bodies out
 * of them, for server and client. The buffer grows while a head comes in, never while one that points into it is in
 * use. Private to libgreen.
 */
#ifndef GREEN_HTTP_WIRE_H
#define GREEN_HTTP_WIRE_H

#include "../net/stream.h"
#include "head.h"

struct wire {
    green_stream_t *stream;
    char *buffer;
    size_t size;
    size_t base;    /* the head in use lies before it */
    size_t at, end; /* buffer[at..end) has arrived and is not used; base <= at */
};

/* The body of the message whose head was read last. */
struct wire_body {
    enum wire_body_state { BODY_DATA, BODY_DATA_END, BODY_CHUNK, BODY_TRAILERS, BODY_DONE } state;
    enum http_framing framing;
    uint64_t left;           /* bytes of the body or of the chunk still to come */
    uint64_t most;           /* bytes of the body still allowed */
    int64_t patience;        /* ns for the next bytes of it */
    size_t extensions;       /* bytes of chunk extensions and trailers so far */
    int failed;              /* what every further read returns; 0: nothing */
    struct http_fault fault; /* with -EPROTO and -EMSGSIZE */
};

void green__wire_destroy(struct wire *w);

/* Drops the head in use; what came behind it is next. */
void green__wire_next(struct wire *w);

/* Reads until a head is complete, at most `most` bytes: its length, and it begins at w->buffer. 0: the peer ended before
 * its first byte came; -ENODATA: it ended within the head; -ETIMEDOUT: `idle` passed before the first byte came (w->end is
 * 0), or `patience` ns since then; -EPROTO with *fault; -ENOMEM; those of the stream. May switch. */
ptrdiff_t green__wire_read_head(struct wire *w, struct head_scan *scan, bool request, size_t most,
                                int64_t patience, green_time idle, struct http_fault *fault);

/* Gets ready to read the body that the head announces. */
void green__wire_begin_body(struct wire_body *b, const struct head *head, uint64_t most, int64_t patience);

/* The next bytes of the body, 0 at its end. -ENODATA: the peer ended before; -EPROTO: broken chunks; -EMSGSIZE: more than
 * allowed; -ETIMEDOUT: nothing came for too long (b->failed is set), or the deadline passed (it is not). May switch. */
ssize_t green__wire_read_body(struct wire *w, struct wire_body *b, void *out, size_t size,
                              green_time deadline);

#endif
