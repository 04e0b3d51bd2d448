/* Escaping (escape.h). */
#include "escape.h"

static const char hex[] = "0123456789abcdef";

/* Bytes that stand for themselves in both formats: printable ASCII but the quote and the backslash. */
static inline bool plain(unsigned char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* High bit set where a byte of the word is not plain (and, behind such a byte, perhaps too often). */
static inline uint64_t not_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\', del = word ^ ones * 0x7f;
    return (word | (word - ones * ' ') | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
            ((del - ones) & ~del)) &
           tops;
}

/* How many bytes at the start need no escape. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        if (not_plain(word))
            break;
    }
    while (i < n && plain((unsigned char)p[i]))
        i++;
    return i;
}

/* The length of the well-formed UTF-8 sequence (RFC 3629) of two or more bytes at p, 0 if there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    unsigned char c = p[0], low = 0x80, high = 0xbf;
    size_t length = c < 0xc2 || c > 0xf4 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (!length || length > n)
        return 0;
    low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
    high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* One unit that is not plain, as it is to be written: its length in *out_n, how many bytes it took is
 * returned. */
typedef size_t (*escape_fn)(const unsigned char *p, size_t n, char out[6], size_t *out_n);

static size_t escape_json(const unsigned char *p, size_t n, char out[6], size_t *out_n)
{
    size_t sequence = utf8_sequence(p, n);
    bool control = sequence && p[0] == 0xc2 && p[1] < 0xa0; /* U+0080 to U+009F can steer terminals */
    unsigned char c = control ? p[1] : p[0];
    if (sequence && !control) {
        memcpy(out, p, sequence);
        *out_n = sequence;
    } else if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        *out_n = 2;
    } else {
        memcpy(out, "\\u00", 4);
        out[4] = hex[c >> 4];
        out[5] = hex[c & 15];
        *out_n = 6;
    }
    return sequence ? sequence : 1;
}

static size_t escape_byte(const unsigned char *p, size_t n, char out[6], size_t *out_n)
{
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[*p >> 4];
    out[3] = hex[*p & 15];
    *out_n = 4;
    return 1;
}

/* Text that somebody else chose, in at most room bytes. */
static inline char *put_escaped(char *out, struct span text, size_t room, escape_fn escape)
{
    const char *limit = out + room - 3;
    while (text.n) {
        char unit[6];
        size_t run = plain_run(text.p, text.n), unit_n = 0;
        if (run > (size_t)(limit - out))
            return PUT(put(out, text.p, (size_t)(limit - out)), "...");
        out = put(out, text.p, run);
        text.p += run;
        text.n -= run;
        if (!text.n)
            break;
        run = escape((const unsigned char *)text.p, text.n, unit, &unit_n);
        if (unit_n > (size_t)(limit - out))
            return PUT(out, "...");
        out = put(out, unit, unit_n);
        text.p += run;
        text.n -= run;
    }
    return out;
}

char *put_json(char *out, struct span text, size_t room)
{
    return put_escaped(out, text, room, escape_json);
}

char *put_visible(char *out, struct span text, size_t room)
{
    return put_escaped(out, text, room, escape_byte);
}

char *put_word(char *out, struct span text, size_t room)
{
    const char *limit = out + room - 3;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool as_it_is = c != ' ' && plain(c);
        if ((as_it_is ? 1 : 4) > limit - out)
            return PUT(out, "...");
        if (as_it_is) {
            *out++ = (char)c;
            continue;
        }
        out = PUT(out, "\\x");
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
    return out;
}
