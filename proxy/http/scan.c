/*
 * The strict scanner (scan.h). One switch over where the scanner stands; the inner loops over names, values
 * and targets are table-driven, sixteen bytes at a time where the CPU has SSE2. It keeps offsets, never
 * pointers, so the buffer may move between calls.
 */
#include "scan.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "error.h"

#define METHOD_MAX 32 /* longer than any registered method */

/* clang-format off */
const uint8_t http_class[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* 00 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* 10 */
    0x88, 0xaf, 0x08, 0x89, 0xaf, 0x8f, 0xaf, 0xaf, 0xae, 0xae, 0xaf, 0xaf, 0x8e, 0xef, 0xef, 0x8e, /* 20 */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x8e, 0xae, 0x88, 0xae, 0x88, 0x8a, /* 30 */
    0x8e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, /* 40 */
    0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0x8e, 0x0a, 0x8e, 0x8b, 0xef, /* 50 */
    0x8b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, /* 60 */
    0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0xef, 0x8a, 0x8f, 0x8a, 0xef, 0x00, /* 70 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* 80 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* 90 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* a0 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* b0 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* c0 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* d0 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* e0 */
    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, /* f0 */
};
/* clang-format on */

enum state {
    REQUEST_START,
    REQUEST_EMPTY_LINE, /* after the CR of an empty line before the request */
    REQUEST_LINE_START,
    METHOD,
    TARGET,
    VERSION,
    STATUS_VERSION,
    STATUS_CODE,
    STATUS_REASON,
    LINE_FEED, /* after the CR of any line but the last */
    FIELD_START,
    FIELD_NAME,
    FIELD_VALUE,
    END_LINE_FEED, /* after the CR of the empty line */
    COMPLETE,
};

static const char *skip_class(const char *p, const char *end, unsigned class)
{
    while (p < end && http_is((unsigned char)*p, class))
        p++;
    return p;
}

#ifdef __SSE2__
/* Which of the bytes of x lie in [first, first + count)? */
static inline __m128i in_range(__m128i x, char first, char count)
{
    __m128i offset = _mm_sub_epi8(x, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8((char)(count - 1))), offset);
}
#endif

const char *http_skip_token(const char *p, const char *end)
{
#ifdef __SSE2__
    while (end - p >= 16) { /* letters, digits and '-' here; the table knows the rare others */
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i fine = in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26);
        fine = _mm_or_si128(fine, in_range(x, '0', 10));
        fine = _mm_or_si128(fine, _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
        int mask = _mm_movemask_epi8(fine) ^ 0xffff;
        p += mask ? __builtin_ctz((unsigned)mask) : 16;
        if (mask && !http_is((unsigned char)*p++, HTTP_C_TOKEN))
            return p - 1;
    }
#endif
    return skip_class(p, end, HTTP_C_TOKEN);
}

const char *http_skip_value(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, last_control), x);
        __m128i stop = _mm_andnot_si128(_mm_cmpeq_epi8(x, tab), control);
        int mask = _mm_movemask_epi8(_mm_or_si128(stop, _mm_cmpeq_epi8(x, del)));
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    return skip_class(p, end, HTTP_C_VALUE);
}

const char *http_skip_target(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i fine = _mm_cmpgt_epi8(x, space); /* signed: bytes from 0x80 on are not greater */
        __m128i stop =
            _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('#')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(x, _mm_set1_epi8('<')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(x, _mm_set1_epi8('>')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(x, del));
        int mask = _mm_movemask_epi8(_mm_andnot_si128(stop, fine)) ^ 0xffff;
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    return skip_class(p, end, HTTP_C_TARGET);
}

void http_scan_begin(struct http_scan *s, bool response)
{
    uint32_t bytes = s->max_bytes, target = s->max_target, fields = s->max_fields;
    *s = (struct http_scan){.max_bytes = bytes, .max_target = target, .max_fields = fields};
    s->response = response;
    s->state = response ? STATUS_VERSION : REQUEST_START;
}

bool http_scan_idle(const struct http_scan *s)
{
    return s->state <= REQUEST_LINE_START || (s->state == STATUS_VERSION && s->at == 0);
}

/* What a byte that cannot start a request line stands for. */
static int bad_request_start(unsigned char c)
{
    if (c == 0x16) /* the TLS record type of a ClientHello */
        return HTTP_E_TLS_ON_PLAIN;
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? HTTP_E_REQUEST_LINE : HTTP_E_METHOD_SYNTAX;
}

/* A byte of "HTTP/1.x" CR at offset i, which must be c: 0, or the error. */
static int version_byte(unsigned i, unsigned char c, bool http2)
{
    static const char expected[] = "HTTP/1.";
    if (i < sizeof(expected) - 1 && c == (unsigned char)expected[i])
        return 0;
    if (i == 5 && c >= '0' && c <= '9')
        return http2 ? HTTP_E_HTTP2_PREFACE : HTTP_E_VERSION_OTHER;
    if (i == 7 && c >= '0' && c <= '9')
        return c <= '1' ? 0 : HTTP_E_VERSION_OTHER;
    if (i == 8 && c == '\r')
        return 0;
    return i == 8 && c == '\n' ? HTTP_E_LINE_END : HTTP_E_VERSION;
}

/* A byte of the status code or of the separator after it, at offset i. */
static bool status_byte(unsigned i, unsigned char c)
{
    if (i == 0)
        return c >= '1' && c <= '5';
    return i < 3 ? c >= '0' && c <= '9' : c == ' ' || c == '\r';
}

/* The error for running into the limit on head bytes in this state. */
static int too_large(const struct http_scan *s)
{
    return s->state <= VERSION ? HTTP_E_TARGET_TOO_LONG : HTTP_E_HEAD_TOO_LARGE;
}

/*
 * The start line's states; *pp is moved past what was looked at. Returns 0 to go on (in s->state), or an
 * error. Called with at least one byte.
 */
static int scan_start_line(struct http_scan *s, const char *buf, const char **pp, const char *end)
{
    const char *p = *pp;
    unsigned char c = (unsigned char)*p;
    int err;

    switch (s->state) {
    case REQUEST_START:
        if (c == '\r') { /* one empty line before a request is ignored (RFC 9112 section 2.2) */
            s->state = REQUEST_EMPTY_LINE;
            p++;
            break;
        }
        s->state = REQUEST_LINE_START;
        break;
    case REQUEST_EMPTY_LINE:
        if (c != '\n')
            return HTTP_E_LINE_END;
        s->state = REQUEST_LINE_START;
        p++;
        break;
    case REQUEST_LINE_START:
        if (!http_is(c, HTTP_C_TOKEN))
            return bad_request_start(c);
        s->start = s->mark = (uint32_t)(p - buf);
        s->state = METHOD;
        break;
    case METHOD:
        p = http_skip_token(p, end);
        if (p - buf - s->mark > METHOD_MAX)
            return HTTP_E_METHOD_UNKNOWN;
        if (p == end)
            break;
        if (*p != ' ')
            return *p == '\r' || *p == '\n' ? HTTP_E_REQUEST_LINE : HTTP_E_METHOD_SYNTAX;
        p++;
        s->mark = (uint32_t)(p - buf);
        s->state = TARGET;
        break;
    case TARGET:
        p = http_skip_target(p, end);
        if (p - buf - s->mark > s->max_target)
            return HTTP_E_TARGET_TOO_LONG;
        if (p == end)
            break;
        if (*p != ' ' || p - buf == s->mark)
            return *p == ' ' || *p == '\r' || *p == '\n' ? HTTP_E_REQUEST_LINE : HTTP_E_TARGET;
        p++;
        s->mark = (uint32_t)(p - buf);
        s->state = VERSION;
        break;
    case VERSION:
        if (p - buf == s->mark && end - p >= 10 &&
            (memcmp(p, "HTTP/1.1\r\n", 10) == 0 || memcmp(p, "HTTP/1.0\r\n", 10) == 0)) {
            p += 10;
            s->state = FIELD_START;
            break;
        }
        err = version_byte((unsigned)(p - buf - s->mark), c, memcmp(buf + s->start, "PRI ", 4) == 0);
        if (err)
            return err;
        p++;
        if (c == '\r')
            s->state = LINE_FEED;
        break;
    case STATUS_VERSION:
        if (p == buf && end - p >= 9 && (memcmp(p, "HTTP/1.1 ", 9) == 0 || memcmp(p, "HTTP/1.0 ", 9) == 0)) {
            s->mark = 9;
            s->state = STATUS_CODE;
            p += 9;
            break;
        }
        if (p - buf < 8 ? version_byte((unsigned)(p - buf), c, false) != 0 : c != ' ')
            return HTTP_E_STATUS_LINE;
        p++;
        if (c == ' ') {
            s->mark = (uint32_t)(p - buf);
            s->state = STATUS_CODE;
        }
        break;
    case STATUS_CODE:
        if (!status_byte((unsigned)(p - buf - s->mark), c))
            return HTTP_E_STATUS_LINE;
        p++;
        if (c == ' ')
            s->state = STATUS_REASON;
        else if (c == '\r')
            s->state = LINE_FEED;
        break;
    case STATUS_REASON:
        p = http_skip_value(p, end);
        if (p == end)
            break;
        if (*p != '\r')
            return HTTP_E_STATUS_LINE;
        p++;
        s->state = LINE_FEED;
        break;
    }
    *pp = p;
    return 0;
}

/* The error for a byte that can start neither a field line nor the empty line. */
static int bad_field_start(unsigned char c)
{
    if (c == '\n')
        return HTTP_E_LINE_END;
    return c == ' ' || c == '\t' ? HTTP_E_FIELD_FOLDED : HTTP_E_FIELD_NAME;
}

/*
 * The states of field lines, in the same manner, but straight through: this is where the time goes. Each
 * label is a state; running out of bytes stores it.
 */
static int scan_fields(struct http_scan *s, const char **pp, const char *end)
{
    const char *p = *pp;
    uint32_t fields = s->fields;
    uint8_t state = s->state;

    switch (state) {
    case FIELD_START:
        goto field_start;
    case FIELD_NAME:
        goto field_name;
    case FIELD_VALUE:
        goto field_value;
    case END_LINE_FEED:
        goto end_line_feed;
    }
line_feed:
    state = LINE_FEED;
    if (p == end)
        goto out;
    if (*p++ != '\n')
        return HTTP_E_LINE_END;
field_start:
    state = FIELD_START;
    if (p == end)
        goto out;
    if (*p == '\r') {
        p++;
        goto end_line_feed;
    }
    if (!http_is((unsigned char)*p, HTTP_C_TOKEN))
        return bad_field_start((unsigned char)*p);
    if (++fields > s->max_fields)
        return HTTP_E_FIELDS_TOO_MANY;
field_name:
    state = FIELD_NAME;
    p = http_skip_token(p, end);
    if (p == end)
        goto out;
    if (*p++ != ':')
        return HTTP_E_FIELD_NAME;
field_value:
    state = FIELD_VALUE;
    p = http_skip_value(p, end);
    if (p == end)
        goto out;
    if (*p++ == '\r')
        goto line_feed;
    return p[-1] == '\n' ? HTTP_E_LINE_END : HTTP_E_FIELD_VALUE;
end_line_feed:
    state = END_LINE_FEED;
    if (p == end)
        goto out;
    if (*p++ != '\n')
        return HTTP_E_LINE_END;
    state = COMPLETE;
out:
    s->state = state;
    s->fields = fields;
    *pp = p;
    return 0;
}

int http_scan_feed(struct http_scan *s, const char *buf, size_t n)
{
    const char *end = buf + (n < s->max_bytes ? n : s->max_bytes);
    const char *p = buf + s->at;
    int err = 0;

    while (err == 0 && p < end && s->state != COMPLETE) {
        if (s->state < LINE_FEED)
            err = scan_start_line(s, buf, &p, end);
        else
            err = scan_fields(s, &p, end);
    }
    s->at = (uint32_t)(p - buf);
    if (err)
        return err;
    if (s->state == COMPLETE)
        return 1;
    return s->at >= s->max_bytes ? too_large(s) : 0;
}
