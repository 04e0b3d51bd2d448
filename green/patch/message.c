/* recv(2), send(2) and their families. */
#include "transfer.h"

HOOK ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    unsigned about;
    if (!COOPERATIVE(NET) || !waits_with(flags) || message->msg_iovlen > IOV_MAX ||
        !may_wait(about = green__about(fd)) || !(about & ABOUT_SOCKET))
        return REAL(recvmsg)(fd, message, flags);
    return green__take(fd, about, message, flags);
}

HOOK ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
    if (!COOPERATIVE(NET))
        return REAL(recvfrom)(fd, buffer, size, flags, from, length);
    unsigned about = green__about(fd);
    if (!from && tells_of_rest(about, flags))
        return green__take_now(fd, about, buffer, size, flags);
    if (!waits_with(flags) || !may_wait(about) || !(about & ABOUT_SOCKET))
        return REAL(recvfrom)(fd, buffer, size, flags, from, length);
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (from && length) {
        message.msg_name = from;
        message.msg_namelen = *length;
    }
    ssize_t n = green__take(fd, about, &message, flags);
    if (n >= 0 && from && length)
        *length = message.msg_namelen;
    return n;
}

HOOK ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    if (!COOPERATIVE(NET))
        return REAL(recv)(fd, buffer, size, flags);
    return recvfrom(fd, buffer, size, flags, NULL, NULL);
}

HOOK ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags)
{
    return size <= room ? recv(fd, buffer, size, flags) : REAL(__recv_chk)(fd, buffer, size, room, flags);
}

HOOK ssize_t __recvfrom_chk(int fd, void *buffer, size_t size, size_t room, int flags, struct sockaddr *from,
                            socklen_t *length)
{
    return size <= room ? recvfrom(fd, buffer, size, flags, from, length)
                        : REAL(__recvfrom_chk)(fd, buffer, size, room, flags, from, length);
}

/* As many as are there at once; more if the caller insists, until `timeout` has passed, which the kernel, too, looks at only
 * between messages. */
HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    unsigned about, done = 0;
    if (!COOPERATIVE(NET) || !waits_with(flags) || !count || !may_wait(about = green__about(fd)) ||
        !(about & ABOUT_SOCKET))
        return REAL(recvmmsg)(fd, messages, count, flags, timeout);
    green_time end = timeout ? green_in(green__ns(timeout)) : GREEN_FOREVER;
    int once = flags & ~MSG_WAITFORONE;
    for (;;) {
        ssize_t n = green__take(fd, about, &messages[done].msg_hdr, once);
        if (n < 0)
            return done ? (int)done : -1;
        messages[done++].msg_len = (unsigned)n;
        if (done < count) {
            int more = REAL(recvmmsg)(fd, messages + done, count - done, once | MSG_DONTWAIT, NULL);
            done += more > 0 ? (unsigned)more : 0;
        }
        if (done == count || (flags & MSG_WAITFORONE) || green_now() >= end)
            return (int)done;
    }
}

HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    unsigned about;
    if (!COOPERATIVE(NET) || !waits_with(flags) || message->msg_iovlen > IOV_MAX ||
        !may_wait(about = green__about(fd)) || !(about & ABOUT_SOCKET))
        return REAL(sendmsg)(fd, message, flags);
    return green__give(fd, about, message, flags);
}

HOOK ssize_t sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to,
                    socklen_t length)
{
    unsigned about;
    if (!COOPERATIVE(NET) || !waits_with(flags) || !may_wait(about = green__about(fd)) ||
        !(about & ABOUT_SOCKET))
        return REAL(sendto)(fd, buffer, size, flags, to, length);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (to) {
        message.msg_name = (void *)(uintptr_t)to;
        message.msg_namelen = length;
    }
    return green__give(fd, about, &message, flags);
}

HOOK ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    if (!COOPERATIVE(NET))
        return REAL(send)(fd, buffer, size, flags);
    return sendto(fd, buffer, size, flags, NULL, 0);
}

HOOK ssize_t __send(int fd, const void *buffer, size_t size, int flags) __attribute__((alias("send")));

HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned about, done = 0;
    if (!COOPERATIVE(NET) || !waits_with(flags) || !may_wait(about = green__about(fd)) ||
        !(about & ABOUT_SOCKET))
        return REAL(sendmmsg)(fd, messages, count, flags);
    for (; done < count && done < IOV_MAX; done++) {
        ssize_t n = green__give(fd, about, &messages[done].msg_hdr, flags);
        if (n < 0)
            return done ? (int)done : -1;
        messages[done].msg_len = (unsigned)n;
    }
    return (int)done;
}

HOOK int __sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
    __attribute__((alias("sendmmsg")));
