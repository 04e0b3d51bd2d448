/* Watching: rings of events that workers fill, under one lock that is only taken while somebody watches. */
#include "observe/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "network.h"

#define EVENTS 256

struct observer {
    LIST_ENTRY(observer) link;
    struct conf_network network;
    green_shared_event_t news;
    uint64_t lost;
    size_t first, count;
    struct observed_event events[EVENTS];
};

void observers_init(struct observers *t)
{
    *t = (struct observers){.lock = PTHREAD_MUTEX_INITIALIZER};
    LIST_INIT(&t->list);
}

void observers_destroy(struct observers *t)
{
    pthread_mutex_destroy(&t->lock);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

#define COPY(field, text) span_copy(event->field, sizeof event->field, text)

static struct span name(const char *text)
{
    return span_str(text ? text : "");
}

static int64_t phase(const struct access_entry *entry, green_time when)
{
    return when ? when - entry->started : -1;
}

static void fill_server(struct observed_event *event, const struct access_entry *entry)
{
    char text[GREEN_ADDRESS_TEXT];
    if (entry->server)
        COPY(server, span_str(entry->server->text));
    else if (entry->server_address)
        COPY(server, span_str(green_address_text(entry->server_address, true, text)));
    else
        event->server[0] = 0;
}

static void fill(struct observed_event *event, const struct access_entry *entry)
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
    event->queued = phase(entry, entry->queued);
    event->connected = phase(entry, entry->connected);
    event->first_byte = phase(entry, entry->first_byte);
    event->total = entry->ended - entry->started;
}

static bool observers(const struct observer *observer, const struct access_entry *entry)
{
    return conf_network_has(&observer->network, &entry->client->any) ||
           (entry->peer && conf_network_has(&observer->network, &entry->peer->any));
}

void observers_tell(struct observers *t, const struct access_entry *entry)
{
    struct observer *observer;
    pthread_mutex_lock(&t->lock);
    LIST_FOREACH(observer, &t->list, link)
    {
        if (!observers(observer, entry))
            continue;
        if (observer->count == EVENTS) {
            observer->lost++;
            continue;
        }
        fill(&observer->events[(observer->first + observer->count++) % EVENTS], entry);
        green_shared_event_set(&observer->news);
    }
    pthread_mutex_unlock(&t->lock);
}

/* --- watching ------------------------------------------------------------------------------------------------------ */

struct observer *observer_begin(struct observers *t, const struct conf_network *network)
{
    struct observer *observer = calloc(1, sizeof *observer);
    if (!observer)
        return NULL;
    observer->network = *network;
    green_shared_event_init(&observer->news);
    pthread_mutex_lock(&t->lock);
    LIST_INSERT_HEAD(&t->list, observer, link);
    atomic_fetch_add(&t->count, 1);
    pthread_mutex_unlock(&t->lock);
    return observer;
}

void observer_end(struct observers *t, struct observer *observer)
{
    pthread_mutex_lock(&t->lock);
    LIST_REMOVE(observer, link);
    atomic_fetch_sub(&t->count, 1);
    pthread_mutex_unlock(&t->lock);
    if (green_shared_event_destroy(&observer->news) == 0) /* who waits for it is the one who ends it */
        free(observer);
}

void observer_wait(struct observer *observer, green_time deadline)
{
    if (green_shared_event_wait(&observer->news, deadline) == 0)
        green_shared_event_clear(&observer->news);
}

void observer_knock(struct observer *observer)
{
    green_shared_event_set(&observer->news);
}

bool observer_take(struct observers *t, struct observer *observer, struct observed_event *out, uint64_t *lost)
{
    pthread_mutex_lock(&t->lock);
    bool any = observer->count > 0;
    *lost = 0;
    if (any) {
        *out = observer->events[observer->first];
        observer->first = (observer->first + 1) % EVENTS;
        observer->count--;
    }
    if (!observer->count) { /* what was lost came behind all that was kept */
        *lost = observer->lost;
        observer->lost = 0;
    }
    pthread_mutex_unlock(&t->lock);
    return any;
}
