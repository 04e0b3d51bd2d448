/* Listeners (listener.h): reading addresses, binding, socket files that outlived their server. */
#include "listener.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- addresses --------------------------------------------------------------------------------------------------- */

static int parse_port(const char *text, int *port)
{
    int number = 0;
    if (!*text || strlen(text) > 5)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        number = number * 10 + (*text - '0');
    }
    *port = number;
    return number <= 65535 ? 0 : -EINVAL;
}

static int resolve(green_address_t *out, const char *host, int port, green_time deadline)
{
    green_dns_answer_t *answer;
    int r = green_resolve(host, port, AF_UNSPEC, &answer, deadline);
    if (r < 0)
        return r;
    *out = answer->addresses[0];
    green_dns_release(answer);
    return 0;
}

static int parse_endpoint(green_address_t *out, const char *text, green_time deadline)
{
    char host[256];
    int port;
    if (!strncmp(text, "unix:", 5)) {
        if (text[5] != '/')
            return -EINVAL;
        return strlen(text + 5) < sizeof out->un.sun_path ? green_address_parse(out, text + 5, 0)
                                                          : -ENAMETOOLONG;
    }
    const char *colon = strrchr(text, ':');
    if (!colon || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    size_t length = (size_t)(colon - text);
    if (length >= sizeof host)
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = 0;
    if (!length || !strcmp(host, "*"))
        return green_address_parse(out, "0.0.0.0", port);
    if (host[0] == '/' || (host[0] != '[' && strchr(host, ':'))) /* "::1:80" could be two things */
        return -EINVAL;
    int r = green_address_parse(out, host, port);
    return r == 0 || host[0] == '[' ? r : resolve(out, host, port, deadline);
}

/* --- binding ----------------------------------------------------------------------------------------------------- */

static int bind_datagram(const green_address_t *address, bool reuseport)
{
    int on = 1, fd = green_socket(address->any.sa_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    if ((!reuseport || address->any.sa_family == AF_UNIX ||
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, &address->any, address->length) == 0)
        return fd;
    int r = -errno;
    green_close(fd);
    return r;
}

static int bind_to(const green_address_t *address, int type, int backlog, bool reuseport)
{
    return type == SOCK_DGRAM ? bind_datagram(address, reuseport)
                              : green_listen(address, backlog, reuseport ? GREEN_REUSEPORT : 0);
}

/* Whose the file is, so that closing does not remove a successor's. */
static void remember_file(struct listener *l)
{
    struct stat status;
    l->own_file = l->address.any.sa_family == AF_UNIX && lstat(l->address.un.sun_path, &status) == 0;
    if (l->own_file) {
        l->device = status.st_dev;
        l->inode = status.st_ino;
    }
}

int green__listener_open(struct listener *l, const char *text, int type, int backlog, bool reuseport,
                         green_time deadline)
{
    *l = (struct listener){.fd = -1};
    int r = parse_endpoint(&l->address, text, deadline);
    if (r < 0)
        return r;
    bool file = l->address.any.sa_family == AF_UNIX;
    r = bind_to(&l->address, type, backlog, reuseport);
    if (r == -EADDRINUSE && file && green_remove_stale_socket(&l->address, type) == 0)
        r = bind_to(&l->address, type, backlog, reuseport);
    if (r < 0)
        return r;
    l->fd = r;
    remember_file(l);
    if (file)
        return 0;
    r = green_local_address(l->fd, &l->address); /* the port that 0 became */
    if (r < 0)
        green__listener_close(l);
    return r;
}

static int check_socket(int fd, int type)
{
    int value;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length) < 0)
        return -errno;
    if (value != type)
        return -EINVAL;
    if (type == SOCK_STREAM && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) < 0)
        return -errno;
    return type != SOCK_STREAM || value ? 0 : -EINVAL;
}

int green__listener_adopt(struct listener *l, int fd, int type)
{
    *l = (struct listener){.fd = -1};
    int r = check_socket(fd, type);
    if (r < 0)
        return r;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    r = green_local_address(fd, &l->address);
    if (r < 0)
        return r;
    green_fd_reset(fd);
    l->fd = fd;
    return 0;
}

void green__listener_close(struct listener *l)
{
    struct stat status;
    if (l->fd < 0)
        return;
    if (l->own_file && lstat(l->address.un.sun_path, &status) == 0 && status.st_dev == l->device &&
        status.st_ino == l->inode)
        unlink(l->address.un.sun_path);
    green_close(l->fd);
    l->fd = -1;
}
