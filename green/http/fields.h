/* Header fields of HTTP messages, as the server and the client hand them out and take them. */
#ifndef GREEN_HTTP_FIELDS_H
#define GREEN_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct green_http_field {
    const char *name;  /* as it was received; compare without regard to case */
    const char *value; /* without whitespace around it; may be empty */
} green_http_field_t;

#define GREEN_HTTP_FIELDS_MAX 100 /* of one message that is received */

/* The value of the first field of that name (any case), or NULL. Never switches. */
const char *green_http_find(const green_http_field_t *fields, size_t count, const char *name);

/* Whether a field may be sent like this: the name is a token, the value holds no control bytes but the tab, so that no
 * line can be smuggled in. Never switch. */
bool green_http_name_valid(const char *name);
bool green_http_value_valid(const char *value);

/* The reason phrase of a status ("Not Found"); "Unknown" for others. Never switches. */
const char *green_http_reason(int status);

#ifdef GREEN_INTERNAL
#include <string.h>

/* Byte classes of RFC 9110 section 5.6.2 and RFC 3986. */
enum {
    HTTP_TOKEN = 1,  /* tchar */
    HTTP_VALUE = 2,  /* field content: SP, HTAB, visible, obs-text */
    HTTP_TARGET = 4, /* visible ASCII without what is never raw in a URI: " # < > */
    HTTP_HOST = 8,   /* unreserved and sub-delims without ',' */
    HTTP_HEX = 16,
    HTTP_PATH = 32, /* of HTTP_TARGET, without '?' and what has to be encoded in a path: \ ^ ` { } */
};
extern const unsigned char green__http_class[256];

static inline bool http_is(char c, unsigned classes)
{
    return (green__http_class[(unsigned char)c] & classes) != 0;
}

/* Is each of the bytes of this class? Also true for none. */
static inline bool http_all(const char *p, size_t n, unsigned classes)
{
    while (n && http_is(p[n - 1], classes))
        n--;
    return n == 0;
}

/* The next element of a comma separated list, trimmed; empty ones are passed over. False at the end. */
bool green__http_element(const char **list, const char **element, size_t *n);

/* Compares without regard to case. */
bool green__http_same(const char *p, size_t n, const char *text);

/* Only digits, no more than 2^63 - 1. */
bool green__http_decimal(const char *p, size_t n, unsigned long long *out);
#endif

#endif
