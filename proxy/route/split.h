/* Which of several upstreams a request goes to, by their weights. */
#ifndef ROUTE_SPLIT_H
#define ROUTE_SPLIT_H

#include "conf.h"
#include "http/head.h"

struct sockaddr;

/* A generator of numbers that nobody has to be kept from guessing. */
struct route_random {
    uint64_t state;
};

uint64_t route_random_next(struct route_random *r);

/* head: NULL if there is no request, only a connection. NULL: the split has no share. */
const struct conf_upstream *route_split_choose(const struct conf_split *split, const struct http_head *head,
                                               const struct sockaddr *source, struct route_random *random);

/* The same for a request, without the cost of a call where there is but one. */
static inline const struct conf_upstream *route_split(const struct conf_split *split,
                                                      const struct http_head *head,
                                                      const struct sockaddr *source,
                                                      struct route_random *random)
{
    return split->share_count == 1 ? split->shares[0].to.upstream
                                   : route_split_choose(split, head, source, random);
}

#endif
