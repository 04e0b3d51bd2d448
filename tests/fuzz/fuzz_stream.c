/*
 * Any bytes as what a client sends on one connection: requests with their bodies, one behind the other. Cut in any pieces
 * they must be the same requests; and what is forwarded of them, read again, must be the same ones too, and nothing else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/chunked.h"
#include "http/forward.h"

#define MOST_BYTES    8192
#define MOST_REQUESTS 64
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    struct http_parser parser;
    struct http_head head;
    struct http_chunked chunked;
    struct http_trailers trailers;
    char trailer_bytes[4096];
    size_t at, left;
    bool in_body, ended;
    unsigned count;
    uint64_t digest;                 /* of the request that is being read */
    uint64_t digests[MOST_REQUESTS]; /* of the complete ones */
    char *forwarded;                 /* where they are written again, or NULL */
    size_t forwarded_size, complete_size, room;
};

static void note(struct reader *r, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r->digest = (r->digest ^ ((const uint8_t *)p)[i]) * UINT64_C(1099511628211);
    r->digest = (r->digest ^ n) * UINT64_C(1099511628211);
}

static void write_on(struct reader *r, const void *p, size_t n)
{
    if (!r->forwarded || n == 0)
        return;
    MUST(n <= r->room - r->forwarded_size);
    memcpy(r->forwarded + r->forwarded_size, p, n);
    r->forwarded_size += n;
}

/* --- a request ------------------------------------------------------------------------------------------------------ */

static void forward_head(struct reader *r)
{
    struct http_forward_request facts = {.client = SPAN("192.0.2.1"),
                                         .scheme = SPAN("http"),
                                         .via = SPAN("greenway"),
                                         .host = r->head.host.n ? (struct span){NULL, 0} : SPAN("server")};
    char out[4 * MOST_BYTES];
    if (!r->forwarded)
        return;
    MUST(http_forward_request_size(&r->head, &facts) <= sizeof out);
    int n = http_forward_request(&r->head, &facts, out, sizeof out);
    MUST(n > 0 && (size_t)n <= http_forward_request_size(&r->head, &facts));
    write_on(r, out, (size_t)n);
}

static bool take_head(struct reader *r, const char *bytes, size_t have)
{
    if (have == r->at)
        return false;
    int rc = http_head_feed(&r->parser, bytes + r->at, have - r->at, &r->head);
    if (rc <= 0) {
        r->ended = rc < 0;
        return false;
    }
    struct span path = r->head.uri.path.n ? r->head.uri.path : SPAN("/");
    r->digest = 1;
    note(r, r->head.method_name.p, r->head.method_name.n);
    note(r, path.p, path.n);
    note(r, r->head.uri.query.p, r->head.uri.query.n);
    if (r->head.host.n && !span_equal(r->head.host, SPAN("server")))
        note(r, r->head.host.p, r->head.host.n);
    forward_head(r);
    r->at += r->head.bytes;
    r->left = (size_t)r->head.content_length;
    r->in_body = true;
    if (r->head.framing == HTTP_FRAMING_CHUNKED) {
        http_trailers_init(&r->trailers, r->trailer_bytes, sizeof r->trailer_bytes);
        http_chunked_begin(&r->chunked, &r->trailers);
    }
    return true;
}

static void take_data(struct reader *r, struct span data)
{
    char line[HTTP_CHUNK_HEAD_BYTES];
    for (size_t i = 0; i < data.n; i++) /* byte by byte: pieces are not part of what it means */
        r->digest = (r->digest ^ (uint8_t)data.p[i]) * UINT64_C(1099511628211);
    if (r->head.framing == HTTP_FRAMING_CHUNKED)
        write_on(r, line, http_chunk_head(line, data.n));
    write_on(r, data.p, data.n);
    if (r->head.framing == HTTP_FRAMING_CHUNKED)
        write_on(r, "\r\n", 2);
}

/* The request is complete; one that lost its trailers to a buffer that is too small does not count. */
static void complete(struct reader *r, bool with_trailers)
{
    char last[8192];
    if (with_trailers) {
        int n = http_chunk_last(last, sizeof last, &r->trailers);
        MUST(n > 0);
        write_on(r, last, (size_t)n);
        note(r, last, (size_t)n);
    }
    r->digests[r->count++] = r->digest;
    r->complete_size = r->forwarded_size;
    r->in_body = false;
    r->ended = !r->head.keepalive || r->count == MOST_REQUESTS;
    http_request_begin(&r->parser, NULL);
}

static bool take_body(struct reader *r, const char *bytes, size_t have)
{
    struct span data;
    size_t used, n = have - r->at < r->left ? have - r->at : r->left;
    if (r->head.framing != HTTP_FRAMING_CHUNKED) {
        MUST(r->head.framing == HTTP_FRAMING_LENGTH || r->left == 0);
        take_data(r, span_of(bytes + r->at, n));
        r->at += n;
        r->left -= n;
        if (r->left == 0)
            complete(r, false);
        return r->left == 0;
    }
    int step = http_chunked_feed(&r->chunked, bytes + r->at, have - r->at, &used, &data);
    r->at += used;
    if (step == HTTP_CHUNKED_DATA)
        take_data(r, data);
    if (step == HTTP_CHUNKED_DONE)
        complete(r, true);
    r->ended |= step < 0;
    return step > 0;
}

static void read_all(struct reader *r, const char *bytes, size_t n, size_t piece)
{
    http_request_begin(&r->parser, NULL);
    for (size_t have = 0; have < n && !r->ended;) {
        have = n - have < piece ? n : have + piece;
        while (!r->ended && (r->in_body ? take_body : take_head)(r, bytes, have))
            ;
    }
}

static void must_agree(const struct reader *a, const struct reader *b)
{
    MUST(a->count == b->count);
    for (unsigned i = 0; i < a->count; i++)
        MUST(a->digests[i] == b->digests[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reader whole, split, again;
    static char forwarded[MOST_REQUESTS * 4 * MOST_BYTES];
    const char *bytes = (const char *)data + 1;
    if (size < 2 || size > MOST_BYTES)
        return 0;
    whole = (struct reader){.forwarded = forwarded, .room = sizeof forwarded};
    split = again = (struct reader){0};
    read_all(&whole, bytes, size - 1, size);
    read_all(&split, bytes, size - 1, 1 + data[0] % 16);
    must_agree(&whole, &split);
    MUST(whole.at == split.at || whole.ended);

    read_all(&again, forwarded, whole.complete_size, SIZE_MAX / 2);
    must_agree(&whole, &again);
    MUST(again.at == whole.complete_size && !again.in_body && (!again.ended || again.count == MOST_REQUESTS));
    return 0;
}
