/* Clients told apart by their address: all of an IPv4 one, the leading bits of an IPv6 one. */
#ifndef ROUTE_SOURCE_H
#define ROUTE_SOURCE_H

#include <green.h>

struct source {
    unsigned char bytes[16]; /* IPv4 is mapped into IPv6; the peers of unix sockets are all zeroes */
};

struct source source_of(const green_address_t *address, unsigned prefix_v6);

#endif
