/*
 * Who sent a request, as proxies in front of this one tell it: the fields that they write are believed only as far as
 * every address on the way is trusted. No sockets, no memory: a head goes in, an address comes out.
 */
#ifndef ROUTE_CLIENT_ADDRESS_H
#define ROUTE_CLIENT_ADDRESS_H

#include <green.h>

#include "conf.h"
#include "http/head.h"

/* Is this peer's word taken? */
bool client_trusted(const struct conf_client *rules, const green_address_t *peer);

/* The client behind a trusted peer: the last address of the believed field that is not itself trusted, in *out. What
 * cannot be read ends the search, and so does a list of unreasonable length; the last good address counts then. False
 * if there is none, and the peer itself is all that is known. */
bool client_address_find(const struct conf_client *rules, const struct http_head *head, green_address_t *out);

/* Reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80". The port is looked at and
 * left out. 0 or -EINVAL. */
int client_address_parse(struct span text, green_address_t *out);

#endif
