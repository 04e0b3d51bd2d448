/*
 * The chunked transfer coding (chunked.h): one switch per byte of framing, data in runs. The grammar is taken
 * without its optional whitespace; every line ends in exactly CR LF.
 */
#include "chunked.h"

#include <errno.h>

#include "scan.h"

#define MOST_DIGITS 16 /* of a chunk size, leading zeros included */

enum state {
    SIZE,            /* in the digits of a chunk size */
    EXTENSION_START, /* after ';' */
    EXTENSION_NAME,
    EXTENSION_EQUALS, /* after '=' */
    EXTENSION_VALUE,
    QUOTED,
    QUOTED_ESCAPE, /* after '\' */
    QUOTED_END,    /* after the closing '"' */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
};

void http_trailers_init(struct http_trailers *t, char *buf, size_t cap)
{
    memset(t, 0, offsetof(struct http_trailers, fields));
    t->buf = buf;
    t->cap = cap;
}

void http_chunked_begin(struct http_chunked *c, struct http_trailers *trailers)
{
    *c = (struct http_chunked){.trailers = trailers, .state = SIZE};
}

void http_chunked_skip(struct http_chunked *c, uint64_t n)
{
    if (n > c->left)
        n = c->left;
    c->left -= n;
    c->data_total += n;
    if (n && c->left == 0)
        c->state = DATA_CR;
}

static int size_byte(struct http_chunked *c, unsigned char b)
{
    if (http_is(b, HTTP_C_HEX)) {
        if (c->digits++ == MOST_DIGITS)
            return HTTP_E_CHUNK_TOO_LARGE;
        c->left = c->left << 4 | (unsigned)(b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);
        return c->left > HTTP_CHUNK_MAX ? HTTP_E_CHUNK_TOO_LARGE : 0;
    }
    if (c->digits == 0 || (b != ';' && b != '\r'))
        return HTTP_E_CHUNK_SIZE;
    c->state = b == ';' ? EXTENSION_START : SIZE_LF;
    return 0;
}

/* chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ) */
static int extension_byte(struct http_chunked *c, unsigned char b)
{
    bool token = http_is(b, HTTP_C_TOKEN);

    if (++c->extension > HTTP_EXTENSION_BYTES)
        return HTTP_E_CHUNK_EXTENSIONS;
    if (++c->extension_total > HTTP_EXTENSION_TOTAL + c->data_total / 16)
        return HTTP_E_CHUNK_EXTENSIONS;
    switch (c->state) {
    case EXTENSION_START:
        c->state = EXTENSION_NAME;
        return token ? 0 : HTTP_E_CHUNK_EXTENSION;
    case EXTENSION_EQUALS:
        c->state = b == '"' ? QUOTED : EXTENSION_VALUE;
        return token || b == '"' ? 0 : HTTP_E_CHUNK_EXTENSION;
    case QUOTED:
        if (b == '"' || b == '\\')
            c->state = b == '"' ? QUOTED_END : QUOTED_ESCAPE;
        else if (!http_is(b, HTTP_C_QUOTED))
            return HTTP_E_CHUNK_EXTENSION;
        return 0;
    case QUOTED_ESCAPE:
        c->state = QUOTED;
        return http_is(b, HTTP_C_VALUE) ? 0 : HTTP_E_CHUNK_EXTENSION;
    case EXTENSION_NAME:
        if (b == '=') {
            c->state = EXTENSION_EQUALS;
            return 0;
        }
        break;
    }
    if (token && c->state != QUOTED_END)
        return 0;
    if (b != ';' && b != '\r')
        return HTTP_E_CHUNK_EXTENSION;
    c->state = b == ';' ? EXTENSION_START : SIZE_LF;
    return 0;
}

static int size_end_byte(struct http_chunked *c, unsigned char b)
{
    if (b != '\n')
        return HTTP_E_CHUNK_SIZE;
    c->state = c->left ? DATA : TRAILER_START;
    c->digits = 0;
    c->extension = 0;
    return 0;
}

/* A trailer line is complete: keep it if it may be kept. */
static void keep_trailer(struct http_trailers *t)
{
    struct http_field *f = &t->fields[t->count];

    f->value = span_trim(span_of(f->value.p, (size_t)(t->buf + t->used - f->value.p)));
    f->id = http_field_id(f->name);
    f->hop = false;
    if (http_field_rules(f->id) & HTTP_RULE_NO_TRAILER || memchr(f->name.p, '_', f->name.n)) {
        t->used = t->line;
        t->dropped++;
    } else {
        t->count++;
    }
}

/* The first byte of a line after the last chunk: another trailer, or the end. */
static int trailer_start_byte(struct http_chunked *c, unsigned char b)
{
    if (b == '\r') {
        c->state = END_LF;
        return 0;
    }
    if (!http_is(b, HTTP_C_TOKEN))
        return HTTP_E_TRAILER;
    if (c->trailer_fields++ == HTTP_MAX_TRAILERS)
        return HTTP_E_TRAILER_TOO_LARGE;
    if (c->trailers)
        c->trailers->line = c->trailers->used;
    c->state = TRAILER_NAME;
    return 0;
}

static int trailer_byte(struct http_chunked *c, unsigned char b)
{
    struct http_trailers *t = c->trailers;
    int err = 0;

    if (++c->trailer_bytes > HTTP_TRAILER_BYTES)
        return HTTP_E_TRAILER_TOO_LARGE;
    switch (c->state) {
    case TRAILER_START:
        err = trailer_start_byte(c, b);
        if (err || c->state == END_LF)
            return err;
        break;
    case TRAILER_NAME:
        if (b != ':') {
            if (!http_is(b, HTTP_C_TOKEN))
                return HTTP_E_TRAILER;
            break;
        }
        if (t) {
            t->fields[t->count].name = span_of(t->buf + t->line, t->used - t->line);
            t->fields[t->count].value = span_of(t->buf + t->used, 0);
        }
        c->state = TRAILER_VALUE;
        return 0;
    case TRAILER_VALUE:
        if (b == '\r') {
            c->state = TRAILER_LF;
            return 0;
        }
        if (!http_is(b, HTTP_C_VALUE))
            return HTTP_E_TRAILER;
        break;
    case TRAILER_LF:
        if (b != '\n')
            return HTTP_E_TRAILER;
        if (t)
            keep_trailer(t);
        c->state = TRAILER_START;
        return 0;
    }
    if (t) {
        if (t->used == t->cap)
            return HTTP_E_TRAILER_TOO_LARGE;
        t->buf[t->used++] = (char)b;
    }
    return 0;
}

/* One byte that is not chunk data. */
static int framing_byte(struct http_chunked *c, unsigned char b)
{
    switch (c->state) {
    case SIZE:
        return size_byte(c, b);
    case SIZE_LF:
        return size_end_byte(c, b);
    case DATA_CR:
        c->state = DATA_LF;
        return b == '\r' ? 0 : HTTP_E_CHUNK_END;
    case DATA_LF:
        c->state = SIZE;
        return b == '\n' ? 0 : HTTP_E_CHUNK_END;
    case END_LF:
        c->state = DONE;
        return b == '\n' ? 0 : HTTP_E_CHUNK_END;
    default:
        return c->state < SIZE_LF ? extension_byte(c, b) : trailer_byte(c, b);
    }
}

int http_chunked_feed(struct http_chunked *c, const char *in, size_t n, size_t *used, struct span *data)
{
    size_t i = 0;

    *data = span_of(NULL, 0);
    while (i < n && c->failed == 0 && c->state != DONE) {
        if (c->state == DATA) {
            size_t run = n - i < c->left ? n - i : (size_t)c->left;
            *data = span_of(in + i, run);
            *used = i + run;
            http_chunked_skip(c, run);
            return HTTP_CHUNKED_DATA;
        }
        c->failed = framing_byte(c, (unsigned char)in[i++]);
    }
    *used = i;
    if (c->failed)
        return c->failed;
    return c->state == DONE ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_MORE;
}

size_t http_chunk_head(char out[static HTTP_CHUNK_HEAD_BYTES], uint64_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    int shift = 60;

    while (shift > 0 && size >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        out[n++] = hex[size >> shift & 15];
    out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

static bool append(char *out, size_t cap, size_t *n, struct span s)
{
    if (cap - *n < s.n)
        return false;
    if (s.n)
        memcpy(out + *n, s.p, s.n);
    *n += s.n;
    return true;
}

int http_chunk_last(char *out, size_t cap, const struct http_trailers *trailers)
{
    size_t n = 0;
    bool fits = append(out, cap, &n, SPAN("0\r\n"));

    for (unsigned i = 0; trailers && i < trailers->count; i++) {
        const struct http_field *f = &trailers->fields[i];
        fits = fits && append(out, cap, &n, f->name) && append(out, cap, &n, SPAN(": ")) &&
               append(out, cap, &n, f->value) && append(out, cap, &n, SPAN("\r\n"));
    }
    fits = fits && append(out, cap, &n, SPAN("\r\n"));
    return fits && n <= INT32_MAX ? (int)n : -ENOBUFS;
}
