/* green_resolve() and its like: what can be said without asking, and the settings. */
#include "dns_answer.h"
#include "dns_lookup.h"

#include <string.h>

static int answer_numeric(const char *host, const green_address_t *address, int family,
                          green_dns_answer_t **out)
{
    if (family != AF_UNSPEC && family != address->any.sa_family)
        return GREEN_EAI_NODATA;
    green_dns_answer_t *answer = green__dns_answer_new(1, host, 0);
    if (!answer)
        return -ENOMEM;
    answer->expires = GREEN_FOREVER;
    green__dns_answer_add(answer, &address->any, address->length);
    *out = answer;
    return 0;
}

int green_resolve(const char *host, int port, int family, green_dns_answer_t **out, green_time deadline)
{
    *out = NULL;
    if (port < 0 || port > 65535 || (family != AF_UNSPEC && family != AF_INET && family != AF_INET6))
        return -EINVAL;
    green_t *self = green_self();
    int r = self ? green__interruption(self) : 0;
    if (r < 0)
        return r;
    green_address_t address;
    if (host[0] != '/' && green_address_parse(&address, host, port) == 0)
        return answer_numeric(host, &address, family, out);
    char name[DNS_NAME_SIZE];
    struct dns_outcome *shared;
    r = green__dns_name_canonical(host, name);
    if (r == 0)
        r = green__dns_lookup(name, family, port, &shared, deadline);
    if (r < 0)
        return r;
    r = green__dns_answer_with_port((green_dns_answer_t *)shared, port, out);
    green__dns_outcome_release(shared);
    return r;
}

/* A mapped address is an IPv4 address. */
static int plain_address(const green_address_t *address, green_address_t *out)
{
    *out = *address;
    if (address->length && address->any.sa_family == AF_INET)
        return 0;
    if (!address->length || address->any.sa_family != AF_INET6)
        return GREEN_EAI_FAMILY;
    const struct in6_addr *in6 = &address->in6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        *out = (green_address_t){.in.sin_family = AF_INET, .length = sizeof out->in};
        memcpy(&out->in.sin_addr, in6->s6_addr + 12, sizeof out->in.sin_addr);
    }
    return 0;
}

int green_resolve_address(const green_address_t *address, char name[GREEN_NAME_SIZE], green_time deadline)
{
    green_address_t plain;
    char text[GREEN_ADDRESS_TEXT];
    struct dns_outcome *shared;
    green_t *self = green_self();
    int r = self ? green__interruption(self) : 0;
    if (r == 0)
        r = plain_address(address, &plain);
    if (r == 0)
        r = green__dns_lookup(green_address_text(&plain, false, text), DNS_RECORDS | DNS_PTR, 0, &shared,
                              deadline);
    if (r < 0)
        return r;
    strcpy(name, ((green_records_t *)shared)->records[0].name);
    green__dns_outcome_release(shared);
    return 0;
}

int green_dns_servers(const char *csv)
{
    struct green__dns *dns;
    int r = green__dns(&dns);
    if (r == 0)
        r = green__dns_resolver_servers(&dns->resolver, csv);
    if (r == 0)
        green__dns_cache_forget(&dns->cache);
    return r;
}

int green_dns_patience(int64_t timeout, int tries)
{
    struct green__dns *dns;
    int r = green__dns(&dns);
    return r < 0 ? r : green__dns_resolver_patience(&dns->resolver, timeout, tries);
}
