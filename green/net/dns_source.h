/* Who is asked: c-ares or libc. Private to libgreen. */
#ifndef GREEN_NET_DNS_SOURCE_H
#define GREEN_NET_DNS_SOURCE_H

#include "dns.h"
#include "dns_file.h"

/* What nsswitch.conf says, as last read. */
struct dns_source {
    struct dns_file file;
    bool read;
    bool more; /* it names sources that c-ares knows nothing of */
};

void green__dns_source_init(struct dns_source *source);

/* Never GREEN_DNS_AUTO. `servers`: the hub has been given name servers of its own. */
enum green_dns_method green__dns_method(struct dns_source *source, bool servers);

#endif
