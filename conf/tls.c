/* Values about TLS; and what only several of its keys together can tell. */
#include "address.h"
#include "load.h"
#include "loader.h"
#include "syntax.h"
#include "value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void (*conf_tls_read)(struct conf *conf, struct conf_errors *errors);
void (*conf_tls_free)(struct conf *conf);

/* ---- paths ---- */

static const char *parse_path(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    return strstr(text, " #") || strstr(text, " ;")
               ? "has a comment in it; comments stand on lines of their own"
           : strlen(text) >= 4096 ? "is too long for a path"
                                  : NULL;
}

const struct conf_syntax conf_file_path_syntax = {
    .allowed = "the path of a file",
    .separators = ",",
    .size = sizeof(struct conf_written),
    .parse = parse_path,
};

/* ---- application protocols ---- */

static const char *parse_alpn(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~')
            return "is no name of a protocol";
    return strlen(text) > 255 ? "is longer than 255 bytes" : NULL;
}

const struct conf_syntax conf_alpn_syntax = {
    .allowed = "names of protocols: http/1.1, h2, ...",
    .separators = ", \t",
    .size = sizeof(struct conf_written),
    .parse = parse_alpn,
};

/* ---- hsts ---- */

#define HSTS_MOST (INT64_C(10) * 365 * 24 * 3600)

static const char *parse_hsts(struct conf_arena *arena, const char *text, void *out)
{
    static const struct conf_key duration = {.type = CONF_DURATION, .max = HSTS_MOST * 1000000000};
    struct conf_hsts *hsts = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));
    const char *age = strsep(&rest, " \t");
    bool subdomains = false, preload = false;
    int64_t ns = 0;

    if (!strcmp(text, "off"))
        return NULL;
    if (conf_value_parse(&duration, age, &ns) < 0 && strcmp(age, "0") != 0)
        return "does not begin with a duration of at most ten years";
    for (char *word; (word = strsep(&rest, " \t"));) {
        if (!strcmp(word, "include_subdomains"))
            subdomains = true;
        else if (!strcmp(word, "preload"))
            preload = true;
        else if (*word)
            return conf_arena_print(arena, "has the option '%s', which is not known", word);
    }
    if (preload && (!subdomains || ns / 1000000000 < 31536000))
        return "asks for preload, which browsers grant only with include_subdomains and 365d or more";
    hsts->value = conf_arena_print(arena, "max-age=%lld%s%s", (long long)(ns / 1000000000),
                                   subdomains ? "; includeSubDomains" : "", preload ? "; preload" : "");
    return NULL;
}

const struct conf_syntax conf_hsts_syntax = {
    .allowed = "off, or DURATION, perhaps with include_subdomains and preload",
    .separators = "",
    .size = sizeof(struct conf_hsts),
    .parse = parse_hsts,
};

/* ---- terms ---- */

static const char *parse_terms(struct conf_arena *arena, const char *text, void *out)
{
    static const struct conf_key duration = {.type = CONF_DURATION,
                                             .max = INT64_C(3650) * 24 * 3600 * 1000000000};
    struct conf_terms *terms = out;
    char *rest = conf_arena_copy(arena, text, strlen(text));

    if (!strcmp(text, "off"))
        return NULL;
    for (char *word; (word = strsep(&rest, ", \t"));) {
        int64_t ns;
        if (!*word)
            continue;
        if (conf_value_parse(&duration, word, &ns) < 0 || ns <= 0)
            return conf_arena_print(arena, "has '%s' in it, which is no duration", word);
        if (terms->count == sizeof terms->ns / sizeof terms->ns[0])
            return "has more than 8 durations";
        if (terms->count && ns >= terms->ns[terms->count - 1])
            return "has a longer duration behind a shorter one";
        terms->ns[terms->count++] = ns;
    }
    return NULL;
}

const struct conf_syntax conf_terms_syntax = {
    .allowed = "off, or durations, the longest first",
    .separators = "",
    .size = sizeof(struct conf_terms),
    .parse = parse_terms,
};

/* ---- names ---- */

static const char *parse_name(struct conf_arena *arena, const char *text, void *out)
{
    (void)arena;
    (void)out;
    return strchr(text, ':') || text[0] == '[' ? NULL : conf_host_name_check(text, strlen(text));
}

const struct conf_syntax conf_tls_name_syntax = {
    .allowed = "a host name, or a numeric address",
    .separators = "",
    .size = sizeof(struct conf_written),
    .parse = parse_name,
};

/* ---- routes ---- */

static const char *parse_route(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_tls_route *route = out;
    char *rest = conf_arena_copy(arena, text, strlen(text)), *name = strsep(&rest, " \t"), *last = NULL;
    const char *wrong;

    for (char *word; (word = strsep(&rest, " \t"));) {
        if (!*word)
            continue;
        if (last)
            return "has words behind the upstream; routes are separated by commas";
        if (strncmp(word, "alpn=", 5) != 0)
            last = word;
        else if (route->alpn || !word[5] || strlen(word + 5) > 255)
            return "needs one protocol behind alpn=";
        else
            route->alpn = word + 5;
    }
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    wrong = !strcmp(name, "*") ? NULL
                               : conf_host_name_check(name + (!strncmp(name, "*.", 2) ? 2 : 0),
                                                      strlen(name) - (!strncmp(name, "*.", 2) ? 2 : 0));
    if (wrong)
        return wrong;
    if (!last)
        return "names no upstream behind the name";
    route->name = name;
    route->to.name = last;
    return NULL;
}

const struct conf_syntax conf_tls_route_syntax = {
    .allowed = "NAME UPSTREAM or NAME alpn=PROTOCOL UPSTREAM, where NAME is a host name, *.DOMAIN or *",
    .separators = ",",
    .size = sizeof(struct conf_tls_route),
    .upstream = 1 + offsetof(struct conf_tls_route, to),
    .parse = parse_route,
};

/* ---- two of them ---- */

static bool same_text(const struct conf_written *a, const struct conf_written *b)
{
    return a->written && b->written ? !strcmp(a->written, b->written) : a->written == b->written;
}

static bool same_list(const struct conf_written *a, size_t n, const struct conf_written *b, size_t m)
{
    for (size_t i = 0; i < n && n == m; i++)
        if (!same_text(&a[i], &b[i]))
            return false;
    return n == m;
}

bool conf_tls_upstream_same(const struct conf_tls_upstream *a, const struct conf_tls_upstream *b)
{
    return a->on == b->on &&
           (!a->on || (a->verify == b->verify && a->min_version == b->min_version &&
                       same_text(&a->name, &b->name) && same_text(&a->certificate, &b->certificate) &&
                       same_text(&a->key, &b->key) && same_list(a->ca, a->ca_count, b->ca, b->ca_count) &&
                       same_list(a->crl, a->crl_count, b->crl, b->crl_count) &&
                       same_list(a->alpn, a->alpn_count, b->alpn, b->alpn_count)));
}

/* ---- together ---- */

static const char *title(struct conf_loader *l, enum conf_kind kind, const char *name)
{
    return conf_arena_print(&l->arena, "%s %s", conf_kinds[kind].name, name);
}

/* Is TLS for some of its addresses only? */
static bool is_marked(const struct conf_listener *listener)
{
    bool any = false;
    for (size_t i = 0; i < listener->binds; i++)
        any |= listener->bind[i].tls;
    return any;
}

/* The first address without TLS of a listener that has it; NULL: there is none. */
static const struct conf_address *plain_address(const struct conf_listener *listener)
{
    for (size_t i = 0; listener->tls.on && i < listener->binds; i++)
        if (!listener->bind[i].tls)
            return &listener->bind[i];
    return NULL;
}

/* Without a mark all addresses are alike. */
static void check_addresses(struct conf_loader *l, struct conf_listener *listener)
{
    struct conf_origin on = conf_listener_origin(listener, "tls");
    const char *section = title(l, CONF_LISTENER, listener->name);

    if (is_marked(listener) && !listener->tls.on)
        conf_error(l->errors, on, section, "tls",
                   "addresses in bind are marked with tls; take the marks or this key away");
    if (!is_marked(listener))
        for (size_t i = 0; i < listener->binds; i++)
            listener->bind[i].tls = listener->tls.on;
    const struct conf_address *plain = plain_address(listener);
    if (plain && listener->tls.client_certificate == CONF_CLIENT_CERTIFICATE_REQUIRE &&
        !listener->tls.redirect_https)
        conf_error(l->errors, plain->origin, section, "bind",
                   "whoever comes to '%s' shows no certificate, which client_certificate requires; mark it "
                   "with tls, set "
                   "redirect_https, or give it a listener of its own",
                   plain->text);
}

static void check_certificates(struct conf_loader *l, struct conf_listener *listener)
{
    struct conf_tls_listener *tls = &listener->tls;
    const char *section = title(l, CONF_LISTENER, listener->name);
    struct conf_origin on = conf_listener_origin(listener, "tls");

    if ((tls->certificate_count || listener->acme.on || is_marked(listener)) && !on.line)
        tls->on = 1;
    if (tls->on && !tls->certificate_count && !listener->acme.on)
        conf_error(l->errors, on, section, "tls",
                   "there is no certificate to show; set certificate to its file, or acme to on");
    if (!tls->on && tls->certificate_count)
        conf_warning(l->errors, on, section, "tls", "the certificates of this listener are not used");
    if (tls->key_count && tls->key_count != tls->certificate_count)
        conf_error(
            l->errors, tls->keys[0].origin, section, "certificate_key",
            "there are %zu certificates and %zu keys; name one key for each certificate, in the same order, "
            "or none where the keys are in the certificates' files",
            tls->certificate_count, tls->key_count);
}

static void check_clients(struct conf_loader *l, const struct conf_listener *listener)
{
    const struct conf_tls_listener *tls = &listener->tls;
    const char *section = title(l, CONF_LISTENER, listener->name);
    bool asks = tls->client_certificate != CONF_CLIENT_CERTIFICATE_OFF;
    struct conf_origin at = conf_listener_origin(listener, "client_certificate");

    if (asks && !tls->on)
        conf_error(l->errors, at, section, "client_certificate",
                   "only TLS carries certificates; set certificate to that of this listener");
    if (asks && !tls->client_ca_count)
        conf_error(
            l->errors, at, section, "client_certificate",
            "nobody could be trusted; set client_ca to the file of the authority that signs for clients");
    if (!asks && tls->client_ca_count)
        conf_error(l->errors, tls->client_ca[0].origin, section, "client_ca",
                   "no certificate is asked for; set client_certificate to require or optional");
    if (tls->redirect_https && tls->on && !plain_address(listener))
        conf_error(l->errors, conf_listener_origin(listener, "redirect_https"), section, "redirect_https",
                   "the listener has TLS itself and would redirect to where the client is; use it where "
                   "there is none");
    if (listener->proxy.on && !listener->proxy.from_count)
        conf_error(
            l->errors, conf_listener_origin(listener, "proxy_protocol"), section, "proxy_protocol",
            "nobody's word would be taken; set proxy_protocol_from to the networks of the load balancers");
    if (tls->route_count && listener->protocol != CONF_TCP)
        conf_error(l->errors, tls->routes[0].origin, section, "tls_route",
                   "it is for protocol = tcp; requests take a [route NAME], which asks for their host");
    if (tls->hsts.value && !tls->on)
        conf_warning(l->errors, tls->hsts.origin, section, "hsts",
                     "it is sent over TLS only, which is off here");
}

static void check_upstream(struct conf_loader *l, const struct conf_upstream *upstream)
{
    const struct conf_tls_upstream *tls = &upstream->tls;
    const char *section = title(l, CONF_UPSTREAM, upstream->name);

    if (!tls->on && (tls->certificate.written || tls->ca_count || tls->name.written))
        conf_error(l->errors,
                   tls->certificate.written ? tls->certificate.origin
                   : tls->ca_count          ? tls->ca[0].origin
                                            : tls->name.origin,
                   section, "tls", "the servers are spoken to in plain text; set tls to on");
    for (size_t i = 0; tls->on && i < upstream->server_count; i++)
        if (upstream->servers[i].is_unix && !tls->name.written && tls->verify)
            conf_error(l->errors, upstream->servers[i].origin, section, "server",
                       "'%s' has no name that its certificate could be for; set tls_name to one",
                       upstream->servers[i].text);
    if (tls->key.written && !tls->certificate.written)
        conf_error(l->errors, tls->key.origin, section, "tls_key",
                   "there is no tls_certificate that it belongs to");
}

#define DAY (INT64_C(24) * 3600 * 1000000000)

static const struct conf_terms usual_warning = {.ns = {30 * DAY, 7 * DAY, DAY}, .count = 3};

void conf_check_tls(struct conf_loader *l)
{
    for (size_t i = 0; i < l->conf->listener_count; i++) {
        struct conf_tls_listener *tls = &l->conf->listeners[i].tls;
        if (!tls->warning.written)
            tls->warning = usual_warning;
        check_certificates(l, &l->conf->listeners[i]);
        check_addresses(l, &l->conf->listeners[i]);
        check_clients(l, &l->conf->listeners[i]);
    }
    for (size_t i = 0; i < l->conf->upstream_count; i++)
        check_upstream(l, &l->conf->upstreams[i]);
}
