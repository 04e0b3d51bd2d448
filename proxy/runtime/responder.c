/* The demo's web server: connections, one request after the other, and what each path answers. */
#include "responder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "http/chunked.h"
#include "http/date.h"
#include "http/head.h"
#include "http/page.h"

#define MOST_CONNECTIONS 1000
#define MOST_BYTES       (UINT64_C(1) << 30) /* of /bytes/N */
#define MOST_SLOWNESS    20000               /* milliseconds of /slow */
#define MOST_DISCARDED   (1 << 20)           /* unread body that a connection is kept for */
#define BUFFER_BYTES     16384
#define PATIENCE         GREEN_S(30) /* for a head to be complete, for the next bytes of a body, for a write */
#define IDLE_PATIENCE    GREEN_S(75) /* between requests; the proxy gives up its idle connections before */

struct client {
    LIST_ENTRY(client) link;
    green_t *greenlet; /* NULL until it has begun to run */
    int fd;
    const char *allow; /* methods that the path takes */
    bool close;        /* the connection ends with this answer */
    bool body_done;    /* all of the request was read */
    bool continued;    /* 100 was sent, or need not be */
    uint64_t left;     /* HTTP_FRAMING_LENGTH: bytes still to come */
    struct http_chunked chunked;
    struct http_head head;
    size_t at, end; /* buffer[at..end) was received and not used; a head is at its start */
    char buffer[BUFFER_BYTES];
};

static struct responder {
    int fd;
    green_t *acceptor; /* NULL: not running */
    LIST_HEAD(, client) clients;
    size_t count;
    green_park_t *all_gone; /* set while somebody waits for count to reach 0 */
    struct http_date date;
} responder;

/* --- receiving ----------------------------------------------------------------------------------- */

static ssize_t receive(struct client *c, int64_t patience)
{
    ssize_t n = green_read(c->fd, c->buffer + c->end, sizeof c->buffer - c->end, green_in(patience));
    if (n > 0)
        c->end += (size_t)n;
    return n;
}

/* 0, an enum http_error, or another error that nobody needs to hear of. */
static int read_head(struct client *c)
{
    struct http_limits limits = {.head_bytes = sizeof c->buffer - 1};
    struct http_parser parser;
    memmove(c->buffer, c->buffer + c->at, c->end - c->at);
    c->end -= c->at;
    c->at = 0;
    http_request_begin(&parser, &limits);
    green_time deadline = GREEN_FOREVER;
    for (;;) {
        int r = http_head_feed(&parser, c->buffer, c->end, &c->head);
        if (r < 0)
            return r;
        if (r > 0)
            break;
        bool idle = http_head_idle(&parser);
        if (!idle && deadline == GREEN_FOREVER)
            deadline = green_in(PATIENCE);
        int64_t patience = idle ? IDLE_PATIENCE : deadline - green_now();
        ssize_t n = patience > 0 ? receive(c, patience) : -ETIMEDOUT;
        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
    }
    c->at = c->head.bytes;
    c->left = c->head.framing == HTTP_FRAMING_LENGTH ? c->head.content_length : 0;
    c->body_done =
        c->head.framing == HTTP_FRAMING_NONE || (c->head.framing == HTTP_FRAMING_LENGTH && !c->left);
    c->allow = "GET, HEAD";
    c->continued = !c->head.expect_continue;
    c->close = !c->head.keepalive;
    http_chunked_begin(&c->chunked, NULL);
    return 0;
}

/* The next piece of the request's body, in the buffer until the next call: its length, 0 at the end. */
static ssize_t read_body(struct client *c, struct span *data)
{
    while (!c->body_done) {
        if (c->at == c->end) {
            c->at = c->end = 0;
            ssize_t n = receive(c, PATIENCE);
            if (n <= 0)
                return n < 0 ? n : -ECONNRESET;
        }
        size_t have = c->end - c->at;
        if (c->head.framing == HTTP_FRAMING_LENGTH) {
            *data = span_of(c->buffer + c->at, have < c->left ? have : (size_t)c->left);
            c->left -= data->n;
            c->at += data->n;
            c->body_done = !c->left;
            return (ssize_t)data->n;
        }
        size_t used;
        int step = http_chunked_feed(&c->chunked, c->buffer + c->at, have, &used, data);
        if (step < 0)
            return step;
        c->at += used;
        c->body_done = step == HTTP_CHUNKED_DONE;
        if (data->n)
            return (ssize_t)data->n;
    }
    return 0;
}

/* --- answering ----------------------------------------------------------------------------------- */

static int send_all(struct client *c, const char *p, size_t n)
{
    while (n) { /* progress is what counts, so each write has its own deadline */
        ssize_t r = green_write(c->fd, p, n, green_in(PATIENCE));
        if (r < 0)
            return (int)r;
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

/* What to answer with: the head's facts. A length of LENGTH_UNKNOWN means chunked. */
#define LENGTH_UNKNOWN UINT64_MAX

static int send_head(struct client *c, int status, const char *type, uint64_t length)
{
    char head[512];
    struct span date = http_date(&responder.date, time(NULL));
    bool bodiless = status == 204 || status == 304;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nDate: %.*s\r\n", status,
                     http_reason_phrase(status), (int)date.n, date.p);
    if (!c->body_done && !c->continued)
        c->close = true; /* it may or may not send the body now: nobody could tell */
    if (c->close)
        n += snprintf(head + n, sizeof head - (size_t)n, "Connection: close\r\n");
    if (status == 405)
        n += snprintf(head + n, sizeof head - (size_t)n, "Allow: %s\r\n", c->allow);
    if (!bodiless)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Type: %s\r\n", type);
    if (!bodiless && length == LENGTH_UNKNOWN)
        n += snprintf(head + n, sizeof head - (size_t)n, "Transfer-Encoding: chunked\r\n");
    else if (!bodiless)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %llu\r\n",
                      (unsigned long long)length);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    return send_all(c, head, (size_t)n);
}

static int send_text(struct client *c, int status, const char *type, struct span text)
{
    int r = send_head(c, status, type, text.n);
    bool bodiless = status == 204 || status == 304 || c->head.method == HTTP_METHOD_HEAD;
    return r < 0 || bodiless ? r : send_all(c, text.p, text.n);
}

__attribute__((format(printf, 3, 4))) static int send_line(struct client *c, int status, const char *format,
                                                           ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return send_text(c, status, "text/plain",
                     span_of(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1));
}

/* --- the paths ----------------------------------------------------------------------------------- */

static int answer_root(struct client *c, struct span rest)
{
    static const char page[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Greenway works</title>\n"
        "<style>body{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em}"
        "code,pre{background:#eef5ee;padding:.1em .3em}pre{padding:.8em}</style>\n"
        "<h1>Greenway works</h1>\n"
        "<p>This page came through the proxy: your client, then <code>greenway</code> on 127.0.0.1:8080, "
        "then a small "
        "web server that the demo brings along. The terminal shows a line for each request.</p>\n"
        "<h2>Try</h2>\n<pre>"
        "curl -i http://127.0.0.1:8080/headers          # what the server behind the proxy sees\n"
        "curl -d hello http://127.0.0.1:8080/echo       # a body there and back\n"
        "curl -o /dev/null http://127.0.0.1:8080/bytes/100000000\n"
        "curl -i http://127.0.0.1:8080/status/503       # any status\n"
        "curl -i 'http://127.0.0.1:8080/slow?ms=2000'   # an answer that takes its time</pre>\n"
        "<h2>Then put it before something of your own</h2>\n<pre>"
        "greenway reverse 8080 3000                     # HTTP, to port 3000 of this machine\n"
        "greenway tcp 5432 db.internal:5432             # plain TCP\n"
        "greenway help                                  # all commands, and all keys of a "
        "configuration</pre>\n"
        "</html>\n";
    return send_text(c, 200, "text/html; charset=utf-8", span_of(page, sizeof page - 1));
}

static int answer_headers(struct client *c, struct span rest)
{
    return send_text(c, 200, "text/plain", span_of(c->buffer, c->head.bytes));
}

static int answer_bytes(struct client *c, struct span rest)
{
    static const char line[] = "The quick brown fox jumps over the lazy dog, again and again.\r\n";
    char block[64 * (sizeof line - 1)];
    uint64_t left;
    if (!span_decimal(rest, &left) || left > MOST_BYTES)
        return send_line(c, 404, "/bytes/N gives N bytes, at most %llu\n", (unsigned long long)MOST_BYTES);
    int r = send_head(c, 200, "text/plain", left);
    for (size_t i = 0; i < 64; i++)
        memcpy(block + i * (sizeof line - 1), line, sizeof line - 1);
    for (size_t n; r == 0 && left && c->head.method != HTTP_METHOD_HEAD; left -= n) {
        n = left < sizeof block ? (size_t)left : sizeof block;
        r = send_all(c, block, n);
    }
    return r;
}

static int answer_status(struct client *c, struct span rest)
{
    uint64_t status;
    if (!span_decimal(rest, &status) || status < 200 || status > 599)
        return send_line(c, 404, "/status/NNN answers with that status, 200 to 599\n");
    return send_line(c, (int)status, "%d %s\n", (int)status, http_reason_phrase((int)status));
}

static int answer_slow(struct client *c, struct span rest)
{
    uint64_t ms;
    struct span query = c->head.uri.query;
    if (query.n < 4 || memcmp(query.p, "?ms=", 4) != 0 ||
        !span_decimal(span_of(query.p + 4, query.n - 4), &ms) || ms > MOST_SLOWNESS)
        return send_line(c, 404, "/slow?ms=N waits N milliseconds, at most %d\n", MOST_SLOWNESS);
    int r = green_sleep(GREEN_MS(ms));
    return r < 0 ? r : send_line(c, 200, "that took %d ms\n", (int)ms);
}

/* Back it goes, piece by piece, in the framing that it came with. */
static int answer_echo(struct client *c, struct span rest)
{
    bool chunked = c->head.framing == HTTP_FRAMING_CHUNKED;
    struct span data;
    int r = c->continued ? 0 : send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    c->continued = true;
    if (r == 0)
        r = send_head(c, 200, "application/octet-stream", chunked ? LENGTH_UNKNOWN : c->left);
    while (r == 0) {
        char line[HTTP_CHUNK_HEAD_BYTES];
        ssize_t n = read_body(c, &data);
        if (n <= 0) {
            r = (int)n;
            break;
        }
        if (chunked)
            r = send_all(c, line, http_chunk_head(line, data.n));
        if (r == 0)
            r = send_all(c, data.p, data.n);
        if (r == 0 && chunked)
            r = send_all(c, "\r\n", 2);
    }
    return r == 0 && chunked ? send_all(c, "0\r\n\r\n", 5) : r;
}

static const struct {
    struct span path;
    bool more; /* path is a prefix; the rest goes to the function */
    bool post; /* POST, else GET and HEAD */
    int (*answer)(struct client *c, struct span rest);
} paths[] = {
    {SPAN("/"), false, false, answer_root},         {SPAN("/headers"), false, false, answer_headers},
    {SPAN("/echo"), false, true, answer_echo},      {SPAN("/bytes/"), true, false, answer_bytes},
    {SPAN("/status/"), true, false, answer_status}, {SPAN("/slow"), false, false, answer_slow},
};

static int answer(struct client *c)
{
    struct span path = c->head.uri.path.n ? c->head.uri.path : SPAN("/");
    bool post = c->head.method == HTTP_METHOD_POST;
    bool get = c->head.method == HTTP_METHOD_GET || c->head.method == HTTP_METHOD_HEAD;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t n = paths[i].path.n;
        if (path.n < n || memcmp(path.p, paths[i].path.p, n) != 0 || (path.n > n && !paths[i].more))
            continue;
        c->allow = paths[i].post ? "POST" : "GET, HEAD";
        if (paths[i].post ? !post : !get)
            return send_line(c, 405, "%s takes %s\n", paths[i].path.p, c->allow);
        return paths[i].answer(c, span_of(path.p + n, path.n - n));
    }
    return send_line(c, 404, "there is nothing here; look at /\n");
}

/* --- connections --------------------------------------------------------------------------------- */

static int refuse(struct client *c, int http_error)
{
    const struct http_error_info *info = http_error_info(http_error);
    c->close = c->body_done = true;
    c->allow = "GET, HEAD, POST";
    c->head.method = HTTP_METHOD_GET;
    return send_line(c, info->status, "%s\n", info->sentence);
}

/* Reads on over what nobody asked for, so that the next request can be found. */
static int discard_body(struct client *c)
{
    struct span data;
    size_t discarded = 0;
    ssize_t n = 0;
    while (!c->body_done && discarded <= MOST_DISCARDED && (n = read_body(c, &data)) > 0)
        discarded += (size_t)n;
    return c->body_done ? 0 : -ECONNABORTED;
}

static void serve_requests(struct client *c)
{
    for (;;) {
        int r = read_head(c);
        if (r < 0 && !http_is_error(r))
            return;
        r = r < 0 ? refuse(c, r) : answer(c);
        if (r < 0) { /* nobody there any more, or the answer broke off */
            c->close = false;
            return;
        }
        if (c->close || discard_body(c) < 0)
            return;
    }
}

/* What the client still sends is read away, within bounds, so that it gets the answer rather than a reset. */
static void linger(struct client *c)
{
    green_time deadline = green_in(GREEN_S(2));
    ssize_t n = green_shutdown_write(c->fd);
    for (size_t discarded = 0; n >= 0 && discarded <= MOST_DISCARDED; discarded += (size_t)n) {
        n = green_read(c->fd, c->buffer, sizeof c->buffer, deadline);
        if (n == 0)
            break;
    }
}

static void serve(void *arg)
{
    struct client *c = arg;
    c->greenlet = green_self();
    serve_requests(c);
    if (c->close)
        linger(c);
    green_close(c->fd);
    LIST_REMOVE(c, link);
    free(c);
    if (--responder.count == 0 && responder.all_gone)
        green_wake(responder.all_gone, 0);
}

static void *accept_clients(void *arg)
{
    for (;;) {
        int fd = green_accept(responder.fd, NULL, GREEN_FOREVER);
        if (fd == -ECANCELED || fd == -EBADF)
            return NULL;
        bool room = fd >= 0 && responder.count < MOST_CONNECTIONS;
        struct client *c = room ? malloc(sizeof *c) : NULL;
        if (c) {
            c->fd = fd;
            c->greenlet = NULL;
            c->at = c->end = 0;
            c->close = false;
            LIST_INSERT_HEAD(&responder.clients, c, link);
            responder.count++;
            if (green_spawn_detached("responder", serve, c) == 0)
                continue;
            LIST_REMOVE(c, link);
            responder.count--;
            free(c);
        }
        if (fd >= 0)
            green_close(fd);
        if (green_sleep(GREEN_MS(10)) < 0) /* too many clients or descriptors: some will end */
            return NULL;
    }
}

int responder_start(green_address_t *bound)
{
    green_attr_t attr = {.name = "responder accept"};
    int r = green_address_parse(bound, "127.0.0.1", 0);
    if (r < 0)
        return r;
    int fd = green_listen(bound, 1024, 0);
    if (fd < 0)
        return fd;
    responder.fd = fd;
    responder.count = 0;
    LIST_INIT(&responder.clients);
    r = green_local_address(fd, bound);
    if (r == 0)
        r = green_spawn_ex(&responder.acceptor, &attr, accept_clients, NULL);
    if (r < 0)
        green_close(fd);
    return r;
}

static bool any_new(void)
{
    struct client *c;
    LIST_FOREACH(c, &responder.clients, link)
    if (!c->greenlet)
        return true;
    return false;
}

void responder_stop(void)
{
    green_park_t all_gone = GREEN_PARK_INIT;
    struct client *c;
    if (!responder.acceptor)
        return;
    green_cancel(responder.acceptor);
    if (green_join(responder.acceptor, GREEN_FOREVER) == 0)
        green_release(responder.acceptor);
    responder.acceptor = NULL;
    green_close(responder.fd);
    while (green_yield() == 0 && any_new()) /* so that each has a greenlet that can be told */
        ;
    LIST_FOREACH(c, &responder.clients, link)
    green_cancel(c->greenlet);
    responder.all_gone = &all_gone;
    while (responder.count && green_park(&all_gone, GREEN_FOREVER) == 0)
        ;
    responder.all_gone = NULL;
}
