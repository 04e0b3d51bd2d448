/*
 * What the service manager is told: systemd's protocol of sd_notify(3), a line or more in a datagram. Where nobody listens
 * ($NOTIFY_SOCKET is not set) these do nothing. Never wait, never switch. Main thread.
 */
#ifndef RUNTIME_NOTIFY_H
#define RUNTIME_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#include <green.h>

/* All of it serves: also after a reload. `status` is for people. */
void notify_ready(const char *status);

/* A reload begins; notify_ready() ends it, whatever came of it. */
void notify_reloading(void);

void notify_stopping(const char *status);

/* This process is no longer the service, but that one, which was started by this one. */
void notify_successor(pid_t successor);

/* It is alive. */
void notify_watchdog(void);

/* How often the manager wants to hear that; 0: not at all. */
green_time notify_watchdog_interval(void);

#endif
