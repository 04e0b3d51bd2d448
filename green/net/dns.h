/*
 * Names to addresses through c-ares: the hosts file, then the name servers of resolv.conf. Each hub has a channel of
 * its own; greenlets that ask for the same name at the same time share one query; answers are kept for their TTL.
 */
#ifndef GREEN_NET_DNS_H
#define GREEN_NET_DNS_H

#include "socket.h"

/* An answer: reference counted, never changed once made. */
typedef struct green_dns_answer {
    int references;     /* private */
    green_time expires; /* when its TTL runs out; GREEN_FOREVER for numeric names */
    size_t count;       /* at least 1 */
    green_address_t
        addresses[]; /* the port is the one asked for; in the order of RFC 6724 as c-ares gives it */
} green_dns_answer_t;

/*
 * Resolves `host` (a name, or a numeric address, which costs nothing) to addresses with `port`. family: AF_UNSPEC,
 * AF_INET or AF_INET6. 0 and *out, which the caller gives back with green_dns_release(), in any thread; else
 * GREEN_EAI_NONAME, _NODATA (also a numeric address of another family), _AGAIN, _FAIL, _BADNAME, -ENOMEM, -EINVAL (a
 * port outside 0..65535, another family). Failures are remembered for a second, so that a storm of requests is not a
 * storm of queries. May switch.
 */
int green_resolve(const char *host, int port, int family, green_dns_answer_t **out,
                  green_time deadline) GREEN_MUST_CHECK;

void green_dns_release(green_dns_answer_t *answer);

/* Uses these name servers ("127.0.0.1:5353", comma separated) in this thread's hub from now on instead of those of
 * resolv.conf; NULL goes back to resolv.conf. At most 16, numeric, without zones. Forgets cached answers. 0, -EINVAL,
 * -ENOMEM. Never switches. */
int green_dns_servers(const char *csv) GREEN_MUST_CHECK;

#endif
