/* Looking after certificates while they are in use: new ones are taken up, old ones are complained about. Main thread. */
#ifndef TLS_WATCH_H
#define TLS_WATCH_H

#include "runtime/process.h"

/* From now on those of the present snapshot. */
void tls_watch_follow(struct process *p);
void tls_watch_stop(struct process *p);

#endif
