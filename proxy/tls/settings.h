/* What a section says about TLS, done to a context. */
#ifndef TLS_SETTINGS_H
#define TLS_SETTINGS_H

#include <green.h>

#include "certificates.h"
#include "conf.h"
#include "errors.h"

/* A context for the listener, with everything but certificates. 0; -1: reported; -ENOMEM. */
int settings_server_context(green_tls_context_t **out, const struct conf_listener *listener,
                            const struct certificates *certificates, struct conf_errors *errors);

/* A context for the servers of the upstream. As above. */
int settings_client_context(green_tls_context_t **out, const struct conf_upstream *upstream,
                            struct conf_errors *errors);

#endif
