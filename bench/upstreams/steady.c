/*
 * steady PORT RATE SECONDS: asks for / at a steady rate, whatever becomes of the answers; the first second begins slowly.
 * A request goes out on an idle connection, or on a new one when there is none, as if each came from a client of its own:
 * a server that hangs does not hold up what is for the others. When all connections are busy requests wait for one. Time
 * counts from when a request was due.
 *
 * Writes three 32-bit words for each request to stdout: when it was due (us since the start), how long it took (us), and
 * the status of its answer, or one of enum outcome.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MOST 2000
#define PATIENCE         INT64_C(15000000) /* us, then a request has failed */

enum outcome { BROKEN = 1, REFUSED = 2, TIMED_OUT = 3 };

struct record {
    uint32_t due, took, outcome;
};

struct connection {
    TAILQ_ENTRY(connection) link; /* in `idle`, or in `busy` in the order of their requests */
    int fd;
    bool busy, connected;
    uint32_t n;
    int64_t due;
    char answer[4096];
};

TAILQ_HEAD(connections, connection);

static const char request[] = "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n";
static struct connections idle = TAILQ_HEAD_INITIALIZER(idle), busy = TAILQ_HEAD_INITIALIZER(busy);
static struct sockaddr_in server;
static struct record *records;
static size_t record_count, connection_count;
static int64_t began;
static int epoll;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - began;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- a request's end ------------------------------------------------------------------------------------------------- */

static void note(int64_t due, uint32_t outcome)
{
    records[record_count++] = (struct record){(uint32_t)due, (uint32_t)(now() - due), outcome};
}

static void end(struct connection *c)
{
    if (c->busy)
        TAILQ_REMOVE(&busy, c, link);
    else
        TAILQ_REMOVE(&idle, c, link);
    close(c->fd);
    free(c);
    connection_count--;
}

static void fail(struct connection *c, enum outcome outcome)
{
    if (c->busy)
        note(c->due, outcome);
    end(c);
}

/* 1: the answer is complete, 0: there is more to come, -1: it is none. */
static int judge(struct connection *c, bool *keep)
{
    c->answer[c->n] = 0;
    char *body = strstr(c->answer, "\r\n\r\n");
    if (!body)
        return c->n < sizeof c->answer - 1 ? 0 : -1;
    body += 4;
    char *length = strcasestr(c->answer, "\r\ncontent-length:");
    if (!length || length > body)
        return -1;
    unsigned long size = strtoul(length + 17, NULL, 10);
    char *close_it = strcasestr(c->answer, "\r\nconnection: close");
    *keep = !close_it || close_it > body;
    size_t got = c->n - (size_t)(body - c->answer);
    return got == size ? 1 : got < size && c->n < sizeof c->answer - 1 ? 0 : -1;
}

static void receive(struct connection *c)
{
    bool keep = false;
    ssize_t n = recv(c->fd, c->answer + c->n, sizeof c->answer - 1 - c->n, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || !c->busy) {
        fail(c, c->connected ? BROKEN : REFUSED);
        return;
    }
    c->n += (uint32_t)n;
    int r = judge(c, &keep);
    if (r < 0)
        fail(c, BROKEN);
    if (r <= 0)
        return;
    note(c->due, (uint32_t)atoi(c->answer + 9));
    if (!keep) {
        end(c);
        return;
    }
    TAILQ_REMOVE(&busy, c, link);
    TAILQ_INSERT_HEAD(&idle, c, link);
    c->busy = false;
}

/* --- and its start ---------------------------------------------------------------------------------------------------- */

static struct connection *connect_one(void)
{
    int one = 1;
    struct connection *c = calloc(1, sizeof *c);
    if (!c || (c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        die("a socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
    connection_count++;
    TAILQ_INSERT_HEAD(&idle, c, link);
    return c;
}

static bool ask(struct connection *c)
{
    if (send(c->fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1)
        return true;
    fail(c, BROKEN);
    return false;
}

/* False: all connections are busy. */
static bool begin(int64_t due)
{
    struct connection *c = TAILQ_FIRST(&idle);
    if (!c && connection_count == CONNECTIONS_MOST)
        return false;
    if (!c)
        c = connect_one();
    TAILQ_REMOVE(&idle, c, link);
    TAILQ_INSERT_TAIL(&busy, c, link);
    c->busy = true;
    c->due = due;
    c->n = 0;
    if (c->connected)
        (void)ask(c); /* what fails is noted */
    return true;
}

static void event(struct connection *c, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (!c->connected && events & (EPOLLOUT | EPOLLERR)) {
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
            fail(c, REFUSED);
            return;
        }
        c->connected = true;
        if (!ask(c))
            return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))
        receive(c);
}

/* When a request is due, us: over the first second the rate grows to what it is from then on. */
static int64_t due_time(uint64_t number, double rate)
{
    double n = (double)number / rate;
    return (int64_t)(1e6 * (n < 0.5 ? sqrt(2 * n) : n + 0.5));
}

/* Starts what is due; when the next one is. */
static int64_t start_due(uint64_t *started, double rate, int64_t at, int64_t length)
{
    int64_t due;
    while ((due = due_time(*started, rate)) <= at && due < length && begin(due))
        ++*started;
    return due;
}

static void run(double rate, int64_t length)
{
    struct epoll_event events[256];
    struct connection *c;
    for (uint64_t started = 0;;) {
        int64_t at = now(), due = start_due(&started, rate, at, length);
        while ((c = TAILQ_FIRST(&busy)) && at - c->due > PATIENCE)
            fail(c, TIMED_OUT);
        if (due >= length && TAILQ_EMPTY(&busy))
            return;
        int64_t wait = due < length && due > at && due - at < 1000 ? due - at : 1000;
        int n = epoll_pwait2(epoll, events, 256, &(struct timespec){.tv_nsec = wait * 1000}, NULL);
        if (n < 0 && errno != EINTR)
            die("epoll_pwait2");
        for (int i = 0; i < n; i++)
            event(events[i].data.ptr, events[i].events);
    }
}

int main(int argc, char **argv)
{
    int port = argc == 4 ? atoi(argv[1]) : 0;
    double rate = argc == 4 ? atof(argv[2]) : 0, seconds = argc == 4 ? atof(argv[3]) : 0;
    if (port < 1 || port > 65535 || !(rate >= 1 && rate <= 1e6) || !(seconds > 0 && seconds <= 3600)) {
        fprintf(stderr, "usage: steady PORT RATE SECONDS\n");
        return 2;
    }
    server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    records = calloc((size_t)(rate * seconds) + 2, sizeof *records);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!records || epoll < 0)
        die("steady");
    began = now();
    run(rate, (int64_t)(seconds * 1e6));
    return fwrite(records, sizeof *records, record_count, stdout) == record_count ? 0 : 1;
}
