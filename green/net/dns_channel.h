/*
 * c-ares on the hub's embedded loop: a channel with its sockets and its timer, made anew when name servers or
 * resolv.conf change. The only place that knows c-ares. Private to libgreen.
 */
#ifndef GREEN_NET_DNS_CHANNEL_H
#define GREEN_NET_DNS_CHANNEL_H

#include <sys/stat.h>

#include "../core/internal.h"

#define DNS_QUERIES_MAX   4096 /* on their way at a time: ids have 16 bits, and each name may need two */
#define DNS_ADDRESSES_MAX 64   /* taken from one answer */

struct dns_channel;

/* A question on its way. Its memory belongs to who asked and must stay until done. */
struct dns_query {
    struct dns_channel *channel;
    /* Called once: with an answer (one reference, ports 0), or NULL and an error. Must not make queries. */
    void (*done)(struct dns_query *query, int error, green_dns_answer_t *answer);
};

/* A hub's resolver: the present channel and those that are left to finish their queries. */
struct dns_resolver {
    struct dns_channel *channel;  /* NULL: made at the next query */
    struct list channels;         /* all of them */
    size_t pending;               /* queries on their way */
    char *servers;                /* "address:port,..."; NULL: those of resolv.conf */
    const char *resolv_conf;      /* its path; not copied */
    struct stat resolv_conf_read; /* as it was when the present channel read it */
    green_time look_again;        /* when to see whether it is still that */
};

void dns_resolver_init(struct dns_resolver *resolver);

/* Ends all queries (done() is called) and gives everything back, once the loop has run. */
void dns_resolver_close(struct dns_resolver *resolver);

/* Uses other name servers from the next query on; see green_dns_servers(). */
int dns_resolver_servers(struct dns_resolver *resolver, const char *csv);

/* Asks for the addresses of `name`. 0: done() will be called, or has been; else -ENOMEM, GREEN_EAI_AGAIN (too
 * many queries), GREEN_EAI_FAIL, and it will not. */
int dns_resolver_ask(struct dns_resolver *resolver, struct dns_query *query, const char *name, int family);

/* For tests: reads another file than /etc/resolv.conf from the next channel of this thread on; the path is
 * not copied. 0 or -ENOMEM. */
int green__dns_resolv_conf(const char *path);

#endif
