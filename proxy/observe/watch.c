/* Watching: rings of events that workers fill, under one lock that is only taken while somebody watches. */
#include "observe/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "network.h"

#define EVENTS 256

struct watch {
    LIST_ENTRY(watch) link;
    struct conf_network network;
    green_shared_event_t news;
    uint64_t lost;
    size_t first, count;
    struct watch_event events[EVENTS];
};

void watches_init(struct watches *t)
{
    *t = (struct watches){.lock = PTHREAD_MUTEX_INITIALIZER};
    LIST_INIT(&t->list);
}

void watches_destroy(struct watches *t)
{
    pthread_mutex_destroy(&t->lock);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void copy(char *out, size_t size, struct span text)
{
    if (text.n < size) {
        if (text.n)
            memcpy(out, text.p, text.n);
        out[text.n] = 0;
        return;
    }
    memcpy(out, text.p, size - 4);
    memcpy(out + size - 4, "...", 4);
}

#define COPY(field, text) copy(event->field, sizeof event->field, text)

static struct span name(const char *text)
{
    return span_str(text ? text : "");
}

static int64_t phase(const struct access_entry *entry, green_time when)
{
    return when ? when - entry->started : -1;
}

static void fill_server(struct watch_event *event, const struct access_entry *entry)
{
    char text[GREEN_ADDRESS_TEXT];
    if (entry->server)
        COPY(server, span_str(entry->server->text));
    else if (entry->server_address)
        COPY(server, span_str(green_address_text(entry->server_address, true, text)));
    else
        event->server[0] = 0;
}

static void fill(struct watch_event *event, const struct access_entry *entry)
{
    char text[GREEN_ADDRESS_TEXT], origin[sizeof event->origin];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event->at = GREEN_S(now.tv_sec) + now.tv_nsec;
    event->minor = entry->minor;
    event->status = entry->status;
    COPY(client, span_str(green_address_text(entry->client, true, text)));
    COPY(peer, entry->peer ? span_str(green_address_text(entry->peer, true, text)) : name(NULL));
    COPY(method, entry->method);
    COPY(host, entry->host);
    COPY(target, entry->target);
    COPY(listener, name(entry->listener->name));
    COPY(route, name(entry->route ? entry->route->name : NULL));
    COPY(upstream, name(entry->upstream ? entry->upstream->name : NULL));
    fill_server(event, entry);
    COPY(reason, name(entry->reason));
    COPY(directive, name(entry->directive));
    origin[0] = 0;
    if (entry->origin && entry->origin->file && entry->origin->line)
        snprintf(origin, sizeof origin, "%s:%d", entry->origin->file, entry->origin->line);
    COPY(origin, span_str(origin));
    COPY(request_id, entry->request_id);
    COPY(trace_id, entry->trace_id);
    event->bytes_in = entry->bytes_in;
    event->bytes_out = entry->bytes_out;
    event->connected = phase(entry, entry->connected);
    event->first_byte = phase(entry, entry->first_byte);
    event->total = entry->ended - entry->started;
}

static bool watches(const struct watch *watch, const struct access_entry *entry)
{
    return conf_network_has(&watch->network, &entry->client->any) ||
           (entry->peer && conf_network_has(&watch->network, &entry->peer->any));
}

void watch_tell(struct watches *t, const struct access_entry *entry)
{
    struct watch *watch;
    pthread_mutex_lock(&t->lock);
    LIST_FOREACH(watch, &t->list, link)
    {
        if (!watches(watch, entry))
            continue;
        if (watch->count == EVENTS) {
            watch->lost++;
            continue;
        }
        fill(&watch->events[(watch->first + watch->count++) % EVENTS], entry);
        green_shared_event_set(&watch->news);
    }
    pthread_mutex_unlock(&t->lock);
}

/* --- watching ------------------------------------------------------------------------------------------------------ */

struct watch *watch_begin(struct watches *t, const struct conf_network *network)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->network = *network;
    green_shared_event_init(&watch->news);
    pthread_mutex_lock(&t->lock);
    LIST_INSERT_HEAD(&t->list, watch, link);
    atomic_fetch_add(&t->count, 1);
    pthread_mutex_unlock(&t->lock);
    return watch;
}

void watch_end(struct watches *t, struct watch *watch)
{
    pthread_mutex_lock(&t->lock);
    LIST_REMOVE(watch, link);
    atomic_fetch_sub(&t->count, 1);
    pthread_mutex_unlock(&t->lock);
    if (green_shared_event_destroy(&watch->news) == 0) /* who waits for it is the one who ends it */
        free(watch);
}

void watch_wait(struct watch *watch, green_time deadline)
{
    if (green_shared_event_wait(&watch->news, deadline) == 0)
        green_shared_event_clear(&watch->news);
}

void watch_knock(struct watch *watch)
{
    green_shared_event_set(&watch->news);
}

bool watch_take(struct watches *t, struct watch *watch, struct watch_event *out, uint64_t *lost)
{
    pthread_mutex_lock(&t->lock);
    bool any = watch->count > 0;
    *lost = 0;
    if (any) {
        *out = watch->events[watch->first];
        watch->first = (watch->first + 1) % EVENTS;
        watch->count--;
    }
    if (!watch->count) { /* what was lost came behind all that was kept */
        *lost = watch->lost;
        watch->lost = 0;
    }
    pthread_mutex_unlock(&t->lock);
    return any;
}
