/*
 * The load for the echo servers: so many connections, each with one message of 64 bytes on its way at any time. The
 * answer is checked by its first bytes and its length. Prints how many messages came back in the time and what a second
 * would have seen.
 *
 * It must cost less than the server, or it is what is measured: one epoll set, level-triggered, and per message a
 * receive and a send.
 *
 *     bench/echo/echo_load PORT CONNECTIONS SECONDS
 */
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "echo.h"

enum { EVENTS = 256, PATIENCE_S = 10, MAX_CONNECTIONS = 20000, LOOKS = 64 };

struct connection {
    int fd;
    uint32_t sent; /* what the message on its way begins with */
    size_t got;    /* bytes of its answer */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send_message(struct connection *c)
{
    char message[MESSAGE] = {0};
    c->sent++;
    c->got = 0;
    memcpy(message, &c->sent, sizeof c->sent);
    if (send(c->fd, message, sizeof message, MSG_NOSIGNAL) != sizeof message)
        die("send");
}

/* 1 once the whole answer is there. */
static int receive(struct connection *c)
{
    char message[MESSAGE];
    ssize_t n = recv(c->fd, message, sizeof message - c->got, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        die("recv");
    if (n == 0 ||
        (c->got == 0 && (n < (ssize_t)sizeof c->sent || memcmp(message, &c->sent, sizeof c->sent) != 0))) {
        errno = EPROTO;
        die("the answer");
    }
    c->got += (size_t)n;
    return c->got == MESSAGE;
}

static void open_connection(struct connection *c, int set, uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    no_delay(c->fd);
    if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
}

/* Messages answered until `end`, the first ones sent already. */
static long run(int set, double end)
{
    struct epoll_event events[EVENTS];
    long answered = 0;
    for (unsigned turn = 0; turn % LOOKS || now_s() < end; turn++) {
        int n = epoll_wait(set, events, EVENTS, PATIENCE_S * 1000);
        if (n <= 0) {
            errno = n == 0 ? ETIMEDOUT : errno;
            die("no answer");
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!receive(c))
                continue;
            answered++;
            send_message(c);
        }
    }
    return answered;
}

int main(int argc, char **argv)
{
    static struct connection connections[MAX_CONNECTIONS];
    long port = argc == 4 ? atol(argv[1]) : 0, count = argc == 4 ? atol(argv[2]) : 0;
    double seconds = argc == 4 ? atof(argv[3]) : 0;
    if (port <= 0 || port > 65535 || count <= 0 || count > MAX_CONNECTIONS || seconds <= 0) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS SECONDS\n");
        return 2;
    }
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        die("epoll_create");
    for (long i = 0; i < count; i++)
        open_connection(&connections[i], set, (uint16_t)port);
    for (long i = 0; i < count; i++)
        send_message(&connections[i]);
    double began = now_s();
    long answered = run(set, began + seconds);
    double took = now_s() - began;
    printf("%ld messages, %.0f /s\n", answered, (double)answered / took);
    return 0;
}
