/* Listening sockets: bound before any worker starts, so that a port in use is one clear line and nothing has happened. */
#ifndef RUNTIME_LISTENER_H
#define RUNTIME_LISTENER_H

#include "process.h"

/* Binds every address of every listener for every worker; prints a line for each that cannot be. 0 or -1. */
int listeners_bind(struct process *p);

/* Removes what a listener left in the file system. */
void listeners_unlink(const struct process *p);

/* Greenlet: accepts connections on a struct listening until it is cancelled. */
void *listener_accept(void *arg);

#endif
