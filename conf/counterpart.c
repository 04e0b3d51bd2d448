/*
 * Looking for a name (counterpart.h).
 */
#include "counterpart.h"

#include <string.h>

/* The objects of an array, each of which begins with its name: the index, or `count`. */
static size_t find(const void *array, size_t count, size_t size, const char *name, size_t place)
{
    const char *objects = array;

#define NAME_AT(i) (*(const char *const *)(const void *)(objects + (i)*size))
    if (place < count && !strcmp(NAME_AT(place), name))
        return place;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(NAME_AT(i), name))
            return i;
#undef NAME_AT
    return count;
}

const struct conf_listener *conf_listener_named(const struct conf *conf, const char *name, size_t place)
{
    size_t i = find(conf->listeners, conf->listener_count, sizeof(*conf->listeners), name, place);

    return i < conf->listener_count ? &conf->listeners[i] : NULL;
}

const struct conf_route *conf_route_named(const struct conf *conf, const char *name, size_t place)
{
    size_t i = find(conf->routes, conf->route_count, sizeof(*conf->routes), name, place);

    return i < conf->route_count ? &conf->routes[i] : NULL;
}

const struct conf_upstream *conf_upstream_named(const struct conf *conf, const char *name, size_t place)
{
    size_t i = find(conf->upstreams, conf->upstream_count, sizeof(*conf->upstreams), name, place);

    return i < conf->upstream_count ? &conf->upstreams[i] : NULL;
}

bool conf_server_same(const struct conf_server *a, const struct conf_server *b)
{
    return a->is_unix == b->is_unix && a->port == b->port && !strcmp(a->host, b->host) &&
           !a->service == !b->service && (!a->service || !strcmp(a->service, b->service));
}

const struct conf_server *conf_server_in(const struct conf_upstream *upstream,
                                         const struct conf_server *server)
{
    for (size_t i = 0; i < upstream->server_count; i++)
        if (conf_server_same(&upstream->servers[i], server))
            return &upstream->servers[i];
    return NULL;
}
