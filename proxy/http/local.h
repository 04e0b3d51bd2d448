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

struct local_answer {
    struct http_stream stream;
    struct span body; /* from memory, unless there is a file */
    int fd;           /* -1: none */
    uint64_t at, left;
    char *buffer; /* that a piece of the file was read into */
    struct buffers *buffers;
};

/* Starts an answer with this status in x->response; it has no fields and no body yet. */
void local_begin(struct exchange *x, int status);

/* Adds a field. Name and value must be valid and live as long as the exchange (x->memory). -ENOBUFS: there are too
 * many. */
int local_field(struct exchange *x, struct span name, struct span value);

/* The body: bytes that live as long as the exchange, or `length` bytes of a file from `from` on, whose descriptor is
 * closed when the exchange ends. They set Content-Length; an answer to HEAD, and a 204 or 304, sends no byte of it.
 * Without a call there is no body and no length. Return 0. */
int local_body(struct exchange *x, struct span body);
int local_file(struct exchange *x, int fd, uint64_t from, uint64_t length);

/* Closes the file, gives the buffer back. Nothing if no answer was begun. */
void local_end(struct exchange *x);

#endif
