/*
 * The console: a unix socket where people ask a running program about its greenlets, with
 * `socat - UNIX-CONNECT:PATH` or `nc -U PATH`. One command a line:
 *
 *     ps           every greenlet of every thread, and what it waits for
 *     bt ID        where this one is
 *     kill ID      cancels it
 *     hubs, stats  what threads and the monitor have counted
 *     census       what greenlets have used of their stacks (debug/census.h)
 *     help, quit   and what the application adds
 *
 * The socket is for its owner alone (0600). Clients are served by greenlets in the background of the thread that
 * started it; that thread counts as waiting for something, so its deadlocks are no longer found.
 */
#ifndef GREEN_DEBUG_CONSOLE_H
#define GREEN_DEBUG_CONSOLE_H

#include <stdio.h>

#include "../core/error.h"

typedef struct green_console green_console_t;

/* Listens at `path`; a socket there that nobody listens at any more is replaced. At most 16 clients at a time. 0;
 * -EADDRINUSE: somebody listens, or there is something else; -ENAMETOOLONG; -ENOMEM; else what bind(2) says. Never
 * switches. */
int green_console_start(green_console_t **out, const char *path) GREEN_MUST_CHECK;

/* Ends all clients and takes the socket away; NULL is fine. In the same thread. May switch, but does not wait for
 * anything outside. */
void green_console_stop(green_console_t *console);

/* Adds a command to all consoles of the process, for good. fn runs in a client's greenlet and may wait; what it
 * writes goes to the client when it returns. argv[0] is the command. 0; -EINVAL: no name, a blank in it, no fn;
 * -EEXIST; -ENOMEM. `help` is a line for the list; both texts are kept by the caller. Never switches. */
int green_console_command(const char *name, const char *help,
                          void (*fn)(FILE *out, int argc, char **argv, void *arg),
                          void *arg) GREEN_MUST_CHECK;

#endif
