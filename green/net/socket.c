/* Sockets: making, connecting, listening, accepting. */
#include "fd_state.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MIN  GREEN_MS(1)
#define RETRY_MAX  GREEN_MS(64)
#define SOCK_TYPES 0xf /* the part of socket(2)'s type that is one; the rest are flags */

/* --- making ------------------------------------------------------------------------------------------------------------ */

int green_socket(int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -errno;
    int r = green__fd_fresh(fd, family, type & SOCK_TYPES);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int green_socketpair(int type, int fds[2])
{
    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    int r = green__fd_fresh(fds[0], AF_UNIX, type & SOCK_TYPES);
    if (r == 0)
        r = green__fd_fresh(fds[1], AF_UNIX, type & SOCK_TYPES);
    if (r < 0) {
        close(fds[0]);
        close(fds[1]);
    }
    return r;
}

int green__connecting_socket(int family, const green_address_t *source)
{
    int on = 1, fd = green_socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    if (family == AF_INET || family == AF_INET6)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!source)
        return fd;
    if (!green_address_port(
            source)) /* let connect choose it: ports are scarce by themselves, not with a peer */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, &source->any, source->length) == 0)
        return fd;
    int r = -errno;
    green_close(fd);
    return r;
}

/* Nothing tells when a unix listener's backlog has room again: ask now and then, less often as it goes on. */
static int pause_before_retry(int64_t *pause, green_time deadline)
{
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    green_time next = green_in(*pause);
    if (next >= deadline) {
        int r = green_sleep_until(deadline);
        return r < 0 ? r : -ETIMEDOUT;
    }
    if (*pause < RETRY_MAX)
        *pause *= 2;
    return green_sleep_until(next);
}

static int interrupted(void)
{
    green_t *self = green_self();
    return self ? green__interruption(self) : 0;
}

int green_connect_fd(int fd, const green_address_t *address, green_time deadline)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f;
    int64_t pause = RETRY_MIN;
    int r = hub ? interrupted() : -ENOMEM;
    if (r == 0)
        r = green__fd_get(hub, fd, &f);
    if (r < 0)
        return r;
    uint32_t generation = f->generation;
    bool begun = false;
    do {
        if (connect(fd, &address->any, address->length) == 0) {
            if (address->any.sa_family == AF_UNIX)
                f->ready &= ~(FD_EOF | FD_HUP); /* unix sockets connect at once: this is of the time before */
            return 0;
        }
        switch (errno) {
        case EISCONN:
            return begun ? 0 : -EISCONN;
        case EINPROGRESS:
            f->ready &= ~(FD_EOF | FD_HUP); /* of the time before; from here on they are the connection's */
            /* fallthrough */
        case EINTR:
        case EALREADY:
            begun = true;
            f->ready &= ~(FD_READ | FD_WRITE);
            r = green__fd_wait(hub, fd, f, FD_WRITE, false, deadline);
            break;
        case EAGAIN:
            if (address->any.sa_family != AF_UNIX)
                return -EAGAIN; /* no port is left */
            r = pause_before_retry(&pause, deadline);
            break;
        default:
            return -errno;
        }
        if (r == 0 && f->generation != generation)
            r = -EBADF; /* closed while we waited */
    } while (r == 0);   /* calling it again tells what became of it */
    return r;
}

int green_connect(const green_address_t *address, green_time deadline)
{
    int r = interrupted();
    if (r < 0)
        return r;
    int fd = green__connecting_socket(address->any.sa_family, NULL);
    if (fd < 0)
        return fd;
    r = green_connect_fd(fd, address, deadline);
    if (r == 0)
        return fd;
    green_close(fd);
    return r;
}

int green_listen(const green_address_t *address, int backlog, int flags)
{
    int on = 1, family = address->any.sa_family;
    int fd = green_socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6 && (flags & GREEN_V6ONLY))
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if ((flags & GREEN_REUSEPORT) && family != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        goto failed;
    if (bind(fd, &address->any, address->length) < 0 || listen(fd, backlog) < 0)
        goto failed;
    return fd;
failed:;
    int r = -errno;
    green_close(fd);
    return r;
}

int green_remove_stale_socket(const green_address_t *address, int type)
{
    const char *path = address->un.sun_path;
    struct stat found;
    if (address->any.sa_family != AF_UNIX || !*path)
        return -EINVAL;
    if (lstat(path, &found) < 0)
        return -errno;
    if (!S_ISSOCK(found.st_mode))
        return -ENOTSOCK;
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool refused = connect(fd, &address->any, address->length) < 0 && errno == ECONNREFUSED;
    close(fd); /* was never waited for: libgreen does not know it */
    if (!refused)
        return -EADDRINUSE;
    return unlink(path) == 0 ? 0 : -errno;
}

/* Errors that belong to the connection that was taken, not to the listener: accept(2) says to try again. */
static bool passing(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static ssize_t attempt_accept(int listener, const struct fd_state *f, struct operation *op)
{
    green_address_t *from = op->buffer;
    for (;;) {
        *from = (green_address_t){.length = sizeof from->un};
        int fd = accept4(listener, &from->any, &from->length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 || !passing(errno))
            return fd;
    }
}

int green_accept(int listener, green_address_t *peer, green_time deadline)
{
    green_address_t from;
    struct operation op = {.attempt = attempt_accept, .buffer = peer ? peer : &from};
    int fd = (int)green__fd_perform(listener, FD_READ, &op, deadline);
    if (fd < 0)
        return fd;
    const struct fd_state *f = green__fd_find(green_hub(), listener);
    if (!f->type) { /* nothing is known of the listener: nothing of the connection either */
        green_fd_reset(fd);
        return fd;
    }
    int r = green__fd_fresh(fd, f->family, f->type);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int green_shutdown(int fd, int how)
{
    if (shutdown(fd, how) < 0)
        return -errno;
    green_hub_t *hub = green_hub();
    struct fd_state *f = hub ? green__fd_find(hub, fd) : NULL;
    if (f) /* the kernel will tell as well, but later: who tries without waiting is to see it now */
        green__fd_event(hub, fd, f,
                        (how != SHUT_WR ? FD_READ | FD_EOF : 0) | (how != SHUT_RD ? FD_WRITE : 0));
    return 0;
}

int green_shutdown_write(int fd)
{
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

/* --- asking --- */

int green_local_address(int fd, green_address_t *out)
{
    memset(out, 0, sizeof *out);
    out->length = sizeof out->un;
    return getsockname(fd, &out->any, &out->length) < 0 ? -errno : 0;
}

int green_peer_address(int fd, green_address_t *out)
{
    memset(out, 0, sizeof *out);
    out->length = sizeof out->un;
    return getpeername(fd, &out->any, &out->length) < 0 ? -errno : 0;
}
