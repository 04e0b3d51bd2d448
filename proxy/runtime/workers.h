/* All workers, as the main thread deals with them: they are started, told what to do, and sent home. */
#ifndef RUNTIME_WORKERS_H
#define RUNTIME_WORKERS_H

#include "process.h"

/* How many the configuration asks for. */
unsigned workers_wanted(const struct conf *conf);

/*
 * Starts those below `count` that do not run, with a view of the process's present snapshot and without a socket. 0, or
 * -1 after saying in the error log what is wrong; those that could be started run in that case too. May switch.
 */
int workers_start(struct process *p, unsigned count);

/* Has every worker that runs carry out an order, in its main greenlet, and waits until all have: the first negative
 * w->result that an order has set, or 0. p->changing is held. May switch. */
int workers_tell(struct process *p, void (*order)(struct worker *w));

/* All of them drain; p->changing is not held any more after that. Never switches. */
void workers_drain(struct process *p);

/* Waits for the threads of those that have reported their end. */
void workers_join(struct process *p);

#endif
