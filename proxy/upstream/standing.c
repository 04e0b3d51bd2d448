/* Standings of servers, found by name (standing.h). */
#include "standing.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "inheritance.h"

#define CACHE_LINE 64

int standings_init(struct standings *all)
{
    *all = (struct standings){.tree = NULL};
    pthread_mutex_init(&all->lock, NULL);
    LIST_INIT(&all->list);
    LIST_INIT(&all->queues);
    return getrandom(all->secret, sizeof all->secret, 0) == sizeof all->secret ? 0 : -EIO;
}

void standings_destroy(struct standings *all)
{
    inheritance_end(all);
    pthread_mutex_destroy(&all->lock);
}

static int compare(const void *one, const void *other)
{
    const struct standing *a = one, *b = other;
    int order = strcmp(a->upstream, b->upstream);
    return order ? order : strcmp(a->server, b->server);
}

/* On cache lines of its own: workers must not slow one another down. */
static struct standing *make(struct standings *all, const struct standing *key)
{
    size_t upstream = strlen(key->upstream) + 1, server = strlen(key->server) + 1;
    size_t size = sizeof(struct standing) + upstream + server;
    struct standing *s = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    char *text = (char *)(s + 1);
    s->all = all;
    s->upstream = memcpy(text, key->upstream, upstream);
    s->server = memcpy(text + upstream, key->server, server);
    if (!tsearch(s, &all->tree, compare)) {
        free(s);
        return NULL;
    }
    LIST_INSERT_HEAD(&all->list, s, link);
    return s;
}

struct standing *standing_hold(struct standings *all, const char *upstream, const char *server)
{
    struct standing key = {.upstream = upstream, .server = server};
    pthread_mutex_lock(&all->lock);
    struct standing **found = tfind(&key, &all->tree, compare);
    struct standing *s = found ? *found : make(all, &key);
    if (s)
        s->references++;
    pthread_mutex_unlock(&all->lock);
    return s;
}

void standing_hold_again(struct standing *s)
{
    pthread_mutex_lock(&s->all->lock);
    s->references++;
    pthread_mutex_unlock(&s->all->lock);
}

void standing_release(struct standing *s)
{
    struct standings *all = s->all;
    pthread_mutex_lock(&all->lock);
    bool last = --s->references == 0;
    if (last) {
        tdelete(s, &all->tree, compare);
        LIST_REMOVE(s, link);
    }
    pthread_mutex_unlock(&all->lock);
    if (last)
        free(s);
}
