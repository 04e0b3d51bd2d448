/*
 * Looking at greenlets: which there are, what each waits for and since when, who made it, how much of its stack it
 * has used, where it is in its code. For people: the texts may change.
 */
#ifndef GREEN_DEBUG_DUMP_H
#define GREEN_DEBUG_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "../core/greenlet.h"
#include "../os/signal.h"

enum green_dump_flags {
    GREEN_DUMP_STACKS = 1, /* the functions that each greenlet is in */
};

/* Writes one line for each greenlet of this thread, in the order of their making. A line says: number, name, what it
 * waits for or its state, for how long, the number of its spawner, how much of its stack was ever touched (by it or by
 * who had the stack before). Works in the hub's callbacks, too. Never switches. */
void green_dump(FILE *out, unsigned flags);

/* The same of all threads that have a hub. A hub that does not answer until the deadline, because something blocks it,
 * is named as such. 0; else what an interruption returns, when only some were heard; -EMFILE and the like. May
 * switch. */
int green_dump_all(FILE *out, unsigned flags, green_time deadline) GREEN_MUST_CHECK;

/* From now on this signal has all greenlets of all threads dumped to standard error, with stacks, by a greenlet of this
 * thread; ends with green_signal_cancel(). What green_on_signal() returns. Never switches. */
int green_dump_on_signal(green_signal_handler_t **out, int signal) GREEN_MUST_CHECK;

/* The return addresses of a greenlet of this thread, the innermost first: how many; 0 for one that has not begun or
 * has ended, or has not enough stack left to look (8 KiB). -EXDEV: another thread's. Never switches as far as the
 * greenlets can tell. */
int green_backtrace(green_t *g, void **frames, int max);

/* Writes such addresses, one a line, by name where there is one. Never switches. */
void green_write_backtrace(FILE *out, void *const *frames, int count);

/* From now on (or no longer) greenlets made in this thread remember where that was: up to 8 addresses each, in the
 * dumps. The environment's GREEN_TRACE_SPAWN=1 switches it on for every thread. 0, -ENOMEM. Never switches. */
int green_trace_spawn(bool on);

#endif
