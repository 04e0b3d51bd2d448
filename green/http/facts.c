/* The rules of the RFCs on single fields and how they go together, one function for each. */
#include "../core/internal.h"

#include <string.h>
#include <strings.h>

#include "facts.h"
#include "url.h"

/* What one pass over the fields found; the last of each. */
struct notes {
    const char *host, *length, *coding, *expect;
    unsigned hosts, lengths, codings;
    bool close, keep_alive;
};

static void read_connection(const char *value, struct notes *notes)
{
    const char *option;
    size_t n;
    while (green__http_element(&value, &option, &n)) {
        notes->close |= green__http_same(option, n, "close");
        notes->keep_alive |= green__http_same(option, n, "keep-alive");
    }
}

static void read_fields(struct head *h, struct notes *notes)
{
    *notes = (struct notes){0};
    for (size_t i = 0; i < h->count; i++) {
        const char *name = h->fields[i].name, *value = h->fields[i].value;
        switch (name[0] | 0x20) { /* few names begin like one that matters */
        case 'c':
            if (!strcasecmp(name, "Connection"))
                read_connection(value, notes);
            if (!strcasecmp(name, "Content-Length"))
                notes->lengths++, notes->length = value;
            break;
        case 'e':
            if (!strcasecmp(name, "Expect"))
                notes->expect = !notes->expect || !strcasecmp(value, "100-continue") ? value : "";
            break;
        case 'h':
            if (!strcasecmp(name, "Host"))
                notes->hosts++, notes->host = value;
            break;
        case 'l':
            if (!strcasecmp(name, "Location"))
                h->location = value;
            break;
        case 't':
            if (!strcasecmp(name, "Transfer-Encoding"))
                notes->codings++, notes->coding = value;
            break;
        }
    }
    h->keepalive = !notes->close && (h->minor || notes->keep_alive);
}

/* RFC 9112 section 6: the rules that requests and responses share. */
static int read_framing(struct head *h, const struct notes *notes, struct http_fault *fault)
{
    unsigned long long length;
    if (notes->codings && notes->lengths)
        return fault_of(fault, 400, "Content-Length and Transfer-Encoding came together");
    if (notes->codings) {
        if (!h->minor)
            return fault_of(fault, 400, "Transfer-Encoding in HTTP/1.0");
        if (notes->codings > 1 || strcasecmp(notes->coding, "chunked") != 0)
            return fault_of(fault, 400, "Transfer-Encoding is not exactly chunked");
        h->framing = HTTP_CHUNKED;
    } else if (notes->lengths) {
        if (notes->lengths > 1 || !green__http_decimal(notes->length, strlen(notes->length), &length))
            return fault_of(fault, 400, "Content-Length is not one plain decimal number");
        h->has_length = true;
        h->length = length;
        h->framing = HTTP_LENGTH;
    }
    return 0;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

/* A path with or without a query, which may be all there is of it: "?a=b". */
static int split_path(struct head *h, char *p, struct http_fault *fault)
{
    char *question = strchr(p, '?');
    if (question) {
        *question = 0;
        h->query = question + 1;
    }
    h->path = *p ? p : "/";
    bool fine = green__http_path(h->path, strlen(h->path)) &&
                (!question || green__http_query(h->query, strlen(h->query)));
    return fine ? 0 : fault_of(fault, 400, "the target is not valid");
}

/* "http://host/path": its host must be the one of the Host field. */
static int read_absolute(struct head *h, const struct notes *notes, struct http_fault *fault)
{
    int secure = !strncasecmp(h->target, "https://", 8);
    if (!secure && strncasecmp(h->target, "http://", 7) != 0)
        return fault_of(fault, 400, "the target is neither a path nor a URL of http");
    char *rest = h->target + 7 + secure;
    size_t n = strcspn(rest, "/?"), host_n;
    int port;
    if (!green__http_authority(rest, n, &host_n, &port))
        return fault_of(fault, 400, "the target's host is not valid");
    if (notes->hosts && !green__http_same(rest, n, notes->host))
        return fault_of(fault, 400, "the Host field and the target name different hosts");
    return split_path(h, rest + n, fault);
}

/* The four forms of RFC 9112 section 3.2; CONNECT's is refused with the method. */
static int read_target(struct head *h, const struct notes *notes, struct http_fault *fault)
{
    if (!strcmp(h->method, "CONNECT"))
        return fault_of(fault, 501, "CONNECT is not served here");
    if (!strcmp(h->target, "*")) {
        h->path = h->target;
        return strcmp(h->method, "OPTIONS") ? fault_of(fault, 400, "only OPTIONS goes to *") : 0;
    }
    return h->target[0] == '/' ? split_path(h, h->target, fault) : read_absolute(h, notes, fault);
}

static int read_host(struct head *h, const struct notes *notes, struct http_fault *fault)
{
    size_t host_n;
    int port;
    if (notes->hosts > 1)
        return fault_of(fault, 400, "there is more than one Host field");
    if (!notes->hosts && h->minor)
        return fault_of(fault, 400, "a request of HTTP/1.1 needs a Host field");
    if (notes->hosts && !green__http_authority(notes->host, strlen(notes->host), &host_n, &port))
        return fault_of(fault, 400, "the Host field is not valid");
    h->host = notes->host;
    return 0;
}

/* RFC 9110 section 10.1.1: ignored in HTTP/1.0, and without a body. */
static int read_expect(struct head *h, const struct notes *notes, struct http_fault *fault)
{
    if (!notes->expect || !h->minor)
        return 0;
    if (strcasecmp(notes->expect, "100-continue") != 0)
        return fault_of(fault, 417, "the expectation is not 100-continue");
    h->expect_continue = h->framing == HTTP_CHUNKED || (h->has_length && h->length);
    return 0;
}

int green__request_facts(struct head *h, struct http_fault *fault)
{
    struct notes notes;
    read_fields(h, &notes);
    int r = read_host(h, &notes, fault);
    if (r == 0)
        r = read_framing(h, &notes, fault);
    if (r == 0)
        r = read_target(h, &notes, fault);
    if (r == 0)
        r = read_expect(h, &notes, fault);
    if (r == 0 && !strcmp(h->method, "TRACE") && h->framing != HTTP_NO_BODY)
        r = fault_of(fault, 400, "TRACE cannot carry a body");
    return r;
}

/* --- responses --------------------------------------------------------------------------------------------------- */

int green__response_facts(struct head *h, const char *method, struct http_fault *fault)
{
    struct notes notes;
    read_fields(h, &notes);
    int r = read_framing(h, &notes, fault);
    if (r < 0)
        return r;
    if (h->status == 101)
        return fault_of(fault, 502, "the answer switches protocols though nobody asked for that");
    if (!strcmp(method, "HEAD") || h->status < 200 || h->status == 204 || h->status == 304) {
        h->framing = HTTP_NO_BODY;
    } else if (h->framing == HTTP_NO_BODY) {
        h->framing = HTTP_UNTIL_CLOSE;
        h->keepalive = false;
    }
    return 0;
}
