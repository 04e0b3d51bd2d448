/*
 * An echo server with a thread of the system for each connection.
 *
 *     bench/echo/echo_threads      prints its port
 */
#include <pthread.h>
#include <unistd.h>

#include "echo.h"

static void *serve(void *arg)
{
    char buffer[BUFFER];
    int fd = (int)(intptr_t)arg;
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
        if (send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    close(fd);
    return NULL;
}

int main(void)
{
    int listener = listen_here();
    for (;;) {
        pthread_t thread;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            die("accept");
        no_delay(fd);
        if ((errno = pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd)) != 0)
            die("pthread_create");
        pthread_detach(thread);
    }
}
