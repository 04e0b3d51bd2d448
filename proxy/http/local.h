/*
 * An answer that is made here instead of by a server: fields, and a body from memory or from a file. It is an HTTP
 * stream, so that it is relayed, edited and logged like any other answer.
 *
 *     local_begin(x, 200);
 *     local_field(x, SPAN("Content-Type"), SPAN("text/plain"));
 *     return local_body(x, SPAN("hello\n"));
 */
#ifndef HTTP_LOCAL_H
#define HTTP_LOCAL_H

#include "stream.h"

struct exchange;

/* A piece of a body: bytes from memory, then some of the file. */
struct local_piece {
    struct span text;
    uint64_t from, length;
};

struct local_answer {
    struct http_stream stream;
    struct local_piece now;         /* what is left of the present piece */
    const struct local_piece *next; /* further ones */
    size_t further;
    int fd;       /* -1: none */
    bool copied;  /* the file cannot be spliced */
    char *buffer; /* that some of the file was read into */
    void *owned;  /* to be freed with the answer */
    struct buffers *buffers;
};

/* Starts an answer with this status in x->response; it has no fields and no body yet. */
void local_begin(struct exchange *x, int status);

/* Adds a field. Name and value must be valid and live as long as the exchange (x->memory). -ENOBUFS: there are too
 * many. */
int local_field(struct exchange *x, struct span name, struct span value);

/* The body: bytes that live as long as the exchange, or `length` bytes of a file from `from` on, whose descriptor is
 * closed when the exchange ends, or pieces of both, which live as long as the exchange. They set Content-Length; an
 * answer to HEAD, and a 204 or 304, sends no byte of it. Without a call there is no body and no length. Return 0. */
int local_body(struct exchange *x, struct span body);
int local_file(struct exchange *x, int fd, uint64_t from, uint64_t length);
int local_pieces(struct exchange *x, int fd, const struct local_piece *pieces, size_t count);

/* Starts content of our own for the answer that is in x->response already: the fields that told of the old content go. */
void local_replace(struct exchange *x);

/* Closes the file, gives the buffer back. Nothing if no answer was begun. */
void local_end(struct exchange *x);

#endif
