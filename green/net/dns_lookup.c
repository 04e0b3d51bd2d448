/*
 * One lookup: from the cache, or by a query that everybody who asks for the same waits for. The query belongs to its
 * cache entry, not to a waiter: who gives up just leaves.
 */
#include "dns_lookup.h"

#include <stdlib.h>

#include "../core/waiter.h"
#include "dns_answer.h"
#include "dns_hosts.h"

#define FAILURE_TTL GREEN_S(1) /* how long a failure is remembered */

int green__dns(struct green__dns **out)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (!hub->dns) {
        hub->dns = malloc(sizeof *hub->dns);
        if (!hub->dns)
            return -ENOMEM;
        green__dns_resolver_init(&hub->dns->resolver);
        green__dns_cache_init(&hub->dns->cache);
        green__dns_libc_init(&hub->dns->libc);
        green__dns_source_init(&hub->dns->source);
    }
    *out = hub->dns;
    return 0;
}

void green__dns_close(green_hub_t *hub)
{
    struct green__dns *dns = hub->dns;
    if (!dns)
        return;
    green__dns_resolver_close(&dns->resolver); /* the queries still on their way fail into the cache */
    green__dns_libc_close(&dns->libc);
    green__dns_cache_forget(&dns->cache);
    free(dns);
    hub->dns = NULL;
}

int green__dns_paths(const struct dns_paths *paths)
{
    struct green__dns *dns;
    int r = green__dns(&dns);
    if (r < 0)
        return r;
    if (paths->resolv_conf)
        dns->resolver.resolv_conf.path = paths->resolv_conf;
    if (paths->hosts) {
        dns->resolver.hosts = paths->hosts;
        if (setenv("CARES_HOSTS", paths->hosts, 1) < 0) /* the only way to tell c-ares */
            return -ENOMEM;
    }
    if (paths->nsswitch)
        dns->source = (struct dns_source){.file.path = paths->nsswitch};
    return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* The outcome of a query has come: runs inside c-ares, so it wakes and nothing more. */
static void on_outcome(struct dns_query *query, int error, struct dns_outcome *answer)
{
    struct dns_entry *entry = CONTAINER_OF(query, struct dns_entry, query);
    entry->answer = answer;
    entry->error = error;
    if (answer && !(entry->kind & DNS_RECORDS))
        green__dns_answer_set_port((green_dns_answer_t *)answer, entry->port);
    entry->expires = answer ? answer->expires : green_in(FAILURE_TTL);
    for (struct waiter *w; (w = green__wake_first(&entry->waiters, error));)
        w->item = answer ? green__dns_outcome_retain(answer) : NULL;
    struct dns_cache *cache = &green_hub()->dns->cache;
    if (error == -ENOMEM)
        green__dns_cache_drop(cache, entry); /* not a fact about the name */
    else
        green__dns_cache_keep(cache, entry);
}

static int ask_for_name(struct green__dns *dns, struct dns_query *query, const char *text)
{
    green_address_t address;
    char name[DNS_NAME_SIZE];
    int r = green_address_parse(&address, text, 0);
    if (r < 0)
        return r;
    if (green__dns_hosts_name(dns->resolver.hosts, &address, name) == 0) {
        green_records_t *found = green__dns_records_of_name(name, 0);
        query->done(query, found ? 0 : -ENOMEM, (struct dns_outcome *)found);
        return 0;
    }
    return green__dns_resolver_ask(&dns->resolver, query, green__dns_reverse_name(&address, name));
}

/* As green__dns_resolver_ask(), by the way that this name is to take. */
static int ask(struct green__dns *dns, struct dns_entry *entry)
{
    struct dns_query *query = &entry->query;
    bool by_address = entry->kind == (DNS_RECORDS | DNS_PTR);
    query->done = on_outcome;
    enum green_dns_method method = GREEN_DNS_ARES;
    if (by_address || !(entry->kind & DNS_RECORDS)) /* libc knows nothing of other records */
        method = green__dns_method(&dns->source, dns->resolver.servers != NULL);
    if (method != GREEN_DNS_ARES)
        return green__dns_libc_ask(&dns->libc, query, entry->name, method == GREEN_DNS_BLOCK);
    if (by_address)
        return ask_for_name(dns, query, entry->name);
    return green__dns_resolver_ask(&dns->resolver, query, entry->name);
}

/* Waits for a pending entry; `fresh`: its query has to be made first. */
static int wait_for(struct green__dns *dns, struct dns_entry *entry, bool fresh, struct dns_outcome **out,
                    green_time deadline)
{
    struct waiter me = {.park = GREEN_PARK_INIT};
    chain_push(&entry->waiters, &me.node);
    if (fresh) {
        int r = ask(dns, entry);
        if (r < 0) {
            chain_remove(&me.node);
            green__dns_cache_drop(&dns->cache, entry);
            return r;
        }
    }
    green__waits_for("the answer about a name", entry);
    green_expect_outside();
    int r = green_park(&me.park, deadline);
    green_unexpect_outside();
    chain_remove(&me.node);
    *out = me.item;
    return r;
}

int green__dns_lookup(const char *name, int kind, int port, struct dns_outcome **out, green_time deadline)
{
    struct green__dns *dns;
    int r = green__dns(&dns);
    if (r < 0)
        return r;
    green_time now = green_now();
    if (green__dns_resolver_changed(&dns->resolver, now))
        green__dns_cache_forget(&dns->cache); /* perhaps another network, with other names */
    struct dns_entry *entry = green__dns_cache_find(&dns->cache, name, kind, now);
    if (entry && !entry->pending) {
        *out = entry->answer ? green__dns_outcome_retain(entry->answer) : NULL;
        return entry->error;
    }
    if (!green_self())
        return -EPERM;
    bool fresh = !entry;
    if (fresh) {
        entry = green__dns_cache_add(&dns->cache, name, kind);
        if (!entry)
            return -ENOMEM;
        entry->port = port;
    }
    return wait_for(dns, entry, fresh, out, deadline);
}
