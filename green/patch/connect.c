/*
 * connect(2) and accept(2), which no flag tells not to wait. A socket about to be connected is nobody else's yet, and gets
 * O_NONBLOCK for as long as the system call takes. A listening one may be shared with other processes, to which
 * the flag would show: it is polled first.
 */
#include "transfer.h"

#include "signals.h"

#include <fcntl.h>

static int connect_at_once(int fd, const struct sockaddr *address, socklen_t length)
{
    int flags = REAL(fcntl)(fd, F_GETFL);
    if (flags < 0 || REAL(fcntl)(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    int r = REAL(connect)(fd, address, length) < 0 ? -errno : 0;
    REAL(fcntl)(fd, F_SETFL, flags);
    return r;
}

/* When it is decided, the first call after that learns it, and with it the socket that it is connected: ours, which does
 * not wait any more. */
static int await_connection(int fd, const struct sockaddr *address, socklen_t size, green_time deadline)
{
    struct pollfd now = {.fd = fd, .events = POLLOUT};
    do {
        int r = INTERRUPTIBLY(UNRESTARTED, green_wait_fd(fd, POLLOUT, deadline));
        if (r < 0)
            return own_time_is_over(r) ? -EINPROGRESS : r;
    } while (REAL(poll)(&now, 1, 0) == 0);
    return REAL(connect)(fd, address, size) < 0 && errno != EISCONN ? -errno : 0;
}

/* A unix socket whose peer's queue is full has no place in it, and nothing tells when there is one. */
static int connect_unix(int fd, const struct sockaddr *address, socklen_t length, green_time deadline)
{
    for (int64_t pause = GREEN_US(100);; pause = pause < GREEN_MS(10) ? pause * 2 : pause) {
        int r = connect_at_once(fd, address, length);
        if (r != -EAGAIN || green_now() >= deadline)
            return r;
        green_time next = green_in(pause);
        r = green_sleep_until(next < deadline ? next : deadline);
        if (r < 0)
            return r;
    }
}

HOOK int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    unsigned about;
    int type = 0;
    socklen_t size = sizeof type;
    if (!COOPERATIVE(NET) || !may_wait(about = green__about(fd)) || !(about & ABOUT_SOCKET) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        (type != SOCK_STREAM && type != SOCK_SEQPACKET))
        return REAL(connect)(fd, address, length);
    int r = green__interruption(green__hub->current);
    if (r < 0)
        return fail(r);
    green_time deadline = green__send_deadline(fd, about);
    if (about & ABOUT_UNIX)
        r = connect_unix(fd, address, length, deadline);
    else
        r = connect_at_once(fd, address, length);
    if (r == -EINPROGRESS)
        r = await_connection(fd, address, length, deadline);
    return r < 0 ? fail(r) : 0;
}

HOOK int __connect(int fd, const struct sockaddr *address, socklen_t length)
    __attribute__((alias("connect")));

/* --- accept --------------------------------------------------------------------------------------------------------- */

struct acceptance {
    struct operation operation;
    struct sockaddr *address;
    socklen_t *length;
    int flags;
};

/* In between, another process may have taken the connection: then this blocks until the next one. */
static ssize_t attempt_accept(int fd, const struct fd_state *f, struct operation *operation)
{
    const struct acceptance *a = CONTAINER_OF(operation, struct acceptance, operation);
    struct pollfd now = {.fd = fd, .events = POLLIN};
    (void)f;
    if (REAL(poll)(&now, 1, 0) > 0)
        return REAL(accept4)(fd, a->address, a->length, a->flags);
    errno = EAGAIN;
    return -1;
}

HOOK int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    unsigned about;
    int connection;
    if (!COOPERATIVE(NET) || !may_wait(about = green__about(fd)) || !(about & ABOUT_SOCKET)) {
        connection = REAL(accept4)(fd, address, length, flags);
    } else {
        green_time deadline = green__receive_deadline(fd, about);
        struct acceptance a = {{.attempt = attempt_accept}, address, length, flags};
        int r = (int)INTERRUPTIBLY(UNRESTARTED, green__fd_perform(fd, FD_READ, &a.operation, deadline));
        connection = r >= 0 ? r : fail(own_time_is_over(r) ? -EAGAIN : r);
    }
    if (connection >= 0)
        green__about_made(connection);
    return connection;
}

HOOK int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}
