/* TLS as part of the configuration: what conf_load() calls for it (conf/tls.h). */
#ifndef TLS_CONFIGURED_H
#define TLS_CONFIGURED_H

#include "server.h"

/* Has configurations that are loaded from now on come with their certificates. */
void tls_load_with_configurations(void);

/* Calls fn for each certificate of each listener: for metrics and the control socket. */
void tls_certificates(const struct conf *conf, tls_certificate_fn fn, void *arg);

#endif
