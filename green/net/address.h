/* Socket addresses of every family that libgreen speaks, and their text. */
#ifndef GREEN_NET_ADDRESS_H
#define GREEN_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../core/error.h"

/* An address of any family that libgreen speaks. */
typedef struct green_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    socklen_t length;
} green_address_t;

#define GREEN_ADDRESS_TEXT 128 /* enough for green_address_text() with any address */

/* Parses a numeric IPv4 or IPv6 address (brackets and a %zone allowed) or, with a leading "/", a unix path. 0 or
 * -EINVAL. Never switches. */
int green_address_parse(green_address_t *out, const char *host, int port) GREEN_MUST_CHECK;

/* "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80" (a zone is told by its number), "unix:/path"; with_port false leaves the
 * port and the brackets away. Returns out. Never switches. */
char *green_address_text(const green_address_t *address, bool with_port, char out[GREEN_ADDRESS_TEXT]);

/* The port, 0 if the family has none. Never switches. */
int green_address_port(const green_address_t *address);

#endif
