/* The handshake with a client, between accept and the service of its listener's protocol. */
#ifndef TLS_ACCEPT_H
#define TLS_ACCEPT_H

#include "runtime/connection.h"

/* What a client's certificate says, once it was verified. */
struct tls_identity {
    char fingerprint[65];         /* SHA-256, in hex */
    const char *subject, *issuer; /* as in RFC 2253 */
    char bytes[];
};

/* Waits for the client's first bytes, agrees on TLS, and goes on with connection_serve(); closes the connection if that
 * comes to nothing. 0; an error: nothing has happened. */
int tls_accept(struct connection *c);

#endif
