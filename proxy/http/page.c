/* Answers that the proxy makes itself (page.h). */
#include "page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define MOST_DETAILS 256
#define MOST_ID      128

const char *http_reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].phrase;
    return "Unknown";
}

/* The RFC 9209 error type that fits a status when the caller knows none better; NULL: no error happened. */
static const char *usual_error(int status)
{
    switch (status) {
    case 403:
    case 405:
    case 429:
        return "http_request_denied";
    case 404:
    case 421:
        return "destination_not_found";
    case 500:
        return "proxy_internal_error";
    case 502:
        return "http_protocol_error";
    case 503:
        return "destination_unavailable";
    case 504:
        return "http_response_timeout";
    default:
        return status >= 400 ? "http_request_error" : NULL;
    }
}

/* The cursor that the pieces of an answer are printed at; n passes cap when it does not fit. */
struct printer {
    char *out;
    size_t cap, n;
};

__attribute__((format(printf, 2, 0))) static void vprint(struct printer *p, const char *format, va_list args)
{
    size_t room = p->n < p->cap ? p->cap - p->n : 0;
    int n = vsnprintf(room ? p->out + p->n : NULL, room, format, args);

    p->n += n < 0 ? p->cap + 1 : (size_t)n;
}

__attribute__((format(printf, 2, 3))) static void print(struct printer *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprint(p, format, args);
    va_end(args);
}

/* Details as the inside of a quoted sf-string (RFC 8941): visible ASCII, with '"' and '\' escaped. */
static void escape_details(const char *details, char out[static 2 * MOST_DETAILS + 1])
{
    size_t n = 0;

    for (size_t i = 0; details && details[i] && i < MOST_DETAILS; i++) {
        char c = details[i];
        if (c == '"' || c == '\\')
            out[n++] = '\\';
        out[n++] = c >= ' ' && c < 0x7f ? c : '?';
    }
    out[n] = '\0';
}

/* The body: plain text, so nothing in it can be taken for markup. */
static size_t write_body(const struct http_page *page, const char *phrase, char *out, size_t cap)
{
    struct printer p = {out, cap, 0};

    print(&p, "%d %s\n", page->status, phrase);
    if (page->details && page->details[0]) {
        print(&p, "\n");
        for (size_t i = 0; page->details[i] && i < MOST_DETAILS; i++)
            print(&p, "%c", page->details[i] >= ' ' && page->details[i] < 0x7f ? page->details[i] : '?');
        print(&p, "\n");
    }
    if (page->request_id.n)
        print(&p, "\nrequest %.*s\n", (int)page->request_id.n, page->request_id.p);
    return p.n < cap ? p.n : cap - 1;
}

/* A field of the page itself, unless the configuration has other plans. */
__attribute__((format(printf, 4, 5))) static void print_field(struct printer *p, const struct http_page *page,
                                                              const char *name, const char *format, ...)
{
    va_list args;

    if (http_edits_drop(&page->edits, span_str(name)))
        return;
    print(p, "%s: ", name);
    va_start(args, format);
    vprint(p, format, args);
    va_end(args);
    print(p, "\r\n");
}

static void print_edits(struct printer *p, const struct http_edits *fields, const struct http_edits *edits)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct http_edit *e = &fields->list[i];
        if (e->op != HTTP_EDIT_REMOVE && !(edits && http_edits_drop(edits, e->name)))
            print(p, "%.*s: %.*s\r\n", (int)e->name.n, e->name.p, (int)e->value.n, e->value.p);
    }
}

static void print_reason_fields(struct printer *p, const struct http_page *page)
{
    const char *error = page->error ? page->error : usual_error(page->status);
    char details[2 * MOST_DETAILS + 1];

    if (page->status == 405)
        print_field(p, page, "Allow", "%s", page->allow ? page->allow : HTTP_USUAL_METHODS);
    if (page->location)
        print_field(p, page, "Location", "%s", page->location);
    if (page->retry_after > 0)
        print_field(p, page, "Retry-After", "%d", page->retry_after);
    if (page->request_id.n)
        print_field(p, page, page->request_id_field, "%.*s", (int)page->request_id.n, page->request_id.p);
    print_edits(p, &page->fields, &page->edits);
    if (!error)
        return;
    escape_details(page->details, details);
    print_field(p, page, "Proxy-Status", "greenway; error=%s%s%s%s", error, details[0] ? "; details=\"" : "",
                details, details[0] ? "\"" : "");
}

int http_page(const struct http_page *page, char *out, size_t cap)
{
    char body[MOST_DETAILS + MOST_ID + 128];
    const char *phrase = http_reason_phrase(page->status);
    bool bodiless = page->status < 200 || page->status == 204 || page->status == 304;
    bool own = page->type.n == 0;
    size_t length = bodiless ? 0 : own ? write_body(page, phrase, body, sizeof(body)) : page->content.n;
    struct printer p = {out, cap, 0};

    print(&p, "HTTP/1.1 %03d %s\r\n", page->status, phrase);
    print_field(&p, page, "Server", "greenway");
    if (page->date.n)
        print_field(&p, page, "Date", "%.*s", (int)page->date.n, page->date.p);
    if (!bodiless) {
        struct span type = own ? SPAN("text/plain; charset=utf-8") : page->type;
        print_field(&p, page, "Content-Type", "%.*s", (int)type.n, type.p);
        print_field(&p, page, "X-Content-Type-Options", "nosniff");
        print(&p, "Content-Length: %zu\r\n", length);
    }
    print_reason_fields(&p, page);
    print_edits(&p, &page->edits, NULL);
    if (!page->keepalive)
        print(&p, "Connection: close\r\n");
    else if (page->minor == 0)
        print(&p, "Connection: keep-alive\r\n");
    print(&p, "\r\n");
    if (own && !bodiless && page->method != HTTP_METHOD_HEAD)
        print(&p, "%.*s", (int)length, body);
    return p.n < p.cap ? (int)p.n : -ENOBUFS; /* < : vsnprintf wants room for a NUL as well */
}
