/*
 * Regenerating heads (forward.h). A cursor with a sticky overflow flag keeps the writers free of error
 * handling: they write on, and the end result says whether it all fitted.
 */
#include "forward.h"

#include <errno.h>

struct writer {
    char *at, *end;
    bool full;
};

static inline void put(struct writer *w, struct span s)
{
    if ((size_t)(w->end - w->at) < s.n) {
        w->full = true;
        return;
    }
    if (s.n)
        memcpy(w->at, s.p, s.n);
    w->at += s.n;
}

static void put_decimal(struct writer *w, uint64_t value)
{
    char digits[20];
    size_t n = sizeof(digits);

    do
        digits[--n] = (char)('0' + value % 10);
    while (value /= 10);
    put(w, span_of(digits + n, sizeof(digits) - n));
}

static void put_field(struct writer *w, struct span name, struct span value)
{
    put(w, name);
    put(w, SPAN(": "));
    put(w, value);
    put(w, SPAN("\r\n"));
}

static int finish(const struct writer *w, const char *out)
{
    return w->full || w->at - out > INT32_MAX ? -ENOBUFS : (int)(w->at - out);
}

static void put_edits(struct writer *w, const struct http_edits *edits)
{
    for (size_t i = 0; i < edits->count; i++)
        if (edits->list[i].op != HTTP_EDIT_REMOVE)
            put_field(w, edits->list[i].name, edits->list[i].value);
}

/* Is the line "name: value" as we would write it ourselves? */
static inline bool canonical(const struct http_field *f)
{
    return f->value.p == f->name.p + f->name.n + 2 && f->value.p[-1] == ' ';
}

/*
 * Copies the fields that skip() does not leave out. Neighbours that are written exactly as we would write
 * them go as one run: they are followed by CR LF in the buffer, since the scanner lets nothing else end a
 * line.
 */
static inline void put_fields(struct writer *w, const struct http_head *head,
                              bool (*skip)(const struct http_field *, const void *), const void *context)
{
    struct span run = {0};

    for (unsigned i = 0; i < head->count; i++) {
        const struct http_field *f = &head->fields[i];
        const char *end = f->value.p + f->value.n;
        if (skip(f, context))
            continue;
        if (run.p && f->name.p == run.p + run.n + 2 && canonical(f)) {
            run.n = (size_t)(end - run.p);
            continue;
        }
        if (run.p) {
            put(w, run);
            put(w, SPAN("\r\n"));
            run = span_of(NULL, 0);
        }
        if (canonical(f))
            run = span_of(f->name.p, (size_t)(end - f->name.p));
        else
            put_field(w, f->name, f->value);
    }
    if (run.p) {
        put(w, run);
        put(w, SPAN("\r\n"));
    }
}

static void put_framing(struct writer *w, enum http_framing framing, uint64_t length)
{
    if (framing == HTTP_FRAMING_LENGTH) {
        put(w, SPAN("Content-Length: "));
        put_decimal(w, length);
        put(w, SPAN("\r\n"));
    } else if (framing == HTTP_FRAMING_CHUNKED) {
        put(w, SPAN("Transfer-Encoding: chunked\r\n"));
    }
}

static void put_via(struct writer *w, const struct http_head *head, struct span name,
                    const struct http_edits *edits)
{
    if (!name.n || http_edits_drop(edits, SPAN("Via")))
        return;
    put(w, head->minor ? SPAN("Via: 1.1 ") : SPAN("Via: 1.0 "));
    put(w, name);
    put(w, SPAN("\r\n"));
}

/* --- requests --- */

struct request_context {
    const struct http_head *head;
    const struct http_forward_request *facts;
};

/* Does this list of addresses go on to the server, with the peer's behind it? */
static bool appended_to(const struct http_forward_request *facts, enum http_believed list)
{
    return facts->trusted && facts->believed == list;
}

/* Fields that are made here, or that an untrusted peer has no right to send. */
static bool skip_in_request(const struct http_field *f, const void *arg)
{
    const struct request_context *context = arg;
    const struct http_forward_request *facts = context->facts;

    if (f->hop)
        return true;
    switch (f->id) {
    case HTTP_F_HOST:
    case HTTP_F_CONTENT_LENGTH:
        return true;
    case HTTP_F_MAX_FORWARDS:
        if (context->head->max_forwards > 0)
            return true;
        break;
    case HTTP_F_X_FORWARDED_FOR:
        if (!appended_to(facts, HTTP_BELIEVED_X_FORWARDED_FOR) || !facts->no_forwarded)
            return true;
        break;
    case HTTP_F_FORWARDED:
        if (!appended_to(facts, HTTP_BELIEVED_FORWARDED) || facts->forwarded)
            return true;
        break;
    case HTTP_F_X_REAL_IP:
        return true;
    case HTTP_F_X_FORWARDED_PROTO:
    case HTTP_F_X_FORWARDED_HOST:
    case HTTP_F_X_FORWARDED_PORT:
    case HTTP_F_X_FORWARDED_OTHER:
    case HTTP_F_CLIENT_CERT:
    case HTTP_F_CLIENT_CERT_CHAIN:
    case HTTP_F_X_CLIENT_CERT:
        if (!facts->trusted)
            return true;
        break;
    }
    return facts->edits.count && http_edits_drop(&facts->edits, f->name);
}

/* Without a chunked body there are no trailers to announce. */
static bool skip_in_plain_request(const struct http_field *f, const void *arg)
{
    return f->id == HTTP_F_TRAILER || skip_in_request(f, arg);
}

static void put_target(struct writer *w, const struct http_head *head,
                       const struct http_forward_request *facts)
{
    if (facts->target.n) {
        put(w, facts->target);
    } else if (head->uri.form == HTTP_TARGET_AUTHORITY) {
        put(w, head->uri.authority);
    } else {
        put(w, head->uri.path.n ? head->uri.path : SPAN("/"));
        put(w, head->uri.query);
    }
}

static bool keeps(const struct http_head *head, const struct http_forward_request *facts, uint8_t id)
{
    return facts->trusted && http_head_field(head, id);
}

/* The received values of a field, each with a comma behind it. */
static void put_values(struct writer *w, const struct http_head *head, uint8_t id)
{
    for (unsigned i = 0; i < head->count; i++) {
        if (head->fields[i].id == id && head->fields[i].value.n) {
            put(w, head->fields[i].value);
            put(w, SPAN(", "));
        }
    }
}

static void put_x_forwarded(struct writer *w, const struct http_head *head,
                            const struct http_forward_request *facts)
{
    const struct http_edits *edits = &facts->edits;

    if (!http_edits_drop(edits, SPAN("X-Forwarded-For"))) {
        put(w, SPAN("X-Forwarded-For: "));
        if (appended_to(facts, HTTP_BELIEVED_X_FORWARDED_FOR)) {
            put_values(w, head, HTTP_F_X_FORWARDED_FOR);
        } else if (facts->origin.n) {
            put(w, facts->origin);
            put(w, SPAN(", "));
        }
        put(w, facts->client);
        put(w, SPAN("\r\n"));
    }
    if (!keeps(head, facts, HTTP_F_X_FORWARDED_PROTO) && !http_edits_drop(edits, SPAN("X-Forwarded-Proto")))
        put_field(w, SPAN("X-Forwarded-Proto"), facts->scheme);
    if (head->host.n && !keeps(head, facts, HTTP_F_X_FORWARDED_HOST) &&
        !http_edits_drop(edits, SPAN("X-Forwarded-Host")))
        put_field(w, SPAN("X-Forwarded-Host"), head->host);
}

/* A node of RFC 7239 section 6. What is no address (the peer of a unix socket) has no name there. */
static void put_node(struct writer *w, struct span address)
{
    const char *zone = memchr(address.p, '%', address.n);
    struct span bare = zone ? span_of(address.p, (size_t)(zone - address.p)) : address;
    bool v4 = true, v6 = memchr(bare.p, ':', bare.n) != NULL;

    for (size_t i = 0; i < bare.n; i++) {
        char c = span_lower(bare.p[i]);
        bool digit = (c >= '0' && c <= '9') || c == '.';
        v4 &= digit;
        v6 &= digit || c == ':' || (c >= 'a' && c <= 'f');
    }
    put(w, v6 ? SPAN("for=\"[") : SPAN("for="));
    put(w, v4 || v6 ? bare : SPAN("unknown"));
    if (v6)
        put(w, SPAN("]\""));
}

static void put_forwarded(struct writer *w, const struct http_head *head,
                          const struct http_forward_request *facts)
{
    put(w, SPAN("Forwarded: "));
    if (appended_to(facts, HTTP_BELIEVED_FORWARDED)) {
        put_values(w, head, HTTP_F_FORWARDED);
    } else if (facts->origin.n) {
        put_node(w, facts->origin);
        put(w, SPAN(", "));
    }
    put_node(w, facts->client);
    /* Quoted: it may have a port or brackets, but never a quote or a backslash, which target.c refuses. */
    if (head->host.n) {
        put(w, SPAN(";host=\""));
        put(w, head->host);
        put(w, SPAN("\""));
    }
    put(w, SPAN(";proto="));
    put(w, facts->scheme);
    put(w, SPAN("\r\n"));
}

/* What the server is told of the client. */
static void put_client(struct writer *w, const struct http_head *head,
                       const struct http_forward_request *facts)
{
    if (!facts->no_forwarded)
        put_x_forwarded(w, head, facts);
    if (facts->forwarded && !http_edits_drop(&facts->edits, SPAN("Forwarded")))
        put_forwarded(w, head, facts);
    if (keeps(head, facts, HTTP_F_X_REAL_IP) && !http_edits_drop(&facts->edits, SPAN("X-Real-IP")))
        put_field(w, SPAN("X-Real-IP"), facts->origin.n ? facts->origin : facts->client);
}

/* Connection and the fields that it names. */
static void put_request_connection(struct writer *w, const struct http_head *head,
                                   const struct http_forward_request *facts)
{
    if (head->upgrade && !facts->no_upgrade)
        put(w, SPAN("Connection: upgrade\r\nUpgrade: websocket\r\n"));
    else if (head->te_trailers && facts->close)
        put(w, SPAN("Connection: close, TE\r\nTE: trailers\r\n"));
    else if (head->te_trailers)
        put(w, SPAN("Connection: TE\r\nTE: trailers\r\n"));
    else if (facts->close)
        put(w, SPAN("Connection: close\r\n"));
}

size_t http_forward_request_size(const struct http_head *head, const struct http_forward_request *facts)
{
    return head->bytes + HTTP_FORWARD_SLACK + facts->host.n + facts->target.n + 3 * head->host.n +
           2 * facts->client.n + 3 * facts->origin.n + 2 * facts->scheme.n + facts->via.n +
           http_edits_size(&facts->edits);
}

int http_forward_request(const struct http_head *head, const struct http_forward_request *facts, char *out,
                         size_t cap)
{
    struct request_context context = {head, facts};
    struct writer w = {out, out + cap, false};

    put(&w, head->method_name);
    put(&w, SPAN(" "));
    put_target(&w, head, facts);
    put(&w, SPAN(" HTTP/1.1\r\nHost: "));
    put(&w, facts->host.n ? facts->host : head->host);
    put(&w, SPAN("\r\n"));
    if (head->framing == HTTP_FRAMING_CHUNKED)
        put_fields(&w, head, skip_in_request, &context);
    else
        put_fields(&w, head, skip_in_plain_request, &context);
    put_framing(&w, head->framing, head->content_length);
    if (head->expect_continue && !facts->no_expect)
        put(&w, SPAN("Expect: 100-continue\r\n"));
    if (head->max_forwards > 0 && !http_edits_drop(&facts->edits, SPAN("Max-Forwards"))) {
        put(&w, SPAN("Max-Forwards: "));
        put_decimal(&w, (uint64_t)head->max_forwards - 1);
        put(&w, SPAN("\r\n"));
    }
    put_request_connection(&w, head, facts);
    put_client(&w, head, facts);
    put_via(&w, head, facts->via, &facts->edits);
    put_edits(&w, &facts->edits);
    put(&w, SPAN("\r\n"));
    return finish(&w, out);
}

/* --- responses --- */

enum http_framing http_response_framing(const struct http_head *head, uint8_t client_minor)
{
    if (head->framing == HTTP_FRAMING_NONE || head->framing == HTTP_FRAMING_LENGTH)
        return head->framing;
    return client_minor > 0 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_UNTIL_CLOSE;
}

struct response_context {
    const struct http_forward_response *facts;
    bool trailers; /* there may be some */
};

static bool skip_in_response(const struct http_field *f, const void *arg)
{
    const struct response_context *c = arg;

    if (f->hop || f->id == HTTP_F_CONTENT_LENGTH || (f->id == HTTP_F_TRAILER && !c->trailers))
        return true;
    return c->facts->edits.count && http_edits_drop(&c->facts->edits, f->name);
}

static void put_status_line(struct writer *w, const struct http_head *head)
{
    char line[] = "HTTP/1.1 000 ";

    line[9] = (char)('0' + head->status / 100 % 10);
    line[10] = (char)('0' + head->status / 10 % 10);
    line[11] = (char)('0' + head->status % 10);
    put(w, span_of(line, sizeof(line) - 1));
    put(w, head->reason);
    put(w, SPAN("\r\n"));
}

/* Connection, for a final response. */
static void put_response_connection(struct writer *w, const struct http_head *head,
                                    const struct http_forward_response *facts)
{
    bool keepalive = facts->keepalive && facts->framing != HTTP_FRAMING_UNTIL_CLOSE;

    if (head->upgrade_required)
        put(w, keepalive ? SPAN("Connection: upgrade\r\nUpgrade: websocket\r\n")
                         : SPAN("Connection: close, upgrade\r\nUpgrade: websocket\r\n"));
    else if (!keepalive)
        put(w, SPAN("Connection: close\r\n"));
    else if (facts->minor == 0)
        put(w, SPAN("Connection: keep-alive\r\n"));
}

int http_forward_response(const struct http_head *head, const struct http_forward_response *facts, char *out,
                          size_t cap)
{
    struct writer w = {out, out + cap, false};
    struct response_context context = {facts, facts->framing == HTTP_FRAMING_CHUNKED &&
                                                  head->framing == HTTP_FRAMING_CHUNKED};

    put_status_line(&w, head);
    put_fields(&w, head, skip_in_response, &context);
    if (head->status >= 200) {
        /* Without a body, a length still says what the body of a GET would be (HEAD, 304). */
        bool length_only = facts->framing == HTTP_FRAMING_NONE && head->has_length;
        put_framing(&w, length_only ? HTTP_FRAMING_LENGTH : facts->framing, head->content_length);
        if (!head->has_date && facts->date.n && !http_edits_drop(&facts->edits, SPAN("Date")))
            put_field(&w, SPAN("Date"), facts->date);
        put_response_connection(&w, head, facts);
        put_via(&w, head, facts->via, &facts->edits);
        put_edits(&w, &facts->edits);
    } else if (head->upgrade) {
        put(&w, SPAN("Connection: upgrade\r\nUpgrade: websocket\r\n"));
    }
    put(&w, SPAN("\r\n"));
    return finish(&w, out);
}
