/* Where a tcp connection goes: by the name and the protocols of its TLS, if routes ask for them. */
#ifndef TCP_CHOOSE_H
#define TCP_CHOOSE_H

#include "http/span.h"
#include "runtime/connection.h"

struct tcp_choice {
    const struct conf_upstream *upstream;
    bool named;    /* the client has asked for a name: */
    uint64_t name; /* its hash */
    char *read;    /* what has come from the client until it was clear, for free(); NULL: nothing */
    size_t size;
};

/* 0; -1: the connection is to be closed, for the reason and the key of the listener in *why. May switch. */
int tcp_choose(struct connection *c, struct tcp_choice *out, struct refusal *why);

#endif
