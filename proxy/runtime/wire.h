/*
 * What carries a connection: a socket, or TLS over one. Plain sockets pay for the difference with one predictable
 * branch. The descriptor is there in both cases, to be parked and looked at, but with TLS nobody else may read from it
 * or write to it.
 */
#ifndef RUNTIME_WIRE_H
#define RUNTIME_WIRE_H

#include <errno.h>

#include <green.h>

struct wire {
    int fd;
    green_stream_t *tls; /* owns fd; NULL: plain */
};

#define WIRE_NONE ((struct wire){.fd = -1})

/* The same with TLS. Its own errors become -ECONNRESET. */
ssize_t wire_tls_read(green_stream_t *tls, void *buffer, size_t size, green_time deadline);
ssize_t wire_tls_writev(green_stream_t *tls, const struct iovec *iov, int count, green_time deadline);
int wire_tls_flush(green_stream_t *tls, green_time deadline);
void wire_tls_close(green_stream_t *tls, bool complete);

/* As green_read() and so on. -ECONNABORTED: the socket ended, but TLS has not been told that this is the end of it, so
 * that something may have been cut off. */
static inline ssize_t wire_read(const struct wire *w, void *buffer, size_t size, green_time deadline)
{
    if (__builtin_expect(!w->tls, 1))
        return green_read(w->fd, buffer, size, deadline);
    return wire_tls_read(w->tls, buffer, size, deadline);
}

static inline ssize_t wire_write(const struct wire *w, const void *data, size_t size, green_time deadline)
{
    if (__builtin_expect(!w->tls, 1))
        return green_write(w->fd, data, size, deadline);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    return wire_tls_writev(w->tls, &iov, 1, deadline);
}

static inline ssize_t wire_writev(const struct wire *w, const struct iovec *iov, int count,
                                  green_time deadline)
{
    if (__builtin_expect(!w->tls, 1))
        return green_writev(w->fd, iov, count, deadline);
    return wire_tls_writev(w->tls, iov, count, deadline);
}

/* TLS may take what it cannot send yet, so that a write is over before its bytes are gone: how many are left, and
 * sending those. */
static inline size_t wire_unsent(const struct wire *w)
{
    return w->tls ? green_tls_unsent(w->tls) : 0;
}

static inline int wire_flush(const struct wire *w, green_time deadline)
{
    return w->tls ? wire_tls_flush(w->tls, deadline) : 0;
}

/* Everything, gone; uses up `iov`. 0 or the error. */
int wire_write_all(const struct wire *w, struct iovec *iov, int count, green_time deadline);

/* May the descriptor be waited for? Not while something that has been received already is still to be read, an end or an
 * error included. */
static inline bool wire_holds_input(const struct wire *w)
{
    return w->tls && green_tls_readable(w->tls);
}

/* Before the descriptor is parked: memory that only a busy connection needs. */
static inline void wire_rest(const struct wire *w)
{
    if (w->tls)
        green_tls_trim(w->tls);
}

/* Ends what we send: close_notify and the socket's end of output. What is stuck is not waited for. Never switches. */
void wire_shut(const struct wire *w);

/* Closes. TLS says before that everything was sent, if it was (`complete`). Never switches. */
static inline void wire_close(const struct wire *w, bool complete)
{
    if (__builtin_expect(!w->tls, 1))
        green_close(w->fd);
    else
        wire_tls_close(w->tls, complete);
}

/* A connection that rests became readable: was that only what TLS has to say for itself? Never switches. */
bool wire_silent(const struct wire *w);

#endif
