/*
 * Reloading the configuration in place: the file is read and checked beside the present one, addresses that are new are
 * bound, workers that are to be more are started; when nothing can go wrong any more all workers go over to it. What
 * has not changed goes on untouched, in the same threads.
 */
#ifndef RUNTIME_RELOAD_H
#define RUNTIME_RELOAD_H

#include <stdio.h>

#include "process.h"

/*
 * Reads the process's file again and goes over to what it says; a dry run stops before anything is done. What is wrong, and
 * which sections are different, is said in the error log, and in `report` too unless that is NULL; the report of a dry run
 * has the values as well. 0; -EINVAL: the file is wrong, or an
 * address cannot be bound; -ENOTSUP: there is no file; -ECANCELED: the process is ending; or another error. Then
 * nothing has changed. Reloads that come at the same time wait for each other. Main thread. May switch.
 */
int reload(struct process *p, bool dry_run, FILE *report);

/* The same for workers that have no configuration yet: the present one is theirs. 0 or a negative code. May switch. */
int reload_begin(struct process *p);

#endif
