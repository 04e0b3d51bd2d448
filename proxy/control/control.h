/*
 * The control socket: a unix socket where operators ask a running greenway and tell it what to do, in lines. It is
 * served by greenlets of the main thread, so a worker's load does not delay it; what workers own is asked of them
 * (runtime/ask.h).
 *
 * A client sends a command a line, with `json` in front of it if it wants JSON. The answer is text, or one JSON object
 * in one line, and ends with an empty line. The text of a refusal begins with "error: ", its JSON has a member "error".
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "conf.h"

struct control;
struct process;

/* Listens where the configuration says. 0, with NULL in *out if there is to be no control socket; or -1 after
 * saying in the error log what is wrong. A socket that is left over from a dead process is replaced; one that somebody
 * listens at is not. */
int control_open(struct process *p, const struct conf_control *conf, struct control **out);

/* Serves those who come, and have come since: when all workers run, so that none of them misses an order. 0 or -ENOMEM.
 * NULL is fine. */
int control_serve(struct control *c);

/* Removes the socket if it is still ours, for a process that is about to _exit(). NULL is fine. */
void control_unlink(const struct control *c);

/* Ends all clients, and removes the socket if it is still ours. NULL is fine. May switch. */
void control_close(struct control *c);

#endif
