/*
 * relay FROM_PORT TO_PORT: the least that a TCP relay on epoll can do, the limit that bench/compare holds the
 * proxies against.
 *
 * Each client on 127.0.0.1:FROM_PORT is paired with a connection of its own to 127.0.0.1:TO_PORT. Both are
 * registered once, edge-triggered for both directions, and never again. Nothing is parsed, timed, limited or
 * logged, so one HTTP request and its response cost 2 epoll_wait, 2 read and 2 write. It is correct where
 * that costs nothing: what a write leaves over is kept, a full receiver stops its sender, EOF passes on as a
 * half-close, and an error on one side ends both.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 64 * 1024, BACKLOG = 4096 };

struct pair;

/* One socket of a pair, and what is on its way to it. */
struct end {
    int fd;
    struct pair *pair;
    struct end *peer;
    char *kept; /* bytes that fd did not take yet, else NULL */
    size_t kept_from, kept_to;
    bool connected; /* a client always is; an upstream from its first EPOLLOUT on */
    bool readable;  /* an edge was seen that a short read has not answered yet */
    bool hung_up;   /* RDHUP was seen: a short read is not the last one, EOF follows */
    bool eof;       /* fd has sent all it will send */
    bool shut;      /* and that was passed on to the peer */
};

struct pair {
    struct end client, upstream;
    bool dead;         /* closed, freed after the current batch: a later event may still point here */
    struct pair *next; /* in the graveyard */
};

static char buffer[BUFFER];
static struct pair *graveyard;
static struct sockaddr_in target;
static int epoll_fd, listen_fd;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void pair_close(struct pair *p)
{
    if (p->dead)
        return;
    p->dead = true;
    close(p->client.fd);
    close(p->upstream.fd);
    p->next = graveyard;
    graveyard = p;
}

static void bury(void)
{
    while (graveyard) {
        struct pair *p = graveyard;
        graveyard = p->next;
        free(p->client.kept);
        free(p->upstream.kept);
        free(p);
    }
}

/* Keeps what `to` did not take. The caller reads no more for it until flush() has emptied this. */
static bool keep(struct end *to, const char *data, size_t size)
{
    to->kept = malloc(size);
    if (!to->kept)
        return false;
    memcpy(to->kept, data, size);
    to->kept_from = 0;
    to->kept_to = size;
    return true;
}

/* Writes what was kept. False when the connection is broken; to->kept tells whether something is left. */
static bool flush(struct end *to)
{
    while (to->kept) {
        ssize_t n = write(to->fd, to->kept + to->kept_from, to->kept_to - to->kept_from);
        if (n < 0)
            return errno == EAGAIN;
        to->kept_from += (size_t)n;
        if (to->kept_from == to->kept_to) {
            free(to->kept);
            to->kept = NULL;
        }
    }
    return true;
}

static bool deliver(struct end *to, size_t size)
{
    ssize_t n = 0;
    if (to->connected) {
        n = write(to->fd, buffer, size);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            n = 0;
    }
    return (size_t)n == size || keep(to, buffer + n, size - (size_t)n);
}

/* Moves what `from` has until it is drained or its peer is full. False when the pair is to be closed. */
static bool move(struct end *from)
{
    struct end *to = from->peer;
    while (from->readable && !from->eof && !to->kept) {
        ssize_t n = read(from->fd, buffer, sizeof buffer);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n == 0)
            from->eof = true;
        if (n < (ssize_t)sizeof buffer && !(n > 0 && from->hung_up))
            from->readable = false;
        if (n > 0 && !deliver(to, (size_t)n))
            return false;
    }
    if (from->eof && !from->shut && !to->kept && to->connected) {
        shutdown(to->fd, SHUT_WR);
        from->shut = true;
    }
    return !(from->shut && to->shut);
}

static void on_event(struct end *end, uint32_t events)
{
    if (end->pair->dead)
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        end->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        end->hung_up = true;
    if (events & EPOLLOUT)
        end->connected = true;
    bool good = flush(end) && move(end);
    /* Only room that was missing before is worth a look at the other direction. */
    if (good && (end->peer->readable || end->peer->eof))
        good = move(end->peer);
    if (!good)
        pair_close(end->pair);
}

static bool watch(struct end *end)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = end};
    int on = 1;
    setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, end->fd, &event) == 0;
}

static void pair_open(int client_fd)
{
    struct pair *p = calloc(1, sizeof *p);
    int upstream_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!p || upstream_fd < 0)
        die("relay: pair");
    p->client = (struct end){.fd = client_fd, .pair = p, .peer = &p->upstream, .connected = true};
    p->upstream = (struct end){.fd = upstream_fd, .pair = p, .peer = &p->client};
    if (connect(upstream_fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
        pair_close(p);
    else if (!watch(&p->upstream) || !watch(&p->client))
        die("relay: epoll_ctl");
}

static void accept_all(void)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            pair_open(fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != ECONNABORTED && errno != EINTR)
            die("relay: accept");
    }
}

static struct sockaddr_in loopback(const char *port)
{
    char *end;
    unsigned long number = strtoul(port, &end, 10);
    if (*port == '\0' || *end != '\0' || number == 0 || number > 65535) {
        fprintf(stderr, "relay: %s is not a port\n", port);
        exit(2);
    }
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)number),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void start(const char *from_port)
{
    struct sockaddr_in address = loopback(from_port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    int on = 1;
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (epoll_fd < 0 || listen_fd < 0)
        die("relay");
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listen_fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(listen_fd, BACKLOG) < 0)
        die("relay: listen");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event) < 0)
        die("relay: epoll_ctl");
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    if (argc != 3) {
        fprintf(stderr, "usage: relay FROM_PORT TO_PORT\n");
        return 2;
    }
    target = loopback(argv[2]);
    start(argv[1]);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            die("relay: epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                on_event(events[i].data.ptr, events[i].events);
            else
                accept_all();
        }
        bury();
    }
}
