/*
 * Watching the files of the configuration (`watch = on`), and reloading when they have changed and come to rest. The kernel
 * tells of changes in their folders (inotify); whether anything changed is seen by looking, which is done now and then
 * even if nothing was told: network and container file systems do not tell everything. All of it is for the main thread.
 */
#ifndef RUNTIME_WATCH_H
#define RUNTIME_WATCH_H

#include "inventory.h"

struct process;
struct watch;

/* From now on these files count, which it takes over, and which were in this state; or none, if `on` is not. Called when
 * the process starts and after each reload, whatever came of it. */
void watch_follow(struct process *p, bool on, struct inventory *inventory, struct inventory_state state);

/* The process has started: the files of its configuration count. May switch. */
void watch_begin(struct process *p);

void watch_end(struct process *p);

#endif
