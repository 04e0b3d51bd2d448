/* Asking authorities about the revocation of our own certificates (OCSP), for listeners that have ocsp_stapling. Main
 * thread. */
#ifndef TLS_STAPLING_H
#define TLS_STAPLING_H

#include "runtime/process.h"

/* From now on for the certificates of the present snapshot. */
void tls_stapling_follow(struct process *p);
void tls_stapling_stop(struct process *p);

#endif
