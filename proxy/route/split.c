/*
 * Splitting requests: a number for each, evenly spread, and the share that it falls into. Numbers are random, or made
 * from what keeps a client in its place; then all workers and instances agree, so the hash has no secret in it. A client
 * that chooses its own place gains nothing by that.
 */
#include "split.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "condition.h"

/* splitmix64: every bit of the result depends on every bit of the state. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t next_random(struct route_random *r)
{
    return mixed(r->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* FNV-1a. */
static uint64_t hash(const void *bytes, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *p = bytes, *end = p + n; p < end; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return mixed(h);
}

static bool hash_source(const struct sockaddr *source, uint64_t *h)
{
    const void *address = source;
    if (source->sa_family == AF_INET) {
        *h = hash(&((const struct sockaddr_in *)address)->sin_addr, sizeof(struct in_addr));
        return true;
    }
    if (source->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)address)->sin6_addr;
        bool v4 = IN6_IS_ADDR_V4MAPPED(a);
        *h = hash(a->s6_addr + (v4 ? 12 : 0), v4 ? 4 : 16);
        return true;
    }
    return false;
}

static bool hash_header(const struct http_head *head, const char *name, uint64_t *h)
{
    const struct http_field *f = http_head_find(head, span_str(name));
    if (!f || !f->value.n)
        return false;
    *h = hash(f->value.p, f->value.n);
    return true;
}

static bool hash_cookie(const struct http_head *head, const char *name, uint64_t *h)
{
    struct route_cookie_place at = {0, 0};
    struct route_cookie cookie;
    while (route_next_cookie(head, &at, &cookie))
        if (cookie.value.n && span_equal(cookie.name, span_str(name))) {
            *h = hash(cookie.value.p, cookie.value.n);
            return true;
        }
    return false;
}

static uint64_t number_of(const struct conf_split_key *by, const struct http_head *head,
                          const struct sockaddr *source, struct route_random *random)
{
    uint64_t h;
    if ((by->by == CONF_SPLIT_SOURCE && hash_source(source, &h)) ||
        (by->by == CONF_SPLIT_HEADER && head && hash_header(head, by->name, &h)) ||
        (by->by == CONF_SPLIT_COOKIE && head && hash_cookie(head, by->name, &h)))
        return h;
    return next_random(random);
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
