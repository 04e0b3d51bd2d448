/*
 * Conditional requests (RFC 9110 section 13): what the If-* fields of a request say about a representation that is
 * here.
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <time.h>

#include "head.h"

/* By what a representation is known. */
struct http_validators {
    struct span etag; /* with its quotes; strong */
    time_t modified;
    time_t now;
};

enum http_precondition { HTTP_PRECONDITION_HOLDS, HTTP_PRECONDITION_NOT_MODIFIED, HTTP_PRECONDITION_FAILED };

/* For GET and HEAD of a representation that exists: go on, answer 304, or answer 412; in the order that section 13.2.2
 * wants them asked. */
enum http_precondition http_preconditions(const struct http_head *request, const struct http_validators *is);

/* May a Range field be obeyed? If-Range says only if the client's copy is of this very representation. */
bool http_if_range(const struct http_head *request, const struct http_validators *is);

/* Is the entity-tag (or any, with "*") in a list as of If-Match? A weak comparison does not mind W/ in front of one. A
 * list is read up to its first error. */
bool http_etag_listed(struct span list, struct span etag, bool weak);

#endif
