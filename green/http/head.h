/*
 * The head of a request or response: received bytes to checked facts (RFC 9110, RFC 9112). Every byte of it is
 * accounted for by a strict reading of our own (single spaces, CR LF and nothing else, no folding), and llhttp, strict
 * too, must have read the same: what two readers agree on cannot be understood in two ways. Private to libgreen; pure, no
 * input or output.
 */
#ifndef GREEN_HTTP_HEAD_H
#define GREEN_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fields.h"

#define HTTP_TARGET_MAX 8192

enum http_framing {
    HTTP_NO_BODY,
    HTTP_LENGTH,
    HTTP_CHUNKED,
    HTTP_UNTIL_CLOSE, /* responses: to the end of the connection */
};

/* What is wrong with a message: the status that a client is answered for it, and a sentence. */
struct http_fault {
    int status; /* 0: nothing */
    const char *text;
};

/* Where in a head the search for its end stands. All zeros to begin with. */
struct head_scan {
    size_t start; /* of the first line: 2 after an empty line that is ignored */
    size_t at;    /* bytes looked at */
    size_t line;  /* start of the line there */
    unsigned lines;
};

struct head {
    const char *method; /* requests */
    char *target;       /* requests: where path and query lie */
    const char *path;   /* "/a", "*"; of an absolute target its path */
    const char *query;  /* what stands behind the first '?'; NULL: none */
    const char *host;   /* "name[:port]"; NULL: none (HTTP/1.0) */
    const char *reason; /* responses */
    const char *location;
    int status; /* responses */
    int minor;  /* of HTTP/1.minor */
    enum http_framing framing;
    bool has_length;
    uint64_t length; /* valid if has_length */
    bool keepalive;
    bool expect_continue; /* requests */
    size_t count;
    green_http_field_t fields[GREEN_HTTP_FIELDS_MAX];
};

/* Looks at buffer[scan->at .. n) for the end of the head: its length; 0: there must be more; -EPROTO: it can be no head
 * any more, or is too large (`most` bytes), and *fault says so. */
ptrdiff_t green__head_scan(struct head_scan *scan, bool request, const char *buffer, size_t n, size_t most,
                           struct http_fault *fault);

/* Takes a complete head apart: `size` bytes as found by the scan. The bytes are cut into strings in place, and *head
 * points into them. 0; -EPROTO with *fault. The response is one to `method`. */
int green__head_request(struct head *head, const struct head_scan *scan, char *bytes, size_t size,
                        struct http_fault *fault);
int green__head_response(struct head *head, const struct head_scan *scan, char *bytes, size_t size,
                         const char *method, struct http_fault *fault);

#endif
