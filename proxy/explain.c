/*
 * `greenway explain`: a request made of the command line goes the way that exchange.c tells of, as far as that needs no
 * network. Nothing is decided here; this file asks, and prints what it was told.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>

#include "describe.h"
#include "errors.h"
#include "http/admit.h"
#include "http/converse.h"
#include "http/header_rules.h"
#include "http/rewriting.h"
#include "load.h"
#include "route/match.h"

/* One request on its way, and as much of a worker as the steps need. */
struct inquiry {
    FILE *out;
    const struct conf *conf;
    const struct explain_request *asked;
    struct exchange x;
    struct worker worker;
    struct view view;
    struct connection connection;
    struct span authority, target; /* of the URL */
    int port;
    char *head; /* the request as a client would send it */
    size_t head_bytes;
};

#define WRONG(...) (fprintf(stderr, "greenway: " __VA_ARGS__), fputc('\n', stderr), -EINVAL)

/* --- what was asked -------------------------------------------------------------------------------- */

static int parse_url(struct inquiry *q)
{
    struct span url = span_str(q->asked->url);
    struct http_authority authority;
    bool https = span_starts_nocase(url, SPAN("https://"));
    size_t skip = https ? 8 : 7;
    if (!https && !span_starts_nocase(url, SPAN("http://")))
        return WRONG("the URL must begin with http:// or https://");
    const char *p = url.p + skip;
    size_t n = strcspn(p, "/?#");
    q->authority = span_of(p, n);
    q->target = span_of(p + n, strcspn(p + n, "#"));
    if (http_authority_parse(q->authority, &authority) < 0)
        return WRONG("the URL names no host that a request could have");
    q->connection.secure = https;
    q->port = authority.port >= 0 ? authority.port : https ? 443 : 80;
    return 0;
}

static bool is_host(const char *field)
{
    return span_starts_nocase(span_str(field), SPAN("Host:"));
}

/* The bytes of the request. A Host given by hand takes the place of the URL's. */
static int write_head(struct inquiry *q)
{
    const struct explain_request *asked = q->asked;
    bool host = false;
    FILE *out = open_memstream(&q->head, &q->head_bytes);
    if (!out)
        return -ENOMEM;
    fprintf(out, "%s %s%.*s HTTP/1.1\r\n", asked->method, q->target.n && q->target.p[0] == '/' ? "" : "/",
            (int)q->target.n, q->target.p);
    for (size_t i = 0; i < asked->field_count; i++)
        host |= is_host(asked->fields[i]);
    if (!host)
        fprintf(out, "Host: %.*s\r\n", (int)q->authority.n, q->authority.p);
    for (size_t i = 0; i < asked->field_count; i++)
        fprintf(out, "%s\r\n", asked->fields[i]);
    fputs("\r\n", out);
    return fclose(out) == 0 ? 0 : -ENOMEM;
}

static bool is_on_port(const struct conf_listener *l, int port)
{
    for (size_t i = 0; i < l->binds; i++)
        if (!l->bind[i].is_unix && l->bind[i].port == port)
            return true;
    return false;
}

/* The listener that was named, the first one on the URL's port, or the only one there is. */
static int find_listener(struct inquiry *q)
{
    const struct conf *c = q->conf;
    const struct conf_listener *found = NULL, *only = NULL;
    size_t serving = 0;
    for (size_t i = 0; i < c->listener_count; i++) {
        const struct conf_listener *l = &c->listeners[i];
        if (q->asked->listener ? strcmp(l->name, q->asked->listener) == 0 : is_on_port(l, q->port))
            found = found ? found : l;
        if (l->protocol == CONF_HTTP)
            only = serving++ ? NULL : l;
    }
    if (!found && q->asked->listener)
        return WRONG("there is no such listener as --listener asks for");
    if (!found && !only)
        return WRONG("no listener is on port %d; name one with --listener", q->port);
    q->connection.conf = found ? found : only;
    q->connection.secure &= q->connection.conf->tls.on;
    return 0;
}

static int prepare(struct inquiry *q)
{
    struct exchange *x = &q->x;
    const char *from = q->asked->from ? q->asked->from : "127.0.0.1";
    if (green_address_parse(&q->connection.peer, from, 0) < 0)
        return WRONG("--from takes a numeric address");
    int r = parse_url(q);
    if (r == 0)
        r = find_listener(q);
    if (r == 0)
        r = write_head(q);
    if (r < 0)
        return r;
    q->view.conf = q->conf;
    q->view.via = q->conf->loops.via.written ? q->conf->loops.via.written : "greenway";
    q->connection.view = &q->view;
    q->connection.worker = &q->worker;
    buffers_init(&q->worker.buffers);
    exchange_prepare(x, &q->connection, NULL);
    return 0;
}

/* --- printing ---------------------------------------------------------------------------------------- */

static void print_origin(FILE *out, struct conf_origin origin)
{
    conf_print_visible(out, origin.file ? origin.file : "default");
    if (origin.line)
        fprintf(out, ":%d", origin.line);
}

static void print_title(FILE *out, const char *step, const char *kind, const char *name,
                        struct conf_origin origin)
{
    fprintf(out, "%-10s [%s %s]  ", step, kind, name);
    print_origin(out, origin);
    fputc('\n', out);
}

/* Bytes as they are, with what a terminal might obey made visible. */
static void print_bytes(FILE *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
            fprintf(out, "\\x%02x", (unsigned char)p[i]);
        else
            fputc(p[i], out);
}

static void print_head(FILE *out, const char *head, size_t n)
{
    for (size_t at = 0; at + 2 < n;) {
        const char *end = memmem(head + at, n - at, "\r\n", 2);
        size_t line = end ? (size_t)(end - head) - at : n - at;
        fputs("           ", out);
        print_bytes(out, head + at, line);
        fputc('\n', out);
        at += line + 2;
    }
}

/* Why it ends here. */
static void print_refusal(const struct inquiry *q)
{
    const struct exchange *x = &q->x;
    fprintf(q->out, "refused    %d %s: %s", x->page.status, http_reason_phrase(x->page.status),
            x->log.reason);
    if (x->log.directive) {
        fprintf(q->out, ", by %s", x->log.directive);
        if (x->log.origin) {
            fputs("  ", q->out);
            print_origin(q->out, *x->log.origin);
        }
    }
    fputc('\n', q->out);
}

/* --- the steps --------------------------------------------------------------------------------------- */

static int read_head(struct inquiry *q)
{
    struct exchange *x = &q->x;
    struct http_parser parser;
    struct http_limits limits = exchange_head_limits(x);
    http_request_begin(&parser, &limits);
    int r = http_head_feed(&parser, q->head, q->head_bytes, &x->request);
    if (r == 1)
        return 0;
    x->request.bytes = 0;
    return exchange_malformed(x, r < 0 ? r : HTTP_E_HEAD_TOO_LARGE);
}

static void tell_request(struct inquiry *q)
{
    struct exchange *x = &q->x;
    char text[GREEN_ADDRESS_TEXT];
    fputs("request    ", q->out);
    print_bytes(q->out, q->asked->method, strlen(q->asked->method));
    fputc(' ', q->out);
    print_bytes(q->out, q->asked->url, strlen(q->asked->url));
    fprintf(q->out, " from %s", green_address_text(&q->connection.peer, false, text));
    if (exchange_client(x) != &q->connection.peer)
        fprintf(q->out, ", a trusted proxy, for %s", green_address_text(exchange_client(x), false, text));
    fputc('\n', q->out);
}

/* Each route up to the one that is taken, with the first of its keys that does not hold. */
static void tell_routes(struct inquiry *q)
{
    struct exchange *x = &q->x;
    struct route_request request;
    struct route_captures captures;
    if (exchange_route_request(x, &request) < 0)
        return;
    route_prepare(&request);
    for (size_t i = 0; i < q->conf->route_count; i++) {
        const struct conf_route *route = &q->conf->routes[i];
        struct conf_object object = {CONF_ROUTE, route, route->origins};
        int error = 0;
        const char *key = route_mismatch(route, &request, &captures, &error);
        if (!key || error < 0)
            return;
        print_title(q->out, "not", "route", route->name, route->origin);
        fprintf(q->out, "           since this does not hold:\n");
        conf_print_key(q->out, "             ", conf_key_find(CONF_ROUTE, key), &object);
    }
}

static void tell_route(struct inquiry *q)
{
    const struct exchange *x = &q->x;
    if (x->route)
        print_title(q->out, "route", "route", x->route->name, x->route->origin);
    else
        fputs("route      none matches, so the listener's own keys count\n", q->out);
    for (unsigned i = 1; x->captures && i < CONF_CAPTURES; i++)
        if (i < x->captures->path_count && x->captures->path[i].n) {
            fprintf(q->out, "           ${path.%u} = ", i);
            print_bytes(q->out, x->captures->path[i].p, x->captures->path[i].n);
            fputc('\n', q->out);
        }
}

static void tell_shares(struct inquiry *q)
{
    const struct exchange *x = &q->x;
    const struct conf_split *split = x->route ? &x->route->split : &x->listener->split;
    bool random = split->by.by == CONF_SPLIT_REQUEST;
    if (split->share_count < 2)
        return;
    fputs("shares    ", q->out);
    for (size_t i = 0; i < split->share_count; i++)
        fprintf(q->out, "%s %s %.1f %%", i ? "," : "", split->shares[i].to.name,
                100.0 * (double)split->shares[i].weight / (double)split->total);
    fprintf(q->out, random ? "; at random, here %s\n" : "; this request goes to %s\n", x->upstream->name);
}

/* The head as a server gets it. */
static int tell_sent(struct inquiry *q)
{
    struct exchange *x = &q->x;
    struct http_forward_request facts;
    if (rewrite_request(x) < 0 || apply_request_rules(x) < 0)
        return -1;
    exchange_request_facts(x, &facts);
    size_t cap = x->request.bytes + x->request.host.n + HTTP_FORWARD_SLACK + 65536 +
                 http_edits_size(&x->request_edits);
    char *out = malloc(cap);
    int n = out ? http_forward_request(&x->request, &facts, out, cap) : -ENOMEM;
    if (n > 0) {
        fputs("sent\n", q->out);
        print_head(q->out, out, (size_t)n);
    }
    free(out);
    return n > 0 ? 0 : exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
}

/* --- the keys that apply -------------------------------------------------------------------------------- */

/* A value that the route has set itself rules over that of its listener or upstream. */
static bool overridden(const struct exchange *x, const struct conf_key *key)
{
    return x->route && !conf_key_is_list(key) && conf_key_in(key, CONF_ROUTE) &&
           x->route->origins[key - conf_keys].line;
}

static void tell_keys(struct inquiry *q, enum conf_kind kind, const char *name, const void *of,
                      const struct conf_origin *origins, struct conf_origin origin)
{
    struct conf_object object = {kind, of, origins};
    print_title(q->out, "keys", conf_kinds[kind].name, name, origin);
    for (const struct conf_key *key = conf_keys; key < conf_keys + conf_key_count; key++)
        if (conf_key_in(key, kind) && (kind == CONF_ROUTE || !overridden(&q->x, key)) &&
            !(kind == CONF_LISTENER && q->x.route && key->action))
            conf_print_key(q->out, "           ", key, &object);
}

static void tell_all_keys(struct inquiry *q)
{
    const struct exchange *x = &q->x;
    const struct conf_listener *l = x->listener;
    tell_keys(q, CONF_LISTENER, l->name, l, l->origins, l->origin);
    if (x->route)
        tell_keys(q, CONF_ROUTE, x->route->name, x->route, x->route->origins, x->route->origin);
    if (x->upstream)
        tell_keys(q, CONF_UPSTREAM, x->upstream->name, x->upstream, x->upstream->origins,
                  x->upstream->origin);
}

/* --- together ------------------------------------------------------------------------------------------- */

/* The way of exchange_run(). 0, or -1 after exchange_fail(). */
static int follow(struct inquiry *q)
{
    struct exchange *x = &q->x;
    int r = read_head(q);
    if (r == 0)
        exchange_identify_client(x);
    tell_request(q);
    print_title(q->out, "listener", "listener", x->listener->name, x->listener->origin);
    if (r == 0) {
        tell_routes(q);
        r = exchange_choose_route(x);
    }
    if (r == 0)
        tell_route(q);
    if (r == 0)
        r = exchange_admit_source(x);
    if (r == 0)
        r = exchange_check_limits(x);
    if (r == 0 && x->upstream) {
        tell_shares(q);
        print_title(q->out, "upstream", "upstream", x->upstream->name, x->upstream->origin);
        r = tell_sent(q);
    }
    return r;
}

static void tell_tcp(struct inquiry *q)
{
    const struct conf_listener *l = q->connection.conf;
    print_title(q->out, "listener", "listener", l->name, l->origin);
    fputs("           passes bytes on without looking at them: there are no requests\n", q->out);
    tell_all_keys(q);
}

int explain(FILE *out, const struct conf *conf, const struct explain_request *request)
{
    struct inquiry *q = calloc(1, sizeof *q);
    if (!q)
        return -ENOMEM;
    q->out = out;
    q->conf = conf;
    q->asked = request;
    int r = prepare(q);
    if (r == 0 && q->connection.conf->protocol == CONF_TCP) {
        tell_tcp(q);
    } else if (r == 0) {
        if (follow(q) < 0)
            print_refusal(q);
        tell_all_keys(q);
    }
    if (q->view.conf) {
        memory_release(&q->x.memory);
        buffers_destroy(&q->worker.buffers);
    }
    free(q->head);
    free(q);
    return r;
}
