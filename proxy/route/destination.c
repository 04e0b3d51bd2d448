/* Judging destinations (destination.h). */
#include "destination.h"

#include <arpa/inet.h>

#include "address.h"
#include "http/error.h"
#include "network.h"
#include "special.h"

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Does the last label look like a number to anybody: "127.1", "0x7f.0.0.1", "2130706433"? */
static bool ends_in_number(const char *name)
{
    const char *label = strrchr(name, '.');
    label = label ? label + 1 : name;
    if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return !label[2 + strspn(label + 2, "0123456789abcdefABCDEF")];
    return !label[strspn(label, "0123456789")];
}

static int read_ipv6(struct span host, struct destination *d)
{
    struct in6_addr address;
    if (host.n < 4 || host.n - 2 >= INET6_ADDRSTRLEN)
        return HTTP_E_HOST;
    memcpy(d->name, host.p + 1, host.n - 2);
    d->name[host.n - 2] = 0;
    d->numeric = true;
    if (inet_pton(AF_INET6, d->name, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, d->name, sizeof d->name))
        return HTTP_E_HOST;
    return 0;
}

static int read_name(struct span host, struct destination *d)
{
    struct in_addr address;
    bool dot = host.n > 1 && host.p[host.n - 1] == '.';
    host.n -= dot;
    if (!host.n || host.n >= sizeof d->name || conf_host_name_check(host.p, host.n))
        return HTTP_E_HOST;
    for (size_t i = 0; i < host.n; i++)
        d->name[i] = span_lower(host.p[i]);
    d->name[host.n] = 0;
    if (!ends_in_number(d->name))
        return 0;
    d->numeric = true;
    return !dot && inet_pton(AF_INET, d->name, &address) == 1 ? 0 : HTTP_E_HOST;
}

int destination_read(const struct http_authority *authority, int default_port, struct destination *d)
{
    d->numeric = false;
    d->port = authority->port < 0 ? default_port : authority->port;
    if (!authority->host.n || d->port < 1 || d->port > 65535)
        return HTTP_E_HOST;
    return authority->host.p[0] == '[' ? read_ipv6(authority->host, d) : read_name(authority->host, d);
}

/* --- by name and port ----------------------------------------------------------------------------------------------- */

static bool port_allowed(const struct conf_forward *rules, int port)
{
    for (size_t i = 0; i < rules->port_count; i++)
        if (port >= rules->ports[i].first && port <= rules->ports[i].last)
            return true;
    return !rules->port_count && (port == 80 || port == 443);
}

static bool host_matches(const struct conf_host *pattern, const struct destination *d)
{
    size_t n = strlen(d->name), m = strlen(pattern->text);
    if (d->numeric)
        return false;
    if (!pattern->wildcard)
        return n == m && !memcmp(d->name, pattern->text, n);
    return n > m && !memcmp(d->name + n - m, pattern->text, m);
}

static bool any_host_matches(const struct conf_destination *list, size_t count, const struct destination *d)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].host && host_matches(list[i].host, d))
            return true;
    return false;
}

static bool any_network(const struct conf_destination *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].network)
            return true;
    return false;
}

const char *destination_refused(const struct conf_forward *rules, const struct destination *d)
{
    if (!port_allowed(rules, d->port))
        return "allow_ports";
    if (any_host_matches(rules->deny, rules->deny_count, d))
        return "deny_destinations";
    if (rules->allow_count && !any_network(rules->allow, rules->allow_count) &&
        !any_host_matches(rules->allow, rules->allow_count, d))
        return "allow_destinations";
    return NULL;
}

/* --- by address ----------------------------------------------------------------------------------------------------- */

static bool any_network_has(const struct conf_destination *list, size_t count, const struct sockaddr *address)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].network && conf_network_has(list[i].network, address))
            return true;
    return false;
}

/* An IPv6 address that leads to an IPv4 one is refused for either. */
static bool denied(const struct conf_forward *rules, const struct sockaddr *address)
{
    struct sockaddr_in inner;
    if (any_network_has(rules->deny, rules->deny_count, address))
        return true;
    return conf_embedded_ipv4(address, &inner) &&
           any_network_has(rules->deny, rules->deny_count, (const struct sockaddr *)(const void *)&inner);
}

bool destination_is_exception(const struct conf_forward *rules, const struct sockaddr *address)
{
    return conf_networks_have(rules->internal, rules->internal_count, address);
}

const char *destination_address_refused(const struct conf_forward *rules, const struct destination *d,
                                        const struct sockaddr *address)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return "allow_internal";
    if (conf_special_purpose(address) && !destination_is_exception(rules, address))
        return "allow_internal";
    if (denied(rules, address))
        return "deny_destinations";
    if (rules->allow_count && !any_host_matches(rules->allow, rules->allow_count, d) &&
        !any_network_has(rules->allow, rules->allow_count, address))
        return "allow_destinations";
    return NULL;
}
