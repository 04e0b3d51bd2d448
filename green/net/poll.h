/*
 * Waiting for many descriptors at once, as poll(2), select(2) and epoll_wait(2) do. They differ from those in one
 * respect: that nothing came in time is -ETIMEDOUT (or -EAGAIN with GREEN_NOWAIT), not 0. Everybody who waits for a
 * descriptor is told, and nothing is taken away from those who read and write it.
 */
#ifndef GREEN_NET_POLL_H
#define GREEN_NET_POLL_H

#include <poll.h>
#include <sys/select.h>

#include "../core/error.h"
#include "../core/time.h"

/* poll(2): the number of entries with revents, at least 1. Negative descriptors are skipped; one that is not open, or is
 * closed with green_close() meanwhile, gets POLLNVAL; regular files are always ready; POLLPRI works. No descriptors: a
 * mere wait. -EINVAL: more entries than descriptors may be open; -ENOMEM. May switch. */
int green_poll(struct pollfd *fds, nfds_t count, green_time deadline) GREEN_MUST_CHECK;

/* select(2): the number of bits in all three sets, at least 1; each may be NULL. The sets hold the result, and are
 * as they were on an error. -EINVAL: count is not in 0..FD_SETSIZE; -EBADF: one is not open, or was closed meanwhile;
 * -ENOMEM. May switch. */
int green_select_fds(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                     green_time deadline) GREEN_MUST_CHECK;

struct epoll_event;

/* epoll_wait(2) of a set of one's own (epoll_create1): the number of events, at least 1. For sets that are kept over many
 * waits, and large ones: waiting costs nothing per member. -errno; -EBADF also if the set was closed with
 * green_close() meanwhile. May switch. */
int green_epoll_wait(int epfd, struct epoll_event *events, int count, green_time deadline) GREEN_MUST_CHECK;

#endif
