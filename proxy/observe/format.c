/* Formatting access log lines: escapes, numbers, dates, and the two formats made of them. */
#include "format.h"

#include <time.h>

/* Room in the line for each text of somebody else's making, escapes included. The sum, and what the proxy
 * itself writes, is less than FORMAT_LINE_BYTES. */
#define TARGET_BYTES 16384
#define TEXT_BYTES   2048 /* referer, user agent */
#define HOST_BYTES   1024
#define NAME_BYTES   512 /* of sections and servers, paths of files */

static const char hex[] = "0123456789abcdef";

/* --- copying and escaping ----------------------------------------------------------------------- */

#define PUT(out, literal) put(out, "" literal, sizeof(literal) - 1)

static inline char *put(char *out, const char *p, size_t n)
{
    memcpy(out, p, n);
    return out + n;
}

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

static size_t escape_combined(const unsigned char *p, size_t n, char out[6], size_t *out_n)
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

/* --- numbers and dates -------------------------------------------------------------------------- */

static char *put_number(char *out, uint64_t value)
{
    char digits[20], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    return put(out, p, (size_t)(digits + sizeof digits - p));
}

/* Exactly `width` digits. */
static char *put_digits(char *out, unsigned value, int width)
{
    for (int i = width; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + width;
}

static void put_date(struct format_date *date, int64_t second)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    time_t time = (time_t)second;
    char *out = date->rfc3339, *clock = date->combined + 12;
    gmtime_r(&time, &tm);
    unsigned year = (unsigned)tm.tm_year + 1900;
    out = PUT(put_digits(out, year, 4), "-");
    out = PUT(put_digits(out, (unsigned)tm.tm_mon + 1, 2), "-");
    out = PUT(put_digits(out, (unsigned)tm.tm_mday, 2), "T");
    put_digits(out, (unsigned)tm.tm_hour, 2)[0] = ':';
    put_digits(out + 3, (unsigned)tm.tm_min, 2)[0] = ':';
    put_digits(out + 6, (unsigned)tm.tm_sec, 2);
    memcpy(clock, out, 8);
    out = PUT(put_digits(date->combined, (unsigned)tm.tm_mday, 2), "/");
    out = PUT(put(out, months + 3 * tm.tm_mon, 3), "/");
    PUT(put_digits(out, year, 4), ":");
    date->second = second;
}

static void update_date(struct format_date *date, int64_t started)
{
    int64_t second = started / GREEN_S(1);
    if (date->second != second || !date->rfc3339[0])
        put_date(date, second);
}

/* --- JSON --------------------------------------------------------------------------------------- */

/* `,"name":` */
#define KEY(out, name) PUT(out, ",\"" name "\":")

static char *json_string(char *out, struct span text, size_t room)
{
    *out++ = '"';
    out = put_escaped(out, text, room, escape_json);
    *out++ = '"';
    return out;
}

static char *json_name(char *out, const char *name)
{
    return name ? json_string(out, span_str(name), NAME_BYTES) : PUT(out, "null");
}

/* Milliseconds with three decimals from the start of the entry; null for a phase that was not reached. */
static char *json_phase(char *out, green_time started, green_time at)
{
    if (!at)
        return PUT(out, "null");
    uint64_t us = at > started ? ((uint64_t)(at - started) + 500) / 1000 : 0;
    out = put_number(out, us / 1000);
    *out++ = '.';
    return put_digits(out, (unsigned)(us % 1000), 3);
}

static char *json_time(char *out, struct format_date *date, int64_t started)
{
    update_date(date, started);
    out = put(PUT(out, "{\"time\":\""), date->rfc3339, 19);
    *out++ = '.';
    out = put_digits(out, (unsigned)(started / GREEN_MS(1) % 1000), 3);
    return PUT(out, "Z\"");
}

static char *json_server(char *out, const struct access_entry *e)
{
    char text[GREEN_ADDRESS_TEXT];
    if (e->server)
        return json_name(out, e->server->text);
    return json_name(out, e->server_address ? green_address_text(e->server_address, true, text) : NULL);
}

static char *json_directive(char *out, const struct access_entry *e)
{
    out = json_name(KEY(out, "directive"), e->directive);
    if (!e->origin)
        return out;
    out = KEY(out, "origin");
    *out++ = '"';
    out = put_escaped(out, span_str(e->origin->file), NAME_BYTES, escape_json);
    *out++ = ':';
    out = put_number(out, (uint64_t)e->origin->line);
    *out++ = '"';
    return out;
}

static const char *protocol(int minor)
{
    return minor < 0 ? "TCP" : minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

char *format_json(char *out, const struct access_entry *e, struct format_date *date, int64_t started)
{
    char client[GREEN_ADDRESS_TEXT];
    out = json_time(out, date, started);
    out = json_name(KEY(out, "client"), green_address_text(e->client, false, client));
    if (e->peer)
        out = json_name(KEY(out, "peer"), green_address_text(e->peer, false, client));
    if (e->user.n)
        out = json_string(KEY(out, "user"), e->user, NAME_BYTES);
    out = json_name(KEY(out, "listener"), e->listener->name);
    out = json_name(KEY(out, "route"), e->route ? e->route->name : NULL);
    out = json_name(KEY(out, "upstream"), e->upstream ? e->upstream->name : NULL);
    out = json_server(KEY(out, "server"), e);
    out = json_string(KEY(out, "method"), e->method, NAME_BYTES);
    out = json_string(KEY(out, "host"), e->host, HOST_BYTES);
    out = json_string(KEY(out, "target"), e->target, TARGET_BYTES);
    out = json_name(KEY(out, "protocol"), protocol(e->minor));
    out = put_number(KEY(out, "status"), (unsigned)e->status);
    out = put_number(KEY(out, "bytes_in"), e->bytes_in);
    out = put_number(KEY(out, "bytes_out"), e->bytes_out);
    out = json_name(KEY(out, "reason"), e->reason);
    if (e->directive)
        out = json_directive(out, e);
    out = json_phase(KEY(out, "t_connect"), e->started, e->connected);
    out = json_phase(KEY(out, "t_first_byte"), e->started, e->first_byte);
    out = json_phase(KEY(out, "t_total"), e->started, e->ended);
    return PUT(out, "}\n");
}

/* --- combined ----------------------------------------------------------------------------------- */

/* `"text"`, or `"-"` for none. */
static char *combined_quoted(char *out, struct span text)
{
    if (!text.n)
        text = SPAN("-");
    *out++ = '"';
    out = put_escaped(out, text, TEXT_BYTES, escape_combined);
    *out++ = '"';
    return out;
}

static char *combined_request(char *out, const struct access_entry *e)
{
    if (!e->method.n)
        return PUT(out, "\"-\"");
    *out++ = '"';
    out = put_escaped(out, e->method, NAME_BYTES, escape_combined);
    *out++ = ' ';
    out = put_escaped(out, e->target, TARGET_BYTES, escape_combined);
    *out++ = ' ';
    out = put(out, protocol(e->minor), strlen(protocol(e->minor)));
    *out++ = '"';
    return out;
}

/* A column without quotes: a blank in it would shift all others. */
static char *combined_word(char *out, struct span text)
{
    char *end = put_escaped(out, text, NAME_BYTES, escape_combined);
    for (char *p = out; p < end; p++)
        if (*p == ' ')
            *p = '_';
    return end;
}

/* The client of a unix socket has a path for a name, if any. */
static char *combined_client(char *out, const struct access_entry *e)
{
    char text[GREEN_ADDRESS_TEXT];
    green_address_text(e->client, false, text);
    return combined_word(out, span_str(text));
}

char *format_combined(char *out, const struct access_entry *e, struct format_date *date, int64_t started)
{
    update_date(date, started);
    out = PUT(combined_client(out, e), " - ");
    out = PUT(combined_word(out, e->user.n ? e->user : SPAN("-")), " [");
    out = PUT(put(out, date->combined, 20), " +0000] ");
    out = PUT(combined_request(out, e), " ");
    out = PUT(put_digits(out, (unsigned)e->status, 3), " ");
    out = PUT(put_number(out, e->bytes_out), " ");
    out = PUT(combined_quoted(out, e->referer), " ");
    out = PUT(combined_quoted(out, e->user_agent), "\n");
    return out;
}
