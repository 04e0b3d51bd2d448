/* What the bytes of one connection mean (reference.h). */
#include "reference.h"

#include "http/chunked.h"

uint64_t reference_add(uint64_t hash, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
    return hash;
}

uint64_t reference_head(const struct http_head *head)
{
    struct span path = head->uri.path.n ? head->uri.path : SPAN("/");
    uint64_t hash = reference_add(UINT64_C(14695981039346656037), head->method_name.p, head->method_name.n);
    hash = reference_add(hash, path.p, path.n);
    hash = reference_add(hash, head->uri.query.p, head->uri.query.n);
    return reference_add(hash, head->host.p, head->host.n);
}

/* The body behind a head: the bytes it takes, or -1 if it is not whole or not valid. */
static ptrdiff_t read_body(const struct http_head *head, const char *p, size_t n, uint64_t *hash)
{
    struct http_chunked chunked;
    struct span data;
    size_t at = 0, used;
    int step;

    if (head->framing == HTTP_FRAMING_NONE)
        return 0;
    if (head->framing == HTTP_FRAMING_LENGTH) {
        if (head->content_length > n)
            return -1;
        *hash = reference_add(*hash, p, (size_t)head->content_length);
        return (ptrdiff_t)head->content_length;
    }
    if (head->framing == HTTP_FRAMING_UNTIL_CLOSE)
        return (ptrdiff_t)n;
    http_chunked_begin(&chunked, NULL);
    do {
        step = http_chunked_feed(&chunked, p + at, n - at, &used, &data);
        *hash = reference_add(*hash, data.p, data.n);
        at += used;
    } while (step == HTTP_CHUNKED_DATA);
    return step == HTTP_CHUNKED_DONE ? (ptrdiff_t)at : -1;
}

void reference_read(struct reference *r, const char *bytes, size_t n)
{
    static struct http_head head;
    static char path[65536];
    struct http_parser parser;
    size_t at = 0;

    r->count = r->reached = 0;
    r->whole = r->answered_here = false;
    while (r->count < REFERENCE_REQUESTS) {
        if (at == n) {
            r->whole = true;
            return;
        }
        http_request_begin(&parser, NULL);
        if (http_head_feed(&parser, bytes + at, n - at, &head) != 1 ||
            http_path_normalise(head.uri.path, 0, path, sizeof path) < 0)
            return;
        uint64_t hash = reference_head(&head);
        ptrdiff_t body = read_body(&head, bytes + at + head.bytes, n - at - head.bytes, &hash);
        r->answered_here = body < 0 && head.max_forwards == 0;
        if (body < 0)
            return;
        r->methods[r->count] = (uint8_t)head.method;
        r->hashes[r->count++] = hash;
        at += head.bytes + (size_t)body;
        if (!head.keepalive)
            return;
    }
}

enum reference_verdict reference_answer(const char *bytes, size_t n, enum http_method method)
{
    static struct http_head head;
    struct http_parser parser;
    uint64_t hash = 0;
    size_t at = 0;
    int r;

    do {
        http_response_begin(&parser, NULL, method, false);
        r = http_head_feed(&parser, bytes + at, n - at, &head);
        if (r != 1)
            return r < 0 ? REFERENCE_BAD : REFERENCE_PART;
        at += head.bytes;
    } while (head.status < 200);
    ptrdiff_t body = read_body(&head, bytes + at, n - at, &hash);
    if (body < 0 || head.framing == HTTP_FRAMING_UNTIL_CLOSE)
        return REFERENCE_PART;
    return head.keepalive && at + (size_t)body == n ? REFERENCE_GOOD : REFERENCE_EXTRA;
}
