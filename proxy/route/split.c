/*
 * Splitting requests: a number for each, evenly spread, and the share that it falls into. Numbers are random, or made
 * from what keeps a client in its place (affinity.h).
 */
#include "split.h"

#include "affinity.h"

/* splitmix64: every bit of the result depends on every bit of the state. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t route_random_next(struct route_random *r)
{
    return mixed(r->state += UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t number_of(const struct conf_split_key *by, const struct http_head *head,
                          const struct sockaddr *source, struct route_random *random)
{
    uint64_t h;
    if ((by->by == CONF_SPLIT_SOURCE && affinity_source(source, &h)) ||
        (by->by == CONF_SPLIT_HEADER && head && affinity_header(head, by->name, &h)) ||
        (by->by == CONF_SPLIT_COOKIE && head && affinity_cookie(head, by->name, &h)))
        return h;
    return route_random_next(random);
}

const struct conf_upstream *route_split_choose(const struct conf_split *split, const struct http_head *head,
                                               const struct sockaddr *source, struct route_random *random)
{
    if (!split->share_count)
        return NULL;
    int64_t place = (int64_t)(number_of(&split->by, head, source, random) % (uint64_t)split->total);
    for (size_t i = 0;; i++) {
        place -= split->shares[i].weight;
        if (place < 0)
            return split->shares[i].to.upstream;
    }
}
