/*
 * The HTTP server (server.h): the life of a connection, one request after the other. What handlers call is in
 * exchange.c.
 */
#include "../core/internal.h"

#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_LIMIT    32768
#define BODY_LIMIT    (UINT64_C(16) << 20)
#define HEAD_TIMEOUT  GREEN_S(10)
#define IDLE_TIMEOUT  GREEN_S(60)
#define BODY_TIMEOUT  GREEN_S(30)
#define WRITE_TIMEOUT GREEN_S(30)
#define MOST_DRAINED  (256 * 1024) /* of a body that nobody read, to keep the connection */
#define LINGER        GREEN_S(2)   /* for the client to take the last answer before the connection closes */

static const char busy[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* --- one request ------------------------------------------------------------------------------------------------- */

static void log_exchange(green_http_exchange_t *x, green_time begun, int error, const char *reason)
{
    green_http_server_t *s = x->server;
    if (!s->options.log)
        return;
    green_http_record_t record = {
        .peer = x->peer,
        .method = x->understood ? x->head.method : "-",
        .path = x->understood ? x->head.path : "-",
        .query = x->understood ? x->head.query : NULL,
        .minor = x->understood ? x->head.minor : 0,
        .status = x->status,
        .received = x->received,
        .sent = x->sent,
        .duration = green_now() - begun,
        .error = error,
        .reason = reason,
    };
    s->options.log(&record, s->arg);
}

static int refuse(green_http_exchange_t *x, green_time begun, int status, const char *reason)
{
    int r = green__exchange_refuse(x, status, reason);
    log_exchange(x, begun, r, reason);
    return r;
}

/* The answer for a handler that gave none. */
static int answer_for(green_http_exchange_t *x, green_time begun)
{
    struct wire_body *b = &x->body;
    if (b->failed == -EPROTO || b->failed == -EMSGSIZE)
        return refuse(x, begun, b->fault.status, b->fault.text);
    if (b->failed == -ETIMEDOUT)
        return refuse(x, begun, 408, "the body did not arrive in time");
    if (b->failed == -ENODATA)
        return refuse(x, begun, 400, "the body is incomplete");
    return refuse(x, begun, 500, "the server failed to answer");
}

/* Nobody is to take half an answer for all of it. Where its end is that of the connection only a reset can say so. */
static void break_off(green_http_exchange_t *x, int error)
{
    struct linger reset = {.l_onoff = 1};
    x->broken = error;
    if (x->head_sent && x->left == UINT64_MAX && !x->chunked && !x->bodiless && x->wire.stream->fd >= 0)
        setsockopt(x->wire.stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

/* Runs the handler and completes what it did. Negative: the connection cannot go on. */
static int answer(green_http_exchange_t *x)
{
    green_http_server_t *s = x->server;
    green_time begun = s->options.log ? green_now() : 0;
    int r = s->fn(x, s->arg), failed = r < 0 ? r : 0;
    if (failed && failed != -ECANCELED && s->options.server.on_error)
        s->options.server.on_error(s->streams, x->peer, failed, s->arg);
    if (!x->status && failed != -ECANCELED)
        return answer_for(x, begun);
    if (!failed)
        failed = green__exchange_finish(x);
    if (failed)
        break_off(x, failed);
    log_exchange(x, begun, failed, NULL);
    return failed;
}

/* Reads over what the handler left of the body, so that the next request can be found. */
static int drain_body(green_http_exchange_t *x)
{
    char scratch[4096];
    size_t drained = 0;
    ssize_t n;
    if (!x->continued)
        return -ECONNABORTED;
    green_time deadline = green_in(x->server->options.body_timeout);
    while ((n = green__wire_read_body(&x->wire, &x->body, scratch, sizeof scratch, deadline)) > 0) {
        drained += (size_t)n;
        if (drained > MOST_DRAINED)
            return -ECONNABORTED;
    }
    return (int)n;
}

/* The head of the next request: 1; 0: there is none, and that is fine; negative: it was refused or the client left. */
static int read_request(green_http_exchange_t *x)
{
    const green_http_server_options_t *o = &x->server->options;
    struct head_scan scan;
    struct http_fault fault = {0};
    green__exchange_begin(x);
    x->understood = false;
    x->body.failed = 0;
    green__wire_next(&x->wire);
    x->idle = !x->wire.end;
    ptrdiff_t size =
        green__wire_read_head(&x->wire, &scan, true, o->head_limit, o->head_timeout,
                              x->server->stopping ? GREEN_NOWAIT : green_in(o->idle_timeout), &fault);
    x->idle = false;
    if (size == 0 || (size < 0 && !x->wire.end))
        return 0;
    green_time now = green_now();
    if (size == -ETIMEDOUT)
        return refuse(x, now, 408, "the head did not arrive in time"), -ETIMEDOUT;
    if (size == -EPROTO)
        return refuse(x, now, fault.status, fault.text), -EPROTO;
    if (size < 0)
        return (int)size;
    if (green__head_request(&x->head, &scan, x->wire.buffer, (size_t)size, &fault) < 0)
        return refuse(x, now, fault.status, fault.text), -EPROTO;
    x->understood = true;
    x->continued = !x->head.expect_continue;
    green__wire_begin_body(&x->body, &x->head, o->body_limit, o->body_timeout);
    if (x->head.has_length && x->head.length > o->body_limit)
        return refuse(x, now, 413, "the body is too large"), -EMSGSIZE;
    return 1;
}

/* --- connections ------------------------------------------------------------------------------------------------- */

/* What the client still sends is read away for a while: closing at once would reset the connection, and the last answer
 * with it. */
static void linger(green_http_exchange_t *x)
{
    char scratch[4096];
    size_t drained = 0;
    green_time deadline = green_in(LINGER);
    if (green_stream_shutdown(x->wire.stream, deadline) < 0)
        return;
    for (ssize_t n; drained < MOST_DRAINED; drained += (size_t)n) {
        n = green_stream_read(x->wire.stream, scratch, sizeof scratch, deadline);
        if (n <= 0)
            return;
    }
}

static int serve_connection(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    green_http_server_t *s = arg;
    green_http_exchange_t *x = calloc(1, sizeof *x);
    if (!x)
        return -ENOMEM;
    x->server = s;
    x->peer = peer;
    x->greenlet = green_self();
    x->wire.stream = stream;
    list_push(&s->connections, &x->link);
    int r = green_stream_set_timeouts(stream, 0, s->options.write_timeout);
    while (r == 0 && (r = read_request(x)) == 1) {
        r = answer(x);
        if (r < 0 || x->close || drain_body(x) < 0)
            break;
    }
    if (x->head_sent && !x->broken) /* the last answer is complete */
        linger(x);
    list_remove(&x->link);
    green__wire_destroy(&x->wire);
    text_destroy(&x->fields);
    text_destroy(&x->text);
    free(x);
    return 0; /* those who leave are nothing to report; on_error has heard of handlers */
}

/* --- the server -------------------------------------------------------------------------------------------------- */

static void stream_error(green_server_t *streams, const green_address_t *peer, int error, void *arg)
{
    green_http_server_t *s = arg;
    if (s->options.server.on_error)
        s->options.server.on_error(streams, peer, error, s->arg);
}

static int make(green_http_server_t **out, green_http_handler fn, void *arg,
                const green_http_server_options_t *options, green_server_options_t *stream_options)
{
    static const green_http_server_options_t defaults;
    const green_http_server_options_t *given = options ? options : &defaults;
    if (!fn || given->head_timeout < 0 || given->idle_timeout < 0 || given->body_timeout < 0 ||
        given->write_timeout < 0 || (given->name && !green_http_value_valid(given->name)))
        return -EINVAL;
    green_http_server_t *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->options = *given;
    green_http_server_options_t *o = &s->options;
    o->head_limit = o->head_limit ? o->head_limit : HEAD_LIMIT;
    o->body_limit = o->body_limit ? o->body_limit : BODY_LIMIT;
    o->head_timeout = o->head_timeout ? o->head_timeout : HEAD_TIMEOUT;
    o->idle_timeout = o->idle_timeout ? o->idle_timeout : IDLE_TIMEOUT;
    o->body_timeout = o->body_timeout ? o->body_timeout : BODY_TIMEOUT;
    o->write_timeout = o->write_timeout ? o->write_timeout : WRITE_TIMEOUT;
    s->fn = fn;
    s->arg = arg;
    list_init(&s->connections);
    *stream_options = o->server;
    stream_options->on_error = stream_error;
    stream_options->busy = busy;
    *out = s;
    return 0;
}

int green_http_server_new(green_http_server_t **out, const char *address, green_http_handler fn, void *arg,
                          const green_http_server_options_t *options)
{
    green_server_options_t stream_options;
    int r = make(out, fn, arg, options, &stream_options);
    if (r < 0)
        return r;
    r = green_server_new(&(*out)->streams, address, serve_connection, *out, &stream_options);
    if (r < 0)
        free(*out);
    return r;
}

int green_http_server_new_fd(green_http_server_t **out, int fd, green_http_handler fn, void *arg,
                             const green_http_server_options_t *options)
{
    green_server_options_t stream_options;
    int r = make(out, fn, arg, options, &stream_options);
    if (r < 0)
        return r;
    r = green_server_new_fd(&(*out)->streams, fd, serve_connection, *out, &stream_options);
    if (r < 0)
        free(*out);
    return r;
}

int green_http_server_start(green_http_server_t *s, green_time deadline)
{
    s->stopping = false;
    return green_server_start(s->streams, deadline);
}

int green_http_server_run(green_http_server_t *s, green_time deadline)
{
    s->stopping = false;
    return green_server_run(s->streams, deadline);
}

int green_http_server_stop(green_http_server_t *s, green_time deadline)
{
    s->stopping = true;
    for (struct list *l = s->connections.next; l != &s->connections; l = l->next) {
        green_http_exchange_t *x = CONTAINER_OF(l, green_http_exchange_t, link);
        if (x->idle)
            green_cancel(x->greenlet);
    }
    return green_server_stop(s->streams, deadline);
}

void green_http_server_free(green_http_server_t *s)
{
    if (!s)
        return;
    green_server_free(s->streams);
    free(s);
}

int green_http_server_port(const green_http_server_t *s)
{
    return green_server_port(s->streams);
}

green_server_t *green_http_server_streams(green_http_server_t *s)
{
    return s->streams;
}
