/*
 * Answers that the proxy makes itself: a complete head with a short readable body and a Proxy-Status field
 * (RFC 9209) that says who made it and why.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "head.h"

/* Enough for every page whose strings are within their limits, with http_edits_size() of fields and edits on top. */
#define HTTP_PAGE_BYTES 2048

/* Allow, where nothing better is known. */
#define HTTP_USUAL_METHODS "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"

struct http_page {
    int status;              /* 100..599; the usual reason phrases are known */
    enum http_method method; /* of the request; HTTP_METHOD_HEAD gets no body */
    uint8_t minor;           /* the client's HTTP/1.minor; 1 when not known */
    bool keepalive;
    const char *error;            /* RFC 9209 error type, e.g. "connection_refused"; NULL: chosen by status */
    const char *details;          /* why, up to 256 bytes of it are used, unsafe bytes replaced; NULL: none */
    struct span request_id;       /* up to 128 bytes that are safe everywhere; empty: none is told */
    const char *request_id_field; /* the field to tell it in as well */
    const char *allow;            /* Allow field of a 405; NULL: the usual methods */
    const char *location;         /* Location field of a redirect, already checked; NULL: none */
    int retry_after;              /* Retry-After in seconds; 0: none */
    struct span date;             /* empty: no Date */
    struct span type; /* not empty: `content` instead of the usual text; http_page() makes its head only */
    struct span content;
    struct http_edits fields; /* further ones, such as WWW-Authenticate */
    struct http_edits edits;  /* what the configuration wants done to all of the fields above */
};

/* Returns the length written or -ENOBUFS. */
int http_page(const struct http_page *page, char *out, size_t cap);

/* The usual phrase of a status code, "Unknown" for others; never NULL. */
const char *http_reason_phrase(int status);

#endif
