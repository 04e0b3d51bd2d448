/*
 * What lines of a log are put together with: runs of bytes, numbers, and text of somebody else's making with its
 * dangerous bytes escaped. Each returns the end of what it wrote. No printf, no allocation, no locale.
 */
#ifndef OBSERVE_ESCAPE_H
#define OBSERVE_ESCAPE_H

#include "http/span.h"

#define PUT(out, literal) put(out, "" literal, sizeof(literal) - 1)

static inline char *put(char *out, const char *p, size_t n)
{
    memcpy(out, p, n);
    return out + n;
}

static inline char *put_number(char *out, uint64_t value)
{
    char digits[20], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    return put(out, p, (size_t)(digits + sizeof digits - p));
}

/* Exactly `width` digits. */
static inline char *put_digits(char *out, unsigned value, int width)
{
    for (int i = width; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + width;
}

/* The inside of a JSON string, in at most room (3 or more) bytes: what is too long is cut and ends in "...". */
char *put_json(char *out, struct span text, size_t room);

/* Printable ASCII but quotes and backslashes; all else is \xNN. Cut in the same way. */
char *put_visible(char *out, struct span text, size_t room);

/* The same, with blanks as \x20: one word. */
char *put_word(char *out, struct span text, size_t room);

#endif
