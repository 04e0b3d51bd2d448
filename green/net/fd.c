/* The cooperative read and write calls: try, wait when the kernel says so, try again. */
#include "fd_state.h"

#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

/* How much a greenlet may move in one turn, in bytes, each call counting for some. */
#define STREAK_MAX  ((size_t)1 << 20)
#define STREAK_CALL ((size_t)1024)

static int enter(int fd, green_hub_t **hub, struct fd_state **f)
{
    *hub = green_hub();
    if (UNLIKELY(!*hub))
        return -ENOMEM;
    if (LIKELY((*hub)->current)) {
        int r = green__interruption((*hub)->current);
        if (UNLIKELY(r < 0))
            return r;
    }
    return green__fd_get(*hub, fd, f);
}

/* A short read of a stream says that nothing is left, unless the end is, which must still be read; a short write
 * says that the socket's buffer is full. Either saves the call that would only learn EAGAIN. */
static inline void note_result(struct fd_state *f, unsigned direction, size_t done, size_t asked)
{
    if (done >= asked || f->always)
        return;
    if (direction == FD_WRITE)
        f->ready &= ~FD_WRITE;
    else if (f->stream && f->watched && done && !(f->ready & FD_EOF))
        f->ready &= ~FD_READ;
}

static inline __attribute__((always_inline)) ssize_t perform(int fd, unsigned direction, struct operation *op,
                                                             green_time deadline)
{
    green_hub_t *hub;
    struct fd_state *f;
    int r = enter(fd, &hub, &f);
    if (UNLIKELY(r < 0))
        return r;
    if (UNLIKELY(hub->streak > STREAK_MAX) && deadline > GREEN_NOWAIT && hub->current) {
        uint32_t generation = f->generation;
        r = green_yield(); /* peers that are always ready must not keep everybody else waiting */
        if (r == 0 && f->generation != generation)
            r = -EBADF; /* closed meanwhile: the number may be somebody else's by now */
        if (r < 0)
            return r;
    }
    bool my_turn = !green__fd_queue(f, direction) && !(f->handed & direction);
    if (UNLIKELY(!my_turn) && hub->strict_fds && deadline > GREEN_NOWAIT)
        return -EBUSY;
    for (;;) {
        if (my_turn && ((f->ready & direction) || (deadline <= GREEN_NOWAIT && !FD_REMEMBERED(f)))) {
            ssize_t n = op->attempt(fd, f, op);
            if (LIKELY(n >= 0)) {
                hub->streak += (size_t)n + STREAK_CALL;
                note_result(f, direction, (size_t)n, op->size);
                green__fd_pass_on(f, direction);
                return n;
            }
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN || f->always) {
                n = -errno;
                green__fd_pass_on(f, direction);
                return n;
            }
            f->ready &= ~direction;
        }
        r = green__fd_wait(hub, fd, f, direction, my_turn, deadline);
        if (r < 0)
            return r;
        my_turn = true;
    }
}

ssize_t green__fd_perform(int fd, unsigned direction, struct operation *op, green_time deadline)
{
    return perform(fd, direction, op, deadline);
}

/* A unix socket's read ends early where descriptors or credentials came along, whatever is behind them. Only recvmsg
 * says so: they had no room (and were closed). */
static ssize_t read_unix(int fd, struct operation *op, struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t n = recvmsg(fd, &message, 0);
    if (UNLIKELY(message.msg_flags & MSG_CTRUNC))
        op->size = 0;
    return n;
}

static ssize_t attempt_read(int fd, const struct fd_state *f, struct operation *op)
{
    if (f->family == AF_UNIX) {
        struct iovec iov = {.iov_base = op->buffer, .iov_len = op->size};
        return read_unix(fd, op, &iov, 1);
    }
    return f->type && op->size ? recv(fd, op->buffer, op->size, 0) : read(fd, op->buffer, op->size);
}

static ssize_t attempt_write(int fd, const struct fd_state *f, struct operation *op)
{
    return f->type ? send(fd, op->buffer, op->size, MSG_NOSIGNAL) : write(fd, op->buffer, op->size);
}

static ssize_t attempt_readv(int fd, const struct fd_state *f, struct operation *op)
{
    if (f->family == AF_UNIX)
        return read_unix(fd, op, (struct iovec *)(uintptr_t)op->iov, op->count);
    return readv(fd, op->iov, op->count);
}

static ssize_t attempt_writev(int fd, const struct fd_state *f, struct operation *op)
{
    return writev(fd, op->iov, op->count);
}

static size_t total(const struct iovec *iov, int count)
{
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += iov[i].iov_len;
    return n;
}

ssize_t green_read(int fd, void *buffer, size_t size, green_time deadline)
{
    if (!size)
        return 0; /* nothing to wait for */
    struct operation op = {.attempt = attempt_read, .buffer = buffer, .size = size};
    return perform(fd, FD_READ, &op, deadline);
}

/* More than the system takes at once is a matter for the next call. */
static int bounded(int count)
{
    return count < IOV_MAX ? count : IOV_MAX;
}

ssize_t green_readv(int fd, const struct iovec *iov, int count, green_time deadline)
{
    count = bounded(count);
    struct operation op = {.attempt = attempt_readv, .iov = iov, .count = count, .size = total(iov, count)};
    if (!op.size)
        return 0;
    return perform(fd, FD_READ, &op, deadline);
}

ssize_t green_write(int fd, const void *buffer, size_t size, green_time deadline)
{
    struct operation op = {.attempt = attempt_write, .buffer = (void *)(uintptr_t)buffer, .size = size};
    return perform(fd, FD_WRITE, &op, deadline);
}

ssize_t green_writev(int fd, const struct iovec *iov, int count, green_time deadline)
{
    count = bounded(count);
    struct operation op = {.attempt = attempt_writev, .iov = iov, .count = count, .size = total(iov, count)};
    return perform(fd, FD_WRITE, &op, deadline);
}

int green_write_all(int fd, const void *buffer, size_t size, size_t *done, green_time deadline)
{
    size_t at = 0;
    ssize_t n = 0;
    while (at < size) {
        n = green_write(fd, (const char *)buffer + at, size - at, deadline);
        if (n < 0)
            break;
        at += (size_t)n;
    }
    if (done)
        *done = at;
    return n < 0 ? (int)n : 0;
}

int green_writev_all(int fd, struct iovec *iov, int count, size_t *done, green_time deadline)
{
    size_t at = 0;
    ssize_t n = 0;
    for (;;) {
        while (count && !iov->iov_len)
            iov++, count--;
        if (!count)
            break;
        n = green_writev(fd, iov, count, deadline);
        if (n < 0)
            break;
        at += (size_t)n;
        for (size_t left = (size_t)n; left;) {
            size_t part = left < iov->iov_len ? left : iov->iov_len;
            iov->iov_base = (char *)iov->iov_base + part;
            iov->iov_len -= part;
            left -= part;
            if (!iov->iov_len)
                iov++, count--;
        }
    }
    if (done)
        *done = at;
    return n < 0 ? (int)n : 0;
}

int green_wait_fd(int fd, int event, green_time deadline)
{
    unsigned direction = event == POLLIN ? FD_READ : event == POLLOUT ? FD_WRITE : 0;
    if (!direction)
        return -EINVAL;
    green_hub_t *hub;
    struct fd_state *f;
    int r = enter(fd, &hub, &f);
    if (r < 0)
        return r;
    /* What is remembered may be out of date, for the caller reads and writes as it likes: ask the kernel. */
    struct pollfd now = {.fd = fd, .events = (short)event};
    if (poll(&now, 1, 0) > 0)
        return now.revents & POLLNVAL ? -EBADF : 0;
    f->ready &= ~direction;
    r = green__fd_wait(hub, fd, f, direction, false, deadline);
    if (r == 0)
        green__fd_pass_on(f, direction); /* we take nothing away: it is news for the next one too */
    return r;
}

bool green_strict_fds(bool on)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return false;
    bool before = hub->strict_fds;
    hub->strict_fds = on;
    return before;
}

int green_close(int fd)
{
    green_fd_reset(fd);
    return close(fd) < 0 ? -errno : 0;
}
