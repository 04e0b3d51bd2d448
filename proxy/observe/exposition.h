/* All metrics as text for Prometheus (its text format, version 0.0.4). */
#ifndef OBSERVE_EXPOSITION_H
#define OBSERVE_EXPOSITION_H

#include <stdio.h>

struct process;

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Main thread. */
void exposition_write(FILE *out, struct process *process);

#endif
