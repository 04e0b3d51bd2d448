/*
 * The calls that work on every stream, and the streams over a descriptor: sockets and pipes. Other kinds (TLS) live in
 * files of their own and only fill in a green_stream_type_t.
 */
#include "fd_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* --- any stream ---------------------------------------------------------------------------------------------------- */

/* The earlier of the call's deadline and the stream's own bound for a call. */
static green_time bounded(green_time deadline, int64_t timeout)
{
    if (LIKELY(!timeout) || deadline <= GREEN_NOWAIT)
        return deadline;
    green_time own = green_in(timeout);
    return own < deadline ? own : deadline;
}

ssize_t green_stream_read(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    if (!size)
        return 0;
    return s->type->read(s, buffer, size, bounded(deadline, s->read_timeout));
}

int green_stream_read_all(green_stream_t *s, void *buffer, size_t size, size_t *done, green_time deadline)
{
    size_t at = 0;
    int r = 0;
    while (at < size) {
        ssize_t n = green_stream_read(s, (char *)buffer + at, size - at, deadline);
        if (n <= 0) {
            r = n < 0 ? (int)n : -ENODATA;
            break;
        }
        at += (size_t)n;
    }
    if (done)
        *done = at;
    return r;
}

ssize_t green_stream_write(green_stream_t *s, const void *buffer, size_t size, green_time deadline)
{
    if (!size)
        return 0;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    return s->type->writev(s, &iov, 1, bounded(deadline, s->write_timeout));
}

ssize_t green_stream_writev(green_stream_t *s, const struct iovec *iov, int count, green_time deadline)
{
    return s->type->writev(s, iov, count, bounded(deadline, s->write_timeout));
}

int green_stream_write_all(green_stream_t *s, const void *buffer, size_t size, size_t *done,
                           green_time deadline)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    return green_stream_writev_all(s, &iov, 1, done, deadline);
}

/* Takes `n` bytes off the front. */
static void advance(struct iovec **iov, int *count, size_t n)
{
    while (*count && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        ++*iov;
        --*count;
    }
    if (n) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

int green_stream_writev_all(green_stream_t *s, struct iovec *iov, int count, size_t *done,
                            green_time deadline)
{
    size_t at = 0;
    int r = 0;
    advance(&iov, &count, 0);
    while (count > 0) {
        ssize_t n = s->type->writev(s, iov, count, bounded(deadline, s->write_timeout));
        if (n <= 0) {
            r = n < 0 ? (int)n : -EIO; /* a stream that takes nothing and gives no reason */
            break;
        }
        at += (size_t)n;
        advance(&iov, &count, (size_t)n);
    }
    if (done)
        *done = at;
    return r;
}

int green_stream_shutdown(green_stream_t *s, green_time deadline)
{
    if (!s->type->shutdown)
        return -EOPNOTSUPP;
    return s->type->shutdown(s, bounded(deadline, s->write_timeout));
}

int green_stream_close(green_stream_t *s)
{
    return s ? s->type->close(s) : 0;
}

int green_stream_set_timeouts(green_stream_t *s, int64_t read, int64_t write)
{
    if (read < 0 || write < 0)
        return -EINVAL;
    s->read_timeout = read;
    s->write_timeout = write;
    return 0;
}

/* --- over a descriptor --------------------------------------------------------------------------------------------- */

static ssize_t fd_read(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    return green_read(s->fd, buffer, size, deadline);
}

static ssize_t fd_writev(green_stream_t *s, const struct iovec *iov, int count, green_time deadline)
{
    if (count == 1)
        return green_write(s->fd, iov->iov_base, iov->iov_len, deadline);
    return green_writev(s->fd, iov, count, deadline);
}

static int socket_shutdown(green_stream_t *s, green_time deadline)
{
    (void)deadline; /* the kernel sends the FIN when it can */
    return green_shutdown_write(s->fd);
}

static int pipe_shutdown(green_stream_t *s, green_time deadline)
{
    (void)deadline;
    int flags = fcntl(s->fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if ((flags & O_ACCMODE) != O_WRONLY)
        return -EOPNOTSUPP;
    int fd = s->fd;
    s->fd = -1;
    return green_close(fd);
}

static int fd_close(green_stream_t *s)
{
    int r = s->fd < 0 ? 0 : green_close(s->fd); /* a pipe that was shut down has none left */
    free(s);
    return r;
}

static const green_stream_type_t tcp_type = {"tcp", fd_read, fd_writev, socket_shutdown, fd_close},
                                 unix_type = {"unix", fd_read, fd_writev, socket_shutdown, fd_close},
                                 pipe_type = {"pipe", fd_read, fd_writev, pipe_shutdown, fd_close};

static int make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return -errno;
    return 0;
}

static int type_of(int fd, const green_stream_type_t **out)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f;
    int r = hub ? green__fd_get(hub, fd, &f) : -ENOMEM;
    if (r == 0 && !f->classified) { /* not one of ours */
        r = make_nonblocking(fd);
        if (r == 0)
            green__fd_classify(fd, f);
    }
    if (r < 0)
        return r;
    if (f->type && f->type != SOCK_STREAM)
        return -EPROTOTYPE;
    *out = !f->type ? &pipe_type : f->family == AF_UNIX ? &unix_type : &tcp_type;
    return 0;
}

int green_stream_open(green_stream_t **out, int fd)
{
    const green_stream_type_t *type = NULL;
    *out = NULL;
    int r = type_of(fd, &type);
    green_stream_t *s = r == 0 ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        if (fd >= 0)
            green_close(fd);
        return r < 0 ? r : -ENOMEM;
    }
    s->type = type;
    s->fd = fd;
    *out = s;
    return 0;
}

int green_stream_pair(green_stream_t *out[2])
{
    int fds[2];
    out[0] = out[1] = NULL;
    int r = green_socketpair(SOCK_STREAM, fds);
    if (r < 0)
        return r;
    r = green_stream_open(&out[0], fds[0]);
    if (r < 0) {
        green_close(fds[1]);
        return r;
    }
    r = green_stream_open(&out[1], fds[1]);
    if (r < 0) {
        green_stream_close(out[0]);
        out[0] = NULL;
    }
    return r;
}

int green_stream_detach(green_stream_t *s)
{
    if (s->type->close != fd_close)
        return -EOPNOTSUPP;
    int fd = s->fd;
    free(s);
    return fd;
}
