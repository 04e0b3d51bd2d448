/*
 * Addresses to listen on and servers to connect to: "127.0.0.1:80", "[::1]:80", ":80", "app.internal:80",
 * "unix:/run/app.sock".
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "arena.h"
#include "conf.h"

/* Both return NULL, or what is wrong with the text, to be said behind it: "has no port". On success the
 * strings of the result live in the arena; its origin is left alone. */
const char *conf_address_parse(struct conf_arena *arena, const char *text, struct conf_address *address);
const char *conf_server_parse(struct conf_arena *arena, const char *text, struct conf_server *server);

/* True if nothing but one of the two could be bound. Port 0 is never the same as anything. */
bool conf_address_same(const struct conf_address *a, const struct conf_address *b);

/* A unix socket, or an address that only this machine reaches; of names localhost alone. */
bool conf_address_is_loopback(const struct conf_address *address);

/* A host name of n bytes: letters, digits, '-' and '_' in labels of 1 to 63. NULL, or what is wrong. */
const char *conf_host_name_check(const char *name, size_t n);

#endif
