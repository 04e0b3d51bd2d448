/* TLS as part of the configuration: what conf_load() calls for it (conf/tls.h). */
#ifndef TLS_CONFIGURED_H
#define TLS_CONFIGURED_H

#include "server.h"

/* Has configurations that are loaded from now on come with their certificates. */
void tls_load_with_configurations(void);

/* Calls fn for each certificate that is in use: the listener, the file that it was read from, the first name that it is
 * for (or its subject), and when it expires, in seconds since 1970. */
typedef void (*tls_certificate_fn)(void *arg, const char *listener, const char *file, const char *name,
                                   int64_t expires);
void tls_certificates(const struct conf *conf, tls_certificate_fn fn, void *arg);

#endif
