/* Fetching certificates in time: the names of acme_names, their renewal, and what to do when it fails. Main thread. */
#ifndef TLS_RENEWAL_H
#define TLS_RENEWAL_H

#include "runtime/process.h"

/* From now on for the present snapshot. */
void tls_renewal_follow(struct process *p);
void tls_renewal_stop(struct process *p);

#endif
