/*
 * The least that an echo server on epoll can do, the limit that the others are held against: every connection is
 * registered once, level-triggered, and each message costs a read, a write and its share of an epoll_wait. What the
 * other side does not take, its connection loses.
 *
 *     bench/echo/echo_epoll        prints its port
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"

enum { EVENTS = 256 };

static void add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void welcome(int set, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        die("accept");
    no_delay(fd);
    add(set, fd);
}

static void echo(int fd)
{
    char buffer[BUFFER];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
        close(fd);
}

int main(void)
{
    struct epoll_event events[EVENTS];
    int set = epoll_create1(EPOLL_CLOEXEC), listener = listen_here();
    if (set < 0)
        die("epoll_create");
    add(set, listener);
    for (;;) {
        int n = epoll_wait(set, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                welcome(set, listener);
            else
                echo(events[i].data.fd);
        }
    }
}
