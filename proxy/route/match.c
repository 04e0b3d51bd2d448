/*
 * Matching routes: one pass over the routes in file order. The cheap questions come first, and lengths are compared
 * before bytes; tens of routes cost less than the parsing of the request.
 */
#include "match.h"

#include <arpa/inet.h>

#include "condition.h"
#include "network.h"

/* --- the host ------------------------------------------------------------------------------------ */

/* The patterns were written by inet_ntop(), so the same spelling is made here. */
static void canonical_ipv6(struct route_request *r)
{
    struct in6_addr address;
    r->host_text[r->host.n - 1] = 0;
    if (inet_pton(AF_INET6, r->host_text + 1, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, r->host_text + 1, sizeof r->host_text - 2)) {
        r->host.n = 0;
        return;
    }
    size_t n = strlen(r->host_text);
    r->host_text[n] = ']';
    r->host.n = n + 1;
}

/* Lower case, no trailing dot, IPv6 in its canonical spelling. */
void route_prepare(struct route_request *r)
{
    struct span host = r->head->authority.host;
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    r->host = span_of(r->host_text, host.n < sizeof r->host_text ? host.n : 0);
    for (size_t i = 0; i < r->host.n; i++)
        r->host_text[i] = span_lower(host.p[i]);
    if (r->host.n > 2 && r->host_text[0] == '[')
        canonical_ipv6(r);
}

/* --- regular expressions --------------------------------------------------------------------------- */

/* Is it found? *count and `found` then say what its groups are. */
static bool finds(const struct conf_regex *regex, struct span text, unsigned *count, struct span *found,
                  int *error)
{
    struct conf_capture captures[CONF_CAPTURES];
    int r = conf_regex_find(regex, text.p, text.n, captures);
    if (r < 0)
        *error = r;
    if (r <= 0)
        return false;
    for (unsigned i = 0; i < CONF_CAPTURES; i++)
        found[i] = span_of(text.p + captures[i].from, captures[i].to - captures[i].from);
    *count = CONF_CAPTURES;
    return true;
}

/* --- one condition after the other ------------------------------------------------------------------- */

static bool listener_matches(const struct conf_route *route, const struct conf_listener *listener)
{
    for (size_t i = 0; i < route->listener_count; i++)
        if (route->listeners[i] == listener)
            return true;
    return route->listener_count == 0;
}

/* GET means HEAD too. */
static bool method_matches(const struct conf_match *m, struct span method)
{
    for (size_t i = 0; i < m->method_count; i++) {
        struct span name = span_of(m->methods[i].written, m->methods[i].length);
        if (span_equal(name, method) || (span_equal(name, SPAN("GET")) && span_equal(method, SPAN("HEAD"))))
            return true;
    }
    return m->method_count == 0;
}

/* Most patterns differ in a byte that is at hand; only for the others it is worth a call. */
static bool same_bytes(const char *a, const char *b, size_t n, size_t likely)
{
    return a[likely] == b[likely] && !memcmp(a, b, n);
}

static bool host_matches(const struct conf_host *pattern, struct span host)
{
    size_t n = pattern->length;
    if (!pattern->wildcard)
        return host.n == n && same_bytes(host.p, pattern->text, n, 0);
    return host.n > n && same_bytes(host.p + host.n - n, pattern->text, n, 1);
}

static bool any_host_matches(const struct conf_match *m, struct span host, struct route_captures *captures,
                             int *error)
{
    for (size_t i = 0; i < m->host_count && *error == 0; i++) {
        const struct conf_host *pattern = &m->hosts[i];
        if (pattern->regex
                ? host.n && finds(pattern->regex, host, &captures->host_count, captures->host, error)
                : host_matches(pattern, host))
            return true;
    }
    return m->host_count == 0;
}

/* "/v1/" + "*" is "/v1" and all below it; "/" + "*" has length 0 and matches everything, "*" of OPTIONS
 * included. */
static bool path_matches(const struct conf_path *pattern, struct span path)
{
    size_t n = pattern->length;
    if (!n)
        return true;
    if (path.n < n || !same_bytes(path.p, pattern->text, n, n - 1))
        return false;
    return path.n == n || (!pattern->exact && path.p[n] == '/');
}

static bool any_path_matches(const struct conf_match *m, struct span path, struct route_captures *captures,
                             int *error)
{
    for (size_t i = 0; i < m->path_count && *error == 0; i++) {
        const struct conf_path *pattern = &m->paths[i];
        if (pattern->regex ? finds(pattern->regex, path, &captures->path_count, captures->path, error)
                           : path_matches(pattern, path))
            return true;
    }
    return m->path_count == 0;
}

const char *route_mismatch(const struct conf_route *route, const struct route_request *r,
                           struct route_captures *captures, int *error)
{
    const struct conf_match *m = &route->match;
    captures->host_count = captures->path_count = 0;
    if (!listener_matches(route, r->listener))
        return "listener";
    if (!method_matches(m, r->head->method_name))
        return "method";
    if (!any_host_matches(m, r->host, captures, error))
        return "host";
    if (!any_path_matches(m, r->path, captures, error))
        return "path";
    if (m->source_count && !conf_networks_have(m->sources, m->source_count, r->source))
        return "source";
    if (m->header_count && !route_headers_hold(m, r->head, error))
        return "header";
    if (m->query_count && !route_queries_hold(m, r->head->uri.query, r->scratch, error))
        return "query";
    if (m->cookie_count && !route_cookies_hold(m, r->head, error))
        return "cookie";
    return NULL;
}

/* --- all routes ------------------------------------------------------------------------------------ */

int route_match(const struct conf *conf, struct route_request *request, struct route_match *match)
{
    int error = 0;
    match->route = NULL;
    match->captures.host_count = match->captures.path_count = 0;
    if (!conf->route_count)
        return 0;
    route_prepare(request);
    for (size_t i = 0; i < conf->route_count; i++) {
        match->key = route_mismatch(&conf->routes[i], request, &match->captures, &error);
        if (!match->key || error < 0) {
            match->route = &conf->routes[i];
            return error;
        }
    }
    match->captures.host_count = match->captures.path_count = 0;
    return 0;
}
