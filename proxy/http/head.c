/*
 * From received bytes to struct http_head (head.h): runs the scanner, takes the finished head apart (requests by
 * llhttp, which must agree with the scanner), and has framing.c work out the meaning. llhttp never sees a byte that
 * the scanner has not passed, and never sees a head in pieces, so it needs no state between calls.
 */
#include "head.h"

#include <llhttp.h>

#include "framing.h"

#if !LLHTTP_STRICT_MODE && LLHTTP_VERSION_MAJOR < 9
#error "llhttp must be compiled with LLHTTP_STRICT_MODE=1: its lenient mode accepts several unsafe messages"
#endif

#define DEFAULT_HEAD_BYTES   32768
#define DEFAULT_TARGET_BYTES 8192
#define DEFAULT_FIELDS       100
#define HIGHEST_HEAD_BYTES   (1U << 20)

static const struct http_limits default_limits;

static uint32_t limit(uint32_t value, uint32_t standard, uint32_t highest)
{
    if (value == 0)
        value = standard;
    return value < highest ? value : highest;
}

static void begin(struct http_parser *p, enum http_kind kind, const struct http_limits *limits)
{
    *p = (struct http_parser){.limits = limits ? limits : &default_limits, .kind = (uint8_t)kind};
    p->scan.max_bytes = limit(p->limits->head_bytes, DEFAULT_HEAD_BYTES, HIGHEST_HEAD_BYTES);
    p->scan.max_target = limit(p->limits->target_bytes, DEFAULT_TARGET_BYTES, HIGHEST_HEAD_BYTES);
    p->scan.max_fields = limit(p->limits->fields, DEFAULT_FIELDS, HTTP_MAX_FIELDS);
    http_scan_begin(&p->scan, kind == HTTP_KIND_RESPONSE);
}

void http_request_begin(struct http_parser *p, const struct http_limits *limits)
{
    begin(p, HTTP_KIND_REQUEST, limits);
}

void http_response_begin(struct http_parser *p, const struct http_limits *limits, enum http_method method,
                         bool upgrade_offered)
{
    begin(p, HTTP_KIND_RESPONSE, limits);
    p->request_method = (uint8_t)method;
    p->upgrade_offered = upgrade_offered;
}

bool http_head_idle(const struct http_parser *p)
{
    return http_scan_idle(&p->scan);
}

/* The callbacks of llhttp: each hands over one span. Anything in two pieces is none of ours: -1 ends the run.
 */

static int take(struct span *slot, const char *at, size_t n)
{
    if (slot->p)
        return -1;
    *slot = span_of(at, n);
    return 0;
}

static int on_method(llhttp_t *parser, const char *at, size_t n)
{
    return take(&((struct http_head *)parser->data)->method_name, at, n);
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    return take(&((struct http_head *)parser->data)->target, at, n);
}

static int on_header_field(llhttp_t *parser, const char *at, size_t n)
{
    struct http_head *head = parser->data;

    if (head->count == HTTP_MAX_FIELDS)
        return -1;
    head->fields[head->count++] = (struct http_field){.name = {at, n}, .value = {at + n, 0}};
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t n)
{
    struct http_head *head = parser->data;
    struct http_field *field;

    if (head->count == 0)
        return -1;
    field = &head->fields[head->count - 1];
    if (field->value.n)
        return -1;
    field->value = span_trim(span_of(at, n));
    return 0;
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

static bool has_field(const struct http_head *head, struct span name)
{
    return http_head_find(head, name) != NULL;
}

/*
 * The name for what llhttp refused although the scanner did not: methods that it does not know, and framing
 * that framing.c would refuse as well, had it come so far.
 */
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
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return has_field(head, SPAN("transfer-encoding")) ? HTTP_E_LENGTH_AND_CODING
                                                          : HTTP_E_LENGTH_DUPLICATE;
    case HPE_INVALID_TRANSFER_ENCODING:
        return has_field(head, SPAN("content-length")) ? HTTP_E_LENGTH_AND_CODING : HTTP_E_CODING;
    default:
        return span_equal(head->method_name, SPAN("PRI")) ? HTTP_E_METHOD_UNKNOWN : HTTP_E_DISAGREEMENT;
    }
}

static void clear(struct http_parser *p, struct http_head *head)
{
    memset(head, 0, offsetof(struct http_head, fields));
    head->kind = (enum http_kind)p->kind;
    head->bytes = p->scan.at;
    head->keepalive_timeout = -1;
    head->max_forwards = -1;
}

/* A request comes from anybody: two parsers must read it alike before any of it is believed. */
static int read_request(struct http_parser *p, const char *buf, struct http_head *head)
{
    const char *start = buf + p->scan.start, *end = buf + p->scan.at;
    llhttp_t parser;

    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = head;
    if (llhttp_execute(&parser, start, (size_t)(end - start)) != HPE_PAUSED)
        return refusal(&parser, head);
    if (llhttp_get_error_pos(&parser) != end || head->count != p->scan.fields || parser.http_major != 1 ||
        parser.http_minor > 1)
        return HTTP_E_DISAGREEMENT;
    head->minor = parser.http_minor;
    head->method = http_method_of(head->method_name);
    return http_request_facts(head, p->limits);
}

/* The fields of a head that the scanner has passed: every line is name ':' value CR LF, so they only need finding. */
static void split_fields(struct http_head *head, const char *p, const char *end)
{
    while (*p != '\r') {
        const char *colon = http_skip_token(p, end), *line_end = http_skip_value(colon + 1, end);
        struct http_field *field = &head->fields[head->count++];
        *field = (struct http_field){.name = span_of(p, (size_t)(colon - p)),
                                     .value = span_trim(span_of(colon + 1, (size_t)(line_end - colon - 1)))};
        p = line_end + 2;
    }
}

/* A response comes from a server that the configuration names, and what becomes of it is written anew: the scanner's
 * word is enough. (llhttp would cost four times what all the rest does; the tests hold it against this.) */
static int read_response(struct http_parser *p, const char *buf, struct http_head *head)
{
    static const size_t minor_at = sizeof "HTTP/1." - 1, status_at = sizeof "HTTP/1.1 " - 1;
    const char *end = buf + p->scan.at, *reason = buf + status_at + 3, *line_end = http_skip_value(reason, end);

    head->minor = buf[minor_at] == '1';
    for (const char *digit = buf + status_at; digit < reason; digit++)
        head->status = (uint16_t)(head->status * 10 + (*digit - '0'));
    if (reason < line_end)
        head->reason = span_of(reason + 1, (size_t)(line_end - reason - 1));
    head->method = (enum http_method)p->request_method;
    split_fields(head, line_end + 2, end);
    return http_response_facts(head, p->upgrade_offered);
}

int http_head_feed(struct http_parser *p, const char *buf, size_t n, struct http_head *out)
{
    int rc;

    if (p->failed)
        return p->failed;
    rc = http_scan_feed(&p->scan, buf, n);
    if (rc > 0) {
        clear(p, out);
        rc = p->scan.response ? read_response(p, buf, out) : read_request(p, buf, out);
        if (rc == 0)
            return 1;
    }
    p->failed = rc;
    return rc;
}

const struct http_field *http_head_field(const struct http_head *head, uint8_t id)
{
    for (unsigned i = 0; i < head->count; i++)
        if (head->fields[i].id == id)
            return &head->fields[i];
    return NULL;
}

const struct http_field *http_head_find(const struct http_head *head, struct span name)
{
    for (unsigned i = 0; i < head->count; i++)
        if (span_equal_nocase(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

enum http_method http_method_of(struct span name)
{
    static const struct {
        struct span name;
        enum http_method method;
    } table[] = {
        {{"GET", 3}, HTTP_METHOD_GET},         {{"HEAD", 4}, HTTP_METHOD_HEAD},
        {{"POST", 4}, HTTP_METHOD_POST},       {{"PUT", 3}, HTTP_METHOD_PUT},
        {{"DELETE", 6}, HTTP_METHOD_DELETE},   {{"OPTIONS", 7}, HTTP_METHOD_OPTIONS},
        {{"PATCH", 5}, HTTP_METHOD_PATCH},     {{"TRACE", 5}, HTTP_METHOD_TRACE},
        {{"CONNECT", 7}, HTTP_METHOD_CONNECT},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (span_equal(name, table[i].name))
            return table[i].method;
    return HTTP_METHOD_OTHER;
}
