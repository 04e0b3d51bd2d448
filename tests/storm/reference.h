/*
 * What the bytes of one connection mean: read in one piece by the message code, so that the running proxy, which gets
 * them in many, with errors of the network and other clients between, can be held against it.
 */
#ifndef STORM_REFERENCE_H
#define STORM_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/head.h"

#define REFERENCE_REQUESTS 16 /* of one connection */

struct reference {
    uint32_t serial;    /* of the connection; its client comes from 127.SERIAL */
    uint8_t count;      /* requests that may reach the server, in this order */
    uint8_t reached;    /* the first so many have, or were passed over */
    bool whole;         /* the bytes end where the last of them does, and the connection may be used on */
    bool answered_here; /* behind them comes one that the proxy answers itself, complete or not */
    uint64_t hashes[REFERENCE_REQUESTS];
    uint8_t methods[REFERENCE_REQUESTS]; /* enum http_method */
};

/* Reads what a client is going to send. */
void reference_read(struct reference *r, const char *bytes, size_t n);

/* A number for what a request asks, without its fields; the body is added to it as it comes. */
uint64_t reference_head(const struct http_head *head);
uint64_t reference_add(uint64_t hash, const char *p, size_t n);

/* How the first final answer in these bytes reads. */
enum reference_verdict {
    REFERENCE_BAD,   /* there is none that is valid */
    REFERENCE_PART,  /* it is not complete, or goes on until the connection ends */
    REFERENCE_EXTRA, /* it is complete, but there is more, or it wants no further one after it */
    REFERENCE_GOOD   /* the connection it came on is as good as before */
};
enum reference_verdict reference_answer(const char *bytes, size_t n, enum http_method method);

#endif
