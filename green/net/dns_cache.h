/*
 * What a hub knows of names: answers until their TTL runs out, failures for a moment, and names whose query
 * is still on its way. Bounded; the least recently used outcome goes first. Private to libgreen.
 */
#ifndef GREEN_NET_DNS_CACHE_H
#define GREEN_NET_DNS_CACHE_H

#include "dns_channel.h"

#define DNS_CACHE_MAX     1024 /* outcomes kept */
#define DNS_CACHE_BUCKETS 1024

struct dns_entry {
    struct dns_entry *next; /* in its bucket */
    struct list recent;     /* in dns_cache.recent, once there is an outcome */
    struct dns_query query;
    struct green_chain waiters; /* struct waiter, while pending */
    struct dns_outcome *answer; /* the outcome: this, or if NULL, */
    int error;                  /* this */
    green_time expires;         /* of the outcome */
    uint32_t hash;
    int kind;       /* as in the query */
    int port;       /* of who asked first: an answer of addresses carries it */
    bool pending;   /* the query is on its way */
    bool forgotten; /* not in the table any more; goes when its query ends */
    char name[];    /* lower case */
};

struct dns_cache {
    struct dns_entry *buckets[DNS_CACHE_BUCKETS];
    struct list recent; /* entries with an outcome, the least recently used first */
    size_t outcomes;
    uint32_t seed;
};

void green__dns_cache_init(struct dns_cache *cache);

/* The entry for a name, pending or with an outcome that is good at `now`; or NULL. */
struct dns_entry *green__dns_cache_find(struct dns_cache *cache, const char *name, int kind, green_time now);

/* A new, pending entry for a name that is not in the table; NULL: no memory. */
struct dns_entry *green__dns_cache_add(struct dns_cache *cache, const char *name, int kind);

/* The entry, which has its outcome now, stays until it expires or is the oldest of too many. */
void green__dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry);

/* Takes the entry out and frees it. */
void green__dns_cache_drop(struct dns_cache *cache, struct dns_entry *entry);

/* Drops every outcome; pending entries leave the table and go when their queries end. */
void green__dns_cache_forget(struct dns_cache *cache);

#endif
