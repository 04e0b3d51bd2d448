/* Connections that come through another proxy, which announces by the PROXY protocol for whom it speaks. */
#ifndef TCP_ANNOUNCED_H
#define TCP_ANNOUNCED_H

#include "proxy_protocol.h"
#include "runtime/connection.h"

/* Reads the header, takes the address in it for the peer's, and goes on with connection_secure(); closes the connection if
 * that comes to nothing. 0; an error, as for peers that may not speak for others: nothing has happened. */
int announced_accept(struct connection *c);

/* The header that tells a server of this client (NULL: of nobody in particular), in out[PROXY_WRITE_BYTES]: its size, 0 if
 * the upstream wants none. */
size_t announce(const struct conf_upstream *upstream, const struct connection *c, char *out);

#endif
