/* Listening sockets: bound before any worker starts, so that a port in use is one clear line and nothing has happened. */
#ifndef RUNTIME_LISTENER_H
#define RUNTIME_LISTENER_H

#include "process.h"

/* Binds every address of every listener for every worker; prints a line for each that cannot be. 0 or -1. */
int listeners_bind(struct process *p);

/*
 * The listener of ours that a connection to this address leads to, a forward proxy's rather than another; NULL: none.
 * `from` is the local end of such a connection, NULL before there is one: only then the addresses of this machine are
 * told that a listener on every address has beside loopback.
 */
const struct listener *listener_at(const struct process *p, const green_address_t *to,
                                   const green_address_t *from);

/* Does any listener of ours use this port? */
bool listener_uses_port(const struct process *p, int port);

/* Removes what a listener left in the file system. */
void listeners_unlink(const struct process *p);

/* Greenlet (accept.c): accepts connections on a struct listening until it is cancelled. */
void *listener_accept(void *arg);

#endif
