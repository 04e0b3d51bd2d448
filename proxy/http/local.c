/* Answers that are made here: local.h. */
#include "local.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"
#include "runtime/disk.h"

#ifdef SYS_cachestat
#define CACHESTAT SYS_cachestat
#else
#define CACHESTAT                                                                                            \
    451 /* on every architecture; Debian's headers are older than many kernels that it runs on */
#endif

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

/* Is the field about the content, rather than about the answer? */
static bool tells_of_content(const struct http_field *f)
{
    static const struct span names[] = {
        {"accept-ranges", 13},
        {"content-digest", 14},
        {"content-disposition", 19},
        {"content-language", 16},
        {"content-location", 16},
        {"content-md5", 11},
        {"digest", 6},
        {"etag", 4},
        {"last-modified", 13},
        {"repr-digest", 11},
    };
    if (f->id == HTTP_F_CONTENT_LENGTH || f->id == HTTP_F_CONTENT_TYPE || f->id == HTTP_F_CONTENT_ENCODING ||
        f->id == HTTP_F_CONTENT_RANGE || f->id == HTTP_F_TRAILER || f->id == HTTP_F_TRANSFER_ENCODING)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_equal_nocase(f->name, names[i]))
            return true;
    return false;
}

void local_replace(struct exchange *x)
{
    struct http_head *head = &x->response;
    uint16_t count = 0;
    for (uint16_t i = 0; i < head->count; i++)
        if (!tells_of_content(&head->fields[i]))
            head->fields[count++] = head->fields[i];
    head->count = count;
    local_end(x);
    x->local = (struct local_answer){.stream.ops = &local_ops, .fd = -1, .buffers = &x->worker->buffers};
    x->answer = &x->local.stream;
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
        x->local.now = (struct local_piece){.text = body};
    return 0;
}

int local_file(struct exchange *x, int fd, uint64_t from, uint64_t length)
{
    set_length(x, length);
    x->local.fd = fd;
    if (!bodiless(&x->response))
        x->local.now = (struct local_piece){.from = from, .length = length};
    return 0;
}

int local_pieces(struct exchange *x, int fd, const struct local_piece *pieces, size_t count)
{
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].text.n + pieces[i].length;
    set_length(x, length);
    x->local.fd = fd;
    x->local.next = pieces;
    x->local.further = bodiless(&x->response) ? 0 : count;
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
    free(l->owned);
    l->stream.ops = NULL;
}

/* --- the stream --------------------------------------------------------------------------------------------------- */

/* So many bytes of the file went; none: it has become shorter than was promised. */
static ssize_t took(struct local_answer *l, ssize_t n)
{
    if (n <= 0)
        return n < 0 ? n : -ECONNABORTED;
    l->now.from += (uint64_t)n;
    l->now.length -= (uint64_t)n;
    return n;
}

static ssize_t local_read_body(struct http_stream *s, struct span *data, green_time deadline)
{
    struct local_answer *l = local_of(s);
    while (!l->now.text.n && !l->now.length && l->further) {
        l->now = *l->next++;
        l->further--;
    }
    *data = l->now.text;
    l->now.text = span_of(NULL, 0);
    if (data->n || !l->now.length)
        return (ssize_t)data->n;
    if (!l->buffer)
        l->buffer = buffer_take(l->buffers);
    if (!l->buffer)
        return -ENOMEM;
    ssize_t n =
        took(l, disk_read(l->fd, l->buffer, l->now.length < BUFFER_SIZE ? (size_t)l->now.length : BUFFER_SIZE,
                          l->now.from, deadline));
    *data = span_of(l->buffer, n > 0 ? (size_t)n : 0);
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

/* --- splicing ------------------------------------------------------------------------------------------------------- */

/* What does not fit one buffer: 50 KiB cost half as much CPU like this. */
static uint64_t local_spliceable(const struct http_stream *s)
{
    const struct local_answer *l = local_of(s);
    return !l->now.text.n && l->now.length > BUFFER_SIZE && !l->copied ? l->now.length : 0;
}

/* Is all of this in the page cache? cachestat(2), Linux 6.5; where it cannot tell, no. */
static bool at_hand(int fd, uint64_t from, size_t size)
{
    struct {
        uint64_t from, size;
    } range = {from, size};
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } pages;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return syscall(CACHESTAT, fd, &range, &pages, 0) == 0 &&
           pages.cached >= (from + size - 1) / page - from / page + 1;
}

struct splice_job {
    int from, to;
    off_t offset;
    size_t size;
    ssize_t result;
};

static void *splice_file(void *arg)
{
    struct splice_job *job = arg;
    job->result =
        splice(job->from, &job->offset, job->to, NULL, job->size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (job->result < 0)
        job->result = -errno;
    return NULL;
}

static ssize_t local_splice_in(struct http_stream *s, green_pipe_t *pipe, green_time deadline)
{
    struct local_answer *l = local_of(s);
    struct splice_job job = {.from = l->fd,
                             .to = pipe->write_end,
                             .offset = (off_t)l->now.from,
                             .size = l->now.length < pipe->capacity ? (size_t)l->now.length : pipe->capacity};
    int r = 0;
    if (at_hand(l->fd, l->now.from, job.size))
        splice_file(&job);
    else
        r = green_blocking_in(green_threads_file(), splice_file, &job, NULL, deadline);
    if (r < 0)
        return r;
    if (job.result == -EINVAL) { /* not with this file system: by reading, then */
        l->copied = true;
        return 0;
    }
    ssize_t n = took(l, job.result);
    pipe->held += n > 0 ? (size_t)n : 0;
    return n;
}

/* Only what relay_body() asks of a stream that it reads from. */
static const struct http_stream_ops local_ops = {
    .read_body = local_read_body,
    .body_at_hand = local_body_at_hand,
    .trailers = local_trailers,
    .spliceable = local_spliceable,
    .splice_in = local_splice_in,
};
