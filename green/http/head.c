/* Heads (head.h): where they end, their lines, and llhttp's reading beside ours. What they mean is in facts.c. */
#include "../core/internal.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "facts.h"
#include "head.h"

#if !LLHTTP_STRICT_MODE && LLHTTP_VERSION_MAJOR < 9
#error "llhttp must be compiled with LLHTTP_STRICT_MODE=1: its lenient mode accepts several unsafe messages"
#endif

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* A line has ended at the LF buffer[scan->at]. */
static int end_line(struct head_scan *scan, bool request, const char *buffer, struct http_fault *fault)
{
    size_t line = scan->line, lf = scan->at;
    if (lf == line || buffer[lf - 1] != '\r')
        return fault_of(fault, 400, "a line does not end in exactly CR LF");
    scan->line = lf + 1;
    if (lf - line > 1) {
        scan->lines++;
        return scan->lines > 1 + GREEN_HTTP_FIELDS_MAX ? fault_of(fault, 431, "there are too many fields")
                                                       : 0;
    }
    if (scan->lines)
        return 1;
    if (!request || line)
        return fault_of(fault, 400, "an empty line where a start line should be");
    scan->start = lf + 1; /* one of them is to be ignored (RFC 9112 section 2.2) */
    return 0;
}

ptrdiff_t green__head_scan(struct head_scan *scan, bool request, const char *buffer, size_t n, size_t most,
                           struct http_fault *fault)
{
    size_t end = n < most ? n : most;
    for (const char *lf; scan->at < end && (lf = memchr(buffer + scan->at, '\n', end - scan->at));) {
        scan->at = (size_t)(lf - buffer);
        int r = end_line(scan, request, buffer, fault);
        scan->at++;
        if (r != 0)
            return r < 0 ? r : (ptrdiff_t)scan->at;
    }
    scan->at = end;
    /* What is no HTTP at all, TLS for instance, may not have lines: say so at once instead of waiting for one. */
    if (end > scan->start && buffer[scan->start] != '\r' && !http_is(buffer[scan->start], HTTP_TOKEN))
        return fault_of(fault, 400, "this is not HTTP");
    if (!scan->lines && end - scan->start > HTTP_TARGET_MAX + 64)
        return fault_of(fault, 414, "the first line is too long");
    return n >= most ? fault_of(fault, 431, "the head is longer than the limit") : 0;
}

/* --- the lines --------------------------------------------------------------------------------------------------- */

/* The end of the line at p: its CR, with the LF behind it. The scan has seen to it that there is one. */
static char *line_end(char *p, const char *end)
{
    return (char *)memchr(p, '\n', (size_t)(end - p)) - 1;
}

/* Exactly "HTTP/1.0" or "HTTP/1.1". */
static int read_version(struct head *h, const char *p, size_t n, struct http_fault *fault)
{
    if (n != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || p[5] < '0' || p[5] > '9' || p[7] < '0' ||
        p[7] > '9')
        return fault_of(fault, 400, "the version is not HTTP/1.0 or HTTP/1.1");
    if (p[5] != '1' || p[7] > '1')
        return fault_of(fault, 505, "the version is not HTTP/1.0 or HTTP/1.1");
    h->minor = p[7] - '0';
    return 0;
}

static int read_request_line(struct head *h, char *p, char *end, struct http_fault *fault)
{
    char *method_end = memchr(p, ' ', (size_t)(end - p));
    char *target = method_end ? method_end + 1 : end;
    char *target_end = memchr(target, ' ', (size_t)(end - target));
    if (!target_end || method_end == p || target_end == target)
        return fault_of(fault, 400, "the request line is not method, target and version");
    if (!http_all(p, (size_t)(method_end - p), HTTP_TOKEN))
        return fault_of(fault, 400, "the method holds a byte that is not allowed");
    if (!http_all(target, (size_t)(target_end - target), HTTP_TARGET))
        return fault_of(fault, 400, "the target holds a byte that is not allowed");
    if (target_end - target > HTTP_TARGET_MAX)
        return fault_of(fault, 414, "the target is too long");
    h->method = p;
    h->target = target;
    return read_version(h, target_end + 1, (size_t)(end - target_end - 1), fault);
}

/* "HTTP/1.1 200 OK"; the reason may be empty, and the space before it missing then. */
static int read_status_line(struct head *h, char *p, char *end, struct http_fault *fault)
{
    if (end - p < 12 || p[8] != ' ' || read_version(h, p, 8, fault) < 0 || p[9] < '1' || p[9] > '5' ||
        p[10] < '0' || p[10] > '9' || p[11] < '0' || p[11] > '9' || (end > p + 12 && p[12] != ' ') ||
        !http_all(p + 12, (size_t)(end - p - 12), HTTP_VALUE))
        return fault_of(fault, 400, "the status line is not version, status and reason");
    h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    h->reason = end > p + 12 ? p + 13 : "";
    return 0;
}

/* "name:value", the value with whitespace around it. */
static int read_field(struct head *h, char *p, char *end, struct http_fault *fault)
{
    char *colon = memchr(p, ':', (size_t)(end - p));
    if (*p == ' ' || *p == '\t')
        return fault_of(fault, 400, "a field is folded over two lines");
    if (!colon || colon == p || !http_all(p, (size_t)(colon - p), HTTP_TOKEN))
        return fault_of(fault, 400, "a field name is empty or holds a byte that is not allowed");
    char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    if (!http_all(value, (size_t)(end - value), HTTP_VALUE))
        return fault_of(fault, 400, "a field value holds a control byte");
    h->fields[h->count++] = (green_http_field_t){p, value};
    return 0;
}

static int read_lines(struct head *h, bool request, char *p, char *end, struct http_fault *fault)
{
    char *cr = line_end(p, end);
    int r = request ? read_request_line(h, p, cr, fault) : read_status_line(h, p, cr, fault);
    for (p = cr + 2; r == 0 && *p != '\r'; p = cr + 2) {
        cr = line_end(p, end);
        r = read_field(h, p, cr, fault);
    }
    return r;
}

/* --- llhttp's reading -------------------------------------------------------------------------------------------- */

struct reading {
    const struct head *head;
    size_t names;
    bool agrees;
};

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *r = parser->data;
    r->agrees &= at == r->head->target && at[n] == ' ';
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *r = parser->data;
    r->agrees &= r->names < r->head->count && at == r->head->fields[r->names].name && at[n] == ':';
    r->names++;
    return 0;
}

/* In one piece, up to whitespace before the end of its line. */
static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *r = parser->data;
    const char *end = at + n;
    while (*end == ' ' || *end == '\t')
        end++;
    if (n)
        r->agrees &= r->names && r->names <= r->head->count && at == r->head->fields[r->names - 1].value &&
                     end[0] == '\r' && end[1] == '\n';
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    return HPE_PAUSED; /* bodies are not its work */
}

/* Lengths and codings are compared in facts.c, by our own fields; here it counts that the same fields were found. */
static int hear_llhttp(const struct head *h, bool request, const char *p, const char *end,
                       struct http_fault *fault)
{
    static const llhttp_settings_t settings = {.on_url = on_url,
                                               .on_header_field = on_name,
                                               .on_header_value = on_value,
                                               .on_headers_complete = on_complete};
    struct reading reading = {.head = h, .agrees = true};
    llhttp_t parser;
    llhttp_init(&parser, request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = &reading;
    enum llhttp_errno e = llhttp_execute(&parser, p, (size_t)(end - p));
    if (request && (e == HPE_INVALID_METHOD || e == HPE_INVALID_CONSTANT || e == HPE_PAUSED_H2_UPGRADE))
        return fault_of(fault, 501, "the method is not known here");
    if (e == HPE_INVALID_CONTENT_LENGTH)
        return fault_of(fault, 400, "Content-Length is not one plain decimal number");
    if (e == HPE_INVALID_TRANSFER_ENCODING)
        return fault_of(fault, 400, "Transfer-Encoding is not exactly chunked");
    if (e == HPE_UNEXPECTED_CONTENT_LENGTH)
        return fault_of(fault, 400, "Content-Length and Transfer-Encoding came together");
    if (e != HPE_PAUSED || llhttp_get_error_pos(&parser) != end || !reading.agrees ||
        reading.names != h->count || parser.http_major != 1 || parser.http_minor != h->minor)
        return fault_of(fault, 400, "two parsers read the message differently");
    return 0;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* Now that all have looked at the bytes as they came: an end for each string. */
static void cut_into_strings(struct head *h, bool request, char *p, char *end)
{
    char *cr = line_end(p, end);
    *cr = 0;
    if (request) {
        *strchr(p, ' ') = 0;
        *strchr(h->target, ' ') = 0;
    }
    for (size_t i = 0; i < h->count; i++) {
        p = cr + 2;
        cr = line_end(p, end);
        *strchr(p, ':') = 0;
        char *last = cr;
        while (last > h->fields[i].value && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        *last = 0;
    }
}

static int read_head(struct head *h, const struct head_scan *scan, bool request, char *bytes, size_t size,
                     struct http_fault *fault)
{
    char *p = bytes + scan->start, *end = bytes + size;
    memset(h, 0, offsetof(struct head, fields));
    int r = read_lines(h, request, p, end, fault);
    if (r == 0)
        r = hear_llhttp(h, request, p, end, fault);
    if (r == 0)
        cut_into_strings(h, request, p, end);
    return r;
}

int green__head_request(struct head *head, const struct head_scan *scan, char *bytes, size_t size,
                        struct http_fault *fault)
{
    int r = read_head(head, scan, true, bytes, size, fault);
    return r < 0 ? r : green__request_facts(head, fault);
}

int green__head_response(struct head *head, const struct head_scan *scan, char *bytes, size_t size,
                         const char *method, struct http_fault *fault)
{
    int r = read_head(head, scan, false, bytes, size, fault);
    return r < 0 ? r : green__response_facts(head, method, fault);
}
