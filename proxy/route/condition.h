/* Conditions of a route on header fields, query parameters and cookies. */
#ifndef ROUTE_CONDITION_H
#define ROUTE_CONDITION_H

#include "conf.h"
#include "http/head.h"

/* Do all of a route's conditions of that kind hold? *error is set to -E2BIG or -ENOMEM if a regular expression could not
 * be searched for. scratch has room for the query, which starts with its '?' or is empty. */
bool route_headers_hold(const struct conf_match *match, const struct http_head *head, int *error);
bool route_queries_hold(const struct conf_match *match, struct span query, char *scratch, int *error);
bool route_cookies_hold(const struct conf_match *match, const struct http_head *head, int *error);

/* The next cookie of a request: its name and its value without quotes. *at starts out zeroed. False when there are no
 * more. */
struct route_cookie {
    struct span name, value;
};
struct route_cookie_place {
    size_t field, byte;
};
bool route_next_cookie(const struct http_head *head, struct route_cookie_place *at,
                       struct route_cookie *cookie);

/* Text of a query, decoded: %XX and '+'. out has room for text.n bytes; what is no %XX stays as it is. */
struct span route_query_decode(struct span text, char *out);

#endif
