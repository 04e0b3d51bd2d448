/* Asking: what all kinds of lookups share. Private to libgreen. */
#ifndef GREEN_NET_DNS_LOOKUP_H
#define GREEN_NET_DNS_LOOKUP_H

#include "dns_cache.h"
#include "dns_libc.h"
#include "dns_name.h"
#include "dns_source.h"

/* What a hub has for names. */
struct green__dns {
    struct dns_resolver resolver;
    struct dns_cache cache;
    struct dns_libc libc;
    struct dns_source source;
};

/* This thread's; made if there is none yet. 0 or -ENOMEM. */
int green__dns(struct green__dns **out);

/* The answer about a name in its canonical form (an address in text for DNS_RECORDS | DNS_PTR), from the cache or by
 * a query; `port` is a hint for addresses. 0 and a reference, or an error. May switch. */
int green__dns_lookup(const char *name, int kind, int port, struct dns_outcome **out, green_time deadline);

/* For tests: other files than those in /etc for this thread; NULL: as it is; not copied. 0 or -ENOMEM. */
struct dns_paths {
    const char *resolv_conf, *hosts, *nsswitch;
};
int green__dns_paths(const struct dns_paths *paths);

#endif
