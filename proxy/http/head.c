/*
 * From received bytes to struct http_head (head.h): runs the scanner, takes the finished head apart, and has
 * framing.c work out the meaning. The scanner has passed every byte by then, so taking apart is only finding.
 */
#include "head.h"

#include "framing.h"
#include "opinion.h"

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

static void clear(struct http_parser *p, struct http_head *head)
{
    memset(head, 0, offsetof(struct http_head, fields));
    head->kind = (enum http_kind)p->kind;
    head->bytes = p->scan.at;
    head->keepalive_timeout = -1;
    head->max_forwards = -1;
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

/*
 * Where a message ends, and whether what follows it is still HTTP, is what requests are smuggled through: two parsers
 * must agree about such a head. Methods that have no enum are known to the other parser only.
 */
static bool wants_second_opinion(const struct http_head *head)
{
    return head->has_length || head->framing != HTTP_FRAMING_NONE || head->upgrade ||
           head->method == HTTP_METHOD_OTHER;
}

static int read_request(struct http_parser *p, const char *buf, struct http_head *head)
{
    const char *start = buf + p->scan.start, *end = buf + p->scan.at;
    const char *method_end = http_skip_token(start, end), *target_end = http_skip_target(method_end + 1, end);
    const char *minor = target_end + sizeof " HTTP/1." - 1;

    head->method_name = span_of(start, (size_t)(method_end - start));
    head->method = http_method_of(head->method_name);
    head->target = span_of(method_end + 1, (size_t)(target_end - method_end - 1));
    head->minor = *minor == '1';
    split_fields(head, minor + 3, end);
    int rc = http_request_facts(head, p->limits);
    if (rc == 0 && wants_second_opinion(head))
        rc = http_second_opinion(head, start, end);
    return rc;
}

/* A response comes from a server that the configuration names, and what becomes of it is written anew. */
static int read_response(struct http_parser *p, const char *buf, struct http_head *head)
{
    static const size_t minor_at = sizeof "HTTP/1." - 1, status_at = sizeof "HTTP/1.1 " - 1;
    const char *end = buf + p->scan.at, *reason = buf + status_at + 3,
               *line_end = http_skip_value(reason, end);

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
