/* HTTP/1.1 on a wire: reading heads and bodies, writing them. */
#include "h1.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Body pieces up to this size are copied behind the head and leave in one write; larger ones go by writev. */
#define COALESCE_BYTES 2048

/* Bodies that fill buffers as fast as they are emptied move in pieces of this size: a quarter of the system calls, and
 * TLS writes four records at once. */
#define LARGE_BUFFER ((size_t)64 * 1024)

/* Bodies with more than this still to come move by splice(2) rather than through our memory. */
#define SPLICE_BYTES ((uint64_t)64 * 1024)

static const struct http_stream_ops h1_ops;

static_assert(sizeof(struct h1_trailers) <= BUFFER_SIZE, "trailers fit a buffer");

static struct h1 *h1_of(const struct http_stream *s)
{
    return (struct h1 *)(uintptr_t)s; /* stream is the first member */
}

/* --- buffers ------------------------------------------------------------------------------------------------------- */

/* Heads of unusual size live in memory of their own; all else comes from the worker's pool. */
static char *take(struct h1 *h, size_t size, uint32_t *capacity)
{
    char *p = size <= BUFFER_SIZE ? buffer_take(h->buffers) : malloc(size);
    if (p)
        *capacity = (uint32_t)(size <= BUFFER_SIZE ? BUFFER_SIZE : size);
    return p;
}

static void give(struct h1 *h, char **p, uint32_t capacity)
{
    if (!*p)
        return;
    if (capacity == BUFFER_SIZE)
        buffer_give(h->buffers, *p);
    else
        free(*p);
    *p = NULL;
}

/* Room for at least one more byte behind what was received, for a head that starts at h->at. */
static int make_room(struct h1 *h)
{
    if (!h->in) {
        h->at = h->end = 0;
        h->in = take(h, BUFFER_SIZE, &h->capacity);
        return h->in ? 0 : -ENOMEM;
    }
    if (h->end < h->capacity)
        return 0;
    uint32_t used = h->end - h->at, capacity = h->capacity;
    if (h->at) {
        memmove(h->in, h->in + h->at, used);
    } else {
        /* The limit is checked by the parser; one byte more than it is enough for it to notice. */
        char *larger = take(h, (size_t)h->head_limit + 1 + BUFFER_SIZE, &capacity);
        if (!larger)
            return -ENOMEM;
        memcpy(larger, h->in, used);
        give(h, &h->in, h->capacity);
        h->in = larger;
        h->capacity = capacity;
    }
    h->at = 0;
    h->end = used;
    return 0;
}

static ssize_t receive(struct h1 *h, green_time deadline)
{
    ssize_t n = wire_read(&h->wire, h->in + h->end, h->capacity - h->end, deadline);
    if (n > 0)
        h->end += (uint32_t)n;
    else if (n == 0)
        h->eof = true;
    return n;
}

void h1_init(struct h1 *h, struct wire wire, struct buffers *buffers, uint32_t head_limit,
             int64_t timeout_write)
{
    *h = (struct h1){.stream.ops = &h1_ops,
                     .wire = wire,
                     .buffers = buffers,
                     .head_limit = head_limit,
                     .pace.timeout = timeout_write};
}

static void drop_trailers(struct h1 *h)
{
    if (h->trailers)
        buffer_give(h->buffers, (char *)h->trailers);
    h->trailers = NULL;
}

void h1_next(struct h1 *h)
{
    drop_trailers(h);
    give(h, &h->head_in, h->head_capacity);
    if (h->at == h->end)
        give(h, &h->in, h->capacity);
    h->body_done = false;
    h->body_in = h->body_out = 0;
    h->sent = false;
}

void h1_release(struct h1 *h)
{
    drop_trailers(h);
    give(h, &h->head_in, h->head_capacity);
    give(h, &h->in, h->capacity);
    give(h, &h->out, h->out_capacity);
    h->queued = 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static void begin_body(struct h1 *h, const struct http_head *head)
{
    h->framing = head->framing;
    h->left = head->content_length;
    h->body_done = head->framing == HTTP_FRAMING_NONE || (head->framing == HTTP_FRAMING_LENGTH && !h->left);
    if (head->framing != HTTP_FRAMING_CHUNKED)
        return;
    h->trailers = (struct h1_trailers *)(void *)buffer_take(h->buffers); /* without memory they are dropped */
    if (h->trailers)
        http_trailers_init(&h->trailers->fields, h->trailers->bytes, sizeof h->trailers->bytes);
    http_chunked_begin(&h->chunked, h->trailers ? &h->trailers->fields : NULL);
}

static int h1_read_head(struct http_stream *s, struct http_head *head, green_time deadline)
{
    struct h1 *h = h1_of(s);
    for (;;) {
        int r = h->end > h->at ? http_head_feed(&h->parser, h->in + h->at, h->end - h->at, head) : 0;
        if (r < 0)
            return r;
        if (r > 0) {
            h->at += (uint32_t)head->bytes;
            begin_body(h, head);
            return 0;
        }
        r = make_room(h);
        if (r < 0)
            return r;
        ssize_t n = receive(h, deadline);
        if (n < 0 && n != -ECONNABORTED)
            return (int)n;
        if (n <= 0)
            return h->end == h->at ? -ECONNRESET : -ECONNABORTED;
    }
}

/* The last read has filled its buffer, and there is enough to come to fill a larger one. */
static bool flows(const struct h1 *h)
{
    return h->in && h->end == h->capacity && h->capacity < LARGE_BUFFER &&
           (h->framing != HTTP_FRAMING_LENGTH || h->left >= LARGE_BUFFER);
}

/* An empty buffer for body bytes: the present one, unless the head in it is still in use or it is too small. */
static int body_room(struct h1 *h)
{
    size_t size = flows(h) ? LARGE_BUFFER : BUFFER_SIZE;
    if (h->keep_head && h->in && !h->head_in) {
        h->head_in = h->in;
        h->head_capacity = h->capacity;
        h->in = NULL;
    }
    h->at = h->end = 0;
    if (h->in && h->capacity < size)
        give(h, &h->in, h->capacity);
    if (!h->in)
        h->in = take(h, size, &h->capacity);
    return h->in ? 0 : -ENOMEM;
}

static ssize_t consume(struct h1 *h, size_t n, struct span *data)
{
    *data = span_of(h->in + h->at, n);
    h->at += (uint32_t)n;
    h->body_in += n;
    return (ssize_t)n;
}

/* Takes body bytes out of what was received. 0: more must be received first. */
static ssize_t decode_body(struct h1 *h, struct span *data)
{
    size_t have = h->end - h->at;
    if (h->framing == HTTP_FRAMING_LENGTH) {
        size_t n = have < h->left ? have : (size_t)h->left;
        h->left -= n;
        h->body_done = h->left == 0;
        return consume(h, n, data);
    }
    if (h->framing == HTTP_FRAMING_UNTIL_CLOSE)
        return consume(h, have, data);
    size_t used;
    int step = http_chunked_feed(&h->chunked, h->in + h->at, have, &used, data);
    h->at += (uint32_t)used;
    if (step < 0)
        return step;
    h->body_done = step == HTTP_CHUNKED_DONE;
    h->body_in += data->n;
    return (ssize_t)data->n;
}

static ssize_t h1_read_body(struct http_stream *s, struct span *data, green_time deadline)
{
    struct h1 *h = h1_of(s);
    *data = span_of(NULL, 0);
    while (!h->body_done) {
        if (h->at < h->end) {
            ssize_t n = decode_body(h, data);
            if (n)
                return n;
            if (h->body_done)
                break;
        }
        int r = body_room(h);
        if (r < 0)
            return r;
        ssize_t n = receive(h, deadline);
        if (n < 0)
            return n;
        if (n == 0) {
            if (h->framing != HTTP_FRAMING_UNTIL_CLOSE)
                return -ECONNABORTED;
            h->body_done = true;
        }
    }
    return 0;
}

static bool h1_body_at_hand(const struct http_stream *s)
{
    const struct h1 *h = h1_of(s);
    return h->body_done || h->at < h->end;
}

static const struct http_trailers *h1_trailers(const struct http_stream *s)
{
    const struct h1 *h = h1_of(s);
    bool any = h->trailers && h->trailers->fields.count;
    return any ? &h->trailers->fields : NULL;
}

void h1_mark(const struct h1 *h, struct h1_mark *mark)
{
    *mark = (struct h1_mark){.at = h->at,
                             .body_done = h->body_done,
                             .left = h->left,
                             .body_in = h->body_in,
                             .chunked = h->chunked};
}

void h1_rewind(struct h1 *h, const struct h1_mark *mark)
{
    h->at = mark->at;
    h->body_done = mark->body_done;
    h->left = mark->left;
    h->body_in = mark->body_in;
    h->chunked = mark->chunked;
}

bool h1_body_buffered(const struct h1 *h)
{
    return h->body_done || (h->framing == HTTP_FRAMING_LENGTH && h->end - h->at >= h->left);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

/* What TLS has taken and not sent yet. */
static int send_rest(struct h1 *h)
{
    size_t left;
    while ((left = wire_unsent(&h->wire))) {
        green_time start = green_turn_time();
        int n = wire_flush(&h->wire, write_pace_deadline(&h->pace, start));
        int r = write_pace_note(&h->pace, h->wire.fd, start, n == 0 ? (ssize_t)left : n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Sends what is queued and then the given pieces, while the peer keeps its pace. */
static int send_all(struct h1 *h, struct iovec *iov, int count)
{
    if (h->queued) {
        iov[0] = (struct iovec){h->out, h->queued};
        h->queued = 0;
    } else {
        iov++, count--;
    }
    while (count) {
        green_time start = green_turn_time(), deadline = write_pace_deadline(&h->pace, start);
        ssize_t n = count == 1 ? wire_write(&h->wire, iov->iov_base, iov->iov_len, deadline)
                               : wire_writev(&h->wire, iov, count, deadline);
        int r = write_pace_note(&h->pace, h->wire.fd, start, n);
        if (r < 0)
            return r;
        if (n < 0)
            continue;
        h->sent = true;
        while (count && (size_t)n >= iov->iov_len)
            n -= (ssize_t)iov->iov_len, iov++, count--;
        if (count) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    return h->wire.tls ? send_rest(h) : 0;
}

static int h1_flush(struct http_stream *s)
{
    struct h1 *h = h1_of(s);
    struct iovec iov[1];
    return h->queued ? send_all(h, iov, 1) : 0;
}

/* Room for `size` more queued bytes. */
static int out_room(struct h1 *h, size_t size)
{
    if (h->out && h->out_capacity - h->queued >= size)
        return 0;
    if (h->queued) {
        int r = h1_flush(&h->stream);
        if (r < 0)
            return r;
    }
    if (h->out && h->out_capacity >= size)
        return 0;
    give(h, &h->out, h->out_capacity);
    h->out = take(h, size, &h->out_capacity);
    return h->out ? 0 : -ENOMEM;
}

static int h1_write_request(struct http_stream *s, const struct http_head *head,
                            const struct http_forward_request *facts)
{
    struct h1 *h = h1_of(s);
    int r = out_room(h, http_forward_request_size(head, facts));
    if (r < 0)
        return r;
    r = http_forward_request(head, facts, h->out + h->queued, h->out_capacity - h->queued);
    if (r < 0)
        return r;
    h->queued += (uint32_t)r;
    h->out_framing = head->framing;
    return 0;
}

static int h1_write_response(struct http_stream *s, const struct http_head *head,
                             const struct http_forward_response *facts)
{
    struct h1 *h = h1_of(s);
    int r = out_room(h, head->bytes + HTTP_FORWARD_SLACK + http_edits_size(&facts->edits));
    if (r < 0)
        return r;
    r = http_forward_response(head, facts, h->out + h->queued, h->out_capacity - h->queued);
    if (r < 0)
        return r;
    h->queued += (uint32_t)r;
    h->out_framing = facts->framing;
    return 0;
}

static int h1_write_page(struct http_stream *s, const struct http_page *page)
{
    struct h1 *h = h1_of(s);
    int r = out_room(h, HTTP_PAGE_BYTES + http_edits_size(&page->fields) + http_edits_size(&page->edits) +
                            page->type.n);
    if (r < 0)
        return r;
    r = http_page(page, h->out + h->queued, h->out_capacity - h->queued);
    if (r < 0)
        return r;
    h->queued += (uint32_t)r;
    h->out_framing = HTTP_FRAMING_NONE;
    bool whole =
        !page->type.n || page->method == HTTP_METHOD_HEAD || page->status == 204 || page->status == 304;
    return whole ? 0 : s->ops->write_body(s, page->content);
}

static void queue(struct h1 *h, const char *p, size_t n)
{
    memcpy(h->out + h->queued, p, n);
    h->queued += (uint32_t)n;
}

static int h1_write_body(struct http_stream *s, struct span data)
{
    struct h1 *h = h1_of(s);
    char line[HTTP_CHUNK_HEAD_BYTES];
    size_t line_size = h->out_framing == HTTP_FRAMING_CHUNKED ? http_chunk_head(line, data.n) : 0;
    size_t end_size = line_size ? 2 : 0;
    h->body_out += data.n;
    if (h->out && data.n <= COALESCE_BYTES && h->out_capacity - h->queued >= line_size + data.n + end_size) {
        queue(h, line, line_size);
        queue(h, data.p, data.n);
        queue(h, "\r\n", end_size);
        return 0;
    }
    struct iovec iov[4] = {{0}};
    int count = 1;
    if (line_size)
        iov[count++] = (struct iovec){line, line_size};
    iov[count++] = (struct iovec){(void *)(uintptr_t)data.p, data.n};
    if (end_size)
        iov[count++] = (struct iovec){(void *)(uintptr_t) "\r\n", end_size};
    return send_all(h, iov, count);
}

static int h1_finish(struct http_stream *s, const struct http_trailers *trailers)
{
    struct h1 *h = h1_of(s);
    int r = 0;
    if (h->out_framing == HTTP_FRAMING_CHUNKED) {
        r = out_room(h, sizeof h->trailers->bytes + 4 * HTTP_MAX_TRAILERS + 8);
        if (r == 0)
            r = http_chunk_last(h->out + h->queued, h->out_capacity - h->queued, trailers);
        if (r < 0)
            return r;
        h->queued += (uint32_t)r;
    }
    r = h1_flush(s);
    give(h, &h->out, h->out_capacity);
    return r;
}

/* --- splicing ----------------------------------------------------------------------------------------------------------- */

static uint64_t h1_spliceable(const struct http_stream *s)
{
    const struct h1 *h = h1_of(s);
    return !h->wire.tls && h->framing == HTTP_FRAMING_LENGTH && h->at == h->end && h->left >= SPLICE_BYTES
               ? h->left
               : 0;
}

static bool h1_takes_splice(const struct http_stream *s)
{
    const struct h1 *h = h1_of(s);
    return !h->wire.tls && h->out_framing == HTTP_FRAMING_LENGTH;
}

static ssize_t h1_splice_in(struct http_stream *s, green_pipe_t *pipe, green_time deadline)
{
    struct h1 *h = h1_of(s);
    size_t most = h->left < SIZE_MAX ? (size_t)h->left : SIZE_MAX;
    ssize_t n = green_splice_in(h->wire.fd, pipe, most, deadline);
    if (n == 0)
        return -ECONNABORTED;
    if (n > 0) {
        h->left -= (uint64_t)n;
        h->body_in += (uint64_t)n;
        h->body_done = h->left == 0;
    }
    return n;
}

static ssize_t h1_splice_out(struct http_stream *s, green_pipe_t *pipe)
{
    struct h1 *h = h1_of(s);
    for (;;) {
        green_time start = green_turn_time();
        ssize_t n = green_splice_out(pipe, h->wire.fd, false, write_pace_deadline(&h->pace, start));
        int r = write_pace_note(&h->pace, h->wire.fd, start, n);
        if (r < 0)
            return r;
        if (n < 0)
            continue;
        h->body_out += (uint64_t)n;
        return n;
    }
}

static const struct http_stream_ops h1_ops = {
    .read_head = h1_read_head,
    .read_body = h1_read_body,
    .body_at_hand = h1_body_at_hand,
    .trailers = h1_trailers,
    .write_request = h1_write_request,
    .write_response = h1_write_response,
    .write_page = h1_write_page,
    .write_body = h1_write_body,
    .flush = h1_flush,
    .finish = h1_finish,
    .spliceable = h1_spliceable,
    .takes_splice = h1_takes_splice,
    .splice_in = h1_splice_in,
    .splice_out = h1_splice_out,
};
