/*
 * Reads and writes of blocking descriptors without blocking. Sockets are asked with MSG_DONTWAIT. Of the others, the kernel
 * can be told not to wait for most (RWF_NOWAIT: pipes, eventfds); the rest (terminals, older kernels) are polled first
 * and given no more at once than they are sure to have room for.
 */
#include "transfer.h"

#include "signals.h"

#include <limits.h>
#include <stdlib.h>

#define WINDOW 64 /* pieces of a long list that go at a time once it has been cut */

/* What is left of a list of pieces, in a place where it may be changed. */
struct window {
    const struct iovec *iov;
    size_t count;   /* pieces from `iov` on */
    size_t skipped; /* bytes of the first of them */
    struct iovec pieces[WINDOW];
};

static size_t total(const struct iovec *iov, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += iov[i].iov_len;
    return n;
}

static void advance(struct window *w, size_t n)
{
    n += w->skipped;
    while (w->count && n >= w->iov->iov_len) {
        n -= w->iov->iov_len;
        w->iov++;
        w->count--;
    }
    w->skipped = w->count ? n : 0;
}

static void look_through(struct window *w, struct msghdr *message)
{
    size_t n = w->count < WINDOW ? w->count : WINDOW;
    for (size_t i = 0; i < n; i++)
        w->pieces[i] = w->iov[i];
    if (n) {
        w->pieces[0].iov_base = (char *)w->pieces[0].iov_base + w->skipped;
        w->pieces[0].iov_len -= w->skipped;
    }
    message->msg_iov = w->pieces;
    message->msg_iovlen = n;
}

/* --- attempts ------------------------------------------------------------------------------------------------------- */

static bool ready(int fd, short event)
{
    struct pollfd now = {.fd = fd, .events = event};
    return REAL(poll)(&now, 1, 0) > 0;
}

static ssize_t not_yet(void)
{
    errno = EAGAIN;
    return -1;
}

static ssize_t take_other(int fd, const struct transfer *t)
{
    const struct iovec *iov = t->message.msg_iov;
    int count = (int)t->message.msg_iovlen;
    if (!(t->about & ABOUT_NO_NOWAIT)) {
        ssize_t n = REAL(preadv2)(fd, iov, count, -1, RWF_NOWAIT);
        if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return n;
        green__about_also(fd, ABOUT_NO_NOWAIT);
    }
    return ready(fd, POLLIN) ? REAL(readv)(fd, iov, count) : not_yet();
}

/* That poll(2) finds room means PIPE_BUF bytes, which must not be torn apart either. */
static ssize_t give_other(int fd, const struct transfer *t)
{
    const struct iovec *iov = t->message.msg_iov;
    int count = (int)t->message.msg_iovlen;
    if (!(t->about & ABOUT_NO_NOWAIT)) {
        ssize_t n = REAL(pwritev2)(fd, iov, count, -1, RWF_NOWAIT);
        if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return n;
        green__about_also(fd, ABOUT_NO_NOWAIT);
    }
    if (!ready(fd, POLLOUT))
        return not_yet();
    if (t->operation.size <= PIPE_BUF)
        return REAL(writev)(fd, iov, count);
    while (!iov->iov_len)
        iov++;
    return REAL(write)(fd, iov->iov_base, iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF);
}

static bool is_plain(const struct msghdr *m)
{
    return m->msg_iovlen == 1 && !m->msg_name && !m->msg_control;
}

/* A unix socket's read ends early where descriptors or credentials came along, whatever is behind them. */
static ssize_t take_message(int fd, struct transfer *t)
{
    ssize_t n = REAL(recvmsg)(fd, &t->message, t->flags | MSG_DONTWAIT);
    if (n >= 0 && ((t->message.msg_flags & MSG_CTRUNC) || t->message.msg_controllen))
        t->operation.size = 0;
    return n;
}

static ssize_t attempt_take(int fd, const struct fd_state *f, struct operation *operation)
{
    struct transfer *t = CONTAINER_OF(operation, struct transfer, operation);
    (void)f;
    if (!(t->about & ABOUT_SOCKET))
        return take_other(fd, t);
    if (!is_plain(&t->message) || (t->about & ABOUT_UNIX))
        return take_message(fd, t);
    t->message.msg_flags = 0;
    return REAL(recv)(fd, t->message.msg_iov->iov_base, t->message.msg_iov->iov_len, t->flags | MSG_DONTWAIT);
}

static ssize_t attempt_give(int fd, const struct fd_state *f, struct operation *operation)
{
    const struct transfer *t = CONTAINER_OF(operation, struct transfer, operation);
    (void)f;
    if (!(t->about & ABOUT_SOCKET))
        return give_other(fd, t);
    if (is_plain(&t->message))
        return REAL(send)(fd, t->message.msg_iov->iov_base, t->message.msg_iov->iov_len,
                          t->flags | MSG_DONTWAIT);
    return REAL(sendmsg)(fd, &t->message, t->flags | MSG_DONTWAIT);
}

/* --- whole calls ---------------------------------------------------------------------------------------------------- */

/* What the call returns after `done` bytes, when it got no further. Its own time being over is EAGAIN. */
static ssize_t ended(size_t done, ssize_t r)
{
    if (done)
        return (ssize_t)done;
    return fail(own_time_is_over((int)r) ? -EAGAIN : (int)r);
}

static struct transfer begin(unsigned about, const struct msghdr *message, int flags,
                             ssize_t (*attempt)(int fd, const struct fd_state *f,
                                                struct operation *operation))
{
    struct transfer t = {.operation.attempt = attempt, .about = about, .flags = flags, .message = *message};
    t.operation.size = total(message->msg_iov, message->msg_iovlen);
    return t;
}

/* Whether fewer bytes than asked for mean that there are no more. */
static bool short_means_drained(unsigned about)
{
    return (about & ABOUT_STREAM) && (about & (ABOUT_TCP | ABOUT_UNIX));
}

ssize_t green__take_now(int fd, unsigned about, void *buffer, size_t size, int flags)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct transfer t = begin(about, &message, flags, attempt_take);
    ssize_t n = attempt_take(fd, NULL, &t.operation);
    struct fd_state *f;
    if ((n < 0 ? errno == EAGAIN : n > 0 && (size_t)n < t.operation.size && short_means_drained(about)) &&
        (f = green__fd_find(green__hub, fd)) && (n < 0 || f->stream))
        green__fd_drained(f);
    return n;
}

ssize_t green__take(int fd, unsigned about, struct msghdr *message, int flags)
{
    struct transfer t = begin(about, message, flags, attempt_take);
    size_t asked = t.operation.size, done = 0;
    bool all = (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && (about & ABOUT_STREAM);
    struct window w = {.iov = message->msg_iov, .count = message->msg_iovlen};
    green_time deadline = green__receive_deadline(fd, about);
    bool tells = !(flags & MSG_PEEK) && short_means_drained(about);
    if (!tells)
        t.operation.size = 0; /* the result does not tell whether more is there */
    for (;;) {
        ssize_t n = INTERRUPTIBLY(UNRESTARTED, green__fd_perform(fd, FD_READ, &t.operation, deadline));
        if (n < 0)
            return ended(done, n);
        if (!done) {
            struct iovec *iov = message->msg_iov;
            size_t count = message->msg_iovlen;
            *message = t.message;
            message->msg_iov = iov;
            message->msg_iovlen = count;
        }
        done += (size_t)n;
        if (!all || n == 0 || done >= asked || t.message.msg_controllen)
            return (ssize_t)done;
        advance(&w, (size_t)n);
        look_through(&w, &t.message);
        t.message.msg_name = NULL;
        t.message.msg_control = NULL;
        t.message.msg_namelen = 0;
        t.message.msg_controllen = 0;
        t.operation.size = tells ? asked - done : 0;
    }
}

/* A unix socket can be written to as far as poll(2) knows although the receiver's queue is full. */
static ssize_t give_unix_datagram(int fd, struct transfer *t, green_time deadline)
{
    for (int64_t pause = GREEN_US(100);; pause = pause < GREEN_MS(10) ? pause * 2 : pause) {
        ssize_t n = attempt_give(fd, NULL, &t->operation);
        if (n >= 0 || errno != EAGAIN)
            return n;
        green_time next = green_in(pause);
        int r = green_sleep_until(next < deadline ? next : deadline);
        if (r < 0)
            return fail(r);
        if (green_now() >= deadline)
            return fail(-EAGAIN);
    }
}

ssize_t green__give(int fd, unsigned about, const struct msghdr *message, int flags)
{
    struct transfer t = begin(about, message, flags, attempt_give);
    size_t all = t.operation.size, done = 0;
    green_time deadline = green__send_deadline(fd, about);
    if ((about & (ABOUT_UNIX | ABOUT_STREAM)) == ABOUT_UNIX)
        return give_unix_datagram(fd, &t, deadline);
    struct window w = {.iov = message->msg_iov, .count = message->msg_iovlen};
    for (;;) {
        ssize_t n = INTERRUPTIBLY(UNRESTARTED, green__fd_perform(fd, FD_WRITE, &t.operation, deadline));
        if (n < 0)
            return ended(done, n);
        done += (size_t)n;
        if (done >= all || (about & (ABOUT_SOCKET | ABOUT_STREAM)) == ABOUT_SOCKET)
            return (ssize_t)done;
        advance(&w, (size_t)n);
        look_through(&w, &t.message);
        t.message.msg_control = NULL; /* went with the first byte */
        t.message.msg_controllen = 0;
        t.operation.size = all - done;
    }
}
