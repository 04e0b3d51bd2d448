/* What the variables of templates stand for (variables.h). */
#include "variables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "route/match.h"
#include "tracing.h"
#include "tls/accept.h"

__attribute__((format(printf, 3, 4))) static int print(struct exchange *x, struct span *out,
                                                       const char *format, ...)
{
    char text[GREEN_ADDRESS_TEXT];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        return -EMSGSIZE;
    const char *kept = memory_copy(&x->memory, text, (size_t)n);
    *out = span_of(kept, kept ? (size_t)n : 0);
    return kept ? 0 : -ENOMEM;
}

static int time_of_day(struct exchange *x, struct span *out)
{
    struct tm tm;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &tm))
        return -EOVERFLOW;
    return print(x, out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int lower(struct exchange *x, struct span text, struct span *out)
{
    char *copy = memory_copy(&x->memory, text.p, text.n);
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < text.n; i++)
        copy[i] = span_lower(copy[i]);
    *out = span_of(copy, text.n);
    return 0;
}

/* A path that is none, "*" of OPTIONS, would be glued to whatever stands before it. */
static struct span path_of(const struct http_head *request)
{
    struct span path = request->uri.path;
    return path.n && path.p[0] == '/' ? path : SPAN("/");
}

/* Path and query, which lie side by side in what was received. */
static struct span uri_of(const struct http_head *request)
{
    struct span path = path_of(request), query = request->uri.query;
    if (!query.n)
        return path;
    return query.p == path.p + path.n ? span_of(path.p, path.n + query.n) : path;
}

static struct span query_of(const struct http_head *request)
{
    struct span query = request->uri.query;
    return query.n ? span_of(query.p + 1, query.n - 1) : query;
}

/* The piece up to the next separator, taken off *rest. */
static struct span take_piece(struct span *rest, char separator)
{
    const char *end = memchr(rest->p, separator, rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n, step = end ? n + 1 : n;
    struct span piece = span_of(rest->p, n);
    *rest = span_of(rest->p + step, rest->n - step);
    return piece;
}

/* "name=value" of that name. */
static bool is_named(struct span pair, struct span name, struct span *value)
{
    if (pair.n < name.n || memcmp(pair.p, name.p, name.n) != 0 || (pair.n > name.n && pair.p[name.n] != '='))
        return false;
    *value = pair.n > name.n ? span_of(pair.p + name.n + 1, pair.n - name.n - 1) : span_of(NULL, 0);
    return true;
}

static int parameter(struct exchange *x, struct span name, struct span *value)
{
    struct span rest = query_of(&x->request);
    while (rest.n) {
        struct span pair = take_piece(&rest, '&');
        if (is_named(pair, name, value))
            return template_decode(*value, &x->memory, value);
    }
    return 0;
}

static void cookie(const struct http_head *request, struct span name, struct span *value)
{
    for (unsigned i = 0; i < request->count; i++) {
        struct span rest = request->fields[i].value;
        while (request->fields[i].id == HTTP_F_COOKIE && rest.n)
            if (is_named(span_trim(take_piece(&rest, ';')), name, value))
                return;
    }
}

/* The values of all fields of that name, as one list. */
static int field(struct exchange *x, struct span name, struct span *value)
{
    const struct http_head *request = &x->request;
    size_t total = 0;
    unsigned found = 0;
    for (unsigned i = 0; i < request->count; i++)
        if (span_equal_nocase(request->fields[i].name, name)) {
            *value = request->fields[i].value;
            total += value->n + (found++ ? 2 : 0);
        }
    if (found < 2)
        return 0;
    char *at = memory_take(&x->memory, total);
    *value = span_of(at, total);
    for (unsigned i = 0; at && i < request->count; i++)
        if (span_equal_nocase(request->fields[i].name, name)) {
            if (at > value->p)
                at = mempcpy(at, ", ", 2);
            at = mempcpy(at, request->fields[i].value.p, request->fields[i].value.n);
        }
    return at ? 0 : -ENOMEM;
}

static int port(struct exchange *x, struct span *value)
{
    int port = x->request.authority.port;
    return print(x, value, "%d", port > 0 ? port : x->connection->tls ? 443 : 80);
}

/* What is known of a request whose head could be read. */
static int of_request(struct exchange *x, const struct conf_part *part, struct span *value)
{
    struct span name = span_of(part->text, part->length);
    switch (part->variable) {
    case CONF_V_METHOD:
        *value = x->request.method_name;
        return 0;
    case CONF_V_HOST:
        return lower(x, x->request.authority.host, value);
    case CONF_V_PORT:
        return port(x, value);
    case CONF_V_AUTHORITY:
        *value = x->request.host;
        return 0;
    case CONF_V_URI:
        *value = uri_of(&x->request);
        return 0;
    case CONF_V_PATH:
        *value = path_of(&x->request);
        return 0;
    case CONF_V_QUERY:
        *value = query_of(&x->request);
        return 0;
    case CONF_V_QUERY_NAMED:
        return parameter(x, name, value);
    case CONF_V_HEADER_NAMED:
        return field(x, name, value);
    case CONF_V_COOKIE_NAMED:
        cookie(&x->request, name, value);
        return 0;
    default:
        return 0;
    }
}

static int client(struct exchange *x, struct span *value)
{
    char text[GREEN_ADDRESS_TEXT];
    return print(x, value, "%s", green_address_text(exchange_client(x), false, text));
}

static struct span of_tls(const struct exchange *x, enum conf_variable variable)
{
    green_stream_t *tls = x->connection->tls;
    const struct tls_identity *who = x->connection->identity;
    switch (variable) {
    case CONF_V_TLS_VERSION:
        return span_str(green_tls_version(tls));
    case CONF_V_TLS_CIPHER:
        return span_str(green_tls_cipher(tls));
    case CONF_V_TLS_NAME:
        return span_str(green_tls_server_name(tls));
    case CONF_V_TLS_RESUMED:
        return !tls ? span_of(NULL, 0) : green_tls_session_reused(tls) ? SPAN("yes") : SPAN("no");
    case CONF_V_CLIENT_SUBJECT:
        return span_str(who ? who->subject : NULL);
    case CONF_V_CLIENT_ISSUER:
        return span_str(who ? who->issuer : NULL);
    default:
        return span_str(who ? who->fingerprint : NULL);
    }
}

int exchange_variable(void *exchange, const struct conf_part *part, struct span *value)
{
    struct exchange *x = exchange;
    *value = span_of(NULL, 0);
    switch (part->variable) {
    case CONF_V_SCHEME:
        *value = exchange_scheme(x);
        return 0;
    case CONF_V_CLIENT:
        return client(x, value);
    case CONF_V_CLIENT_PORT:
        return print(x, value, "%d", green_address_port(exchange_client(x)));
    case CONF_V_LISTENER:
        *value = span_str(x->listener->name);
        return 0;
    case CONF_V_ROUTE:
        *value = span_str(x->route ? x->route->name : NULL);
        return 0;
    case CONF_V_UPSTREAM:
        *value = span_str(x->upstream ? x->upstream->name : NULL);
        return 0;
    case CONF_V_SERVER:
        *value = span_str(x->log.server ? x->log.server->text : NULL);
        return 0;
    case CONF_V_PATH_CAPTURE:
        if (x->captures && part->number < x->captures->path_count)
            *value = x->captures->path[part->number];
        return 0;
    case CONF_V_HOST_CAPTURE:
        if (x->captures && part->number < x->captures->host_count)
            *value = x->captures->host[part->number];
        return 0;
    case CONF_V_STATUS:
        return print(x, value, "%d", x->log.status);
    case CONF_V_REQUEST_ID:
        *value = exchange_request_id(x);
        return 0;
    case CONF_V_TRACE_ID:
        *value = x->traceparent.n ? span_of(x->traceparent.p + 3, 32) : span_of(NULL, 0);
        return 0;
    case CONF_V_SPAN_ID:
        *value = x->traceparent.n ? span_of(x->traceparent.p + 36, 16) : span_of(NULL, 0);
        return 0;
    case CONF_V_TLS_VERSION:
    case CONF_V_TLS_CIPHER:
    case CONF_V_TLS_NAME:
    case CONF_V_TLS_RESUMED:
    case CONF_V_CLIENT_SUBJECT:
    case CONF_V_CLIENT_ISSUER:
    case CONF_V_CLIENT_FINGERPRINT:
        *value = of_tls(x, part->variable);
        return 0;
    case CONF_V_TIME:
        return time_of_day(x, value);
    default:
        return x->request.bytes ? of_request(x, part, value) : 0;
    }
}
