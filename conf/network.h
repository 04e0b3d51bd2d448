/*
 * Networks: "10.0.0.0/8", "2001:db8::/32", a single address, or a unix socket's peers ("unix").
 */
#ifndef CONF_NETWORK_H
#define CONF_NETWORK_H

#include "arena.h"
#include "conf.h"

struct sockaddr;

/* NULL, or what is wrong with the text, to be said behind it. */
const char *conf_network_parse(struct conf_arena *arena, const char *text, struct conf_network *network);

/* Is the address in the network? An IPv4 address mapped into IPv6 counts as what it maps. */
bool conf_network_has(const struct conf_network *network, const struct sockaddr *address);

/* Is it in one of them? */
bool conf_networks_have(const struct conf_network *networks, size_t count, const struct sockaddr *address);

/* True if every address of b is in a. */
bool conf_network_covers(const struct conf_network *a, const struct conf_network *b);

#endif
