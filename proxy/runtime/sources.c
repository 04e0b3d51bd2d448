/* Chains of records in shards; a lock is held for the length of a chain. */
#include "sources.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SHARDS 64 /* a power of two */

struct source_count {
    LIST_ENTRY(source_count) link;
    const void *scope;
    struct source source;
    int64_t count;
    unsigned shard;
};
LIST_HEAD(chain, source_count);

struct shard {
    pthread_mutex_t lock;
    struct chain *chains;
} __attribute__((aligned(64)));

struct sources {
    const struct hash_key *key;
    size_t mask; /* of the chains of a shard */
    struct chain *chains;
    struct shard shards[SHARDS];
};

struct sources *sources_new(const struct hash_key *key, size_t expected)
{
    size_t each = 16;
    while (each * SHARDS < expected && each < ((size_t)1 << 16))
        each *= 2;
    struct sources *s = aligned_alloc(64, sizeof *s);
    if (!s)
        return NULL;
    s->key = key;
    s->mask = each - 1;
    s->chains = calloc(each * SHARDS, sizeof *s->chains);
    if (!s->chains) {
        free(s);
        return NULL;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&s->shards[i].lock, NULL);
        s->shards[i].chains = s->chains + i * each;
    }
    return s;
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&s->shards[i].lock);
    for (size_t i = 0; i < SHARDS * (s->mask + 1); i++)
        for (struct source_count *c; (c = LIST_FIRST(&s->chains[i]));) {
            LIST_REMOVE(c, link);
            free(c);
        }
    free(s->chains);
    free(s);
}

static struct source_count *find(struct chain *chain, const void *scope, const struct source *source)
{
    struct source_count *c;
    LIST_FOREACH(c, chain, link)
    if (c->scope == scope && memcmp(&c->source, source, sizeof *source) == 0)
        return c;
    return NULL;
}

int source_enter(struct sources *s, const void *scope, struct source source, int64_t most,
                 struct source_count **out)
{
    uint64_t hash = keyed_hash(s->key, (uint64_t)(uintptr_t)scope, &source, sizeof source);
    unsigned n = (unsigned)(hash % SHARDS);
    struct shard *shard = &s->shards[n];
    struct chain *chain = &shard->chains[hash / SHARDS & s->mask];
    int r = 0;
    pthread_mutex_lock(&shard->lock);
    struct source_count *c = find(chain, scope, &source);
    if (!c && (c = calloc(1, sizeof *c))) {
        c->scope = scope;
        c->source = source;
        c->shard = n;
        LIST_INSERT_HEAD(chain, c, link);
    }
    if (!c)
        r = -ENOMEM;
    else if (c->count >= most)
        r = -EDQUOT;
    else
        c->count++;
    pthread_mutex_unlock(&shard->lock);
    *out = r == 0 ? c : NULL;
    return r;
}

void source_leave(struct sources *s, struct source_count *c)
{
    struct shard *shard = &s->shards[c->shard];
    pthread_mutex_lock(&shard->lock);
    bool last = --c->count == 0;
    if (last)
        LIST_REMOVE(c, link);
    pthread_mutex_unlock(&shard->lock);
    if (last)
        free(c);
}
