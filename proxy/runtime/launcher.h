/*
 * A small process that was made before anything was given up, and can start this executable again: with the arguments,
 * environment and rights that it was started with itself. It does nothing else, for nobody else, and ends with the process
 * that it was made for. The sandbox of that one could neither run a program nor be left by it.
 */
#ifndef RUNTIME_LAUNCHER_H
#define RUNTIME_LAUNCHER_H

#include <sys/types.h>

#include <green.h>

/* The environment variable that tells a process that it was started by one: the number of its descriptor. */
#define LAUNCHER_VARIABLE "GREENWAY_SUCCEEDS"

/* Makes it, for this process with these arguments. To be called once, before there are threads or hubs. 0 or -errno. */
int launcher_make(char **argv);

/* Starts the executable with a copy of fd: its pid, or -errno (-ENOTCONN: there is no launcher any more). Main thread. May
 * switch. */
pid_t launcher_start(int fd, green_time deadline);

/* Ends what was started last, at once. 0 or -errno. May switch. */
int launcher_kill(green_time deadline);

#endif
