/*
 * The sandbox: what a proxy never needs is given up once it listens, so that whoever takes it over cannot use it. System
 * calls are limited by seccomp(2), files by landlock(7). Both hold for every thread that is made afterwards, and for
 * every program; neither can be taken back.
 */
#ifndef RUNTIME_SANDBOX_H
#define RUNTIME_SANDBOX_H

#include "conf.h"

/* Enters it, as the configuration says. To be called while there is one thread, after privileges_drop(). Says in one line
 * what is active. 0, or -1 after saying what went wrong: the process must not go on then. */
int sandbox_enter(const struct conf *conf);

/* What a configuration that comes later names, and this process can no longer reach: says so for each, and that a binary
 * upgrade could. 0 or -EACCES. */
int sandbox_covers(const struct conf *conf);

/* --- its two halves, for sandbox.c and tests ------------------------------------------------------------------------- */

/* System calls. With `log` none is refused, and the kernel logs those that would be. 0 or -errno: -ENOSYS where the kernel
 * cannot. */
int system_calls_limit(bool log);

/* Files: a set of paths that is collected, then applied. */
struct landlock {
    int version; /* of the kernel's interface */
    int fd;
};

/* 0, or -errno: -EOPNOTSUPP or -ENOSYS where the kernel has none of it. */
int landlock_begin(struct landlock *l);

/* A folder with all below it, or a file. 0 or -errno: -ENOENT if there is no such thing. */
int landlock_allow(struct landlock *l, const char *path, bool writes);

/* From here on nothing else. 0 or -errno. The set is given back in either case. */
int landlock_enter(struct landlock *l);

#endif
