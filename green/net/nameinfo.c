/* getnameinfo(3): libc writes the numbers and the services, which need nobody; the name is looked up. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "addrinfo.h"
#include "dns_lookup.h"

#define FLAGS (NI_NAMEREQD | NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM | NI_NOFQDN)

/* Takes off the domain that this machine is in. */
static void strip_domain(char *name)
{
    char own[GREEN_NAME_SIZE];
    if (gethostname(own, sizeof own) < 0)
        return;
    own[sizeof own - 1] = 0;
    char *domain = strchr(name, '.');
    const char *own_domain = strchr(own, '.');
    if (domain && own_domain && strcasecmp(domain, own_domain) == 0)
        *domain = 0;
}

static int look_up(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                   int flags, green_time deadline)
{
    green_address_t copy = {.length = length};
    char name[GREEN_NAME_SIZE];
    memcpy(&copy.any, address, length < sizeof copy.un ? length : sizeof copy.un);
    int r = green_resolve_address(&copy, name, deadline);
    if (r < 0)
        return r;
    if (flags & NI_NOFQDN)
        strip_domain(name);
    if (strlen(name) >= host_size)
        return -EOVERFLOW;
    strcpy(host, name);
    return 0;
}

/* There is no name, and that is known. */
static bool nameless(int error)
{
    return error == GREEN_EAI_NONAME || error == GREEN_EAI_NODATA || error == GREEN_EAI_FAIL ||
           error == GREEN_EAI_BADNAME;
}

int green_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                      char *service, socklen_t service_size, int flags, green_time deadline)
{
    green_t *self = green_self();
    int r = self ? green__interruption(self) : 0;
    if (r < 0)
        return r;
    if (flags & ~FLAGS)
        return GREEN_EAI_BADFLAGS;
    bool is_unix = address && length >= sizeof(sa_family_t) && address->sa_family == AF_UNIX;
    bool asks = host && host_size && !is_unix && !(flags & NI_NUMERICHOST);
    char number[NI_MAXHOST];
    r = green__from_eai(getnameinfo(address, length, asks ? number : host, asks ? sizeof number : host_size,
                                    service, service_size,
                                    asks ? NI_NUMERICHOST | (flags & ~NI_NAMEREQD) : flags));
    if (r < 0 || !asks)
        return r;
    r = look_up(address, length, host, host_size, flags, deadline);
    if (!nameless(r) || flags & NI_NAMEREQD)
        return nameless(r) ? GREEN_EAI_NONAME : r;
    if (strlen(number) >= host_size)
        return -EOVERFLOW;
    strcpy(host, number);
    return 0;
}
