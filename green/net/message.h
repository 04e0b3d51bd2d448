/*
 * Sockets by messages: recv, send and their kin with flags, addresses, control data and descriptors. Everything waits
 * like green_read() and green_write(); MSG_DONTWAIT is the same as GREEN_NOWAIT, MSG_NOSIGNAL is implied.
 */
#ifndef GREEN_NET_MESSAGE_H
#define GREEN_NET_MESSAGE_H

#include "address.h"
#include "fd.h"

/* recv(2), recvfrom(2), recvmsg(2): bytes received, 0 at the end of a stream (and for an empty datagram), or -errno;
 * -EBADF also if it was closed meanwhile. green_recv() of 0 bytes returns 0 at once. `from` may be NULL. A message's
 * msg_name, msg_control and their lengths are as recvmsg(2) says. With MSG_OOB or MSG_ERRQUEUE they wait for just
 * that (-ENODATA: hung up, no error will come). May switch. */
ssize_t green_recv(int fd, void *buffer, size_t size, int flags, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_recvfrom(int fd, void *buffer, size_t size, int flags, green_address_t *from,
                       green_time deadline) GREEN_MUST_CHECK;
ssize_t green_recvmsg(int fd, struct msghdr *message, int flags, green_time deadline) GREEN_MUST_CHECK;

/* send(2), sendto(2), sendmsg(2): how many bytes went, of a stream maybe fewer than asked; or -errno (-EPIPE when the
 * peer is gone, no signal). `to` may be NULL if the socket is connected. May switch. */
ssize_t green_send(int fd, const void *buffer, size_t size, int flags, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_sendto(int fd, const void *buffer, size_t size, int flags, const green_address_t *to,
                     green_time deadline) GREEN_MUST_CHECK;
ssize_t green_sendmsg(int fd, const struct msghdr *message, int flags, green_time deadline) GREEN_MUST_CHECK;

#define GREEN_FDS_MAX 253 /* what the kernel passes in one message */

/* Sends bytes with copies of descriptors over a unix socket: how many bytes went; if any did, all the descriptors did.
 * -EINVAL: no bytes, or more than GREEN_FDS_MAX descriptors. May switch. */
ssize_t green_send_fds(int fd, const void *buffer, size_t size, const int *fds, size_t count,
                       green_time deadline) GREEN_MUST_CHECK;

/* Receives bytes and descriptors: how many bytes, 0 at the end. *count goes in as the room in fds (up to
 * GREEN_FDS_MAX) and comes out as how many there are, close-on-exec and the caller's to close. If more came than there
 * was room for, none is left and it is -EMSGSIZE (the bytes are lost too). May switch. */
ssize_t green_recv_fds(int fd, void *buffer, size_t size, int *fds, size_t *count,
                       green_time deadline) GREEN_MUST_CHECK;

#endif
