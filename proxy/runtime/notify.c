/* Datagrams to the service manager (notify.h). */
#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "observe/error_log.h"

/* The manager's socket: a path, or a name in the abstract namespace behind a '@'. 0 if there is none. */
static socklen_t manager(struct sockaddr_un *out)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t n = name ? strlen(name) : 0;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n < 2 || n >= sizeof out->sun_path || (*name != '/' && *name != '@'))
        return 0;
    memcpy(out->sun_path, name, n);
    if (*name == '@')
        out->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    struct sockaddr_un to;
    socklen_t length = manager(&to);
    char text[1024];
    va_list arguments;
    if (!length)
        return;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    size_t size = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
    if (fd < 0 || sendto(fd, text, size, MSG_NOSIGNAL, (struct sockaddr *)&to, length) < 0)
        error_log(LOG_LEVEL_WARNING, "cannot tell the service manager ($NOTIFY_SOCKET): %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

void notify_ready(const char *status)
{
    say("READY=1\nSTATUS=%s", status);
}

/* The time tells managers which of several reloads this is. */
void notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    say("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
        (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void notify_stopping(const char *status)
{
    say("STOPPING=1\nSTATUS=%s", status);
}

void notify_successor(pid_t successor)
{
    say("MAINPID=%ld", (long)successor);
}

void notify_watchdog(void)
{
    say("WATCHDOG=1");
}

green_time notify_watchdog_interval(void)
{
    const char *time = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    char *end;
    if (!time || !getenv("NOTIFY_SOCKET") || (whose && strtol(whose, NULL, 10) != getpid()))
        return 0;
    errno = 0;
    long long us = strtoll(time, &end, 10);
    return errno || *end || us <= 0 || us > 86400LL * 1000000 ? 0 : us * 1000;
}
