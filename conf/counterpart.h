/*
 * The same thing in another configuration: what has the same name there, mostly in the same place.
 */
#ifndef CONF_COUNTERPART_H
#define CONF_COUNTERPART_H

#include "conf.h"

/* NULL: there is none. `place` is where to look first. */
const struct conf_listener *conf_listener_named(const struct conf *conf, const char *name, size_t place);
const struct conf_route *conf_route_named(const struct conf *conf, const char *name, size_t place);
const struct conf_upstream *conf_upstream_named(const struct conf *conf, const char *name, size_t place);

/* A connection to the one is as good as one to the other. */
bool conf_server_same(const struct conf_server *a, const struct conf_server *b);

/* The upstream's server that is the same as this one, or NULL. */
const struct conf_server *conf_server_in(const struct conf_upstream *upstream,
                                         const struct conf_server *server);

#endif
