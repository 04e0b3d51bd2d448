/* Sockets: making, connecting, listening, accepting. All descriptors are non-blocking and close-on-exec. */
#ifndef GREEN_NET_SOCKET_H
#define GREEN_NET_SOCKET_H

#include "address.h"
#include "fd.h"

/* socket(2). Descriptor or -errno. Never switches. */
int green_socket(int family, int type, int protocol) GREEN_MUST_CHECK;

/* socketpair(2) of unix sockets: two connected descriptors of this type (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET). 0 or
 * -errno. Never switches. */
int green_socketpair(int type, int fds[2]) GREEN_MUST_CHECK;

/* A connected stream socket to `address`, TCP_NODELAY set: descriptor or -errno (-ECONNREFUSED, -ETIMEDOUT, ...); on
 * any error, cancellation included, no descriptor is left behind. May switch. */
int green_connect(const green_address_t *address, green_time deadline) GREEN_MUST_CHECK;

/* connect(2) of a socket that exists. 0 or -errno; after -ETIMEDOUT, -EAGAIN or -ECANCELED the attempt goes on: call again
 * to wait for it, or close. -EBADF also if it was closed meanwhile. A unix listener whose backlog is full is waited for.
 * For a datagram socket it sets the peer, without waiting. May switch. */
int green_connect_fd(int fd, const green_address_t *address, green_time deadline) GREEN_MUST_CHECK;

enum green_listen_flags {
    GREEN_REUSEPORT = 1, /* SO_REUSEPORT: several sockets share the address */
    GREEN_V6ONLY = 2,
};

/* A listening stream socket: descriptor or -errno. Never switches. */
int green_listen(const green_address_t *address, int backlog, int flags) GREEN_MUST_CHECK;

/* The file of a unix socket outlives a process that is killed, and is in the way of the next one (-EADDRINUSE): removes
 * it if nobody has it open any more. type: SOCK_STREAM or SOCK_DGRAM. 0: it is gone; -EINVAL: no path; -EADDRINUSE: nothing proves that
 * it is left over, somebody may be listening there; -ENOTSOCK: something else has that name; or as lstat(2), socket(2)
 * and unlink(2) say. Never switches. */
int green_remove_stale_socket(const green_address_t *address, int type) GREEN_MUST_CHECK;

/* The next connection: descriptor or -errno; the peer's address goes to *peer (may be NULL). -EMFILE and the like
 * are returned at once: pause before the next try. May switch. */
int green_accept(int listener, green_address_t *peer, green_time deadline) GREEN_MUST_CHECK;

/* The address that a socket is bound to, or its peer's. 0 or -errno. Never switch. */
int green_local_address(int fd, green_address_t *out) GREEN_MUST_CHECK;
int green_peer_address(int fd, green_address_t *out) GREEN_MUST_CHECK;

/* shutdown(2) with SHUT_RD, SHUT_WR or SHUT_RDWR: greenlets that wait for it return (readers 0, writers -EPIPE,
 * accepting ones -EINVAL). 0 or -errno. Never switches. */
int green_shutdown(int fd, int how);

/* shutdown(2) of the writing side: the peer sees the end of input. 0 or -errno. Never switches. */
int green_shutdown_write(int fd);

#endif
