/*
 * The TLS side of a listener: its certificates, which of them a client gets, and the contexts that greenlets accept with.
 * Made when a configuration is loaded, shared by all workers, immutable.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <green.h>

#include "conf.h"
#include "errors.h"

/* Reads the files of a listener that has TLS. NULL: what is wrong with them is in `errors`. */
struct tls_server *tls_server_new(const struct conf_listener *listener, struct conf_errors *errors);
void tls_server_free(struct tls_server *server);

/* What connections are accepted with. */
green_tls_context_t *tls_server_context(const struct tls_server *server);

/* Calls fn for each certificate: the file that it was read from, the first name that it is for (or its subject), and when
 * it expires, in seconds since 1970. */
typedef void (*tls_certificate_fn)(void *arg, const char *file, const char *name, int64_t expires);
void tls_server_certificates(const struct tls_server *server, tls_certificate_fn fn, void *arg);

#endif
