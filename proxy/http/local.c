/* Answers that are made here: local.h. */
#include "local.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"

static const struct http_stream_ops local_ops;

static struct local_answer *local_of(const struct http_stream *s)
{
    return (struct local_answer *)(uintptr_t)s; /* stream is the first member */
}

void local_begin(struct exchange *x, int status)
{
    struct http_head *head = &x->response;
    memset(head, 0, offsetof(struct http_head, fields));
    head->kind = HTTP_KIND_RESPONSE;
    head->method = x->request.method;
    head->minor = 1;
    head->status = (uint16_t)status;
    head->reason = span_str(http_reason_phrase(status));
    head->keepalive = true;
    head->max_forwards = head->keepalive_timeout = -1;
    head->bytes = sizeof "HTTP/1.1 000 \r\n\r\n" + head->reason.n;
    local_end(x);
    x->local = (struct local_answer){.stream.ops = &local_ops, .fd = -1, .buffers = &x->worker->buffers};
    x->answer = &x->local.stream;
}

int local_field(struct exchange *x, struct span name, struct span value)
{
    struct http_head *head = &x->response;
    assert(http_field_name_valid(name) && http_field_value_valid(value));
    if (head->count == HTTP_MAX_FIELDS)
        return -ENOBUFS;
    struct http_field *f = &head->fields[head->count++];
    *f = (struct http_field){.name = name, .value = value, .id = http_field_id(name)};
    head->bytes += name.n + value.n + 4;
    head->has_date |= f->id == HTTP_F_DATE;
    return 0;
}

static bool bodiless(const struct http_head *head)
{
    return head->method == HTTP_METHOD_HEAD || head->status == 204 || head->status == 304;
}

static void set_length(struct exchange *x, uint64_t length)
{
    x->response.has_length = x->response.status != 204;
    x->response.content_length = length;
    x->response.framing = bodiless(&x->response) ? HTTP_FRAMING_NONE : HTTP_FRAMING_LENGTH;
}

int local_body(struct exchange *x, struct span body)
{
    set_length(x, body.n);
    if (!bodiless(&x->response))
        x->local.body = body;
    return 0;
}

int local_file(struct exchange *x, int fd, uint64_t from, uint64_t length)
{
    set_length(x, length);
    x->local.fd = fd;
    x->local.at = from;
    x->local.left = bodiless(&x->response) ? 0 : length;
    return 0;
}

void local_end(struct exchange *x)
{
    struct local_answer *l = &x->local;
    if (!l->stream.ops)
        return;
    if (l->fd >= 0)
        close(l->fd);
    if (l->buffer)
        buffer_give(l->buffers, l->buffer);
    l->stream.ops = NULL;
}

/* --- the stream --------------------------------------------------------------------------------------------------- */

/* What the page cache has is read at once; for the rest a thread waits for the disk. */
static ssize_t read_file(struct local_answer *l, size_t most, green_time deadline)
{
    struct iovec iov = {l->buffer, most};
    ssize_t n = preadv2(l->fd, &iov, 1, (off_t)l->at, RWF_NOWAIT);
    if (n < 0 && errno == EOPNOTSUPP) /* a file system that lives in memory */
        n = pread(l->fd, l->buffer, most, (off_t)l->at);
    if (n >= 0)
        return n;
    return errno == EAGAIN ? green_file_pread(l->fd, l->buffer, most, (off_t)l->at, deadline) : -errno;
}

static ssize_t local_read_body(struct http_stream *s, struct span *data, green_time deadline)
{
    struct local_answer *l = local_of(s);
    *data = l->body;
    l->body = span_of(NULL, 0);
    if (data->n || !l->left)
        return (ssize_t)data->n;
    if (!l->buffer)
        l->buffer = buffer_take(l->buffers);
    if (!l->buffer)
        return -ENOMEM;
    ssize_t n = read_file(l, l->left < BUFFER_SIZE ? (size_t)l->left : BUFFER_SIZE, deadline);
    if (n < 0)
        return n;
    if (n == 0)
        return -ECONNABORTED; /* the file has become shorter than was promised */
    l->at += (uint64_t)n;
    l->left -= (uint64_t)n;
    *data = span_of(l->buffer, (size_t)n);
    return n;
}

static bool local_body_at_hand(const struct http_stream *s)
{
    (void)s;
    return true;
}

static const struct http_trailers *local_trailers(const struct http_stream *s)
{
    (void)s;
    return NULL;
}

static uint64_t local_spliceable(const struct http_stream *s)
{
    (void)s;
    return 0;
}

/* Only what relay_body() asks of a stream that it reads from. */
static const struct http_stream_ops local_ops = {
    .read_body = local_read_body,
    .body_at_hand = local_body_at_hand,
    .trailers = local_trailers,
    .spliceable = local_spliceable,
};
