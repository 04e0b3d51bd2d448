/* Sockets: making, connecting, listening, accepting. All descriptors are non-blocking and close-on-exec. */
#ifndef GREEN_NET_SOCKET_H
#define GREEN_NET_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fd.h"

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

/* "127.0.0.1:80", "[::1]:80", "unix:/path"; with_port false leaves the port away. Returns out. Never switches. */
char *green_address_text(const green_address_t *address, bool with_port, char out[GREEN_ADDRESS_TEXT]);

/* The port, 0 if the family has none. Never switches. */
int green_address_port(const green_address_t *address);

/* socket(2). Descriptor or -errno. Never switches. */
int green_socket(int family, int type, int protocol) GREEN_MUST_CHECK;

/* socketpair(2) of unix sockets: two connected descriptors of this type (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET). 0 or
 * -errno. Never switches. */
int green_socketpair(int type, int fds[2]) GREEN_MUST_CHECK;

/* A connected stream socket to `address`, TCP_NODELAY set: descriptor or -errno (-ECONNREFUSED, -ETIMEDOUT, ...); on
 * any error, cancellation included, no descriptor is left behind. May switch. */
int green_connect(const green_address_t *address, green_time deadline) GREEN_MUST_CHECK;

enum green_listen_flags {
    GREEN_REUSEPORT = 1, /* SO_REUSEPORT: several sockets share the address */
    GREEN_V6ONLY = 2,
};

/* A listening stream socket: descriptor or -errno. Never switches. */
int green_listen(const green_address_t *address, int backlog, int flags) GREEN_MUST_CHECK;

/* The next connection: descriptor or -errno; the peer's address goes to *peer (may be NULL). -EMFILE and the like
 * are returned at once: pause before the next try. May switch. */
int green_accept(int listener, green_address_t *peer, green_time deadline) GREEN_MUST_CHECK;

/* The address that a socket is bound to, or its peer's. 0 or -errno. Never switch. */
int green_local_address(int fd, green_address_t *out) GREEN_MUST_CHECK;
int green_peer_address(int fd, green_address_t *out) GREEN_MUST_CHECK;

/* shutdown(2) of the writing side: the peer sees the end of input. 0 or -errno. Never switches. */
int green_shutdown_write(int fd);

#endif
