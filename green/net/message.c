/* recv and send in all their forms: the system call, and what its result says about what is left. */
#include "message.h"

#include "fd_state.h"

#include <string.h>
#include <unistd.h>

/* With these flags a short result still means what it means without any. */
#define PLAIN_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)

/* What comes in a queue of its own. Its emptiness says nothing about the ordinary data. */
#define APART (MSG_OOB | MSG_ERRQUEUE)

struct message_operation {
    struct operation operation;
    struct msghdr *message;
    int flags;
};

static ssize_t attempt_recvmsg(int fd, const struct fd_state *f, struct operation *op)
{
    struct message_operation *m = CONTAINER_OF(op, struct message_operation, operation);
    (void)f;
    ssize_t n = recvmsg(fd, m->message, m->flags);
    if (n >= 0 && (m->message->msg_controllen || (m->message->msg_flags & MSG_CTRUNC)))
        op->size = 0; /* a unix socket's bytes end where descriptors do */
    return n;
}

static ssize_t attempt_sendmsg(int fd, const struct fd_state *f, struct operation *op)
{
    const struct message_operation *m = CONTAINER_OF(op, struct message_operation, operation);
    (void)f;
    return sendmsg(fd, m->message, m->flags);
}

static size_t room(const struct msghdr *message)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)message->msg_iovlen; i++)
        n += message->msg_iov[i].iov_len;
    return n;
}

/* Tries and waits by poll(2)'s notion of readiness, for what the descriptor's memory does not cover. */
static ssize_t receive_apart(int fd, struct msghdr *message, int flags, green_time deadline)
{
    struct pollfd awaited = {.fd = fd, .events = flags & MSG_OOB ? POLLPRI : 0};
    for (;;) {
        green_t *self = green_self();
        int r = self ? green__interruption(self) : 0;
        if (r < 0)
            return r;
        ssize_t n = recvmsg(fd, message, flags | MSG_DONTWAIT);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n < 0 ? -errno : n;
        r = green_poll(&awaited, 1, deadline);
        if (r < 0)
            return r;
        if (awaited.revents & POLLNVAL)
            return -EBADF;
        if ((flags & MSG_ERRQUEUE) && !(awaited.revents & POLLERR))
            return -ENODATA; /* hung up: no more will come */
    }
}

ssize_t green_recvmsg(int fd, struct msghdr *message, int flags, green_time deadline)
{
    if (flags & MSG_DONTWAIT)
        deadline = GREEN_NOWAIT;
    if (flags & APART)
        return receive_apart(fd, message, flags, deadline);
    struct message_operation m = {.operation.attempt = attempt_recvmsg, .message = message, .flags = flags};
    if (!(flags & ~PLAIN_FLAGS))
        m.operation.size = room(message);
    return green__fd_perform(fd, FD_READ, &m.operation, deadline);
}

ssize_t green_sendmsg(int fd, const struct msghdr *message, int flags, green_time deadline)
{
    struct message_operation m = {.operation.attempt = attempt_sendmsg,
                                  .message = (struct msghdr *)(uintptr_t)message,
                                  .flags = flags | MSG_NOSIGNAL};
    if (!(flags & ~PLAIN_FLAGS))
        m.operation.size = room(message);
    return green__fd_perform(fd, FD_WRITE, &m.operation, flags & MSG_DONTWAIT ? GREEN_NOWAIT : deadline);
}

ssize_t green_recv(int fd, void *buffer, size_t size, int flags, green_time deadline)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return size ? green_recvmsg(fd, &message, flags, deadline) : 0;
}

ssize_t green_recvfrom(int fd, void *buffer, size_t size, int flags, green_address_t *from,
                       green_time deadline)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (from) {
        memset(from, 0, sizeof *from);
        message.msg_name = &from->any;
        message.msg_namelen = sizeof from->un;
    }
    ssize_t n = green_recvmsg(fd, &message, flags, deadline);
    if (from && n >= 0)
        from->length = message.msg_namelen;
    return n;
}

ssize_t green_send(int fd, const void *buffer, size_t size, int flags, green_time deadline)
{
    return green_sendto(fd, buffer, size, flags, NULL, deadline);
}

ssize_t green_sendto(int fd, const void *buffer, size_t size, int flags, const green_address_t *to,
                     green_time deadline)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (to) {
        message.msg_name = (void *)(uintptr_t)&to->any;
        message.msg_namelen = to->length;
    }
    return green_sendmsg(fd, &message, flags, deadline);
}

/* --- descriptors ------------------------------------------------------------------------------------------------------- */

union fds_control {
    char bytes[CMSG_SPACE(GREEN_FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

ssize_t green_send_fds(int fd, const void *buffer, size_t size, const int *fds, size_t count,
                       green_time deadline)
{
    if (!size || count > GREEN_FDS_MAX)
        return -EINVAL;
    union fds_control control;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, count * sizeof *fds);
    }
    return green_sendmsg(fd, &message, 0, deadline);
}

/* How many there are; only so many as there is room for are kept, the others are closed. */
static size_t collect(struct msghdr *message, int *fds, size_t max)
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof *fds <= c->cmsg_len; at += sizeof *fds) {
            int fd;
            memcpy(&fd, (char *)c + at, sizeof fd);
            green_fd_reset(fd); /* whatever the number meant before */
            if (count < max)
                fds[count] = fd;
            else
                close(fd);
            count++;
        }
    }
    return count;
}

ssize_t green_recv_fds(int fd, void *buffer, size_t size, int *fds, size_t *count, green_time deadline)
{
    size_t max = *count;
    *count = 0;
    if (!size || max > GREEN_FDS_MAX)
        return -EINVAL;
    union fds_control control;
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control}; /* room for all: the kernel drops silently */
    ssize_t n = green_recvmsg(fd, &message, MSG_CMSG_CLOEXEC, deadline);
    if (n < 0)
        return n;
    size_t came = collect(&message, fds, max);
    if (came <= max && !(message.msg_flags & MSG_CTRUNC)) {
        *count = came;
        return n;
    }
    for (size_t i = 0; i < came && i < max; i++)
        close(fds[i]);
    return -EMSGSIZE;
}
