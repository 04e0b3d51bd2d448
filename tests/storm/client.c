/*
 * The clients of the storm. Each comes from an address of its own, 127.x.y.z, by which the server knows it again, and
 * sends several requests in one stream of bytes that is mutated as a whole, in pieces of any size.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/chunked.h"
#include "messages.h"
#include "mutate.h"
#include "storm.h"

#define SENT_BYTES     16384
#define ANSWERED_BYTES 65536
#define PATIENCE       60 /* seconds that a client may take; the proxy's own timeouts are far shorter */

struct client {
    struct watched watched;
    bool running, half_closed;
    uint32_t serial;
    time_t started;
    unsigned answers, refusals;
    size_t out_at, out_end, in_at, in_end;
    char out[SENT_BYTES], in[ANSWERED_BYTES];
};

static struct client clients[STORM_CLIENTS];
static unsigned running;

static void end(struct client *c)
{
    close(c->watched.fd);
    c->running = false;
    running--;
}

static void violation(const struct client *c, const char *what)
{
    fprintf(stderr, "storm: the proxy answered:\n%.*s\n", (int)(c->in_end < 4000 ? c->in_end : 4000), c->in);
    storm_violation(what, c->out, c->out_end);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* What an answer says of itself must fit the request that it answers. */
static void check_answer(const struct client *c, const struct reference *r, const struct http_head *head)
{
    const struct http_field *f = http_head_find(head, SPAN("X-Answer"));
    uint32_t serial;
    unsigned index;
    if (c->answers > r->count)
        violation(c, "an answer to nothing");
    if (c->answers == r->count && !r->answered_here &&
        (head->status < 400 || !http_head_find(head, SPAN("Proxy-Status"))))
        violation(c, "an answer to what is not a request");
    if (!f || c->answers == r->count || !storm_token_read(f->value, &serial, &index))
        return;
    if (serial != c->serial || index >= r->count || r->hashes[index] != r->hashes[c->answers])
        violation(c, "somebody else's answer");
}

/* The end of the answer's body, counted from the head's; -1: there is more to come. */
static ptrdiff_t body_end(const struct client *c, const struct http_head *head, bool over)
{
    const char *p = c->in + c->in_at + head->bytes;
    size_t have = c->in_end - c->in_at - head->bytes, at = 0, used;
    struct http_chunked chunked;
    struct span data;
    int step;
    switch (head->framing) {
    case HTTP_FRAMING_NONE:
        return 0;
    case HTTP_FRAMING_LENGTH:
        return have < head->content_length ? -1 : (ptrdiff_t)head->content_length;
    case HTTP_FRAMING_UNTIL_CLOSE:
        return over ? (ptrdiff_t)have : -1;
    case HTTP_FRAMING_CHUNKED:
        break;
    }
    http_chunked_begin(&chunked, NULL);
    do {
        step = http_chunked_feed(&chunked, p + at, have - at, &used, &data);
        at += used;
    } while (step == HTTP_CHUNKED_DATA);
    if (step < 0)
        violation(c, "a chunked answer that is not valid");
    return step == HTTP_CHUNKED_DONE ? (ptrdiff_t)at : -1;
}

/* Takes the answers that are complete. over: no more bytes will come. */
static void take_answers(struct client *c, bool over)
{
    static struct http_head head;
    const struct reference *r = storm_record(c->serial);
    while (c->in_at < c->in_end) {
        struct http_parser parser;
        bool mine = c->answers < r->count;
        http_response_begin(&parser, NULL, mine ? (enum http_method)r->methods[c->answers] : HTTP_METHOD_GET,
                            true);
        int result = http_head_feed(&parser, c->in + c->in_at, c->in_end - c->in_at, &head);
        if (result < 0)
            violation(c, http_error_info(result)->sentence);
        if (result == 0)
            break;
        if (head.status == 101) { /* a mutation asked for it, and another one granted it */
            c->in_at = c->in_end;
            break;
        }
        /* A refusal of HEAD that could not be read as one may have a body. */
        ptrdiff_t body = body_end(c, &head, over);
        if (head.status >= 200)
            check_answer(c, r, &head);
        if (body < 0)
            break;
        c->in_at += head.bytes + (size_t)body;
        if (head.status >= 200) {
            c->answers++;
            storm.answered += mine;
            c->refusals += !mine;
        }
    }
    if (over && c->in_at < c->in_end)
        storm.cut++;
}

static void receive(struct client *c)
{
    if (c->in_at == c->in_end)
        c->in_at = c->in_end = 0;
    if (c->in_end == sizeof c->in)
        violation(c, "more answers than anybody asked for");
    ssize_t n = recv(c->watched.fd, c->in + c->in_end, sizeof c->in - c->in_end, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    c->in_end += n > 0 ? (size_t)n : 0;
    take_answers(c, n <= 0);
    const struct reference *r = storm_record(c->serial);
    /* Who got everything leaves; who half-closed waits for the proxy to do so. */
    bool satisfied = !c->half_closed && c->out_at == c->out_end && c->answers >= r->count;
    if (n <= 0 || satisfied) {
        storm.refused += c->refusals;
        end(c);
    }
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* Sends the next piece, or all. Then those whose bytes do not end with a whole request say that nothing follows, or the
 * proxy would wait for it; of the others some do. */
static void send_requests(struct client *c)
{
    size_t left = c->out_end - c->out_at, n = chance(&storm.state, 3) ? left : 1 + chance(&storm.state, left);
    ssize_t sent = send(c->watched.fd, c->out + c->out_at, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0) { /* it has refused us already; what it said is still to be read */
        c->half_closed = true;
        c->out_at = c->out_end;
    } else {
        c->out_at += (size_t)sent;
    }
    if (c->out_at < c->out_end)
        return;
    if (!c->half_closed && (!storm_record(c->serial)->whole || chance(&storm.state, 4) == 0)) {
        c->half_closed = true;
        shutdown(c->watched.fd, SHUT_WR);
    }
    storm_watch(&c->watched, EPOLLIN);
}

static void client_ready(struct watched *w)
{
    struct client *c = (struct client *)(void *)w;
    if (c->out_at < c->out_end)
        send_requests(c);
    receive(c);
}

static void make_requests(struct client *c)
{
    size_t count = 1 + chance(&storm.state, 10);
    c->out_at = c->out_end = 0;
    for (size_t i = 0; i < count; i++)
        c->out_end +=
            message_request(c->out + c->out_end, (uint64_t)c->serial * REFERENCE_REQUESTS + i, &storm.state);
    storm.sent += count;
    for (size_t i = 0, times = chance(&storm.state, 4); i < times; i++)
        c->out_end = http_mutate(c->out, c->out_end, sizeof c->out, &storm.state);
    struct reference *r = storm_record(c->serial);
    r->serial = c->serial;
    reference_read(r, c->out, c->out_end);
    storm.meant += r->count;
}

static int dial(uint32_t serial)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000U | serial)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(storm.proxy_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void start(struct client *c)
{
    do
        storm.serial = (storm.serial + 1) & 0xffffff;
    while ((storm.serial & 0xff) == 0 || (storm.serial & 0xff) == 0xff || storm.serial < 0x10000);
    int fd = dial(storm.serial);
    if (fd < 0) {
        perror("storm: connect");
        exit(2);
    }
    c->watched = (struct watched){client_ready, fd};
    c->serial = storm.serial;
    c->running = true;
    c->half_closed = false;
    c->answers = c->refusals = 0;
    c->in_at = c->in_end = 0;
    c->started = time(NULL);
    make_requests(c);
    storm.connections++;
    running++;
    struct epoll_event event = {.events = c->out_end ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(storm.epoll, EPOLL_CTL_ADD, fd, &event);
    if (!c->out_end)
        shutdown(fd, SHUT_WR);
}

unsigned clients_run(void)
{
    time_t now = time(NULL);
    for (struct client *c = clients; c < clients + STORM_CLIENTS; c++) {
        if (c->running && now - c->started > PATIENCE)
            violation(c, "no end within a minute");
        if (!c->running && storm.sent < storm.wanted)
            start(c);
    }
    return running;
}

void client_show(uint32_t serial)
{
    for (const struct client *c = clients; c < clients + STORM_CLIENTS; c++)
        if (c->running && c->serial == serial) {
            fprintf(stderr, "storm: the client sends:\n");
            storm_show(c->out, c->out_end);
        }
}
