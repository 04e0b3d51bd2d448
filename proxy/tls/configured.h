/* TLS as part of the configuration: what conf_load() calls for it (conf/tls.h). */
#ifndef TLS_CONFIGURED_H
#define TLS_CONFIGURED_H

#include "server.h"

/* Has configurations that are loaded from now on come with their certificates. */
void tls_load_with_configurations(void);

/* A certificate that is in use. Times are in seconds since 1970. */
struct tls_certificate_facts {
    const char *listener, *file; /* that it was read from */
    const char *name;            /* the first that it is for, or its subject */
    int64_t expires;
    int64_t response_expires; /* that of OCSP which clients are given; 0: there is none */
    bool stapling;            /* there ought to be one */
};

/* Calls fn for each of them. */
typedef void (*tls_certificate_fn)(void *arg, const struct tls_certificate_facts *facts);
void tls_certificates(const struct conf *conf, tls_certificate_fn fn, void *arg);

#endif
