/* Buffered streams. Input lies at in[in_start, in_end), output at out[0, out_end). */
#include "bufio.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void green_bufio_init(green_bufio_t *b, green_stream_t *stream, size_t size)
{
    *b = (green_bufio_t){.stream = stream, .size = size ? size : GREEN_BUFIO_SIZE};
}

void green_bufio_destroy(green_bufio_t *b)
{
    free(b->in);
    free(b->out);
    green_bufio_init(b, NULL, b->size);
}

void green_bufio_trim(green_bufio_t *b)
{
    if (b->in_start == b->in_end) {
        free(b->in);
        b->in = NULL;
        b->in_size = b->in_start = b->in_end = 0;
    }
    if (!b->out_end) {
        free(b->out);
        b->out = NULL;
    }
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static size_t available(const green_bufio_t *b)
{
    return b->in_end - b->in_start;
}

static int grow(green_bufio_t *b)
{
    if (b->in_size > SIZE_MAX / 2)
        return -ENOMEM;
    size_t size = b->in_size ? b->in_size * 2 : b->size;
    char *in = realloc(b->in, size);
    if (!in)
        return -ENOMEM;
    b->in = in;
    b->in_size = size;
    return 0;
}

/* Room for at least a quarter of the buffer behind what is there, so that reads are not tiny. */
static int make_room(green_bufio_t *b)
{
    if (b->in_start == b->in_end)
        b->in_start = b->in_end = 0;
    if (b->in_start && b->in_size - b->in_end < b->in_size / 4 + 1) {
        memmove(b->in, b->in + b->in_start, available(b));
        b->in_end -= b->in_start;
        b->in_start = 0;
    }
    return b->in_end < b->in_size ? 0 : grow(b);
}

/* One read from the stream. 0, -ENODATA at the end, or an error. */
static int fill(green_bufio_t *b, green_time deadline)
{
    if (b->ended)
        return -ENODATA;
    int r = make_room(b);
    if (r < 0)
        return r;
    ssize_t n = green_stream_read(b->stream, b->in + b->in_end, b->in_size - b->in_end, deadline);
    if (n < 0)
        return (int)n;
    b->in_end += (size_t)n;
    b->ended = n == 0;
    return n ? 0 : -ENODATA;
}

static size_t take(green_bufio_t *b, void *buffer, size_t size)
{
    size_t n = size < available(b) ? size : available(b);
    if (n)
        memcpy(buffer, b->in + b->in_start, n);
    b->in_start += n;
    return n;
}

ssize_t green_bufio_read(green_bufio_t *b, void *buffer, size_t size, green_time deadline)
{
    if (!size || available(b))
        return (ssize_t)take(b, buffer, size);
    if (b->ended)
        return 0;
    if (size >= b->size) { /* straight to where it is wanted */
        ssize_t n = green_stream_read(b->stream, buffer, size, deadline);
        if (n == 0)
            b->ended = true;
        return n;
    }
    int r = fill(b, deadline);
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    return (ssize_t)take(b, buffer, size);
}

int green_bufio_read_exact(green_bufio_t *b, void *buffer, size_t size, size_t *done, green_time deadline)
{
    size_t at = 0;
    int r = 0;
    while (at < size) {
        ssize_t n = green_bufio_read(b, (char *)buffer + at, size - at, deadline);
        if (n <= 0) {
            r = n < 0 ? (int)n : -ENODATA;
            break;
        }
        at += (size_t)n;
    }
    if (done)
        *done = at;
    return r;
}

/* Waits for a delimiter with at most `limit` bytes before it: how many there are. */
static ssize_t find(green_bufio_t *b, const void *delimiter, size_t size, size_t limit, green_time deadline)
{
    size_t seen = 0; /* where the delimiter cannot begin, before this */
    for (;;) {
        size_t have = available(b);
        const char *from = have ? b->in + b->in_start : NULL;
        const char *at = have - seen >= size ? memmem(from + seen, have - seen, delimiter, size) : NULL;
        size_t length = at ? (size_t)(at - from) : 0;
        if (at && length <= limit)
            return (ssize_t)length;
        if (at || (have >= size && have - size >= limit))
            return -EMSGSIZE; /* it begins, or can only begin, too late */
        seen = have >= size ? have - size + 1 : 0;
        int r = fill(b, deadline);
        if (r < 0)
            return r;
    }
}

ssize_t green_bufio_read_until(green_bufio_t *b, char **out, const void *delimiter, size_t delimiter_size,
                               size_t limit, green_time deadline)
{
    if (!delimiter_size)
        return -EINVAL;
    ssize_t n = find(b, delimiter, delimiter_size, limit, deadline);
    if (n < 0)
        return n;
    *out = b->in + b->in_start;
    (*out)[n] = 0;
    b->in_start += (size_t)n + delimiter_size;
    return n;
}

ssize_t green_bufio_read_line(green_bufio_t *b, char **line, size_t limit, green_time deadline)
{
    ssize_t n =
        find(b, "\n", 1, limit < SIZE_MAX ? limit + 1 : limit, deadline); /* a CR is part of the end */
    if (n < 0)
        return n;
    char *begin = b->in + b->in_start;
    size_t length = n && begin[n - 1] == '\r' ? (size_t)n - 1 : (size_t)n;
    if (length > limit)
        return -EMSGSIZE;
    begin[length] = 0;
    b->in_start += (size_t)n + 1;
    *line = begin;
    return (ssize_t)length;
}

ssize_t green_bufio_peek(green_bufio_t *b, char **out, size_t size, green_time deadline)
{
    while (available(b) < size) {
        int r = fill(b, deadline);
        if (r < 0)
            return r;
    }
    return (ssize_t)green_bufio_buffered(b, out);
}

size_t green_bufio_buffered(const green_bufio_t *b, char **out)
{
    if (out)
        *out = available(b) ? b->in + b->in_start : NULL;
    return available(b);
}

int green_bufio_skip(green_bufio_t *b, size_t size)
{
    if (size > available(b))
        return -EINVAL;
    b->in_start += size;
    return 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* Sends what is buffered and then `size` bytes more; *done is how many of the latter went. */
static int send_with(green_bufio_t *b, const void *more, size_t size, size_t *done, green_time deadline)
{
    struct iovec iov[] = {{b->out, b->out_end}, {(void *)(uintptr_t)more, size}};
    size_t sent;
    int r = green_stream_writev_all(b->stream, iov, 2, &sent, deadline);
    size_t before = sent < b->out_end ? sent : b->out_end;
    *done = sent - before;
    if (before && before < b->out_end)
        memmove(b->out, b->out + before, b->out_end - before);
    b->out_end -= before;
    return r;
}

static int need_output(green_bufio_t *b)
{
    if (!b->out)
        b->out = malloc(b->size);
    return b->out ? 0 : -ENOMEM;
}

int green_bufio_write(green_bufio_t *b, const void *buffer, size_t size, size_t *done, green_time deadline)
{
    size_t at = 0;
    int r = 0;
    if (size > b->size - b->out_end) {
        r = send_with(b, buffer, size, &at, deadline);
    } else if (size) {
        r = need_output(b);
        if (r == 0) {
            memcpy(b->out + b->out_end, buffer, size);
            b->out_end += size;
            at = size;
        }
    }
    if (done)
        *done = at;
    return r;
}

int green_bufio_vprintf(green_bufio_t *b, green_time deadline, const char *format, va_list arguments)
{
    va_list again;
    int n = need_output(b);
    if (n < 0)
        return n;
    va_copy(again, arguments);
    size_t room = b->size - b->out_end;
    n = vsnprintf(b->out + b->out_end, room, format, arguments);
    if (n < 0) {
        n = -EINVAL;
    } else if ((size_t)n < room) {
        b->out_end += (size_t)n; /* the usual case: nothing is copied */
    } else {
        char *text;
        int r = vasprintf(&text, format, again) < 0 ? -ENOMEM : 0;
        if (r == 0) {
            r = green_bufio_write(b, text, (size_t)n, NULL, deadline);
            free(text);
        }
        n = r < 0 ? r : n;
    }
    va_end(again);
    return n;
}

int green_bufio_printf(green_bufio_t *b, green_time deadline, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = green_bufio_vprintf(b, deadline, format, arguments);
    va_end(arguments);
    return n;
}

int green_bufio_flush(green_bufio_t *b, green_time deadline)
{
    size_t none;
    return send_with(b, NULL, 0, &none, deadline);
}

size_t green_bufio_unsent(const green_bufio_t *b)
{
    return b->out_end;
}
