/* Have the files changed that the TLS of a listener or an upstream is made of? */
#ifndef TLS_FINGERPRINT_H
#define TLS_FINGERPRINT_H

#include <stdint.h>

#include "conf.h"

/* A number that is another one when a file that the listener names for TLS was written, replaced, or is reached by
 * another way (symbolic links), or when a file came to or went from a folder of certificates. Looks at files, reads none.
 * Any thread. */
uint64_t tls_fingerprint(const struct conf_listener *listener);

/* The same for an upstream. */
uint64_t tls_fingerprint_upstream(const struct conf_upstream *upstream);

#endif
