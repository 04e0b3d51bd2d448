/*
 * The server of the storm. It reads strictly what the proxy sends, and knows of every request which client must have
 * sent it; it answers well or with a mutation.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/chunked.h"
#include "http/opinion.h"
#include "messages.h"
#include "mutate.h"
#include "storm.h"

#define REQUEST_BYTES 32768

static char own_name[sizeof "127.0.0.1:65535"];

struct served {
    struct watched watched;
    LIST_ENTRY(served) link;
    size_t have;
    char in[REQUEST_BYTES];
    char out[2 * MESSAGE_BYTES];
    size_t out_at, out_end;
    bool close_after;
};

static LIST_HEAD(, served) all = LIST_HEAD_INITIALIZER(all);

static void end(struct served *s)
{
    LIST_REMOVE(s, link);
    close(s->watched.fd);
    free(s);
}

/* Sends what is left, perhaps not all at once. false: the connection has ended. */
static bool send_answer(struct served *s)
{
    while (s->out_at < s->out_end) {
        size_t most = s->out_end - s->out_at,
               n = chance(&storm.state, 3) ? most : 1 + chance(&storm.state, most);
        ssize_t sent = send(s->watched.fd, s->out + s->out_at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return true;
        if (sent < 0) {
            end(s);
            return false;
        }
        s->out_at += (size_t)sent;
        if (n < most)
            return true; /* the rest in the next turn */
    }
    if (s->close_after) {
        end(s);
        return false;
    }
    storm_watch(&s->watched, EPOLLIN);
    return true;
}

static void make_answer(struct served *s, const char *token, enum http_method method)
{
    size_t n = message_answer(s->out, token, method == HTTP_METHOD_HEAD, &storm.state);
    if (chance(&storm.state, 8) == 0) {
        storm.bad_answers++;
        for (size_t i = 0, times = 1 + chance(&storm.state, 3); i < times; i++)
            n = http_mutate(s->out, n, sizeof s->out, &storm.state);
    }
    enum reference_verdict verdict = reference_answer(s->out, n, method);
    /* What is not complete must end, or the proxy would wait; what has something behind it is best left to the proxy. */
    s->close_after = verdict == REFERENCE_PART || (verdict != REFERENCE_GOOD && chance(&storm.state, 2));
    s->out_at = 0;
    s->out_end = n;
}

/* Who sent it, as the proxy says. */
static uint32_t sender(const struct http_head *head)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    const struct http_field *f = http_head_field(head, HTTP_F_X_FORWARDED_FOR);
    if (!f || f->value.n >= sizeof text)
        storm_violation("a request without its client's address", head->method_name.p, head->bytes);
    memcpy(text, f->value.p, f->value.n);
    text[f->value.n] = '\0';
    if (inet_pton(AF_INET, text, &address) != 1)
        storm_violation("a client's address that is none", head->method_name.p, head->bytes);
    return ntohl(address.s_addr) & 0xffffff;
}

/* The client may have sent this, and it is its turn: its index among the client's requests. */
static unsigned expected(const struct http_head *head, uint32_t serial, uint64_t hash, size_t n)
{
    struct reference *r = storm_record(serial);
    if (r->serial != serial)
        storm_violation("a request of a client that is long gone", head->method_name.p, n);
    /* The last one once more, since its connection had died. (It may also be the next one, if that is the same; then the
     * count stays behind, which does no harm.) */
    if (r->reached && r->hashes[r->reached - 1] == hash)
        return r->reached - 1U;
    for (unsigned i = r->reached; i < r->count; i++)
        if (r->hashes[i] == hash) {
            r->reached = (uint8_t)(i + 1);
            storm.reached++;
            return i;
        }
    /* Or an earlier one that may be repeated: the connection that it went on first had died for the proxy, while we
     * had not come to reading it. */
    for (unsigned i = 0; i < r->reached; i++)
        if (r->hashes[i] == hash && (head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD))
            return i;
    client_show(serial);
    fprintf(stderr, "storm: of its %u requests the first %u had come when there came:\n", r->count,
            r->reached);
    storm_violation("a request that no client sent, or not now", head->method_name.p, n);
}

/* The body of the request in s->in: its end, 0 if there is more to come. */
static size_t body_end(struct served *s, const struct http_head *head, uint64_t *hash)
{
    const char *p = s->in + head->bytes;
    size_t have = s->have - head->bytes, at = 0, used;
    struct http_chunked chunked;
    struct span data;
    int step;
    if (head->framing == HTTP_FRAMING_NONE)
        return head->bytes;
    if (head->framing == HTTP_FRAMING_LENGTH) {
        if (have < head->content_length)
            return 0;
        *hash = reference_add(*hash, p, (size_t)head->content_length);
        return head->bytes + (size_t)head->content_length;
    }
    http_chunked_begin(&chunked, NULL);
    do {
        step = http_chunked_feed(&chunked, p + at, have - at, &used, &data);
        *hash = reference_add(*hash, data.p, data.n);
        at += used;
    } while (step == HTTP_CHUNKED_DATA);
    if (step < 0)
        storm_violation("a chunked body that is not valid", s->in, s->have);
    return step == HTTP_CHUNKED_DONE ? head->bytes + at : 0;
}

/* Looks at what has come; answers a request that is whole. */
static void look(struct served *s)
{
    static struct http_head head;
    struct http_parser parser;
    http_request_begin(&parser, NULL);
    int r = http_head_feed(&parser, s->in, s->have, &head);
    if (r < 0)
        storm_violation(http_error_info(r)->sentence, s->in, s->have);
    if (r == 0)
        return;
    if (http_second_opinion(&head, s->in, s->in + head.bytes) < 0)
        storm_violation("llhttp reads the request differently", s->in, s->have);
    if (!http_head_field(&head, HTTP_F_VIA))
        storm_violation("a request without Via", s->in, s->have);
    if (span_equal(head.host, span_str(own_name)))
        head.host.n = 0; /* the client has named none */
    uint64_t hash = reference_head(&head);
    size_t at = body_end(s, &head, &hash);
    if (!at)
        return;
    if (at != s->have)
        storm_violation("bytes behind a request that has no answer yet", s->in, s->have);
    char token[STORM_TOKEN_BYTES];
    uint32_t serial = sender(&head);
    storm_token(token, serial, expected(&head, serial, hash, at));
    s->have = 0;
    make_answer(s, token, head.method);
    if (send_answer(s) && s->out_at < s->out_end)
        storm_watch(&s->watched, EPOLLOUT);
}

static void served_ready(struct watched *w)
{
    struct served *s = (struct served *)(void *)w;
    if (s->out_at < s->out_end) {
        send_answer(s);
        return;
    }
    if (s->have == sizeof s->in)
        storm_violation("a request that is larger than any", s->in, s->have);
    ssize_t n = recv(w->fd, s->in + s->have, sizeof s->in - s->have, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        end(s);
        return;
    }
    s->have += (size_t)n;
    look(s);
}

static void listener_ready(struct watched *w)
{
    for (;;) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct served *s = malloc(sizeof *s);
        if (!s) {
            close(fd);
            return;
        }
        s->watched = (struct watched){served_ready, fd};
        LIST_INSERT_HEAD(&all, s, link);
        s->have = s->out_at = s->out_end = 0;
        s->close_after = false;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
        epoll_ctl(storm.epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

uint16_t server_start(void)
{
    static struct watched listener;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        perror("storm: listen");
        exit(2);
    }
    snprintf(own_name, sizeof own_name, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    listener = (struct watched){listener_ready, fd};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(storm.epoll, EPOLL_CTL_ADD, fd, &event);
    return ntohs(address.sin_port);
}

void server_stop(void)
{
    while (!LIST_EMPTY(&all))
        end(LIST_FIRST(&all));
}
