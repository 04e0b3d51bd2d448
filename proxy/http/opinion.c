/*
 * llhttp as the second reader (opinion.h). Its callbacks hold each piece that it finds against ours; it never sees a
 * byte that the scanner has not passed, and never sees a head in pieces, so it needs no state between calls.
 */
#include "opinion.h"

#include <llhttp.h>

#if !LLHTTP_STRICT_MODE && LLHTTP_VERSION_MAJOR < 9
#error "llhttp must be compiled with LLHTTP_STRICT_MODE=1: its lenient mode accepts several unsafe messages"
#endif

struct reading {
    const struct http_head *head;
    struct span method;
    unsigned fields; /* begun */
};

/* Anything that is not the very bytes that we found, in one piece, ends the run. */
static int same(struct span ours, const char *at, size_t n)
{
    return ours.n == n && (n == 0 || ours.p == at) ? 0 : -1;
}

static int on_method(llhttp_t *parser, const char *at, size_t n)
{
    ((struct reading *)parser->data)->method =
        span_of(at, n); /* maybe the start of one that it does not know */
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    return same(((struct reading *)parser->data)->head->target, at, n);
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *r = parser->data;

    return r->fields < r->head->count ? same(r->head->fields[r->fields++].name, at, n) : -1;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *r = parser->data;
    struct span value = span_trim(span_of(at, n));

    return r->fields ? same(r->head->fields[r->fields - 1].value, value.p, value.n) : -1;
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* bodies are not llhttp's work */
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
};

/* The name for what llhttp refuses although we do not. */
static int refusal(const llhttp_t *parser, const struct http_head *head)
{
    switch (llhttp_get_errno(parser)) {
    case HPE_INVALID_METHOD:
    case HPE_INVALID_CONSTANT: /* RTSP's methods: the scanner has passed the version */
        return HTTP_E_METHOD_UNKNOWN;
    case HPE_INVALID_URL:
        return HTTP_E_TARGET;
    case HPE_INVALID_CONTENT_LENGTH:
        return HTTP_E_LENGTH;
    case HPE_INVALID_TRANSFER_ENCODING:
        return HTTP_E_CODING;
    default:
        return span_equal(head->method_name, SPAN("PRI")) ? HTTP_E_METHOD_UNKNOWN : HTTP_E_DISAGREEMENT;
    }
}

static bool same_length(const llhttp_t *parser, const struct http_head *head)
{
    return ((parser->flags & F_CONTENT_LENGTH) != 0) == head->has_length &&
           (!head->has_length || parser->content_length == head->content_length);
}

int http_second_opinion(const struct http_head *head, const char *start, const char *end)
{
    struct reading reading = {.head = head};
    llhttp_t parser;

    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &reading;
    if (llhttp_execute(&parser, start, (size_t)(end - start)) != HPE_PAUSED)
        return refusal(&parser, head);
    if (llhttp_get_error_pos(&parser) != end || reading.fields != head->count || parser.http_major != 1 ||
        parser.http_minor != head->minor || !same_length(&parser, head) ||
        same(head->method_name, reading.method.p, reading.method.n) < 0)
        return HTTP_E_DISAGREEMENT;
    if (((parser.flags & F_CHUNKED) != 0) != (head->framing == HTTP_FRAMING_CHUNKED))
        return HTTP_E_CODING; /* a tab behind "chunked" makes another coding of it for some */
    return 0;
}
