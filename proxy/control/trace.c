/* `trace NETWORK`: a line for each request of these clients, as it ends, for as long as whoever asked stays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/call.h"
#include "runtime/process.h"

#define LOOK_INTERVAL GREEN_S(1) /* for a client that has ended its side and may have left since */

/* Reads what the client still sends, to notice that it leaves. */
struct leaving {
    int fd;
    bool ended;
    struct observer *observer;
};

static void *await_end(void *arg)
{
    struct leaving *w = arg;
    char bytes[256];
    while (green_read(w->fd, bytes, sizeof bytes, GREEN_FOREVER) > 0)
        ;
    w->ended = true;
    observer_knock(w->observer);
    return NULL;
}

/* --- a line -------------------------------------------------------------------------------------------------------- */

static int add_phase(json_t *row, const char *label, int64_t ns)
{
    return ns < 0 ? reply_add(row, label, json_null()) : reply_add_seconds(row, label, ns);
}

static void format_time(int64_t at, char *out, size_t size)
{
    char seconds[32];
    struct tm tm;
    time_t when = (time_t)(at / GREEN_S(1));
    gmtime_r(&when, &tm);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, size, "%s.%03dZ", seconds, (int)(at % GREEN_S(1) / GREEN_MS(1)));
}

static json_t *object_of(const struct observed_event *e)
{
    char when[64];
    json_t *row = json_object();
    format_time(e->at, when, sizeof when);
    int r = reply_add_text(row, "time", when);
    r |= reply_add_text(row, "client", e->client);
    r |= reply_add_known(row, "peer", e->peer);
    r |= reply_add_known(row, "method", e->method);
    r |= reply_add_known(row, "host", e->host);
    r |= reply_add_known(row, "path", e->target);
    r |= e->status ? reply_add_count(row, "status", (uint64_t)e->status)
                   : reply_add(row, "status", json_null());
    r |= reply_add_count(row, "bytes_in", e->bytes_in);
    r |= reply_add_count(row, "bytes_out", e->bytes_out);
    if (e->queued >= 0)
        r |= add_phase(row, "queued_s", e->queued);
    r |= add_phase(row, "connected_s", e->connected);
    r |= add_phase(row, "first_byte_s", e->first_byte);
    r |= reply_add_seconds(row, "total_s", e->total);
    r |= reply_add_text(row, "listener", e->listener);
    r |= reply_add_known(row, "route", e->route);
    r |= reply_add_known(row, "upstream", e->upstream);
    r |= reply_add_known(row, "server", e->server);
    r |= reply_add_known(row, "reason", e->reason);
    r |= reply_add_known(row, "directive", e->directive);
    r |= reply_add_known(row, "origin", e->origin);
    r |= reply_add_known(row, "request_id", e->request_id);
    r |= reply_add_known(row, "trace_id", e->trace_id);
    if (r == 0)
        return row;
    json_decref(row);
    return NULL;
}

/* TIME CLIENT METHOD HOST PATH STATUS, then whatever else is known as name=value. */
static int print_event(FILE *out, const json_t *row, bool json)
{
    if (json) {
        int r = json_dumpf(row, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
        fputc('\n', out);
        return r;
    }
    static const char *const first[] = {"time", "client", "method", "host", "path", "status"};
    char text[REPLY_CELL_BYTES];
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        reply_cell(json_object_get(row, first[i]), text);
        fprintf(out, "%s%s", i ? " " : "", text);
    }
    const char *label;
    json_t *value;
    size_t skip = sizeof first / sizeof first[0] + 1; /* and the peer, which stands behind its client */
    json_object_foreach((json_t *)(uintptr_t)row, label, value)
    {
        bool told = skip > 0 && strcmp(label, "peer") != 0;
        skip -= skip > 0;
        if (told || json_is_null(value))
            continue;
        reply_cell(value, text);
        fprintf(out, " %s=%s", label, text);
    }
    fputc('\n', out);
    return 0;
}

static void print_lost(FILE *out, uint64_t lost, bool json)
{
    fprintf(out, json ? "{\"lost\":%llu}\n" : "%llu requests are missing here: they came too fast\n",
            (unsigned long long)lost);
}

/* Everything that is there by now, as one text. 0, or a negative code: there is no memory. */
static int print_events(FILE *out, struct control_call *call, struct observer *observer)
{
    struct observed_event event;
    uint64_t lost;
    for (int i = 0; i < 256; i++) {
        bool any = observer_take(&call->process->observers, observer, &event, &lost);
        json_t *row = any ? object_of(&event) : NULL;
        if (any && (!row || print_event(out, row, call->json) < 0)) {
            json_decref(row);
            return -ENOMEM;
        }
        json_decref(row);
        if (lost)
            print_lost(out, lost, call->json);
        if (!any)
            return 0;
    }
    observer_knock(observer); /* there may be more */
    return 0;
}

static int send_events(struct control_call *call, struct observer *observer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    int r = print_events(out, call, observer);
    if (fclose(out) != 0)
        r = -ENOMEM;
    if (r == 0 && size)
        r = call_send(call, text, size);
    free(text);
    return r;
}

/* --- until the client leaves --------------------------------------------------------------------------------------- */

static int greet(struct control_call *call)
{
    char text[256];
    int n = snprintf(text, sizeof text, call->json ? "{\"tracing\":\"%.100s\"}\n" : "tracing %.100s\n",
                     call->words[0]);
    return call_send(call, text, (size_t)n);
}

static int follow(struct control_call *call, struct observer *observer)
{
    struct leaving w = {.fd = call->fd, .observer = observer};
    green_t *watcher;
    int r = green_spawn_ex(&watcher, &(green_attr_t){.name = "control client", .background = true}, await_end,
                           &w);
    if (r < 0)
        return r;
    r = greet(call);
    while (r == 0 && !green_cancelled() && !(w.ended && green_hung_up(call->fd))) {
        observer_wait(observer, green_in(LOOK_INTERVAL));
        r = send_events(call, observer);
    }
    green_shield(); /* it has its things on our stack */
    if (green_kill(watcher, GREEN_FOREVER) == 0)
        green_release(watcher);
    green_unshield();
    return r;
}

int call_trace(struct control_call *call)
{
    struct conf_network network;
    if (call_network(call, call->words[0], &network) < 0)
        return -1;
    struct observer *observer = observer_begin(&call->process->observers, &network);
    if (!observer)
        return call_no_memory(call);
    call->told = true;
    int r = follow(call, observer);
    observer_end(&call->process->observers, observer);
    return r;
}
