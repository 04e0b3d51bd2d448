/*
 * The control socket: a unix socket where operators ask a running greenway and tell it what to do, in lines. It is
 * served by greenlets of the main thread, so a worker's load does not delay it; what workers own is asked of them
 * (runtime/ask.h).
 *
 * A client sends a command a line, with `json` in front of it if it wants JSON. The answer is text, or one JSON object
 * in one line, and ends with an empty line. The text of a refusal begins with a line "error: ...", its JSON with a member "error"; what
 * there is to say beyond that may follow.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <sys/types.h>

#include "conf.h"

struct control;
struct process;

/*
 * Listens where the configuration says (control/socket.h). 0, also if there is to be no control socket; or -1 after saying
 * in the error log what is wrong. Main thread, as everything here.
 */
int control_open(struct process *p, const struct conf_control *conf, struct control **out);

/* The socket is to belong to them, for that is who the process is going to be. */
void control_give(const struct control *c, const struct conf_control *conf, uid_t user, gid_t group);

/* Serves those who come, and have come since: when all workers run, so that none of them misses an order. 0 or a negative
 * code. */
int control_serve(struct control *c);

/* Lets nobody in any more, and removes the socket unless somebody else listens there now: another process has taken over.
 * Clients who are there stay. NULL is fine. May switch. */
void control_cede(struct control *c);

/* The same for a process that is about to _exit(). NULL is fine. Never switches. */
void control_unlink(struct control *c);

/* What listens, to be handed over; -1: nothing. */
int control_descriptor(const struct control *c);

/* Ends all clients, then as control_cede(). NULL is fine. May switch. */
void control_close(struct control *c);

/*
 * A reload in two steps: control_prepare() does all that can fail, 0 or -1 after saying what is wrong; then comes either
 * control_follow() or control_abandon(). Clients stay. May switch.
 */
int control_prepare(struct control *c, const struct conf_control *before, const struct conf_control *now);
void control_follow(struct control *c, const struct conf_control *before, const struct conf_control *now);
void control_abandon(struct control *c, const struct conf_control *before, const struct conf_control *now);

#endif
