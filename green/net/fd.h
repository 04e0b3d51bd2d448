/*
 * Cooperative I/O on file descriptors. The descriptors must be non-blocking (green_accept, green_connect and
 * green_socket make them so). Each call tries at once and waits only if it has to. Several greenlets may wait on one
 * descriptor; they are served in order. Close descriptors that were used here with green_close() only: their
 * numbers are reused, and the hub must hear of it.
 */
#ifndef GREEN_NET_FD_H
#define GREEN_NET_FD_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../core/error.h"
#include "../core/time.h"

/* read(2): bytes read, 0 at the end (or if none were asked for), negative errno. -EBADF also if it was closed
 * meanwhile. May switch. */
ssize_t green_read(int fd, void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_readv(int fd, const struct iovec *iov, int count, green_time deadline) GREEN_MUST_CHECK;

/* write(2): how many bytes went, maybe fewer than asked. SIGPIPE is ignored in processes that use libgreen, so a
 * closed peer is -EPIPE. May switch. */
ssize_t green_write(int fd, const void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;
ssize_t green_writev(int fd, const struct iovec *iov, int count, green_time deadline) GREEN_MUST_CHECK;

/* Writes everything under one deadline. 0, or the error; *done (may be NULL) is how many bytes went in any case.
 * writev_all uses up `iov` as it goes. May switch. */
int green_write_all(int fd, const void *buffer, size_t size, size_t *done,
                    green_time deadline) GREEN_MUST_CHECK;
int green_writev_all(int fd, struct iovec *iov, int count, size_t *done,
                     green_time deadline) GREEN_MUST_CHECK;

/* Waits until fd is readable (POLLIN) or writable (POLLOUT); exactly one of them, else -EINVAL. 0 when it may be
 * ready: a call that then tries may still find that it is not. Everybody who waits like this is told. May switch. */
int green_wait_fd(int fd, int event, green_time deadline) GREEN_MUST_CHECK;

/* Strict mode of the calling thread, for finding mistakes: who would read (or write, or accept) where another greenlet
 * waits to do the same returns -EBUSY at once, instead of standing in line. One reader beside one writer is fine, and
 * so is green_wait_fd(). Off at first; returns what it was before. Never switches. */
bool green_strict_fds(bool on);

/* close(2): greenlets that wait on fd return -EBADF, a parked record is dropped without a call (unless its greenlet has
 * been made already: see green_unpark). Never switches. */
int green_close(int fd);

/*
 * Parks a descriptor without a greenlet: the caller typically returns after this and its stack is given back. When
 * fd becomes readable (or hung up), a new detached greenlet runs fn(arg, 0); when the deadline passes first,
 * fn(arg, -ETIMEDOUT). Either way the record is gone then. One record per fd: -EBUSY if there is one; else what
 * registering the descriptor returned. If readable bytes are already known of, fn runs at its next turn.
 * Never switches.
 */
int green_park_readable(int fd, void (*fn)(void *arg, int status), void *arg,
                        green_time deadline) GREEN_MUST_CHECK;

/* Takes the record back: true if it was still there, and fn will not be called; false if there was none, or its
 * greenlet has been made already. Never switches. */
bool green_unpark(int fd);

/* Moves the deadline of a parked record; later costs a store. Never switches. */
void green_park_deadline(int fd, green_time deadline);

/* True if the peer is known to be gone for good (reset, or both directions shut down). Never switches. */
bool green_hung_up(int fd);

/* Forgets whatever was known of the number fd, because it now names a new description (after dup2, or when
 * a library closed and reopened it behind libgreen's back). Never switches. */
void green_fd_reset(int fd);

#endif
