/* getaddrinfo(3): which sockets, which port, which addresses, and the list of all combinations. */
#include "addrinfo.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "dns_answer.h"
#include "dns_lookup.h"

#define FLAGS                                                                                                \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG |    \
     AI_IDN | AI_CANONIDN)
#define FAMILIES_KEPT GREEN_S(1) /* how long the families of this machine's addresses are remembered */
#define SERVICE_ROOM  4096       /* for one line of the services file */

/* A type of socket and the port that the service has there. */
struct target {
    int type, protocol;
    in_port_t port; /* network order */
};

/* The types there are, as glibc lists them. */
static const struct kind {
    int type, protocol;
    const char *name; /* for services; NULL: has no ports */
    bool by_default;  /* without a socktype and a protocol */
} kinds[] = {
    {SOCK_STREAM, IPPROTO_TCP, "tcp", true},
    {SOCK_DGRAM, IPPROTO_UDP, "udp", true},
    {SOCK_DCCP, IPPROTO_DCCP, "dccp", false},
    {SOCK_DGRAM, IPPROTO_UDPLITE, "udplite", false},
    {SOCK_STREAM, IPPROTO_SCTP, "sctp", false},
    {SOCK_SEQPACKET, IPPROTO_SCTP, "sctp", false},
    {SOCK_RAW, 0, NULL, true},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Addresses on their way into the list. */
struct addresses {
    const green_address_t *each;
    size_t count;
    const char *name;           /* canonical */
    green_address_t own[2];     /* those that need no lookup */
    green_dns_answer_t *answer; /* those that do */
};

/* --- services ----------------------------------------------------------------------------------------------------- */

/* Raw sockets take any protocol. */
static bool fits(const struct kind *kind, const struct addrinfo *hints)
{
    return (!hints->ai_socktype || hints->ai_socktype == kind->type) &&
           (!hints->ai_protocol || hints->ai_protocol == kind->protocol || !kind->protocol);
}

static const struct kind *first_fit(const struct addrinfo *hints)
{
    for (size_t i = 0; i < KINDS; i++)
        if (fits(&kinds[i], hints))
            return &kinds[i];
    return NULL;
}

static int port_of_service(const char *service, const char *protocol, in_port_t *out)
{
    char room[SERVICE_ROOM];
    struct servent entry, *found = NULL;
    int r = getservbyname_r(service, protocol, &entry, room, sizeof room, &found);
    if (r == ENOMEM)
        return -ENOMEM;
    if (!found)
        return GREEN_EAI_SERVICE;
    *out = (in_port_t)found->s_port;
    return 0;
}

/* 1: a port; 0: not a number; else an error. */
static int numeric_service(const char *service, in_port_t *out)
{
    unsigned port = 0;
    for (const char *at = service; *at; at++) {
        if (*at < '0' || *at > '9')
            return 0;
        port = port * 10 + (unsigned)(*at - '0');
        if (port > 65535)
            return GREEN_EAI_SERVICE;
    }
    *out = htons((uint16_t)port);
    return 1;
}

static void add_target(struct target *targets, size_t *count, const struct kind *kind,
                       const struct addrinfo *hints, in_port_t port)
{
    int protocol = kind->protocol ? kind->protocol : hints->ai_protocol;
    targets[(*count)++] = (struct target){kind->type, protocol, port};
}

/* With one type of socket asked for it is the first that fits, else all that the service exists for. */
static int find_named(const char *service, const struct addrinfo *hints, const struct kind *only,
                      struct target *targets, size_t *count)
{
    in_port_t port;
    int r;
    if (only) {
        r = port_of_service(service, only->name, &port);
        if (r == 0)
            add_target(targets, count, only, hints, port);
        return r;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (!kinds[i].name)
            continue;
        r = port_of_service(service, kinds[i].name, &port);
        if (r == 0)
            add_target(targets, count, &kinds[i], hints, port);
        else if (r != GREEN_EAI_SERVICE)
            return r;
    }
    return *count ? 0 : GREEN_EAI_SERVICE;
}

static int find_targets(const char *service, const struct addrinfo *hints, struct target *targets,
                        size_t *count)
{
    const struct kind *only = NULL;
    in_port_t port = 0;
    if (hints->ai_socktype || hints->ai_protocol) {
        only = first_fit(hints);
        if (!only)
            return hints->ai_socktype ? GREEN_EAI_SOCKTYPE : GREEN_EAI_SERVICE;
        if (service && !only->name)
            return GREEN_EAI_SERVICE;
    }
    int r = service ? numeric_service(service, &port) : 1;
    if (r == 0)
        return find_named(service, hints, only, targets, count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < KINDS; i++)
        if (only ? &kinds[i] == only : kinds[i].by_default)
            add_target(targets, count, &kinds[i], hints, port);
    return 0;
}

/* --- families ------------------------------------------------------------------------------------------------------ */

/* Whether this machine has an address of the family beside loopback; remembered for a moment, since it is asked with
 * every lookup. */
static bool configured(int family)
{
    static __thread struct {
        bool v4, v6;
        green_time until;
    } seen;
    green_time now = green_now();
    struct ifaddrs *all;
    if (now >= seen.until && getifaddrs(&all) == 0) {
        seen.v4 = seen.v6 = false;
        for (struct ifaddrs *each = all; each; each = each->ifa_next) {
            const green_address_t *address = (const green_address_t *)each->ifa_addr;
            if (!address)
                continue;
            if (address->any.sa_family == AF_INET)
                seen.v4 = seen.v4 || address->in.sin_addr.s_addr != htonl(INADDR_LOOPBACK);
            if (address->any.sa_family == AF_INET6)
                seen.v6 = seen.v6 || !IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
        }
        freeifaddrs(all);
        seen.until = now + FAMILIES_KEPT;
    }
    return family == AF_INET ? seen.v4 : seen.v6;
}

/* AI_ADDRCONFIG: leaves a family that the machine does not have out of the question. */
static int narrow_family(struct addrinfo *hints)
{
    if (!(hints->ai_flags & AI_ADDRCONFIG))
        return 0;
    bool v4 = configured(AF_INET), v6 = configured(AF_INET6);
    if (hints->ai_family == AF_UNSPEC && v4 != v6)
        hints->ai_family = v4 ? AF_INET : AF_INET6;
    else if ((hints->ai_family == AF_INET && !v4) || (hints->ai_family == AF_INET6 && !v6))
        return GREEN_EAI_NONAME;
    return 0;
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static green_address_t address_v4(in_addr_t number)
{
    green_address_t address = {.length = sizeof address.in};
    address.in.sin_family = AF_INET;
    address.in.sin_addr.s_addr = number;
    return address;
}

static green_address_t address_v6(const struct in6_addr *number)
{
    green_address_t address = {.length = sizeof address.in6};
    address.in6.sin6_family = AF_INET6;
    address.in6.sin6_addr = *number;
    return address;
}

static bool reachable(const green_address_t *address)
{
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int r = connect(fd, &address->any, address->length); /* sends nothing */
    close(fd);
    return r == 0;
}

/* No node: this machine. The order is what RFC 6724 makes of these addresses. */
static void take_own(const struct addrinfo *hints, struct addresses *a)
{
    bool passive = hints->ai_flags & AI_PASSIVE;
    green_address_t v4 = address_v4(htonl(passive ? INADDR_ANY : INADDR_LOOPBACK));
    green_address_t v6 = address_v6(passive ? &in6addr_any : &in6addr_loopback);
    bool both = hints->ai_family == AF_UNSPEC;
    if (both && !passive) {
        v6.in6.sin6_port = htons(9); /* connect() wants one */
        passive = !reachable(&v6);
        v6.in6.sin6_port = 0;
    }
    a->own[0] = hints->ai_family == AF_INET6 || (both && !passive) ? v6 : v4;
    a->own[1] = passive ? v6 : v4;
    a->count = both ? 2 : 1;
}

static int find_zone(const char *zone, const struct in6_addr *address, uint32_t *out)
{
    char *end;
    bool local = IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MC_LINKLOCAL(address);
    *out = local ? if_nametoindex(zone) : 0;
    if (*out)
        return 0;
    if (*zone < '0' || *zone > '9')
        return GREEN_EAI_NONAME;
    unsigned long long number = strtoull(zone, &end, 10);
    *out = (uint32_t)number;
    return *end || number > UINT32_MAX ? GREEN_EAI_NONAME : 0;
}

/* 1: it was a number; 0: it was not; else an error. */
static int take_v4(const char *node, const struct addrinfo *hints, struct addresses *a)
{
    struct in_addr in;
    if (node[strspn(node, "0123456789abcdefABCDEFxX.")] || !inet_aton(node, &in))
        return 0;
    if (hints->ai_family == AF_INET6 && !(hints->ai_flags & AI_V4MAPPED))
        return GREEN_EAI_ADDRFAMILY;
    a->own[0] = address_v4(in.s_addr);
    a->count = 1;
    return 1;
}

static int take_v6(const char *node, const struct addrinfo *hints, struct addresses *a)
{
    struct in6_addr in6;
    char bare[INET6_ADDRSTRLEN];
    size_t length = strcspn(node, "%");
    if (length >= sizeof bare)
        return 0;
    memcpy(bare, node, length);
    bare[length] = 0;
    if (inet_pton(AF_INET6, bare, &in6) != 1)
        return 0;
    a->count = 1;
    a->own[0] = address_v6(&in6);
    if (hints->ai_family == AF_INET) {
        if (!IN6_IS_ADDR_V4MAPPED(&in6))
            return GREEN_EAI_ADDRFAMILY;
        in_addr_t number;
        memcpy(&number, in6.s6_addr + 12, sizeof number);
        a->own[0] = address_v4(number);
    }
    uint32_t zone = 0;
    int r = node[length] ? find_zone(node + length + 1, &in6, &zone) : 0;
    if (hints->ai_family != AF_INET)
        a->own[0].in6.sin6_scope_id = zone;
    return r < 0 ? r : 1;
}

static int look_up(const char *name, int family, struct addresses *a, green_time deadline)
{
    struct dns_outcome *shared;
    int r = green__dns_lookup(name, family, 0, &shared, deadline);
    if (r < 0)
        return r;
    a->answer = (green_dns_answer_t *)shared;
    a->each = a->answer->addresses;
    a->count = a->answer->count;
    a->name = a->answer->name;
    return 0;
}

static int take_name(const char *node, const struct addrinfo *hints, struct addresses *a, green_time deadline)
{
    char name[DNS_NAME_SIZE];
    int r = green__dns_name_canonical(node, name);
    if (r < 0)
        return r;
    bool mapped = hints->ai_family == AF_INET6 && hints->ai_flags & AI_V4MAPPED;
    if (mapped && hints->ai_flags & AI_ALL)
        return look_up(name, AF_UNSPEC, a, deadline);
    r = look_up(name, hints->ai_family, a, deadline);
    if (mapped && (r == GREEN_EAI_NODATA || r == GREEN_EAI_NONAME))
        r = look_up(name, AF_INET, a, deadline);
    return r;
}

static int find_addresses(const char *node, const struct addrinfo *hints, struct addresses *a,
                          green_time deadline)
{
    a->each = a->own;
    a->name = node;
    if (!node) {
        take_own(hints, a);
        return 0;
    }
    int r = take_v4(node, hints, a);
    if (r == 0)
        r = take_v6(node, hints, a);
    if (r != 0)
        return r < 0 ? r : 0;
    if (hints->ai_flags & AI_NUMERICHOST)
        return GREEN_EAI_NONAME;
    return take_name(node, hints, a, deadline);
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

/* The entry and its address in one block, as libc makes them. */
static struct addrinfo *new_entry(const green_address_t *address, const struct target *target,
                                  const struct addrinfo *hints)
{
    struct {
        struct addrinfo info;
        union {
            struct sockaddr any;
            struct sockaddr_in in;
            struct sockaddr_in6 in6;
        } address;
    } *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    if (address->any.sa_family == AF_INET && hints->ai_family == AF_INET6) { /* AI_V4MAPPED */
        static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};
        entry->address.in6.sin6_family = AF_INET6;
        memcpy(entry->address.in6.sin6_addr.s6_addr, prefix, sizeof prefix);
        memcpy(entry->address.in6.sin6_addr.s6_addr + 12, &address->in.sin_addr, 4);
        entry->info.ai_addrlen = sizeof entry->address.in6;
    } else {
        memcpy(&entry->address, &address->any, address->length);
        entry->info.ai_addrlen = address->length;
    }
    if (entry->address.any.sa_family == AF_INET)
        entry->address.in.sin_port = target->port;
    else
        entry->address.in6.sin6_port = target->port;
    entry->info.ai_flags = hints->ai_flags;
    entry->info.ai_family = entry->address.any.sa_family;
    entry->info.ai_socktype = target->type;
    entry->info.ai_protocol = target->protocol;
    entry->info.ai_addr = &entry->address.any;
    return &entry->info;
}

static int make_list(const struct addresses *a, const struct target *targets, size_t count,
                     const struct addrinfo *hints, struct addrinfo **out)
{
    struct addrinfo *first = NULL, **next = &first;
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < count; j++) {
            *next = new_entry(&a->each[i], &targets[j], hints);
            if (!*next)
                goto no_memory;
            next = &(*next)->ai_next;
        }
    }
    if (hints->ai_flags & AI_CANONNAME && !(first->ai_canonname = strdup(a->name)))
        goto no_memory;
    *out = first;
    return 0;
no_memory:
    green_freeaddrinfo(first);
    return -ENOMEM;
}

void green_freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

static bool is_any(const char *text)
{
    return text && strcmp(text, "*") == 0;
}

/* In the order in which libc finds fault. */
static int check(const char *node, const char *service, struct addrinfo *hints)
{
    if (!node && !service)
        return GREEN_EAI_NONAME;
    if (hints->ai_flags & ~FLAGS || (hints->ai_flags & AI_CANONNAME && !node))
        return GREEN_EAI_BADFLAGS;
    int r = narrow_family(hints);
    if (r < 0)
        return r;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
        return GREEN_EAI_FAMILY;
    if (hints->ai_flags & AI_NUMERICSERV && service && service[strspn(service, "0123456789")])
        return GREEN_EAI_NONAME;
    return 0;
}

int green_getaddrinfo(const char *node, const char *service, const struct addrinfo *wishes,
                      struct addrinfo **out, green_time deadline)
{
    struct addrinfo hints = wishes ? *wishes : (struct addrinfo){.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    struct target targets[KINDS];
    struct addresses addresses = {0};
    size_t count = 0;
    *out = NULL;
    node = is_any(node) ? NULL : node;
    service = is_any(service) ? NULL : service;
    green_t *self = green_self();
    int r = self ? green__interruption(self) : 0;
    if (r == 0)
        r = check(node, service, &hints);
    if (r == 0)
        r = find_targets(service && *service ? service : NULL, &hints, targets, &count);
    if (r == 0)
        r = find_addresses(node, &hints, &addresses, deadline);
    if (r == 0)
        r = make_list(&addresses, targets, count, &hints, out);
    green_dns_release(addresses.answer);
    return r;
}

int green_eai(int error)
{
    switch (error) {
    case 0:
        return 0;
    case GREEN_EAI_NONAME:
    case GREEN_EAI_BADNAME:
        return EAI_NONAME;
    case GREEN_EAI_NODATA:
        return EAI_NODATA;
    case GREEN_EAI_AGAIN:
    case -ETIMEDOUT:
    case -EAGAIN:
        return EAI_AGAIN;
    case GREEN_EAI_FAIL:
        return EAI_FAIL;
    case GREEN_EAI_SERVICE:
        return EAI_SERVICE;
    case GREEN_EAI_FAMILY:
        return EAI_FAMILY;
    case GREEN_EAI_SOCKTYPE:
        return EAI_SOCKTYPE;
    case GREEN_EAI_BADFLAGS:
        return EAI_BADFLAGS;
    case GREEN_EAI_ADDRFAMILY:
        return EAI_ADDRFAMILY;
    case -ENOMEM:
        return EAI_MEMORY;
    case -EOVERFLOW:
        return EAI_OVERFLOW;
    default:
        errno = error > -4096 ? -error : EIO;
        return EAI_SYSTEM;
    }
}
