/* A ring of copies. */
#include "refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A flood is not worth more of the worker's time. */
#define WINDOW GREEN_MS(100)

struct refusals *refusals_new(void)
{
    struct refusals *r = calloc(1, sizeof *r);
    if (r && pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    return r;
}

void refusals_free(struct refusals *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* As much of it as there is room for; what is not plain ASCII becomes a '?', so that cutting harms nothing. */
static void copy(char *out, size_t room, const char *text, size_t n)
{
    size_t i;
    for (i = 0; i < n && i + 1 < room; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    out[i] = 0;
}

static void copy_name(char *out, size_t room, const char *name)
{
    copy(out, room, name, name ? strlen(name) : 0);
}

static void fill(struct refusal_entry *to, const struct access_entry *e, size_t reason)
{
    struct timespec now;
    char client[GREEN_ADDRESS_TEXT];
    clock_gettime(CLOCK_REALTIME, &now);
    to->time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    to->reason = reason;
    to->status = e->status;
    copy_name(to->listener, sizeof to->listener, e->listener->name);
    copy_name(to->route, sizeof to->route, e->route ? e->route->name : NULL);
    copy_name(to->upstream, sizeof to->upstream, e->upstream ? e->upstream->name : NULL);
    copy_name(to->client, sizeof to->client, e->client ? green_address_text(e->client, false, client) : NULL);
    copy(to->method, sizeof to->method, e->method.p, e->method.n);
    copy(to->host, sizeof to->host, e->host.p, e->host.n);
    copy(to->target, sizeof to->target, e->target.p, e->target.n);
    to->origin[0] = 0;
    if (e->origin && e->origin->file && e->origin->line)
        snprintf(to->origin, sizeof to->origin, "%s:%d", e->origin->file, e->origin->line);
}

void refusals_add(struct refusals *r, const struct access_entry *e, size_t reason)
{
    green_time now = green_turn_time();
    if (now - r->window >= WINDOW) {
        r->window = now;
        r->in_window = 0;
    }
    if (r->in_window >= REFUSALS_KEPT || pthread_mutex_trylock(&r->lock) != 0)
        return;
    r->in_window++;
    fill(&r->list[r->count++ % REFUSALS_KEPT], e, reason);
    pthread_mutex_unlock(&r->lock);
}

size_t refusals_read(struct refusals *r, struct refusal_entry out[REFUSALS_KEPT])
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->count < REFUSALS_KEPT ? (size_t)r->count : REFUSALS_KEPT;
    for (size_t i = 0; i < n; i++)
        out[i] = r->list[(r->count - n + i) % REFUSALS_KEPT];
    pthread_mutex_unlock(&r->lock);
    return n;
}
