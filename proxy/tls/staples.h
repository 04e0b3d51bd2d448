/*
 * What responders have said of certificates (OCSP), by the certificate's fingerprint. It outlives configurations and
 * readings of files, so that a certificate that is read again has its response at once.
 */
#ifndef TLS_STAPLES_H
#define TLS_STAPLES_H

#include <stdatomic.h>

#include <green.h>

#include "certificates.h"

struct staple {
    struct staple *link;
    unsigned char print[32];
    /* For any thread, under a lock of staples.c. */
    void *response; /* DER; NULL: none */
    size_t size;
    /* Main thread: when to ask (stapling.h). */
    int64_t expires;  /* of the response, in seconds since 1970 */
    int64_t seen;     /* when a certificate was last there that it is about */
    green_time again; /* when to ask next */
    int64_t pause;    /* s, after failures */
    unsigned failures;
    bool asking;
};

/* The one for this certificate, made if there is none. NULL: no memory. Main thread. */
struct staple *staples_of(const struct certificate *certificate);

/* Gives the certificate what is known about it, if it is still good. Any thread. */
void staples_adopt(const struct certificate *certificate);

/* A new response, a copy of which is kept, or none (size 0). 0 or -ENOMEM. Main thread. */
int staples_keep(struct staple *staple, const void *response, size_t size, int64_t expires);

/* Forgets those that no certificate was there for since `before`. Main thread. */
void staples_forget(int64_t before);

/* Questions that came to nothing, since the start. */
extern atomic_uint_fast64_t staple_failures;

#endif
