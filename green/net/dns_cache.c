/* The table of names: a hash table with chains, and a list in order of use. */
#include "dns_cache.h"
#include "dns_answer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void green__dns_cache_init(struct dns_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    list_init(&cache->recent);
    if (getrandom(&cache->seed, sizeof cache->seed, GRND_NONBLOCK) < 0)
        cache->seed = (uint32_t)green_now(); /* early in boot; it only spreads the buckets */
}

/* FNV-1a from a random start. Names can be the choice of strangers, but chains are bounded by the table's
 * limits. */
static uint32_t hash_of(const struct dns_cache *cache, const char *name, int kind)
{
    uint32_t hash = 2166136261u ^ cache->seed ^ (uint32_t)kind;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static struct dns_entry **bucket_of(struct dns_cache *cache, uint32_t hash)
{
    return &cache->buckets[(hash ^ hash >> 16) % DNS_CACHE_BUCKETS];
}

static void unlink_entry(struct dns_cache *cache, struct dns_entry *entry)
{
    struct dns_entry **at = bucket_of(cache, entry->hash);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
}

struct dns_entry *green__dns_cache_find(struct dns_cache *cache, const char *name, int kind, green_time now)
{
    uint32_t hash = hash_of(cache, name, kind);
    struct dns_entry *entry = *bucket_of(cache, hash);
    while (entry && (entry->hash != hash || entry->kind != kind || strcmp(entry->name, name) != 0))
        entry = entry->next;
    if (!entry || entry->pending)
        return entry;
    if (entry->expires <= now) {
        green__dns_cache_drop(cache, entry);
        return NULL;
    }
    list_remove(&entry->recent);
    list_push(&cache->recent, &entry->recent);
    return entry;
}

struct dns_entry *green__dns_cache_add(struct dns_cache *cache, const char *name, int kind)
{
    size_t size = strlen(name) + 1;
    struct dns_entry *entry = calloc(1, sizeof *entry + size);
    if (!entry)
        return NULL;
    list_init(&entry->recent);
    entry->hash = hash_of(cache, name, kind);
    entry->kind = entry->query.kind = kind;
    entry->pending = true;
    memcpy(entry->name, name, size);
    struct dns_entry **bucket = bucket_of(cache, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    return entry;
}

void green__dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry)
{
    entry->pending = false;
    if (entry->forgotten) {
        green__dns_cache_drop(cache, entry);
        return;
    }
    list_push(&cache->recent, &entry->recent);
    if (++cache->outcomes > DNS_CACHE_MAX)
        green__dns_cache_drop(cache, CONTAINER_OF(cache->recent.next, struct dns_entry, recent));
}

void green__dns_cache_drop(struct dns_cache *cache, struct dns_entry *entry)
{
    if (!entry->forgotten)
        unlink_entry(cache, entry);
    if (!list_empty(&entry->recent)) {
        list_remove(&entry->recent);
        cache->outcomes--;
    }
    green__dns_outcome_release(entry->answer);
    free(entry);
}

void green__dns_cache_forget(struct dns_cache *cache)
{
    while (!list_empty(&cache->recent))
        green__dns_cache_drop(cache, CONTAINER_OF(cache->recent.next, struct dns_entry, recent));
    for (size_t i = 0; i < DNS_CACHE_BUCKETS; i++) {
        for (struct dns_entry *entry = cache->buckets[i]; entry; entry = entry->next)
            entry->forgotten = true;
        cache->buckets[i] = NULL;
    }
}
