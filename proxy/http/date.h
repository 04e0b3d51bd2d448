/*
 * Dates in fields (RFC 9110 section 5.6.7): the text of Date (IMF-fixdate), formatted once a second, and reading those
 * of others.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <time.h>

#include "span.h"

#define HTTP_DATE_BYTES 29

/* One per thread or connection, zero-initialised. */
struct http_date {
    int64_t second; /* what text says; valid unless text is still zero */
    char text[HTTP_DATE_BYTES];
};

/* "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call with this cache. now: seconds since 1970, UTC.
 */
struct span http_date(struct http_date *cache, time_t now);

/* Reads an HTTP-date in any of its three forms, in GMT as they all are. `now` is for the two-digit years of the second
 * form, which lie less than 50 years ahead of it. */
bool http_date_parse(struct span text, time_t now, time_t *out);

#endif
