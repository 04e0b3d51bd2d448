/* A client connection, from accept to close. While it is idle this record and a parked descriptor are all of it. */
#ifndef RUNTIME_CONNECTION_H
#define RUNTIME_CONNECTION_H

#include "worker.h"

struct connection {
    LIST_ENTRY(connection) link;
    struct worker *worker;
    struct listener *listener;
    int fd; /* -1 once a tunnel owns the socket */
    uint32_t requests;
    bool idle; /* parked between requests: may be closed at any time */
    green_time accepted;
    green_address_t peer;
};

/* A connection that was accepted: counts it and starts its service. Closes the socket if that cannot be. */
void connection_open(struct worker *w, struct listener *l, int fd, const green_address_t *peer);

/* The end of it: closes the socket if it is still there, frees the record. */
void connection_close(struct connection *c);

/* Closes every idle connection of the worker (when it drains). */
void connections_close_idle(struct worker *w);

#endif
