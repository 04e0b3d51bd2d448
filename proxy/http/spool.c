/* Bodies kept: a chain of buffers, then a file. */
#include "spool.h"

#include <errno.h>

#include "runtime/disk.h"

#define DISK_PATIENCE GREEN_S(30)
#define PIECE_BYTES   (BUFFER_SIZE - sizeof(struct spool_piece))

struct spool_piece {
    struct spool_piece *next;
    size_t used;
    char bytes[];
};

static const struct http_stream_ops spool_ops;

static struct spool *spool_of(const struct http_stream *s)
{
    return (struct spool *)(uintptr_t)s; /* stream is the first member */
}

void spool_init(struct spool *s, struct buffers *buffers, uint64_t most, const char *folder)
{
    *s = (struct spool){
        .stream.ops = &spool_ops, .buffers = buffers, .most = most, .folder = folder, .fd = -1};
}

void spool_rewind(struct spool *s)
{
    s->next = s->first;
    s->at = 0;
}

void spool_end(struct spool *s)
{
    while (s->first) {
        struct spool_piece *piece = s->first;
        s->first = piece->next;
        buffer_give(s->buffers, (char *)piece);
    }
    if (s->buffer)
        buffer_give(s->buffers, s->buffer);
    if (s->fd >= 0)
        green_file_close(s->fd); /* what it holds is not wanted any more: no error matters */
    s->buffer = NULL;
    s->fd = -1;
}

/* --- writing ----------------------------------------------------------------------------------------------------------- */

static int add_piece(struct spool *s)
{
    struct spool_piece *piece = (struct spool_piece *)(void *)buffer_take(s->buffers);
    if (!piece)
        return -ENOMEM;
    *piece = (struct spool_piece){.next = NULL, .used = 0};
    if (s->last)
        s->last->next = piece;
    else
        s->first = piece;
    s->last = piece;
    return 0;
}

/* As much of it as there is room for in the last piece, or in a new one. */
static int keep_in_memory(struct spool *s, struct span *data)
{
    int r = !s->last || s->last->used == PIECE_BYTES ? add_piece(s) : 0;
    if (r < 0)
        return r;
    uint64_t room = s->most - s->in_memory;
    size_t n = PIECE_BYTES - s->last->used;
    n = n < data->n ? n : data->n;
    n = n < room ? n : (size_t)room;
    memcpy(s->last->bytes + s->last->used, data->p, n);
    s->last->used += n;
    s->in_memory += n;
    *data = span_of(data->p + n, data->n - n);
    return 0;
}

static int write_collected(struct spool *s)
{
    green_time deadline = green_in(DISK_PATIENCE);
    if (s->fd < 0)
        s->fd = disk_temporary(s->folder, deadline);
    if (s->fd < 0)
        return s->fd;
    int r = disk_write(s->fd, s->buffer, s->collected, s->in_file - s->collected, deadline);
    s->collected = 0;
    return r;
}

/* A call to the disk costs a switch to a thread and back: small pieces wait for one another. */
static int keep_in_file(struct spool *s, struct span *data)
{
    if (!s->buffer)
        s->buffer = buffer_take(s->buffers);
    if (!s->buffer)
        return -ENOMEM;
    size_t room = BUFFER_SIZE - s->collected, n = data->n < room ? data->n : room;
    memcpy(s->buffer + s->collected, data->p, n);
    s->collected += n;
    s->in_file += n;
    *data = span_of(data->p + n, data->n - n);
    return s->collected == BUFFER_SIZE ? write_collected(s) : 0;
}

static int spool_write_body(struct http_stream *stream, struct span data)
{
    struct spool *s = spool_of(stream);
    int r = 0;
    while (r == 0 && data.n)
        r = s->in_memory < s->most ? keep_in_memory(s, &data) : keep_in_file(s, &data);
    return r;
}

static int spool_flush(struct http_stream *stream)
{
    (void)stream; /* nobody waits for it */
    return 0;
}

/* The trailers stay where they are: in the stream that the body came from. */
static int spool_finish(struct http_stream *stream, const struct http_trailers *trailers)
{
    struct spool *s = spool_of(stream);
    int r = s->collected ? write_collected(s) : 0;
    s->trailers = trailers;
    spool_rewind(s);
    return r;
}

static bool spool_takes_splice(const struct http_stream *stream)
{
    (void)stream;
    return false;
}

/* --- reading ----------------------------------------------------------------------------------------------------------- */

static ssize_t spool_read_body(struct http_stream *stream, struct span *data, green_time deadline)
{
    struct spool *s = spool_of(stream);
    *data = span_of(NULL, 0);
    if (s->next) {
        *data = span_of(s->next->bytes, s->next->used);
        s->next = s->next->next;
        return (ssize_t)data->n;
    }
    if (s->at == s->in_file)
        return 0;
    uint64_t left = s->in_file - s->at;
    ssize_t n = disk_read(s->fd, s->buffer, left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE, s->at, deadline);
    if (n <= 0)
        return n < 0 ? n : -EIO; /* nobody else has the file, and yet it is shorter */
    s->at += (uint64_t)n;
    *data = span_of(s->buffer, (size_t)n);
    return n;
}

static bool spool_body_at_hand(const struct http_stream *stream)
{
    (void)stream;
    return true;
}

static const struct http_trailers *spool_trailers(const struct http_stream *stream)
{
    return spool_of(stream)->trailers;
}

static uint64_t spool_spliceable(const struct http_stream *stream)
{
    (void)stream;
    return 0;
}

/* What relay_body() asks of a stream that it reads from or writes to. */
static const struct http_stream_ops spool_ops = {
    .read_body = spool_read_body,
    .body_at_hand = spool_body_at_hand,
    .trailers = spool_trailers,
    .write_body = spool_write_body,
    .flush = spool_flush,
    .finish = spool_finish,
    .spliceable = spool_spliceable,
    .takes_splice = spool_takes_splice,
};
