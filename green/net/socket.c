/* Sockets: addresses, connecting, listening, accepting. */
#include "fd_state.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCK_TYPES 0xf /* the part of socket(2)'s type that is one; the rest are flags */

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static int parse_unix(green_address_t *out, const char *path)
{
    size_t length = strlen(path);
    if (length >= sizeof out->un.sun_path)
        return -EINVAL;
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path, length + 1);
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 0;
}

static int parse_v6(green_address_t *out, const char *text)
{
    const char *zone = strchr(text, '%');
    char bare[INET6_ADDRSTRLEN];
    size_t length = zone ? (size_t)(zone - text) : strlen(text);
    if (length >= sizeof bare)
        return -EINVAL;
    memcpy(bare, text, length);
    bare[length] = 0;
    if (inet_pton(AF_INET6, bare, &out->in6.sin6_addr) != 1)
        return -EINVAL;
    out->in6.sin6_family = AF_INET6;
    if (zone) {
        char *end;
        unsigned long number = strtoul(zone + 1, &end, 10);
        out->in6.sin6_scope_id = *end || end == zone + 1 ? if_nametoindex(zone + 1) : (uint32_t)number;
        if (!out->in6.sin6_scope_id)
            return -EINVAL;
    }
    out->length = sizeof out->in6;
    return 0;
}

int green_address_parse(green_address_t *out, const char *host, int port)
{
    memset(out, 0, sizeof *out);
    if (host[0] == '/')
        return parse_unix(out, host);
    if (port < 0 || port > 65535)
        return -EINVAL;
    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons((uint16_t)port);
        out->length = sizeof out->in;
        return 0;
    }
    char inner[INET6_ADDRSTRLEN + IF_NAMESIZE + 2];
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (length >= sizeof inner)
        return -EINVAL;
    memcpy(inner, host, length);
    inner[length] = 0;
    int r = parse_v6(out, inner);
    out->in6.sin6_port = htons((uint16_t)port);
    return r;
}

static char *put_decimal(char *at, unsigned n)
{
    if (n >= 10)
        at = put_decimal(at, n / 10);
    *at = (char)('0' + n % 10);
    return at + 1;
}

/* By hand: proxies say it once for every request, and printf costs more than all the rest. */
static char *put_v4(char *at, const struct in_addr *address)
{
    const unsigned char *bytes = (const unsigned char *)address;
    for (int i = 0; i < 4; i++) {
        if (i)
            *at++ = '.';
        at = put_decimal(at, bytes[i]);
    }
    return at;
}

char *green_address_text(const green_address_t *address, bool with_port, char out[GREEN_ADDRESS_TEXT])
{
    char *at = out;
    int port = green_address_port(address);
    switch (address->length ? address->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        at = put_v4(at, &address->in.sin_addr);
        break;
    case AF_INET6:
        if (with_port)
            *at++ = '[';
        inet_ntop(AF_INET6, &address->in6.sin6_addr, at, INET6_ADDRSTRLEN);
        at += strlen(at);
        if (with_port)
            *at++ = ']';
        break;
    case AF_UNIX:
        snprintf(out, GREEN_ADDRESS_TEXT, "unix:%.*s",
                 (int)(address->length - offsetof(struct sockaddr_un, sun_path)), address->un.sun_path);
        return out;
    default:
        strcpy(out, "unknown");
        return out;
    }
    if (with_port) {
        *at++ = ':';
        at = put_decimal(at, (unsigned)port);
    }
    *at = 0;
    return out;
}

int green_address_port(const green_address_t *address)
{
    switch (address->length ? address->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        return ntohs(address->in.sin_port);
    case AF_INET6:
        return ntohs(address->in6.sin6_port);
    default:
        return 0;
    }
}

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

static void set_nodelay(int fd, int family)
{
    int on = 1;
    if (family == AF_INET || family == AF_INET6)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int finish_connect(int fd, green_time deadline)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f = green__fd_find(hub, fd);
    f->ready &= ~(FD_READ | FD_WRITE);
    int r = green__fd_wait(hub, fd, f, FD_WRITE, false, deadline);
    if (r < 0)
        return r;
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

int green_connect(const green_address_t *address, green_time deadline)
{
    green_t *self = green_self();
    int interrupted = self ? green__interruption(self) : 0;
    if (interrupted < 0)
        return interrupted;
    int fd = green_socket(address->any.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    set_nodelay(fd, address->any.sa_family);
    int r = connect(fd, &address->any, address->length) < 0 ? -errno : 0;
    if (r == -EINPROGRESS || r == -EINTR)
        r = finish_connect(fd, deadline);
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

static ssize_t attempt_accept(int listener, const struct fd_state *f, const struct operation *op)
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
    int r = green__fd_fresh(fd, ((green_address_t *)op.buffer)->any.sa_family, SOCK_STREAM);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int green_shutdown_write(int fd)
{
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}
