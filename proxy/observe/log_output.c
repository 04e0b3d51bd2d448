/* Files, standard output and syslog (log_output.h). */
#include "log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SYSLOG_PATH  "/dev/log"
#define SYSLOG_LOCAL 23 /* the facility local7 */
#define SYSLOG_INFO  6
#define SYSLOG_BYTES 8192 /* of a message; what daemons take unless they are told otherwise */

#define LOOK_UP_INTERVAL GREEN_S(10)

/* --- files ------------------------------------------------------------------------------------------- */

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK); /* from now on, waiting is right */
    return fd;
}

/* 0 or -errno, with *done saying how much went. */
static int write_all(int fd, const char *p, size_t n, size_t *done)
{
    for (*done = 0; *done < n;) {
        ssize_t r = write(fd, p + *done, n - *done);
        if (r > 0) {
            *done += (size_t)r;
        } else if (r < 0 && errno == EAGAIN) { /* somebody made standard output non-blocking */
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, 1000);
        } else if (r == 0 || errno != EINTR) {
            return r == 0 ? -EIO : -errno;
        }
    }
    return 0;
}

static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;
    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

static int write_file(struct log_output *o, const char *bytes, size_t n, size_t *lines)
{
    size_t done = 0;
    int r = o->torn ? write_all(o->fd, "\n", 1, &done) : 0;
    if (r < 0)
        return r;
    o->torn = false;
    r = write_all(o->fd, bytes, n, &done);
    o->torn = done && bytes[done - 1] != '\n';
    *lines = count_lines(bytes, done);
    return r;
}

/* --- syslog ------------------------------------------------------------------------------------------ */

static int look_up(const struct conf_log_target *target, green_address_t *to)
{
    to->length = 0;
    if (!target->host || *target->host == '/')
        return green_address_parse(to, target->host ? target->host : SYSLOG_PATH, 0) == 0 ? 0 : -ENAMETOOLONG;
    if (green_address_parse(to, target->host, target->port) == 0)
        return 0;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    char port[16];
    snprintf(port, sizeof port, "%d", target->port);
    if (getaddrinfo(target->host, port, &hints, &found) != 0)
        return -EHOSTUNREACH;
    memcpy(&to->any, found->ai_addr, found->ai_addrlen);
    to->length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int dial(const green_address_t *to)
{
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, &to->any, (socklen_t)to->length) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

/* What the daemons of this machine expect is BSD's form (RFC 3164) without a host; others get RFC 5424's. */
static void make_stamp(struct log_output *o)
{
    struct timespec now;
    struct tm tm;
    char host[65], moment[48];
    clock_gettime(CLOCK_REALTIME, &now);
    if (o->stamp_length && now.tv_sec == o->stamped.tv_sec)
        return;
    o->stamped = now;
    int priority = SYSLOG_LOCAL * 8 + o->severity, n;
    if (o->to.any.sa_family == AF_UNIX) {
        localtime_r(&now.tv_sec, &tm);
        strftime(moment, sizeof moment, "%b %e %H:%M:%S", &tm);
        n = snprintf(o->stamp, sizeof o->stamp, "<%d>%s greenway[%d]: ", priority, moment, (int)getpid());
    } else {
        gmtime_r(&now.tv_sec, &tm);
        strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (gethostname(host, sizeof host) < 0 || !*host)
            strcpy(host, "-");
        host[sizeof host - 1] = 0;
        n = snprintf(o->stamp, sizeof o->stamp, "<%d>1 %s %s greenway %d - - ", priority, moment, host,
                     (int)getpid());
    }
    o->stamp_length = n > 0 && (size_t)n < sizeof o->stamp ? (size_t)n : 0;
}

static int send_line(struct log_output *o, const char *line, size_t n)
{
    struct iovec parts[2] = {{o->stamp, o->stamp_length},
                             {(char *)(uintptr_t)line, n < SYSLOG_BYTES ? n : SYSLOG_BYTES}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    while (sendmsg(o->fd, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* A name that was not known is asked for again now and then. */
static bool have_address(struct log_output *o)
{
    if (o->to.length || green_now() < o->look_up_at)
        return o->to.length;
    int r = look_up(&o->target, &o->to);
    o->look_up_at = green_now() + LOOK_UP_INTERVAL;
    return r == 0;
}

/* A daemon that was started anew has a new socket, and a UDP socket tells of the datagram before: twice is enough. */
static int deliver(struct log_output *o, const char *line, size_t n)
{
    int r = o->fd >= 0 ? send_line(o, line, n) : -ENOTCONN;
    if (r == 0 || r == -EMSGSIZE || !have_address(o))
        return r;
    if (o->fd >= 0)
        close(o->fd);
    o->fd = r = dial(&o->to);
    return r < 0 ? r : send_line(o, line, n);
}

static int send_lines(struct log_output *o, const char *bytes, size_t n, size_t *lines)
{
    int result = 0;
    make_stamp(o);
    for (const char *end = bytes + n, *next; bytes < end; bytes = next) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        next = newline ? newline + 1 : end;
        int r = deliver(o, bytes, (size_t)((newline ? newline : end) - bytes));
        *lines += r == 0;
        result = r < 0 ? r : result;
    }
    return result;
}

/* --- all ---------------------------------------------------------------------------------------------- */

int log_output_open(struct log_output *o, const struct conf_log_target *target)
{
    *o = (struct log_output){.target = *target, .fd = -1, .severity = SYSLOG_INFO};
    int r = 0;
    if (target->kind == CONF_LOG_STANDARD) {
        o->fd = STDOUT_FILENO;
    } else if (target->kind == CONF_LOG_FILE) {
        o->fd = r = open_file(target->written);
    } else if (target->kind == CONF_LOG_SYSLOG && (r = look_up(target, &o->to)) == 0) {
        o->fd = r = dial(&o->to);
    }
    return r < 0 ? r : 0;
}

int log_output_write(struct log_output *o, const char *bytes, size_t n, size_t *lines)
{
    *lines = 0;
    return o->target.kind == CONF_LOG_SYSLOG ? send_lines(o, bytes, n, lines)
                                             : write_file(o, bytes, n, lines);
}

void log_output_close(struct log_output *o)
{
    if (o->target.kind != CONF_LOG_STANDARD && o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}
