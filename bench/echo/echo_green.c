/*
 * The echo server of libgreen: a greenlet for each connection.
 *
 *     bench/echo/echo_green        prints its port
 */
#include "echo.h"
#include "green.h"

static void serve(void *arg)
{
    char buffer[BUFFER];
    int fd = (int)(intptr_t)arg;
    ssize_t n;
    while ((n = green_read(fd, buffer, sizeof buffer, GREEN_FOREVER)) > 0)
        if (green_write_all(fd, buffer, (size_t)n, NULL, GREEN_FOREVER) < 0)
            break;
    green_close(fd);
}

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, green_strerror(rc));
    exit(1);
}

int main(void)
{
    green_address_t address;
    check(green_address_parse(&address, "127.0.0.1", 0), "green_address_parse");
    int listener = green_listen(&address, BACKLOG, 0);
    check(listener, "green_listen");
    check(green_local_address(listener, &address), "green_local_address");
    printf("%d\n", green_address_port(&address));
    fflush(stdout);
    for (;;) {
        int fd = green_accept(listener, NULL, GREEN_FOREVER);
        check(fd, "green_accept");
        no_delay(fd);
        check(green_spawn_detached("echo", serve, (void *)(intptr_t)fd), "green_spawn_detached");
    }
}
