/*
 * A binary upgrade: the executable is started again, with the arguments of the first time, and gets every listening socket
 * of this process, the very same ones, with whoever waits in their queues. When it serves, this process drains and ends;
 * when it fails to, this one goes on as if nothing had happened.
 *
 * The two speak over a socket pair of whole messages. The old one sends "greenway 1", then "socket LISTENER WORDS" with a
 * descriptor for each socket, "server WEIGHT DUTY UPSTREAM SERVER" for what operators want of servers, "log LEVEL", what is
 * known of servers (upstream/inheritance.h), then "end"; the new one says "ready" when all its workers serve, and the old one
 * "go", from which on it is no longer the service.
 */
#ifndef RUNTIME_UPGRADE_H
#define RUNTIME_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "process.h"

/* --- the old process ------------------------------------------------------------------------------------------------ */

/*
 * Hands the service over and lets this process drain. 0 when the new one serves, which *successor (or NULL) then names; or
 * -errno, having said why in the error log, and, in `why` too unless that is NULL: -ENOTSUP: there is no file to start from;
 * -EALREADY: an upgrade is under way; -ECANCELED: the process is ending; -ETIMEDOUT; -EPIPE: the new process gave up;
 * or what kept it from being started. Main thread. May switch.
 */
int process_upgrade(struct process *p, pid_t *successor, char *why, size_t size);

/* --- the new process ------------------------------------------------------------------------------------------------ */

/* Was this process started by another to take over? Then its sockets are collected (inherited.h), and what operators wanted of it. 0, also if not, or -errno
 * after saying what is wrong. To be called before anything is bound. May switch. */
int upgrade_receive(struct process *p);

/* That is so, and has not come to its end. Never switches. */
bool upgrade_is_under_way(void);

/* It serves: the old process may go. Waits until that says so, for some seconds at most. May switch. */
void upgrade_take_over(void);

#endif
