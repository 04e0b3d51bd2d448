/*
 * c-ares on the hub's embedded loop: a channel with its sockets and its timer, made anew when name servers or
 * resolv.conf change. The only place that knows c-ares. Private to libgreen.
 */
#ifndef GREEN_NET_DNS_CHANNEL_H
#define GREEN_NET_DNS_CHANNEL_H

#include "../core/internal.h"
#include "dns_file.h"

#define DNS_QUERIES_MAX   4096 /* on their way at a time: ids have 16 bits, and each name may need two */
#define DNS_ADDRESSES_MAX 64   /* taken from one answer */

#define DNS_PATIENCE GREEN_S(2) /* for the first try of each server; doubles */
#define DNS_TRIES    2

/* What is asked of a name: an address family, or a type of records and this. */
#define DNS_RECORDS 0x10000

struct dns_channel;

/* How all answers begin: green_dns_answer_t and green_records_t. */
struct dns_outcome {
    int references;
    green_time expires;
};

/* A question on its way. Its memory belongs to who asked and must stay until done. */
struct dns_query {
    struct dns_channel *channel;
    int kind;
    /* Called once: with an answer (one reference, ports 0), or NULL and an error. Must not make queries. */
    void (*done)(struct dns_query *query, int error, struct dns_outcome *answer);
};

/* A hub's resolver: the present channel and those that are left to finish their queries. */
struct dns_resolver {
    struct dns_channel *channel; /* NULL: made at the next query */
    struct list channels;        /* all of them */
    size_t pending;              /* queries on their way */
    char *servers;               /* "address:port,..."; NULL: those of resolv.conf */
    struct dns_file resolv_conf; /* as the present channel read it */
    const char *hosts;           /* NULL: c-ares knows where it is */
    int64_t patience;            /* ns */
    int tries;
};

void green__dns_resolver_init(struct dns_resolver *resolver);

/* Ends all queries (done() is called) and gives everything back, once the loop has run. */
void green__dns_resolver_close(struct dns_resolver *resolver);

/* Uses other name servers from the next query on; see green_dns_servers(). */
int green__dns_resolver_servers(struct dns_resolver *resolver, const char *csv);

/* How long to wait for each server, and how often to try, from the next query on. 0 or -EINVAL. */
int green__dns_resolver_patience(struct dns_resolver *resolver, int64_t patience, int tries);

/* Whether resolv.conf was seen to have changed: then the next query reads it. */
bool green__dns_resolver_changed(struct dns_resolver *resolver, green_time now);

/* Asks for what query->kind says about `name`. 0: done() will be called, or has been; else -ENOMEM, GREEN_EAI_AGAIN
 * (too many queries), GREEN_EAI_FAIL, and it will not. */
int green__dns_resolver_ask(struct dns_resolver *resolver, struct dns_query *query, const char *name);

#endif
