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

/* How one kind of stream does it. Deadlines are absolute, as everywhere. */
typedef struct green_stream_type {
    const char *name; /* "tcp", "unix", "pipe", "tls" */
    ssize_t (*read)(green_stream_t *s, void *buffer, size_t size, green_time deadline);
    ssize_t (*writev)(green_stream_t *s, const struct iovec *iov, int count, green_time deadline);
    int (*shutdown)(green_stream_t *s, green_time deadline); /* ends what we send; may be NULL: -EOPNOTSUPP */
    int (*close)(green_stream_t *s);                         /* frees s */
} green_stream_type_t;

/* The head of every stream: embed it first in a type of your own. */
struct green_stream {
    const green_stream_type_t *type;
    int fd;                              /* what lies underneath; -1: none */
    int64_t read_timeout, write_timeout; /* ns for each call; 0: none */
};

/* Bytes read, at least one; 0 at the end of input. Waits no longer than the deadline and the stream's read timeout.
 * May switch. */
ssize_t green_stream_read(green_stream_t *s, void *buffer, size_t size, green_time deadline) GREEN_MUST_CHECK;

/* Exactly `size` bytes: 0, or -ENODATA if the input ended before; *done (may be NULL) says how many came in any case.
 * May switch. */
int green_stream_read_all(green_stream_t *s, void *buffer, size_t size, size_t *done,
                          green_time deadline) GREEN_MUST_CHECK;

/* How many bytes went, maybe fewer than asked. May switch. */
ssize_t green_stream_write(green_stream_t *s, const void *buffer, size_t size,
                           green_time deadline) GREEN_MUST_CHECK;

/* Writes everything: 0 or the error; *done (may be NULL) is how many bytes went in any case. writev_all uses up
 * `iov`. May switch. */
int green_stream_write_all(green_stream_t *s, const void *buffer, size_t size, size_t *done,
                           green_time deadline) GREEN_MUST_CHECK;
int green_stream_writev_all(green_stream_t *s, struct iovec *iov, int count, size_t *done,
                            green_time deadline) GREEN_MUST_CHECK;

/* Ends what we send: the peer reads to its end (FIN, or TLS close_notify). May switch. */
int green_stream_shutdown(green_stream_t *s, green_time deadline) GREEN_MUST_CHECK;

/* Closes and frees; NULL is fine. Greenlets inside its calls return -EBADF. 0 or -errno. Never switches. */
int green_stream_close(green_stream_t *s);

/* Bounds for each single call from now on, besides its deadline, in ns; 0: none. Never switches. */
void green_stream_set_timeouts(green_stream_t *s, int64_t read, int64_t write);

/* A stream over a connected socket or a pipe's end that is non-blocking; the descriptor is the stream's from now on
 * (also on an error: it is closed). 0, -ENOMEM, -errno. Never switches. */
int green_stream_open(green_stream_t **out, int fd) GREEN_MUST_CHECK;

#endif
