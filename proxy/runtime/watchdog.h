/* Tells the service manager that the process is alive, for as long as all of its workers answer. */
#ifndef RUNTIME_WATCHDOG_H
#define RUNTIME_WATCHDOG_H

#include "process.h"

struct watchdog;

/* NULL: nobody wants to know, or there is no memory for it, which the error log says. */
struct watchdog *watchdog_start(struct process *p);

/* NULL is fine. May switch. */
void watchdog_end(struct watchdog *dog);

#endif
