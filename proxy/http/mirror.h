/*
 * Mirroring: a route may have copies of its requests sent to another upstream, to try that out with what real clients
 * ask. The answers are thrown away, and the client neither waits for a copy nor learns what became of it.
 *
 * While the body goes by on its way to the server it is copied; only a copy that is whole is sent, by a greenlet of its
 * own. How many there are at a time, how long a body may be and how long sending may take are limited: what is too much
 * is dropped, and counted.
 */
#ifndef HTTP_MIRROR_H
#define HTTP_MIRROR_H

#include <sys/queue.h>

#include "stream.h"

struct exchange;
struct mirror_copy;
struct worker;
LIST_HEAD(mirror_copies, mirror_copy);

/* What a worker has to do with copies; zero to begin with. */
struct mirrors {
    struct mirror_copies copies;
    size_t count;
    green_group_t senders;
    uint64_t turn;                          /* requests that might have been copied */
    uint64_t answered, failed, busy, large; /* what became of copies; the latter two were dropped */
    uint64_t told; /* how many of the dropped and failed the error log has been told of */
    green_time told_at;
};

void mirrors_init(struct mirrors *m);

/* Ends those that are under way. When no exchange is left. May switch. */
void mirrors_end(struct worker *w);

/* A stream that a request's body is read through. */
struct mirror {
    struct http_stream stream;
    struct http_stream *from;
    struct exchange *x;
    struct mirror_copy *copy; /* NULL: nothing is copied any more */
};

/* Gets ready to copy a request that is forwarded like this, if its route wants that and there is room for it; `m` must
 * live as long as the exchange. Never switches. */
void mirror_begin(struct mirror *m, struct exchange *x, const struct http_forward_request *facts);

/* The stream to read the body from: `from`, or what copies it on the way. To be asked for each time that the body is
 * about to be read from its start. */
struct http_stream *mirror_body(struct mirror *m, struct http_stream *from);

/* The exchange is over: a copy that did not become whole is dropped. Never switches. */
void mirror_end(struct mirror *m);

#endif
