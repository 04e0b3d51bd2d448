/*
 * The chunked transfer coding (RFC 9112 section 7.1): a strict decoder that can be fed any split of the
 * bytes, trailer sections, and the few bytes that an encoder writes around the data.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "error.h"
#include "fields.h"
#include "span.h"

#define HTTP_MAX_TRAILERS  32
#define HTTP_CHUNK_MAX     ((UINT64_C(1) << 48) - 1) /* larger sizes are refused */
#define HTTP_TRAILER_BYTES 8192 /* of one trailer section, unless the buffer is smaller */

/* Chunk extensions are read and dropped: so many bytes per chunk, and in all so many plus 1/16 of the data.
 */
#define HTTP_EXTENSION_BYTES 1024
#define HTTP_EXTENSION_TOTAL 16384

/*
 * Trailer fields of one message. Fields that RFC 9110 section 6.5.1 does not allow in trailers (framing,
 * routing, authentication, content fields; HTTP_RULE_NO_TRAILER) and those with '_' in the name are checked
 * and dropped.
 */
struct http_trailers {
    char *buf;      /* the caller's, holds the bytes that the spans point to; never moved while in use */
    size_t cap;     /* HTTP_E_TRAILER_TOO_LARGE when it does not suffice */
    size_t used;    /* private */
    size_t line;    /* private: where the line that is being read began in buf */
    uint32_t count; /* fields kept; valid when the decoder is done */
    uint32_t dropped;
    struct http_field fields[HTTP_MAX_TRAILERS];
};

void http_trailers_init(struct http_trailers *t, char *buf, size_t cap);

/* Private fields; copyable, no destruction needed. */
struct http_chunked {
    struct http_trailers *trailers; /* or NULL */
    uint64_t left;                  /* chunk data still to come */
    uint64_t data_total;
    uint64_t extension_total;
    uint32_t extension; /* bytes in this chunk's line */
    uint32_t trailer_bytes;
    uint32_t trailer_fields;
    uint8_t digits;
    uint8_t state;
    int failed; /* the error that ended it, else 0 */
};

enum http_chunked_step {
    HTTP_CHUNKED_MORE = 0, /* all input used, the body goes on */
    HTTP_CHUNKED_DATA = 1, /* *data holds body bytes (never empty) */
    HTTP_CHUNKED_DONE = 2, /* the last chunk, trailers and empty line are complete */
};

/* Gets ready for one body. trailers may be NULL: they are then checked and dropped. */
void http_chunked_begin(struct http_chunked *c, struct http_trailers *trailers);

/*
 * Decodes up to the next piece of data: looks at in[0..n), sets *used to the bytes it took. Call again with
 * the rest until it returns HTTP_CHUNKED_MORE, HTTP_CHUNKED_DONE or a negative enum http_error. *data is a
 * span of in and is set in every case (empty unless HTTP_CHUNKED_DATA). Its bytes may be relayed at once;
 * after an error nothing more may be, and the connection cannot be used again. When done, bytes after *used
 * belong to the next message; further calls return HTTP_CHUNKED_DONE with *used 0.
 */
int http_chunked_feed(struct http_chunked *c, const char *in, size_t n, size_t *used, struct span *data);

/* Bytes of the current chunk still to come (0 between chunks): so much may be spliced past the decoder... */
static inline uint64_t http_chunked_pending(const struct http_chunked *c)
{
    return c->left;
}

/* ... if the decoder is told afterwards: n <= http_chunked_pending(). */
void http_chunked_skip(struct http_chunked *c, uint64_t n);

/* Encoder. A chunk is: head, size bytes of data, "\r\n". size must not be 0. Returns the length. */
#define HTTP_CHUNK_HEAD_BYTES 18
size_t http_chunk_head(char out[static HTTP_CHUNK_HEAD_BYTES], uint64_t size);

/* Last chunk, trailer fields (NULL for none) and empty line. Returns the length or -ENOBUFS. */
int http_chunk_last(char *out, size_t cap, const struct http_trailers *trailers);

#endif
