/*
 * Which certificate a client gets, and the contexts that greenlets accept with: what a listener's files say at one moment.
 * Immutable; shared by all workers, and held by each handshake that begins with it.
 */
#ifndef TLS_CHOICES_H
#define TLS_CHOICES_H

#include <green.h>

#include "certificates.h"
#include "conf.h"
#include "errors.h"

struct tls_choices;

/* Reads the files of a listener that has TLS. NULL: what is wrong with them is in `errors`. Any thread; may take long. */
struct tls_choices *tls_choices_new(const struct conf_listener *listener, struct conf_errors *errors);

/* Any thread. */
struct tls_choices *tls_choices_hold(struct tls_choices *choices);
void tls_choices_release(struct tls_choices *choices);

/* What connections are accepted with, for as long as the choices are held until the handshake is over. */
green_tls_context_t *tls_choices_context(const struct tls_choices *choices);

const struct certificates *tls_choices_certificates(const struct tls_choices *choices);

#endif
