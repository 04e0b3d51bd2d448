/*
 * Names to addresses and back: the hosts file, then the name servers of resolv.conf, asked through c-ares. Each hub
 * has a channel of its own; greenlets that ask for the same at the same time share one query, and none of them can
 * cancel it for the others; answers are kept for their TTL (1 s to a day), the 1024 last used of them, failures for a
 * second. A changed resolv.conf or nsswitch.conf is noticed within a second or two and empties the memory.
 *
 * Where nsswitch.conf has more sources for hosts than files, dns and myhostname (mdns, resolve, ldap, ...), libc's
 * getaddrinfo(3) is asked instead, on threads that do nothing else (green_threads_dns()); all else stays the same.
 * GREEN_RESOLVER=ares, thread or block in the environment, or green_dns_use(), say otherwise.
 *
 * Names are labels of ASCII letters, digits, hyphens and underscores; a final dot means no search domains. Localhost
 * and names below it are this machine, without a query. Names that are not ASCII must have been through IDNA before.
 * See also addrinfo.h (the C library's interface) and dns_records.h (SRV, MX, TXT).
 */
#ifndef GREEN_NET_DNS_H
#define GREEN_NET_DNS_H

#include "socket.h"

/* An answer: reference counted, never changed once made. */
typedef struct green_dns_answer {
    int references;     /* private */
    green_time expires; /* when its TTL runs out; GREEN_FOREVER for numeric names */
    size_t count;       /* at least 1, at most 64: more are left away */
    const char *name;   /* the canonical one, where aliases and search domains led */
    green_address_t
        addresses[]; /* the port is the one asked for; in the order of RFC 6724 as c-ares gives it */
} green_dns_answer_t;

/*
 * Resolves `host` (a name, or a numeric address, which costs nothing) to addresses with `port`. family: AF_UNSPEC,
 * AF_INET or AF_INET6. 0 and *out, which the caller gives back with green_dns_release(), in any thread; else
 * GREEN_EAI_NONAME, _NODATA (also a numeric address of another family), _AGAIN, _FAIL, _BADNAME, -ENOMEM, -EINVAL (a
 * port outside 0..65535, another family). May switch.
 */
int green_resolve(const char *host, int port, int family, green_dns_answer_t **out,
                  green_time deadline) GREEN_MUST_CHECK;

void green_dns_release(green_dns_answer_t *answer);

#define GREEN_NAME_SIZE 256 /* enough for any host name */

/* What an IPv4 or IPv6 address is called (PTR): 0, and the name in lower case in `name`. The codes of
 * green_resolve(); GREEN_EAI_FAMILY: another kind of address. Does not ask whether the name leads back to the address:
 * whoever owns the address chose it. May switch. */
int green_resolve_address(const green_address_t *address, char name[GREEN_NAME_SIZE],
                          green_time deadline) GREEN_MUST_CHECK;

/* Uses these name servers ("127.0.0.1:5353", comma separated) in this thread's hub from now on instead of those of
 * resolv.conf, through c-ares whatever nsswitch.conf says; NULL goes back to resolv.conf. At most 16, numeric, without
 * zones. Forgets cached answers. 0, -EINVAL, -ENOMEM. Never switches. */
int green_dns_servers(const char *csv) GREEN_MUST_CHECK;

/* How long this thread's hub waits for a name server before it tries the next (1 ms to 60 s in ns; 2 s; c-ares doubles
 * it in each further round), and how many rounds it makes of them (1 to 10; 2). When all are over, lookups end with
 * GREEN_EAI_AGAIN, whatever their deadlines. 0, -EINVAL, -ENOMEM. Never switches. */
int green_dns_patience(int64_t timeout, int tries) GREEN_MUST_CHECK;

enum green_dns_method {
    GREEN_DNS_AUTO,   /* as above */
    GREEN_DNS_ARES,   /* c-ares */
    GREEN_DNS_THREAD, /* libc, on threads of its own */
    GREEN_DNS_BLOCK,  /* libc, and the whole thread of the caller waits: for debugging */
};

/* Chooses for all threads of the process, from the next lookup on. 0 or -EINVAL. Never switches. */
int green_dns_use(enum green_dns_method method) GREEN_MUST_CHECK;

#endif
