/*
 * Matching routes: one pass over the routes in file order. The cheap questions come first, and lengths are
 * compared before bytes; tens of routes cost less than the parsing of the request.
 */
#include "match.h"

#include <arpa/inet.h>

/* The request's host in the form that patterns have: lower case, no trailing dot, IPv6 in its canonical
 * spelling. */
struct wanted {
    struct span host;
    char text[256]; /* no host name has more; what is longer matches no pattern */
};

/* The patterns were written by inet_ntop(), so the same spelling is made here. */
static void canonical_ipv6(struct wanted *w)
{
    struct in6_addr address;
    w->text[w->host.n - 1] = 0;
    if (inet_pton(AF_INET6, w->text + 1, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, w->text + 1, sizeof w->text - 2)) {
        w->host.n = 0;
        return;
    }
    size_t n = strlen(w->text);
    w->text[n] = ']';
    w->host.n = n + 1;
}

static void prepare_host(struct wanted *w, struct span host)
{
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    w->host = span_of(w->text, host.n < sizeof w->text ? host.n : 0);
    for (size_t i = 0; i < w->host.n; i++)
        w->text[i] = span_lower(host.p[i]);
    if (w->host.n > 2 && w->text[0] == '[')
        canonical_ipv6(w);
}

static bool host_matches(const struct conf_host *pattern, struct span host)
{
    size_t n = strlen(pattern->text);
    if (!pattern->wildcard)
        return host.n == n && !memcmp(host.p, pattern->text, n);
    return host.n > n && !memcmp(host.p + host.n - n, pattern->text, n);
}

/* "/v1/" + "*" is "/v1" and all below it; "/" + "*" has length 0 and matches everything, "*" of OPTIONS
 * included. */
static bool path_matches(const struct conf_path *pattern, struct span path)
{
    if (path.n < pattern->length || memcmp(path.p, pattern->text, pattern->length) != 0)
        return false;
    return path.n == pattern->length ||
           (!pattern->exact && (!pattern->length || path.p[pattern->length] == '/'));
}

static bool listener_matches(const struct conf_route *route, const struct conf_listener *listener)
{
    for (size_t i = 0; i < route->listener_count; i++)
        if (route->listeners[i] == listener)
            return true;
    return route->listener_count == 0;
}

static bool any_host_matches(const struct conf_route *route, struct span host)
{
    for (size_t i = 0; i < route->host_count; i++)
        if (host_matches(&route->hosts[i], host))
            return true;
    return route->host_count == 0;
}

static bool any_path_matches(const struct conf_route *route, struct span path)
{
    for (size_t i = 0; i < route->path_count; i++)
        if (path_matches(&route->paths[i], path))
            return true;
    return route->path_count == 0;
}

const struct conf_route *route_match(const struct conf *conf, const struct conf_listener *listener,
                                     struct span host, struct span path)
{
    struct wanted wanted;
    if (!conf->route_count)
        return NULL;
    prepare_host(&wanted, host);
    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *route = &conf->routes[i];
        if (listener_matches(route, listener) && any_path_matches(route, path) &&
            any_host_matches(route, wanted.host))
            return route;
    }
    return NULL;
}
