/*
 * A server as one writes it without libgreen: a thread for each connection, blocking calls. And its client, which keeps so
 * many connections open at once.
 *
 *     echo_threads serve                   prints its port, then echoes
 *     echo_threads ask PORT CONNECTIONS ROUNDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long served;

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[512];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        if (write(fd, buffer, (size_t)n) != n)
            break;
        pthread_mutex_lock(&lock);
        served++;
        pthread_mutex_unlock(&lock);
    }
    close(fd);
    return NULL;
}

static _Noreturn void serve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_attr_t attr;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4096) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_t thread;
        int one = 1, fd = accept(listener, NULL, NULL);
        if (fd < 0)
            die("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if ((errno = pthread_create(&thread, &attr, serve_one, (void *)(intptr_t)fd)))
            die("pthread_create");
    }
}

static void echo(int fd, int number)
{
    char text[64], answer[64];
    size_t got = 0;
    int size = snprintf(text, sizeof text, "this is connection %d, once more", number);
    if (write(fd, text, (size_t)size) != size)
        die("write");
    while (got < (size_t)size) {
        ssize_t n = read(fd, answer + got, (size_t)size - got);
        if (n <= 0)
            die("read");
        got += (size_t)n;
    }
    if (memcmp(text, answer, got) != 0) {
        fprintf(stderr, "connection %d got somebody else's answer\n", number);
        exit(1);
    }
}

/* Sends on all, then reads from all: the server has that many to do at once. */
static int ask(int port, int connections, int rounds)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int *fds = calloc((size_t)connections, sizeof *fds);
    struct timespec before, after;
    char text[64], answer[64];
    if (!fds)
        die("calloc");
    for (int i = 0; i < connections; i++) {
        int one = 1;
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[i] < 0 || connect(fds[i], (struct sockaddr *)&address, sizeof address) < 0)
            die("connect");
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        echo(fds[i], i);
    }
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int round = 0; round < rounds; round++) {
        memset(text, 'a' + round % 26, sizeof text);
        for (int i = 0; i < connections; i++)
            if (write(fds[i], text, sizeof text) != sizeof text)
                die("write");
        for (int i = 0; i < connections; i++)
            if (recv(fds[i], answer, sizeof answer, MSG_WAITALL) != sizeof answer ||
                memcmp(text, answer, sizeof text) != 0)
                die("recv");
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("%.0f\n", connections * (double)rounds / seconds);
    fflush(stdout);
    getchar(); /* until whoever measures the server is done */
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        serve();
    if (argc == 5 && strcmp(argv[1], "ask") == 0)
        return ask(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
    fprintf(stderr, "usage: echo_threads serve | ask PORT CONNECTIONS ROUNDS\n");
    return 2;
}
