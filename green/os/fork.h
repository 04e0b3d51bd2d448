/*
 * fork(2) and greenlets. In the child
 *  - the greenlet that forked goes on, and is the main greenlet of its hub, timeouts, locals, shields and all; when its
 *    function returns the child ends as by exit(0);
 *  - no other greenlet goes on, started or not: their handles say that they are done (-ECANCELED), nothing was cleaned
 *    up for them, no link is called; whatever they waited in passes them over;
 *  - the hub works: descriptors are waited for anew, signal watches, timers of the application and handles on its
 *    libuv loop go on; the resolver starts afresh, pools of threads have no thread until they need one;
 *  - other threads and their hubs do not exist; children of the parent are nobody's (-ECHILD);
 *  - mutexes held by others are free.
 * All this holds for every fork(), by whomever. To run another program use green_process_spawn(), which is cheaper.
 */
#ifndef GREEN_OS_FORK_H
#define GREEN_OS_FORK_H

#include <sys/types.h>

#include "../core/error.h"

/* fork(2): the child's number, 0 in the child, or -errno; -EPERM in a callback of the hub, where a fork() of one's own
 * can only be followed by exec or _exit. The child is waited for with green_waitpid(). Never switches. */
pid_t green_fork(void) GREEN_MUST_CHECK;

#endif
