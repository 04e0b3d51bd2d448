/*
 * Where a server listens: text such as "host:port" to a bound socket, and the life of unix socket files. Private to
 * libgreen; stream and datagram servers share it.
 */
#ifndef GREEN_NET_LISTENER_H
#define GREEN_NET_LISTENER_H

#include "../core/internal.h"

struct listener {
    int fd; /* -1: closed */
    green_address_t address;
    bool own_file; /* a socket file that is unlinked at the end, if it is still this one */
    dev_t device;
    ino_t inode;
};

/* Opens what the text names: "host:port" (a name is resolved; its first address counts), ":port" or "*:port" (every
 * IPv4 address), "[::1]:port", "[::]:port", "unix:/path". type: SOCK_STREAM (then it listens) or SOCK_DGRAM. 0; -EINVAL:
 * no such form; -ENAMETOOLONG: a path too long for a socket; -EADDRINUSE also: somebody serves on that path, or it is
 * not a socket; else as socket, bind, listen and green_resolve() say. May switch (names only). */
int green__listener_open(struct listener *l, const char *text, int type, int backlog, bool reuseport,
                         green_time deadline);

/* Takes over a bound socket of that type, listening if it is a stream's. 0; -EBADF, -ENOTSOCK, -EINVAL: it is not.
 * Never switches. */
int green__listener_adopt(struct listener *l, int fd, int type);

/* Closes, and removes the file. Harmless when closed. Never switches. */
void green__listener_close(struct listener *l);

#endif
