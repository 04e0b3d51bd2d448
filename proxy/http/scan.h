/*
 * The strict scanner: decides byte by byte whether received bytes can still be the head of an HTTP/1 message.
 * It knows the grammar of RFC 9112 sections 2 to 5 without its optional leniencies: CR LF ends lines and
 * nothing else does, single spaces, no folding, no whitespace around names. What the fields mean is not its
 * business.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Byte classes, or'ed per byte in http_class[]. */
enum {
    HTTP_C_TOKEN = 1,       /* tchar */
    HTTP_C_TARGET = 2,      /* visible, without what is never raw in a URI: " # < > */
    HTTP_C_PATH = 4,        /* of those, without what browsers always encode in paths: \ ^ ` { } and '?' */
    HTTP_C_VALUE = 8,       /* field content: SP, HTAB, visible, obs-text */
    HTTP_C_HEX = 16,        /* hexadecimal digit */
    HTTP_C_HOST = 32,       /* unreserved and sub-delims without ',' */
    HTTP_C_UNRESERVED = 64, /* letters, digits, - . _ ~ */
    HTTP_C_QUOTED = 128,    /* qdtext: inside a quoted string, without '\' and '"' */
};
extern const uint8_t http_class[256];

static inline bool http_is(unsigned char c, unsigned classes)
{
    return (http_class[c] & classes) != 0;
}

/* Where the scanner stands. Offsets count from the first byte of the buffer. */
struct http_scan {
    uint32_t at;        /* bytes looked at */
    uint32_t mark;      /* where the element that it stands in began */
    uint32_t start;     /* where the start line began: 0, or 2 after an empty line */
    uint32_t max_bytes; /* limits, never 0 */
    uint32_t max_target;
    uint32_t max_fields;
    uint32_t fields; /* field lines begun */
    uint8_t state;
    bool response;
};

/* Gets ready for a head. The three limits must be set already. */
void http_scan_begin(struct http_scan *s, bool response);

/* Nothing has arrived yet but (for requests) an empty line. */
bool http_scan_idle(const struct http_scan *s);

/*
 * Looks at buf[s->at .. n). 1: a complete head, which ends at s->at. 0: all bytes are fine, more are needed.
 * Negative: an enum http_error.
 */
int http_scan_feed(struct http_scan *s, const char *buf, size_t n);

/* The first byte in [p, end) that is not in the class; end when there is none. */
const char *http_skip_value(const char *p, const char *end);  /* HTTP_C_VALUE */
const char *http_skip_target(const char *p, const char *end); /* HTTP_C_TARGET */
const char *http_skip_token(const char *p, const char *end);  /* HTTP_C_TOKEN */

#endif
