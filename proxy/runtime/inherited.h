/*
 * Listening sockets that were there before this process: those that a service manager has opened for it (sd_listen_fds(3):
 * $LISTEN_FDS), and those of the process that it takes over from (upgrade.h). An endpoint takes the ones that are its own,
 * and binds nothing then. Main thread.
 */
#ifndef RUNTIME_INHERITED_H
#define RUNTIME_INHERITED_H

#include <stddef.h>

#include <green.h>

/* Finds what the service manager has passed. 0 or -errno: -EINVAL if that is not what it should be. */
int inherited_find(void);

/*
 * Takes fd over, as one of the listener with this name (or what the manager calls it) and the address that stands in the
 * configuration for it, which may be "": any that it is bound to. 0 or -errno: -ENOTSOCK or -EINVAL: it does not listen.
 */
int inherited_add(int fd, const char *listener, const char *words);

/* One that was bound for these words of this listener, or by whatever listener for these words, or that listens at this
 * address (NULL: not known), or one that the manager calls as the listener is called. The caller's; -ENOENT: none (any
 * more). */
int inherited_take(const char *listener, const char *words, const green_address_t *address);

/* Closes what nobody took, and says so. */
void inherited_close(void);

#endif
