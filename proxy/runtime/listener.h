/* Accepting: what a worker has of each endpoint. */
#ifndef RUNTIME_LISTENER_H
#define RUNTIME_LISTENER_H

#include <sys/queue.h>

#include <green.h>

#include "snapshot.h"

struct view;
struct worker;

/* A socket, and the greenlet that accepts on it. */
struct acceptor {
    LIST_ENTRY(acceptor) link;
    struct listening *at;
    int fd;
    green_t *greenlet;
};

/* An endpoint in one worker. It outlives its end for as long as there are connections that were accepted there. */
struct listening {
    LIST_ENTRY(listening) link;
    size_t references; /* of those connections, and one until it is gone */
    struct worker *worker;
    struct endpoint *endpoint; /* until it is gone */
    LIST_HEAD(, acceptor) acceptors;
    struct view *view; /* the worker's present one; when it is gone, the last that had it */
    size_t listener;   /* index in that view's configuration */
    bool tls;          /* clients speak it here */
    bool gone;         /* from the configuration */
};

LIST_HEAD(listenings, listening);

/*
 * The listener of ours that a connection to this address leads to, a forward proxy's rather than another; NULL: none.
 * `from` is the local end of such a connection, NULL before there is one: only then the addresses of this machine are
 * told that a listener on every address has beside loopback.
 */
const struct conf_listener *listener_at(const struct snapshot *s, const green_address_t *to,
                                        const green_address_t *from);

/* Does any listener of ours use this port? */
bool listener_uses_port(const struct snapshot *s, int port);

/* Greenlet (accept.c): accepts connections on a struct acceptor until it is cancelled. */
void *listener_accept(void *arg);

/* --- in the worker's thread --------------------------------------------------------------------------------------- */

/* Takes over the sockets that are to be this worker's, of the endpoints of its present view. May switch. */
void listenings_take(struct worker *w);

/* The worker has gone over to its present view: endpoints that this does not have are closed, when what has already
 * connected has been taken in; sockets that are to be another worker's are let go of. May switch. */
void listenings_follow(struct worker *w);

/* Closes all of them in the same way. May switch. */
void listenings_end(struct worker *w);

void listening_release(struct listening *at);

#endif
