/*
 * HTTP/1.1 on a wire: one side of an exchange. The object lives on the stack of the greenlet that serves the
 * connection; an idle connection needs none.
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "runtime/buffer.h"
#include "runtime/wire.h"
#include "runtime/write_pace.h"
#include "stream.h"

/* Where the trailers of a chunked body go: in a buffer taken when there is one. */
struct h1_trailers {
    struct http_trailers fields;
    char bytes[4096];
};

struct h1 {
    struct http_stream stream;
    struct wire wire;
    struct buffers *buffers;
    struct write_pace pace; /* of the peer's reading */
    bool keep_head;         /* the head's bytes must stay while the body is read: its spans are in use */
    bool eof;               /* the peer has sent all it will */

    /* receiving: in[at..end) is what has come and was not consumed */
    char *in;
    uint32_t at, end, capacity;
    char *head_in; /* buffer that holds the head, once the body goes through another one */
    uint32_t head_capacity;
    uint32_t head_limit; /* a head may grow the buffer up to this */
    struct http_parser parser;
    enum http_framing framing;
    bool body_done;
    uint64_t left; /* HTTP_FRAMING_LENGTH: bytes still to come */
    struct http_chunked chunked;
    struct h1_trailers *trailers; /* of a chunked body, else NULL */
    uint64_t body_in;

    /* sending: out[0..queued) goes first */
    char *out;
    uint32_t queued, out_capacity;
    enum http_framing out_framing;
    uint64_t body_out;
    bool sent; /* at least a byte of this message went out */
};

/* Gets ready to use a connection. head_limit is the largest head that will be read. */
void h1_init(struct h1 *h, struct wire wire, struct buffers *buffers, uint32_t head_limit,
             int64_t timeout_write);

/* Where reading of a body stands, to go back to while all of it is in the buffer (h1_body_buffered()). */
struct h1_mark {
    uint32_t at;
    bool body_done;
    uint64_t left, body_in;
    struct http_chunked chunked;
};

void h1_mark(const struct h1 *h, struct h1_mark *mark);
void h1_rewind(struct h1 *h, const struct h1_mark *mark);

/* Is the whole body in the buffer? (A chunked one counts only when it is over.) */
bool h1_body_buffered(const struct h1 *h);

/* Forgets the message that was read (all of it, body included), and gets ready for the next; unread bytes stay. */
void h1_next(struct h1 *h);

/* Gives all buffers back. */
void h1_release(struct h1 *h);

/* Received and not consumed. */
static inline struct span h1_unread(const struct h1 *h)
{
    return span_of(h->in + h->at, h->end - h->at);
}

#endif
