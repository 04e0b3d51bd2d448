/*
 * Monkey patching for C. Programs that link with libgreen-patch (in place of libgreen, which it contains), or run with it
 * preloaded (greenrun), have the functions of the C library that block taken over: called in a greenlet, read(2) or
 * connect(2) or poll(2) or sleep(3) let the other greenlets run, whoever calls them: libpq, libcurl, any library that is
 * linked dynamically. To their callers nothing else changes. docs/patching.md says which functions these are and what
 * cannot be patched.
 *
 *     green_patch_all();
 *     for (int i = 0; i < 50; i++)
 *         green_spawn(query, PQconnectdb("..."));    // PQexec() and sleep() in there wait side by side
 *
 * Everywhere else - in threads without greenlets, in the hub, within libgreen, libuv and c-ares - these functions are what
 * they were, at the cost of a test. A call that is ended by a timeout of libgreen (green_timeout_t) or a
 * cancellation fails with ETIMEDOUT or ECANCELED, which libraries report as any other error.
 */
#ifndef GREEN_PATCH_H
#define GREEN_PATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <utime.h>

/* What can be taken over. */
enum green_patch_family {
    GREEN_PATCH_NET = 1,     /* sockets, pipes and all else that can be polled; poll, select, epoll_wait */
    GREEN_PATCH_SLEEP = 2,   /* sleeping, and waiting for signals */
    GREEN_PATCH_DNS = 4,     /* getaddrinfo(3), gethostbyname(3) and their kin */
    GREEN_PATCH_PROCESS = 8, /* waitpid(2), system(3), popen(3) */
    GREEN_PATCH_DEFAULT = 15,
    GREEN_PATCH_SYNC = 16,    /* mutexes, conditions, semaphores and the like, between greenlets */
    GREEN_PATCH_THREADS = 32, /* pthread_create(3) makes greenlets; takes all of the above */
    GREEN_PATCH_FILE = 64, /* files: reading, writing, opening, renaming, on threads of the pool for files */
    GREEN_PATCH_STDIO = 128, /* streams on what can be polled: getc, fgets, fread, printf and their kin */
};

/* Takes over the families that are safe for every program: net, sleep, dns and process. Any time, for all threads.
 * Never switches. */
void green_patch_all(void);

/* Takes over exactly these families (0: none). Never switches. */
void green_patch(unsigned families);

/* The families taken over now. With the library preloaded, or GREEN_PATCH=net,sleep,... in the environment (all, default
 * and none are words too), this begins before main() does; else with 0. Never switches. */
unsigned green_patched(void);

/* Whether calls of this function ("read") are taken over now. Never switches. */
bool green_is_patched(const char *name);

/* The functions as they are without patching, for those who want to block: green_real_read(), green_real_poll() and so on,
 * one for each function of patch/hooked.h, with the parameters of its namesake. Never switch. */
#define GREEN_HOOKED(family, result, name, parameters, arguments) result green_real_##name parameters;
#define GREEN_HOOKED_VARIADIC(family, result, name, parameters)   result green_real_##name parameters;
#include "patch/hooked.h"

#endif
