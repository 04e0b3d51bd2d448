/* Reading from HTTP connections (wire.h). */
#include "../core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "wire.h"

#define FIRST_SIZE     4096
#define ROOM           1024  /* behind a head at least: for a line of the chunked coding */
#define MOST_EXTENSION 16384 /* bytes of chunk extensions and trailers in one body */

void green__wire_destroy(struct wire *w)
{
    free(w->buffer);
    *w = (struct wire){0};
}

void green__wire_next(struct wire *w)
{
    if (w->at < w->end)
        memmove(w->buffer, w->buffer + w->at, w->end - w->at);
    w->end -= w->at;
    w->at = w->base = 0;
}

static int grow(struct wire *w, size_t size)
{
    char *larger = size > w->size ? realloc(w->buffer, size) : w->buffer;
    if (!larger)
        return -ENOMEM;
    if (size > w->size)
        w->size = size;
    w->buffer = larger;
    return 0;
}

/* More bytes behind the others: how many; 0 at the end. There is room. */
static ssize_t fill(struct wire *w, green_time deadline)
{
    ssize_t n = green_stream_read(w->stream, w->buffer + w->end, w->size - w->end, deadline);
    if (n > 0)
        w->end += (size_t)n;
    return n;
}

/* --- heads ------------------------------------------------------------------------------------------------------- */

ptrdiff_t green__wire_read_head(struct wire *w, struct head_scan *scan, bool request, size_t most,
                                int64_t patience, green_time idle, struct http_fault *fault)
{
    green_time deadline = w->end ? green_in(patience) : GREEN_FOREVER;
    *scan = (struct head_scan){0};
    for (;;) {
        ptrdiff_t size = green__head_scan(scan, request, w->buffer, w->end, most, fault);
        if (size < 0)
            return size;
        if (size > 0) {
            w->at = w->base = (size_t)size;
            return grow(w, w->base + ROOM) < 0 ? -ENOMEM : size;
        }
        if (w->end == w->size && grow(w, w->size ? w->size * 2 : FIRST_SIZE) < 0)
            return -ENOMEM;
        bool first = !w->end;
        ssize_t n = fill(w, first ? idle : deadline);
        if (n <= 0)
            return n < 0 ? n : first ? 0 : -ENODATA;
        if (first)
            deadline = green_in(patience);
    }
}

/* --- bodies ------------------------------------------------------------------------------------------------------ */

void green__wire_begin_body(struct wire_body *b, const struct head *head, uint64_t most, int64_t patience)
{
    *b = (struct wire_body){.framing = head->framing, .most = most, .patience = patience};
    if (head->framing == HTTP_CHUNKED)
        b->state = BODY_CHUNK;
    else if (head->framing == HTTP_NO_BODY || (head->framing == HTTP_LENGTH && !head->length))
        b->state = BODY_DONE;
    b->left = head->framing == HTTP_LENGTH ? head->length : head->framing == HTTP_CHUNKED ? 0 : UINT64_MAX;
}

static ssize_t fail(struct wire_body *b, int error)
{
    b->failed = error;
    return error;
}

static ssize_t fault(struct wire_body *b, int status, const char *text)
{
    return fail(b, fault_of(&b->fault, status, text));
}

static ssize_t too_large(struct wire_body *b)
{
    b->fault = (struct http_fault){413, "the body is too large"};
    return fail(b, -EMSGSIZE);
}

/* The deadline for the next bytes: that of the caller, or the end of our patience. */
static ssize_t wait_bytes(struct wire *w, struct wire_body *b, void *out, size_t size, green_time deadline)
{
    green_time patience = b->patience ? green_in(b->patience) : GREEN_FOREVER;
    ssize_t n = green_stream_read(w->stream, out, size, patience < deadline ? patience : deadline);
    if (n == -ETIMEDOUT && patience < deadline && green_now() >= patience)
        fail(b, -ETIMEDOUT);
    else if (n < 0 && n != -ETIMEDOUT && n != -EAGAIN && n != -ECANCELED)
        fail(b, (int)n);
    return n;
}

/* Bytes of the body as they are. Small pieces go through the buffer, so that what follows them is read along. */
static ssize_t read_some(struct wire *w, struct wire_body *b, char *out, size_t size, green_time deadline)
{
    if (w->at == w->end) {
        bool direct = size >= w->size - w->base || b->framing == HTTP_UNTIL_CLOSE;
        w->at = w->end = w->base;
        ssize_t n = direct ? wait_bytes(w, b, out, size, deadline)
                           : wait_bytes(w, b, w->buffer + w->base, w->size - w->base, deadline);
        if (n <= 0 || direct)
            return n;
        w->end += (size_t)n;
    }
    if (size > w->end - w->at)
        size = w->end - w->at;
    memcpy(out, w->buffer + w->at, size);
    w->at += size;
    return (ssize_t)size;
}

static ssize_t read_data(struct wire *w, struct wire_body *b, char *out, size_t size, green_time deadline)
{
    if (!b->most)
        return too_large(b);
    if (size > b->left)
        size = (size_t)b->left;
    if (size > b->most)
        size = (size_t)b->most;
    ssize_t n = read_some(w, b, out, size, deadline);
    if (n == 0 && b->framing != HTTP_UNTIL_CLOSE)
        return fail(b, -ENODATA);
    if (n == 0)
        b->state = BODY_DONE;
    if (n <= 0)
        return n;
    b->left -= (uint64_t)n;
    b->most -= (uint64_t)n;
    if (!b->left)
        b->state = b->framing == HTTP_CHUNKED ? BODY_DATA_END : BODY_DONE;
    return n;
}

static ssize_t line_too_long(struct wire_body *b)
{
    return fault(b, b->state == BODY_TRAILERS ? 431 : 400, "a line of the chunked coding is too long");
}

/* One line of the chunked coding, without its CR LF: its length. It stays where it is until the next reading. */
static ssize_t read_line(struct wire *w, struct wire_body *b, const char **line, green_time deadline)
{
    for (;;) {
        char *start = w->buffer + w->at, *lf = memchr(start, '\n', w->end - w->at);
        if (lf) {
            if (lf == start || lf[-1] != '\r')
                return fault(b, 400, "a line of the chunked coding does not end in exactly CR LF");
            if (lf - start >= ROOM)
                return line_too_long(b);
            w->at += (size_t)(lf + 1 - start);
            *line = start;
            return lf - 1 - start;
        }
        if (w->end - w->at >= ROOM)
            return fault(b, b->state == BODY_TRAILERS ? 431 : 400,
                         "a line of the chunked coding is too long");
        if (w->at > w->base) {
            memmove(w->buffer + w->base, start, w->end - w->at);
            w->end -= w->at - w->base;
            w->at = w->base;
        }
        ssize_t n = wait_bytes(w, b, w->buffer + w->end, w->size - w->end, deadline);
        if (n <= 0)
            return n < 0 ? n : fail(b, -ENODATA);
        w->end += (size_t)n;
    }
}

static size_t skip(const char *p, size_t n, unsigned class)
{
    size_t i = 0;
    while (i < n && http_is(p[i], class))
        i++;
    return i;
}

/* *( ";" name [ "=" ( token / quoted-string ) ] ), without whitespace */
static bool extensions_valid(const char *p, size_t n)
{
    while (n) {
        size_t used = p[0] == ';' ? 1 + skip(p + 1, n - 1, HTTP_TOKEN) : 0;
        if (used < 2)
            return false;
        if (used < n && p[used] == '=') {
            size_t begin = ++used;
            if (used < n && p[used] == '"') {
                for (used++; used < n && p[used] != '"'; used++)
                    if (!http_is(p[used], HTTP_VALUE) || (p[used] == '\\' && ++used == n))
                        return false;
                if (used++ == n)
                    return false;
            } else {
                used += skip(p + used, n - used, HTTP_TOKEN);
            }
            if (used == begin)
                return false;
        }
        p += used;
        n -= used;
    }
    return true;
}

static int count_extensions(struct wire_body *b, size_t n, int status)
{
    b->extensions += n;
    if (b->extensions > MOST_EXTENSION)
        return (int)fault(b, status, "chunk extensions or trailers are too large");
    return 0;
}

static int read_chunk_line(struct wire *w, struct wire_body *b, green_time deadline)
{
    const char *line;
    ssize_t n = read_line(w, b, &line, deadline);
    if (n < 0)
        return (int)n;
    size_t digits = skip(line, (size_t)n, HTTP_HEX);
    if (!digits || digits > 15)
        return (int)fault(b, 400, "a chunk's size is not a plain hexadecimal number");
    if (!extensions_valid(line + digits, (size_t)n - digits))
        return (int)fault(b, 400, "a chunk's extension is not valid");
    uint64_t size = 0;
    for (size_t i = 0; i < digits; i++)
        size = size * 16 + (uint64_t)(line[i] <= '9' ? line[i] - '0' : (line[i] | 0x20) - 'a' + 10);
    if (size > b->most)
        return (int)too_large(b);
    b->left = size;
    b->state = size ? BODY_DATA : BODY_TRAILERS;
    return count_extensions(b, (size_t)n - digits, 400);
}

static int read_data_end(struct wire *w, struct wire_body *b, green_time deadline)
{
    const char *line;
    ssize_t n = read_line(w, b, &line, deadline);
    if (n > 0)
        return (int)fault(b, 400, "a chunk's data is not followed by exactly CR LF");
    if (n == 0)
        b->state = BODY_CHUNK;
    return (int)n;
}

/* Trailers are checked and dropped. */
static int read_trailer(struct wire *w, struct wire_body *b, green_time deadline)
{
    const char *line;
    ssize_t n = read_line(w, b, &line, deadline);
    if (n <= 0) {
        if (n == 0)
            b->state = BODY_DONE;
        return (int)n;
    }
    size_t name = skip(line, (size_t)n, HTTP_TOKEN);
    if (!name || line[name] != ':' || !http_all(line + name, (size_t)n - name, HTTP_VALUE))
        return (int)fault(b, 400, "a trailer is not a valid field");
    return count_extensions(b, (size_t)n, 431);
}

ssize_t green__wire_read_body(struct wire *w, struct wire_body *b, void *out, size_t size,
                              green_time deadline)
{
    int r = b->failed;
    while (r == 0 && b->state != BODY_DONE) {
        switch (b->state) {
        case BODY_DATA:
            if (!size)
                return 0;
            return read_data(w, b, out, size, deadline);
        case BODY_DATA_END:
            r = read_data_end(w, b, deadline);
            break;
        case BODY_CHUNK:
            r = read_chunk_line(w, b, deadline);
            break;
        case BODY_TRAILERS:
            r = read_trailer(w, b, deadline);
            break;
        case BODY_DONE:
            break;
        }
    }
    return r;
}
