/*
 * Moving bytes as a blocking call does, within libgreen's own queues for a descriptor: attempts that do not wait, and
 * waits between them. Private to libgreen-patch.
 */
#ifndef GREEN_PATCH_TRANSFER_H
#define GREEN_PATCH_TRANSFER_H

#include "../net/fd_state.h"
#include "descriptors.h"

struct transfer {
    struct operation operation;
    unsigned about;
    int flags;             /* MSG_*, of sockets */
    struct msghdr message; /* what goes; of others than sockets msg_iov only */
};

/* Whether a call on such a descriptor may have to wait for it, as far as the program has not asked for the contrary. */
static inline bool may_wait(unsigned about)
{
    return about && !(about & (ABOUT_NONBLOCKING | ABOUT_PLAIN));
}

/* What is not waited for by these flags, or not as other bytes are. */
static inline bool waits_with(int flags)
{
    return !(flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB | MSG_FASTOPEN));
}

/* A read of a socket by a call that does not wait, as the program wants it: what it says of what is left is kept, which saves
 * the poll(2) that follows. */
static inline bool tells_of_rest(unsigned about, int flags)
{
    return (about & ABOUT_SOCKET) && ((about & ABOUT_NONBLOCKING) || (flags & MSG_DONTWAIT)) &&
           !(flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL));
}
ssize_t green__take_now(int fd, unsigned about, void *buffer, size_t size, int flags);

/* One read, or with MSG_WAITALL as many as it takes; all of a write to a stream or a pipe, one of another's. `message` is
 * as of recvmsg(2) and sendmsg(2), and gets what those leave in it. The result is that of the system call: -1 and errno. */
ssize_t green__take(int fd, unsigned about, struct msghdr *message, int flags);
ssize_t green__give(int fd, unsigned about, const struct msghdr *message, int flags);

#endif
