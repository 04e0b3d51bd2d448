/* Hashing what requests have in common (affinity.h). */
#include "affinity.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "condition.h"

/* The last step of splitmix64: every bit of the result depends on every bit of the number. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* FNV-1a. */
static uint64_t add(uint64_t h, const void *bytes, size_t n)
{
    for (const unsigned char *p = bytes, *end = p + n; p < end; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

#define NOTHING_YET UINT64_C(0xcbf29ce484222325)

uint64_t affinity_of(const void *bytes, size_t n)
{
    return mixed(add(NOTHING_YET, bytes, n));
}

bool affinity_source(const struct sockaddr *source, uint64_t *hash)
{
    const void *address = source;
    if (source->sa_family == AF_INET) {
        *hash = affinity_of(&((const struct sockaddr_in *)address)->sin_addr, sizeof(struct in_addr));
        return true;
    }
    if (source->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)address)->sin6_addr;
        bool v4 = IN6_IS_ADDR_V4MAPPED(a);
        *hash = affinity_of(a->s6_addr + (v4 ? 12 : 0), v4 ? 4 : 16);
        return true;
    }
    return false;
}

bool affinity_header(const struct http_head *head, const char *name, uint64_t *hash)
{
    const struct http_field *f = http_head_find(head, span_str(name));
    if (!f || !f->value.n)
        return false;
    *hash = affinity_of(f->value.p, f->value.n);
    return true;
}

bool affinity_cookie(const struct http_head *head, const char *name, uint64_t *hash)
{
    struct route_cookie_place at = {0, 0};
    struct route_cookie cookie;
    while (route_next_cookie(head, &at, &cookie))
        if (cookie.value.n && span_equal(cookie.name, span_str(name))) {
            *hash = affinity_of(cookie.value.p, cookie.value.n);
            return true;
        }
    return false;
}

/* Name and value as they are written: what is written in two ways is two things. */
bool affinity_query(const struct http_head *head, const char *name, uint64_t *hash)
{
    struct span query = head->uri.query, wanted = span_str(name);
    const char *p = query.p + (query.n > 0), *end = query.p + query.n;
    while (p < end) {
        const char *and = memchr(p, '&', (size_t)(end - p));
        const char *stop = and? and : end, *equals = memchr(p, '=', (size_t)(stop - p));
        if (equals && equals + 1 < stop && span_equal(span_of(p, (size_t)(equals - p)), wanted)) {
            *hash = affinity_of(equals + 1, (size_t)(stop - equals - 1));
            return true;
        }
        p = stop + 1;
    }
    return false;
}

static bool hash_target(const struct http_head *head, bool query, uint64_t *hash)
{
    uint64_t h = add(NOTHING_YET, head->uri.path.p, head->uri.path.n);
    if (query)
        h = add(h, head->uri.query.p, head->uri.query.n);
    *hash = mixed(h);
    return true;
}

bool affinity_hash(const struct conf_balance *balance, const struct http_head *head,
                   const struct sockaddr *source, uint64_t *hash)
{
    if (balance->by == CONF_HASH_SOURCE)
        return affinity_source(source, hash);
    if (!head)
        return false;
    switch (balance->by) {
    case CONF_HASH_URI:
    case CONF_HASH_PATH:
        return hash_target(head, balance->by == CONF_HASH_URI, hash);
    case CONF_HASH_HEADER:
        return affinity_header(head, balance->name, hash);
    case CONF_HASH_COOKIE:
        return affinity_cookie(head, balance->name, hash);
    case CONF_HASH_QUERY:
        return affinity_query(head, balance->name, hash);
    default:
        return false;
    }
}
