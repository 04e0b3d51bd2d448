/*
 * Which route a request takes: the first in file order whose conditions all hold. Knows no sockets.
 *
 *     struct route_request request = {.listener = ..., .head = ..., .path = ..., .source = ..., .scratch = ...};
 *     struct route_match match;
 *     int r = route_match(conf, &request, &match);
 */
#ifndef ROUTE_MATCH_H
#define ROUTE_MATCH_H

#include "conf.h"
#include "http/head.h"
#include "regexp.h"

struct sockaddr;

struct route_request {
    const struct conf_listener *listener;
    const struct http_head *head;
    struct span path; /* of the head's target, by http_path_normalise() */
    const struct sockaddr *source;
    char *scratch; /* room for the decoded query, as many bytes as the head has */
    /* The head's host in the form that patterns have, filled in by route_match() and route_prepare(). */
    struct span host;
    char host_text[256]; /* no host name has more; what is longer matches no pattern */
};

/* What the expressions found that a route matched by: [0] is the whole, groups that took no part are empty. They point
 * into the request's path and host_text; a count of 0 means that no expression was involved. */
struct route_captures {
    unsigned host_count, path_count;
    struct span host[CONF_CAPTURES], path[CONF_CAPTURES];
};

struct route_match {
    const struct conf_route *route; /* NULL: none; the listener's own upstreams are meant, if it has some */
    const char *key;                /* after an error: of the condition that took too long ... */
    struct route_captures captures;
};

/* 0 and *match; -E2BIG or -ENOMEM if a regular expression could not be searched for: match->route and match->key say
 * which. The request is not to be served then, for it might have been meant for that route. */
int route_match(const struct conf *conf, struct route_request *request, struct route_match *match);

/* Steps of it, for who wants to know why. route_mismatch(): NULL: the route takes the request; else the key of the first
 * condition that does not hold. *error is set as above. */
void route_prepare(struct route_request *request);
const char *route_mismatch(const struct conf_route *route, const struct route_request *request,
                           struct route_captures *captures, int *error);

#endif
