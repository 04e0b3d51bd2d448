/*
 * A tunnel: bytes both ways between two connected wires until both directions have ended. It carries what
 * a "protocol = tcp" listener takes in, and HTTP connections after a 101. While nothing flows it has no
 * greenlet, no stack and no buffer: each direction is a parked record. The end of input of one side is passed
 * on as the end of output to the other (half-close is kept), a reset as a reset. A side that is cut off while
 * bytes were on their way sees a reset too, so that it does not take a part for the whole.
 */
#ifndef TCP_TUNNEL_H
#define TCP_TUNNEL_H

#include <green.h>

#include "http/span.h"
#include "runtime/buffer.h"
#include "runtime/wire.h"

struct tunnel_options {
    struct buffers *buffers; /* the worker's */
    int64_t idle;            /* ns without a byte in either direction after which the tunnel is closed */
    int64_t write;           /* ns that a peer may take to accept more bytes */
    int64_t life;            /* ns after which it is closed in any case; 0: no bound */
};

struct tunnel_result {
    uint64_t from_client, from_upstream; /* bytes passed on */
    const char *reason;    /* "" both ends closed properly, "idle_timeout", "tunnel_timeout", "write_timeout",
                                            "client_reset", "upstream_reset", "shutdown", "no_memory" */
    green_time first_byte; /* green_turn_time() of the first byte from the upstream, or 0 */
};

struct tunnel;

/*
 * Takes over both wires (closes them at the end) and relays. early_client and early_upstream are bytes
 * already received from those sides, which go out first (copied before this returns). `done` is called once
 * in a greenlet of its own at the end, after both are closed; the tunnel is freed after it returns.
 * 0, or -ENOMEM and the like: then the wires are still the caller's, to be closed (early bytes may have
 * gone out), and done is not called. Never switches: the work goes on in other greenlets.
 */
int tunnel_start(struct tunnel **out, struct wire client, struct wire upstream, struct span early_client,
                 struct span early_upstream, const struct tunnel_options *options,
                 void (*done)(void *arg, const struct tunnel_result *result), void *arg);

/* What it has passed on so far, from the client and from the upstream. Same thread, until done() returns. */
void tunnel_bytes(const struct tunnel *t, uint64_t *from_client, uint64_t *from_upstream);

/* Ends it soon, with reason "shutdown"; may be called until done() returns. Same thread. Never switches. */
void tunnel_abort(struct tunnel *t);

#endif
