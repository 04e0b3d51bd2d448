/*
 * Streams: one interface over TCP and unix sockets, pipes, TLS, and whatever an application builds. A stream is what
 * code that speaks a protocol should take: it does not care what carries the bytes. At most one greenlet reads and
 * one writes at a time; both at once is fine.
 */
#ifndef GREEN_NET_STREAM_H
#define GREEN_NET_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../core/error.h"
#include "../core/time.h"

typedef struct green_stream green_stream_t;

/*
 * How one kind of stream does it. Deadlines are absolute, as everywhere. read and writev are called with at least one
 * byte to move and move at least one, or return 0 (read: the end) or a negative code. A stream may be closed while a
 * greenlet waits inside read or writev: those must then return -EBADF and touch the stream no more. After they have
 * returned an error, the functions below do not touch it either.
 */
typedef struct green_stream_type {
    const char *name; /* "tcp", "unix", "pipe", "tls" */
    ssize_t (*read)(green_stream_t *s, void *buffer, size_t size, green_time deadline);
    ssize_t (*writev)(green_stream_t *s, const struct iovec *iov, int count, green_time deadline);
    int (*shutdown)(green_stream_t *s, green_time deadline); /* ends what we send; may be NULL: -EOPNOTSUPP */
    int (*close)(green_stream_t *s);                         /* frees s; never switches */
} green_stream_type_t;

/* The head of every stream: embed it first in a type of your own. */
struct green_stream {
    const green_stream_type_t *type;
    int fd;                              /* what lies underneath, to look at; -1: none */
    int64_t read_timeout, write_timeout; /* ns for each call; 0: none */
};

/* A stream over a connected stream socket or a pipe's end (or another descriptor that can be waited for); it is made
 * non-blocking if libgreen has not made it itself. The descriptor is the stream's from now on, also on an error: it is
 * closed. 0; -EPROTOTYPE: a socket, but not of a stream; -ENOMEM; -errno. Never switches. */
int green_stream_open(green_stream_t **out, int fd) GREEN_MUST_CHECK;

/* Two streams, each of which reads what is written to the other (a socketpair). 0, -ENOMEM, -errno. Never
 * switches. */
int green_stream_pair(green_stream_t *out[2]) GREEN_MUST_CHECK;

/* Bytes read, at least one; 0 at the end of input (or if none were asked for). Waits no longer than the deadline and
 * the stream's read timeout. May switch. */
ssize_t green_stream_read(green_stream_t *s, void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;

/* Exactly `size` bytes: 0, or -ENODATA if the input ended before; *done (may be NULL) says how many came in any case.
 * The read timeout bounds each wait, the deadline all of them together. May switch. */
int green_stream_read_all(green_stream_t *s, void *buffer, size_t size, size_t *done,
                          green_time deadline) GREEN_MUST_CHECK;

/* How many bytes went, maybe fewer than asked, at least one (0 only if none were given). May switch. */
ssize_t green_stream_write(green_stream_t *s, const void *buffer, size_t size,
                           green_time deadline) GREEN_MUST_CHECK;

/* The same for several pieces, of which there is at least one byte. May switch. */
ssize_t green_stream_writev(green_stream_t *s, const struct iovec *iov, int count,
                            green_time deadline) GREEN_MUST_CHECK;

/* Writes everything: 0 or the error; *done (may be NULL) is how many bytes went in any case. writev_all uses up
 * `iov`. The write timeout bounds each wait, the deadline all of them together. May switch. */
int green_stream_write_all(green_stream_t *s, const void *buffer, size_t size, size_t *done,
                           green_time deadline) GREEN_MUST_CHECK;
int green_stream_writev_all(green_stream_t *s, struct iovec *iov, int count, size_t *done,
                            green_time deadline) GREEN_MUST_CHECK;

/* Ends what we send: the peer reads to its end (FIN; TLS close_notify; a pipe's writing end is closed). -EOPNOTSUPP if
 * this kind of stream cannot. May switch. */
int green_stream_shutdown(green_stream_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Closes and frees; NULL is fine. Greenlets inside its calls return -EBADF. 0 or -errno. Never switches. */
int green_stream_close(green_stream_t *s);

/* Bounds for each single call from now on, besides its deadline, in ns; 0: none. -EINVAL: one is negative. Never
 * switches. */
int green_stream_set_timeouts(green_stream_t *s, int64_t read, int64_t write);

/* Gives up the stream but not what it is over: the descriptor is the caller's again (gevent's detach). -EOPNOTSUPP:
 * it is not simply one over a descriptor, nothing happened. Never switches. */
int green_stream_detach(green_stream_t *s) GREEN_MUST_CHECK;

#endif
