/*
 * The echo server of State Threads, on its epoll: a thread of its for each connection.
 *
 *     bench/echo/echo_st           prints its port
 */
#include <st.h>

#include "echo.h"

static void *serve(void *arg)
{
    char buffer[BUFFER];
    st_netfd_t fd = arg;
    ssize_t n;
    while ((n = st_read(fd, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(fd, buffer, (size_t)n, ST_UTIME_NO_TIMEOUT) != n)
            break;
    st_netfd_close(fd);
    return NULL;
}

int main(void)
{
    if (st_set_eventsys(ST_EVENTSYS_ALT) < 0 || st_init() < 0)
        die("st_init");
    st_netfd_t listener = st_netfd_open_socket(listen_here());
    if (!listener)
        die("st_netfd_open_socket");
    for (;;) {
        st_netfd_t fd = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (!fd)
            die("st_accept");
        no_delay(st_netfd_fileno(fd));
        if (!st_thread_create(serve, fd, 0, 0))
            die("st_thread_create");
    }
}
