/* Mutations that know what HTTP/1 looks like (mutate.h). */
#include "mutate.h"

#include <stdbool.h>
#include <string.h>

/* Bytes that some parser somewhere takes for a delimiter, or for nothing. */
static const char specials[] = "\r\n \t:;,=\"\\/?#%@[]\v\f\0\x01\x1f\x7f\x80\x85\xa0\xff.-+_0";

static const char *const words[] = {
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "\r\n ",
    "\r\n\t",
    "\n\n",
    ": ",
    " :",
    ", ",
    "chunked",
    ",chunked",
    "xchunked",
    "chunked, identity",
    "gzip, chunked",
    "\r\nTransfer-Encoding: chunked",
    "\r\nTransfer-Encoding:\vchunked",
    "\r\nTransfer_Encoding: chunked",
    "\r\nContent-Length: 0",
    "\r\nContent-Length: 5",
    "\r\nContent-Length: 5, 5",
    "\r\nContent-Length: +5",
    "\r\nContent-Length: 18446744073709551621",
    "\r\nHost: other.example",
    "\r\nHost : h.example",
    "\r\nConnection: close",
    "\r\nConnection: Content-Length",
    "\r\nConnection: upgrade\r\nUpgrade: websocket",
    "\r\nUpgrade: h2c",
    "\r\nExpect: 100-continue",
    "\r\nMax-Forwards: 0",
    "\r\nTE: trailers",
    "\r\nX: y\r\n folded: z",
    "\r\n: nameless",
    "0\r\n\r\n",
    "0\r\n",
    "5\r\nhello\r\n",
    "5;a=b\r\n",
    "5;a=\"b\\\"c\"\r\n",
    "FFFFFFFFFFFFFFFF",
    "10000000000000005",
    "0x5",
    "-1",
    "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/2.0",
    " HTTP/1.1",
    "http://h.example/",
    "*",
    "/../",
    "%2e%2e/",
    "%00",
    "HEAD",
    "CONNECT",
    "TRACE",
    "OPTIONS",
};

static bool delimiter(char c)
{
    return c == '\r' || c == '\n' || c == ':' || c == ' ' || c == ';' || c == ',';
}

/* Any place, or one near a delimiter. */
static size_t place(const char *data, size_t n, uint64_t *state)
{
    size_t at = chance(state, n + 1);
    if (chance(state, 3) == 0)
        return at;
    for (size_t i = at; i < n && i < at + 64; i++)
        if (delimiter(data[i]))
            return i + chance(state, 2);
    return at;
}

static size_t insert(char *data, size_t n, size_t cap, size_t at, const char *piece, size_t length)
{
    if (length > cap - n)
        length = cap - n;
    memmove(data + at + length, data + at, n - at);
    memcpy(data + at, piece, length);
    return n + length;
}

static size_t cut(char *data, size_t n, size_t at, size_t length)
{
    if (length > n - at)
        length = n - at;
    memmove(data + at, data + at + length, n - at - length);
    return n - length;
}

/* The line around a place: *from to the return value. */
static size_t line_at(const char *data, size_t n, size_t at, size_t *from)
{
    while (at > 0 && data[at - 1] != '\n')
        at--;
    *from = at;
    const char *end = memchr(data + at, '\n', n - at);
    return end ? (size_t)(end + 1 - data) : n;
}

/* A line is said twice, moved, or left out. */
static size_t mutate_line(char *data, size_t n, size_t cap, uint64_t *state)
{
    char line[256];
    size_t from, end = line_at(data, n, chance(state, n), &from), length = end - from;
    if (length > sizeof line)
        length = sizeof line;
    memcpy(line, data + from, length);
    unsigned how = (unsigned)chance(state, 3);
    if (how > 0)
        n = cut(data, n, from, length);
    if (how == 2 || n == 0)
        return n;
    size_t to;
    line_at(data, n, chance(state, n), &to);
    return insert(data, n, cap, to, line, length);
}

/* Some number becomes another one. */
static size_t mutate_number(char *data, size_t n, size_t cap, uint64_t *state)
{
    static const char *const numbers[] = {"0", "1", "00", "99", "4294967296", "18446744073709551616",
                                          "a", "-1"};
    size_t at = chance(state, n);
    while (at < n && (data[at] < '0' || data[at] > '9'))
        at++;
    if (at == n)
        return n;
    if (chance(state, 2)) {
        data[at] = (char)('0' + chance(state, 10));
        return n;
    }
    const char *number = numbers[chance(state, sizeof numbers / sizeof *numbers)];
    n = cut(data, n, at, 1);
    return insert(data, n, cap, at, number, strlen(number));
}

size_t http_mutate(char *data, size_t n, size_t cap, uint64_t *state)
{
    size_t at = place(data, n, state);
    char special = specials[chance(state, sizeof specials - 1)];

    if (n == 0 || chance(state, 16) == 0) {
        const char *word = words[chance(state, sizeof words / sizeof *words)];
        return insert(data, n, cap, at, word, strlen(word));
    }
    switch (chance(state, 9)) {
    case 0:
        data[at < n ? at : n - 1] = special;
        return n;
    case 1:
        return insert(data, n, cap, at, &special, 1);
    case 2:
        return cut(data, n, at, 1 + chance(state, 4));
    case 3:
        return mutate_number(data, n, cap, state);
    case 4:
        data[at < n ? at : n - 1] ^= (char)(1 << chance(state, 8));
        return n;
    case 5: { /* bytes from elsewhere */
        char piece[64];
        size_t from = chance(state, n), length = 1 + chance(state, sizeof piece);
        if (length > n - from)
            length = n - from;
        memcpy(piece, data + from, length);
        return insert(data, n, cap, at, piece, length);
    }
    case 6: {
        const char *word = words[chance(state, sizeof words / sizeof *words)];
        return insert(data, n, cap, at, word, strlen(word));
    }
    case 7:
        return chance(state, 8) ? mutate_line(data, n, cap, state) : at; /* or the end is missing */
    default:
        return mutate_line(data, n, cap, state);
    }
}
