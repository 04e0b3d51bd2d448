/* What a handler can do with an exchange: look at the request, read its body, build and send the answer. */
#include "../core/internal.h"

#include "exchange.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define MOST_FIELD_BYTES 32768

/* --- the request ------------------------------------------------------------------------------------------------- */

const char *green_http_method(const green_http_exchange_t *x)
{
    return x->head.method;
}

const char *green_http_path(const green_http_exchange_t *x)
{
    return x->head.path;
}

const char *green_http_query(const green_http_exchange_t *x)
{
    return x->head.query;
}

const char *green_http_host(const green_http_exchange_t *x)
{
    return x->head.host;
}

int green_http_minor(const green_http_exchange_t *x)
{
    return x->head.minor;
}

const green_address_t *green_http_peer(const green_http_exchange_t *x)
{
    return x->peer;
}

green_stream_t *green_http_stream(const green_http_exchange_t *x)
{
    return x->wire.stream;
}

const char *green_http_field(const green_http_exchange_t *x, const char *name)
{
    return green_http_find(x->head.fields, x->head.count, name);
}

size_t green_http_fields(const green_http_exchange_t *x, const green_http_field_t **fields)
{
    *fields = x->head.fields;
    return x->head.count;
}

int64_t green_http_body_length(const green_http_exchange_t *x)
{
    if (x->head.framing == HTTP_CHUNKED)
        return -1;
    return x->head.framing == HTTP_LENGTH ? (int64_t)x->head.length : 0;
}

int green_http_continue(green_http_exchange_t *x, green_time deadline)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool waits = !x->continued && !x->head_sent && x->wire.at == x->wire.end;
    x->continued = true;
    if (!waits)
        return 0;
    int r = green_stream_write_all(x->wire.stream, go_on, sizeof go_on - 1, NULL, deadline);
    if (r < 0)
        x->broken = x->body.failed = r;
    return r;
}

ssize_t green_http_read(green_http_exchange_t *x, void *buffer, size_t size, green_time deadline)
{
    int r = x->continued ? 0 : green_http_continue(x, deadline);
    if (r < 0)
        return r;
    ssize_t n = green__wire_read_body(&x->wire, &x->body, buffer, size, deadline);
    if (n > 0)
        x->received += (uint64_t)n;
    return n;
}

/* --- the answer's head ------------------------------------------------------------------------------------------- */

void green__exchange_begin(green_http_exchange_t *x)
{
    x->status = 0;
    x->close = x->head_sent = x->bodiless = x->chunked = false;
    x->broken = 0;
    x->left = x->sent = x->received = 0;
    x->continued = true;
    text_clear(&x->fields);
    text_clear(&x->text);
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Connection", "Content-Length", "Transfer-Encoding",
                                       "Keep-Alive", "Upgrade",        "Trailer"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (!strcasecmp(name, ours[i]))
            return true;
    return false;
}

int green_http_set(green_http_exchange_t *x, const char *name, const char *value)
{
    if (!green_http_name_valid(name) || !green_http_value_valid(value) || is_ours(name))
        return -EINVAL;
    if (x->status)
        return -EALREADY;
    if (x->fields.n + strlen(name) + strlen(value) > MOST_FIELD_BYTES)
        return -EMSGSIZE;
    text_field(&x->fields, name, value);
    return x->fields.failed ? -ENOMEM : 0;
}

void green_http_close(green_http_exchange_t *x)
{
    x->close = true;
}

bool green_http_begun(const green_http_exchange_t *x)
{
    return x->status != 0;
}

static void put_two(char *out, int number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

/* RFC 9110 section 5.6.7, made anew only when the second has changed. By hand: strftime(3) knows other languages. */
static const char *date(green_http_server_t *s)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm t;
    if (now == s->date_second || !gmtime_r(&now, &t))
        return s->date;
    memcpy(s->date, "Sun, 06 Nov 1994 08:49:37 GMT", sizeof s->date);
    memcpy(s->date, days + 3 * t.tm_wday, 3);
    put_two(s->date + 5, t.tm_mday);
    memcpy(s->date + 8, months + 3 * t.tm_mon, 3);
    put_two(s->date + 12, (t.tm_year + 1900) / 100 % 100);
    put_two(s->date + 14, t.tm_year % 100);
    put_two(s->date + 17, t.tm_hour);
    put_two(s->date + 20, t.tm_min);
    put_two(s->date + 23, t.tm_sec);
    s->date_second = now;
    return s->date;
}

static bool fields_have(const struct text *fields, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = fields->p, *end = p + fields->n; p < end;
         p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1)
        if (!strncasecmp(p, name, n) && p[n] == ':')
            return true;
    return false;
}

/* Whether the connection can be used for another request, as far as this is known when the answer begins. A client that
 * still waits for 100 may or may not send its body now; nobody could tell it from a request. */
static bool must_close(const green_http_exchange_t *x)
{
    return x->close || !x->understood || !x->head.keepalive || x->server->stopping || !x->continued ||
           x->body.failed || (x->left == UINT64_MAX && !x->chunked && !x->bodiless);
}

static void write_head(green_http_exchange_t *x)
{
    struct text *t = &x->text;
    bool without = x->status == 204 || x->status == 304;
    x->close = must_close(x);
    text_clear(t);
    text_add(t, "HTTP/1.1 ");
    text_number(t, (unsigned)x->status);
    text_add(t, " ");
    text_add(t, green_http_reason(x->status));
    text_add(t, "\r\n");
    if (!fields_have(&x->fields, "Date"))
        text_field(t, "Date", date(x->server));
    if (x->server->options.name && !fields_have(&x->fields, "Server"))
        text_field(t, "Server", x->server->options.name);
    text_put(t, x->fields.p, x->fields.n);
    if (x->close)
        text_add(t, "Connection: close\r\n");
    else if (!x->head.minor)
        text_add(t, "Connection: keep-alive\r\n");
    if (x->chunked) {
        text_add(t, "Transfer-Encoding: chunked\r\n");
    } else if (!without && x->left != UINT64_MAX) {
        text_add(t, "Content-Length: ");
        text_number(t, x->left);
        text_add(t, "\r\n");
    }
    text_add(t, "\r\n");
}

int green_http_begin(green_http_exchange_t *x, int status, int64_t length)
{
    if (status < 200 || status > 599 || length < GREEN_HTTP_UNKNOWN)
        return -EINVAL;
    if (x->status)
        return -EALREADY;
    bool without = status == 204 || status == 304;
    x->status = status;
    x->bodiless = without || (x->understood && !strcmp(x->head.method, "HEAD"));
    x->chunked = length < 0 && !without && x->understood && x->head.minor;
    x->left = length < 0 ? UINT64_MAX : (uint64_t)length;
    return 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* The head, if it has not left yet, and these pieces behind it. */
static int send_pieces(green_http_exchange_t *x, struct iovec *pieces, int count, green_time deadline)
{
    if (x->broken)
        return x->broken;
    if (!x->head_sent) {
        write_head(x);
        if (x->text.failed)
            return x->broken = -ENOMEM;
        x->head_sent = true;
        pieces[0] = (struct iovec){x->text.p, x->text.n};
    } else {
        pieces++;
        count--;
    }
    int r = count ? green_stream_writev_all(x->wire.stream, pieces, count, NULL, deadline) : 0;
    if (r < 0)
        x->broken = r; /* part of it may have gone: nothing can follow */
    return r;
}

/* "1a" CR LF: the line before a chunk. */
static size_t chunk_line(char *out, size_t size)
{
    char digits[16], *p = digits + sizeof digits;
    do
        *--p = "0123456789abcdef"[size & 15];
    while (size >>= 4);
    size_t n = (size_t)(digits + sizeof digits - p);
    memcpy(out, p, n);
    memcpy(out + n, "\r\n", 2);
    return n + 2;
}

int green_http_write(green_http_exchange_t *x, const void *data, size_t size, green_time deadline)
{
    char line[20];
    struct iovec pieces[4];
    int count = 1;
    if (!x->status)
        return -EINVAL;
    if (x->left != UINT64_MAX) {
        if (size > x->left)
            return -EMSGSIZE;
    }
    if (size && !x->bodiless) {
        if (x->chunked)
            pieces[count++] = (struct iovec){line, chunk_line(line, size)};
        pieces[count++] = (struct iovec){(void *)(uintptr_t)data, size};
        if (x->chunked)
            pieces[count++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
    }
    int r = send_pieces(x, pieces, count, deadline);
    if (r < 0)
        return r;
    if (x->left != UINT64_MAX)
        x->left -= size;
    if (!x->bodiless)
        x->sent += size;
    return 0;
}

int green_http_flush(green_http_exchange_t *x, green_time deadline)
{
    return green_http_write(x, NULL, 0, deadline);
}

int green_http_answer(green_http_exchange_t *x, int status, const char *type, const void *data, size_t size,
                      green_time deadline)
{
    int r = type && !x->status ? green_http_set(x, "Content-Type", type) : 0;
    if (r == 0)
        r = size <= INT64_MAX ? green_http_begin(x, status, (int64_t)size) : -EINVAL;
    return r < 0 ? r : green_http_write(x, data, size, deadline);
}

int green__exchange_finish(green_http_exchange_t *x)
{
    struct iovec pieces[2];
    int count = 1;
    if (x->left != UINT64_MAX && x->left && !x->bodiless)
        return x->broken ? x->broken : -ENODATA; /* less was written than announced */
    if (x->chunked && !x->bodiless)
        pieces[count++] = (struct iovec){(void *)(uintptr_t) "0\r\n\r\n", 5};
    return send_pieces(x, pieces, count, GREEN_FOREVER);
}

int green__exchange_refuse(green_http_exchange_t *x, int status, const char *text)
{
    char sentence[160];
    x->close = true;
    text_clear(&x->fields);
    int n = snprintf(sentence, sizeof sentence, "%s\n", text);
    int r = green_http_answer(x, status, "text/plain", sentence, (size_t)n, GREEN_FOREVER);
    return r < 0 ? r : green__exchange_finish(x);
}
