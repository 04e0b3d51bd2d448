/* The status as a tree of JSON, part by part. */
#include "status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "refusals.h"
#include "runtime/process.h"
#include "runtime/snapshot.h"
#include "tls/configured.h"
#include "totals.h"
#include "upstream/names.h"

#define RECENT_SHOWN 50

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static void add_number(json_t *to, const char *name, uint64_t n)
{
    json_object_set_new(to, name, number(n));
}

static void add_text(json_t *to, const char *name, const char *text)
{
    json_object_set_new(to, name, *text ? json_string(text) : json_null());
}

/* Milliseconds; null for what there is not. */
static json_t *milliseconds(int64_t ns)
{
    return ns < 0 ? json_null() : json_real((double)((ns + 500) / 1000) / 1e3);
}

static json_t *latency(const struct histogram_reading *h)
{
    json_t *o = json_object();
    add_number(o, "count", h->count);
    json_object_set_new(o, "p50", milliseconds(histogram_percentile(h, 0.5)));
    json_object_set_new(o, "p90", milliseconds(histogram_percentile(h, 0.9)));
    json_object_set_new(o, "p99", milliseconds(histogram_percentile(h, 0.99)));
    return o;
}

static const char *const classes[METRICS_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

static json_t *requests_of(const struct metrics_set *set)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < METRICS_CLASSES; i++)
        add_number(o, classes[i], total_requests(set, i));
    return o;
}

static json_t *responses_at(const struct metrics_set *set)
{
    json_t *o = json_object();
    for (unsigned i = 1; i < METRICS_CLASSES; i++)
        add_number(o, classes[i],
                   total_at(set, offsetof(struct server_metrics, responses) + i * sizeof(counter_t)));
    return o;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* --- listeners and routes ----------------------------------------------------------------------------------------- */

static json_t *addresses_of(const struct snapshot *s, size_t listener)
{
    json_t *list = json_array();
    char text[GREEN_ADDRESS_TEXT];
    for (size_t i = 0; i < s->bind_count; i++)
        if (s->binds[i].listener == listener && s->binds[i].endpoint)
            json_array_append_new(
                list, json_string(green_address_text(&s->binds[i].endpoint->address, true, text)));
    return list;
}

static json_t *listeners_of(const struct process *p, const struct history *h)
{
    static const char *const protocols[] = {
        [CONF_HTTP] = "http", [CONF_TCP] = "tcp", [CONF_FORWARD] = "forward"};
    const struct metrics_view *v = p->snapshot->metrics;
    json_t *list = json_array();
    for (size_t i = 0; i < v->conf->listener_count; i++) {
        const struct metrics_set *set = v->listeners[i];
        struct histogram_reading recent;
        json_t *o = json_object();
        add_text(o, "name", set->name);
        add_text(o, "protocol", protocols[v->conf->listeners[i].protocol]);
        json_object_set_new(o, "addresses", addresses_of(p->snapshot, i));
        add_number(o, "accepted", TOTAL(set, listener_metrics, accepted));
        add_number(o, "connections",
                   difference(TOTAL(set, listener_metrics, accepted), TOTAL(set, listener_metrics, closed)));
        add_number(o, "connections_max", (uint64_t)v->conf->listeners[i].max_connections);
        add_number(o, "idle", TOTAL(set, listener_metrics, idle));
        add_number(o, "tunnels",
                   difference(TOTAL(set, listener_metrics, tunnels_begun),
                              TOTAL(set, listener_metrics, tunnels_ended)));
        add_number(o, "turned_away", TOTAL(set, listener_metrics, turned_away));
        add_number(o, "shed", TOTAL(set, listener_metrics, shed));
        json_object_set_new(o, "requests", requests_of(set));
        add_number(o, "received", TOTAL(set, traffic, bytes_in));
        add_number(o, "sent", TOTAL(set, traffic, bytes_out));
        history_recent_listener(h, i, &recent);
        json_object_set_new(o, "latency", latency(&recent));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *routes_of(const struct metrics_view *v, const struct history *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->conf->route_count; i++) {
        const struct metrics_set *set = v->routes[i];
        struct histogram_reading recent;
        json_t *o = json_object();
        add_text(o, "name", set->name);
        json_object_set_new(o, "requests", requests_of(set));
        add_number(o, "received", TOTAL(set, traffic, bytes_in));
        add_number(o, "sent", TOTAL(set, traffic, bytes_out));
        history_recent_route(h, i, &recent);
        json_object_set_new(o, "latency", latency(&recent));
        json_array_append_new(list, o);
    }
    return list;
}

/* --- upstreams ---------------------------------------------------------------------------------------------------- */

static json_t *servers_of(const struct metrics_view *v, size_t upstream)
{
    const struct conf_upstream *u = &v->conf->upstreams[upstream];
    json_t *list = json_array();
    for (size_t i = 0; i < u->server_count; i++) {
        const struct metrics_set *set = v->servers[upstream][i];
        json_t *o = json_object();
        add_text(o, "address", u->servers[i].text);
        add_number(o, "weight", (uint64_t)u->servers[i].weight);
        json_object_set_new(o, "responses", responses_at(set));
        add_number(o, "connects", TOTAL(set, server_metrics, connects));
        add_number(o, "connect_failures", TOTAL(set, server_metrics, connect_failures));
        add_number(o, "failures", TOTAL(set, server_metrics, failures));
        json_array_append_new(list, o);
    }
    return list;
}

/* How all servers of an upstream are; of a name there may be several. Main thread. */
static json_t *health_of(struct standings *all, const char *upstream)
{
    static const char *const states[] = {
        [STANDING_UP] = "up", [STANDING_DOWN] = "down", [STANDING_EJECTED] = "ejected"};
    const struct standing *s;
    json_t *list = json_array();
    pthread_mutex_lock(&all->lock);
    LIST_FOREACH(s, &all->list, link)
    {
        if (strcmp(s->upstream, upstream) != 0)
            continue;
        json_t *o = json_object();
        add_text(o, "server", s->server);
        add_text(o, "state", states[standing_state(s, green_now())]);
        add_text(o, "check", s->check.why);
        if (atomic_load(&s->limit)) {
            add_number(o, "in_use", (uint64_t)atomic_load(&s->active));
            add_number(o, "limit", (uint64_t)atomic_load(&s->limit));
        }
        add_number(o, "ejections", atomic_load(&s->ejected));
        add_number(o, "changes", atomic_load(&s->changes));
        json_array_append_new(list, o);
    }
    pthread_mutex_unlock(&all->lock);
    return list;
}

/* The addresses that a name stands for. */
static json_t *resolved_of(struct name *name)
{
    char text[GREEN_ADDRESS_TEXT];
    unsigned version;
    json_t *list = json_array();
    struct name_answer *a = name_read(name, &version);
    for (size_t i = 0; i < a->count; i++)
        for (unsigned k = 0; k < a->members[i].address_count; k++) {
            const green_address_t *address = &a->members[i].addresses[k];
            json_array_append_new(
                list, json_string(green_address_text(address, green_address_port(address) != 0, text)));
        }
    name_answer_release(a);
    return list;
}

/* Names, as the last look-up has found them. */
static json_t *names_of(const struct snapshot *s, size_t upstream)
{
    const struct conf_upstream *u = &s->conf->upstreams[upstream];
    json_t *list = json_array();
    for (size_t i = 0; s->names[upstream] && i < u->server_count; i++) {
        struct name *name = s->names[upstream][i];
        if (!name)
            continue;
        json_t *o = json_object();
        add_text(o, "name", u->servers[i].text);
        json_object_set_new(o, "addresses", resolved_of(name));
        json_object_set_new(o, "failing", json_boolean(name_failing(name)));
        json_array_append_new(list, o);
    }
    return list;
}

/* How many requests wait for a place at a server; and those under way, if there may be only so many. */
static void add_queue(json_t *o, struct standings *all, const struct conf_upstream *u)
{
    uint64_t waiting, active;
    queue_look(all, u->name, &waiting, &active);
    add_number(o, "waiting", waiting);
    if (!u->concurrency.max_requests)
        return;
    add_number(o, "in_use", active);
    add_number(o, "limit", (uint64_t)u->concurrency.max_requests);
}

static json_t *upstreams_of(const struct snapshot *s, const struct history *h)
{
    const struct metrics_view *v = s->metrics;
    json_t *list = json_array();
    for (size_t i = 0; i < v->conf->upstream_count; i++) {
        const struct metrics_set *set = v->upstreams[i];
        struct histogram_reading recent;
        json_t *o = json_object();
        add_text(o, "name", set->name);
        add_number(o, "reused", TOTAL(set, upstream_metrics, reused));
        add_number(o, "retries", TOTAL(set, upstream_metrics, retries));
        add_queue(o, &s->process->standings, &v->conf->upstreams[i]);
        add_number(o, "hedges", TOTAL(set, upstream_metrics, hedges));
        add_number(o, "hedges_won", TOTAL(set, upstream_metrics, hedges_won));
        add_number(o, "retries_refused", TOTAL(set, upstream_metrics, retries_refused));
        add_number(o, "idle", TOTAL(set, upstream_metrics, idle));
        add_number(o, "names_asked", TOTAL(set, upstream_metrics, names_asked));
        add_number(o, "names_failed", TOTAL(set, upstream_metrics, names_failed));
        history_recent_upstream(h, i, &recent);
        json_object_set_new(o, "first_byte", latency(&recent));
        json_object_set_new(o, "names", names_of(s, i));
        json_object_set_new(o, "servers", servers_of(v, i));
        json_object_set_new(o, "health", health_of(&s->process->standings, set->name));
        json_array_append_new(list, o);
    }
    return list;
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

struct failure_count {
    size_t reason;
    uint64_t count;
};

static int more_first(const void *a, const void *b)
{
    uint64_t x = ((const struct failure_count *)a)->count, y = ((const struct failure_count *)b)->count;
    return x > y ? -1 : x < y;
}

static json_t *failures_of(const struct metrics_view *v)
{
    struct failure_count counts[REASONS_MOST];
    json_t *list = json_array();
    for (size_t i = 0; i < reason_count; i++) {
        counts[i] = (struct failure_count){.reason = i};
        for (size_t k = 0; k < v->conf->listener_count; k++)
            counts[i].count += total_at(v->listeners[k],
                                        offsetof(struct listener_metrics, failures) + i * sizeof(counter_t));
    }
    qsort(counts, reason_count, sizeof counts[0], more_first);
    for (size_t i = 0; i < reason_count && counts[i].count; i++) {
        const struct reason *r = reason_at(counts[i].reason);
        json_t *o = json_object();
        add_text(o, "reason", r->name);
        add_text(o, "directive", r->directive);
        add_text(o, "side", reason_side_name(r->side));
        add_text(o, "hint", r->hint);
        add_number(o, "count", counts[i].count);
        json_array_append_new(list, o);
    }
    return list;
}

static int newer_first(const void *a, const void *b)
{
    int64_t x = ((const struct refusal_entry *)a)->time, y = ((const struct refusal_entry *)b)->time;
    return x > y ? -1 : x < y;
}

static json_t *refusal(const struct refusal_entry *e)
{
    json_t *o = json_object();
    add_number(o, "time", (uint64_t)e->time);
    add_text(o, "reason", reason_at(e->reason)->name);
    add_text(o, "directive", reason_at(e->reason)->directive);
    add_text(o, "origin", e->origin);
    add_number(o, "status", (uint64_t)e->status);
    add_text(o, "listener", e->listener);
    add_text(o, "route", e->route);
    add_text(o, "upstream", e->upstream);
    add_text(o, "client", e->client);
    add_text(o, "method", e->method);
    add_text(o, "host", e->host);
    add_text(o, "target", e->target);
    return o;
}

static json_t *refusals_of(const struct metrics *m)
{
    json_t *list = json_array();
    struct refusal_entry *all = calloc((size_t)m->worker_count * REFUSALS_KEPT, sizeof *all);
    size_t count = 0;
    for (unsigned i = 0; all && i < m->worker_count; i++)
        count += refusals_read(m->refusals[i], all + count);
    if (count)
        qsort(all, count, sizeof *all, newer_first);
    for (size_t i = 0; i < count && i < RECENT_SHOWN; i++)
        json_array_append_new(list, refusal(&all[i]));
    free(all);
    return list;
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static json_t *workers_of(const struct metrics *m)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < m->worker_count; i++) {
        const struct worker_metrics *w = m->workers[i];
        json_t *o = json_object();
        add_number(o, "index", i);
        add_number(o, "greenlets", counter_read(&w->greenlets));
        add_number(o, "ready", counter_read(&w->ready));
        add_number(o, "parked", counter_read(&w->parked));
        add_number(o, "switches", counter_read(&w->turns));
        add_number(o, "polls", counter_read(&w->polls));
        add_number(o, "buffers", counter_read(&w->buffers));
        add_number(o, "buffers_free", counter_read(&w->buffers_free));
        uint64_t updated = counter_read(&w->updated);
        json_object_set_new(o, "age", updated ? milliseconds(green_now() - (int64_t)updated) : json_null());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *process_of(const struct process *p)
{
    struct usage usage;
    json_t *o = json_object();
    usage_read(&usage);
    add_number(o, "pid", (uint64_t)getpid());
    add_number(o, "memory", usage.resident);
    add_number(o, "descriptors", usage.descriptors);
    add_number(o, "descriptors_max", usage.descriptors_most);
    json_object_set_new(o, "cpu_seconds", json_real(usage.cpu_seconds));
    long connections = atomic_load(&p->connections);
    add_number(o, "connections", connections > 0 ? (uint64_t)connections : 0);
    add_number(o, "connections_max", (uint64_t)p->snapshot->conf->max_connections);
    add_number(o, "log_lines_dropped", access_log_dropped(p->log));
    return o;
}

static json_t *overload_of(const struct overload *overload)
{
    static const char *const levels[OVERLOAD_LEVELS] = {[OVERLOAD_NONE] = "none",
                                                        [OVERLOAD_HURRY] = "hurry",
                                                        [OVERLOAD_SHED] = "shed",
                                                        [OVERLOAD_REFUSE] = "refuse",
                                                        [OVERLOAD_STOP] = "stop"};
    json_t *o = json_object();
    add_text(o, "level", levels[overload_level(overload)]);
    add_number(o, "shed", atomic_load(&overload->shed));
    add_number(o, "refused", atomic_load(&overload->refused));
    add_number(o, "reset", atomic_load(&overload->reset));
    return o;
}

static json_t *reloads_of(const struct process *p)
{
    json_t *o = json_object();
    int64_t last = atomic_load(&p->reloads.last);
    add_number(o, "count", atomic_load(&p->reloads.succeeded));
    add_number(o, "failed", atomic_load(&p->reloads.failed));
    json_object_set_new(o, "last", last ? json_integer(last) : json_null());
    return o;
}

static json_t *sample_of(const struct history_sample *s)
{
    return json_pack("[I,I,I,I,I,o,o,o]", (json_int_t)s->requests, (json_int_t)s->failed,
                     (json_int_t)s->received, (json_int_t)s->sent, (json_int_t)s->connections,
                     milliseconds(s->p50), milliseconds(s->p90), milliseconds(s->p99));
}

static json_t *history_of(const struct history *h, bool all)
{
    json_t *list = json_array();
    size_t n = history_length(h);
    for (size_t i = all || !n ? 0 : n - 1; i < n; i++)
        json_array_append_new(list, sample_of(history_at(h, i)));
    return list;
}

static void add_certificate(void *list, const struct tls_certificate_facts *c)
{
    json_t *o = json_object();
    add_text(o, "listener", c->listener);
    add_text(o, "name", c->name);
    add_text(o, "file", c->file);
    json_object_set_new(o, "expires", json_integer(c->expires));
    json_object_set_new(o, "days_left", json_integer((c->expires - (int64_t)time(NULL)) / (24 * 3600)));
    json_object_set_new(o, "ocsp_expires",
                        c->response_expires ? json_integer(c->response_expires) : json_null());
    json_array_append_new(list, o);
}

static json_t *certificates_of(const struct process *p)
{
    json_t *list = json_array();
    tls_certificates(p->snapshot->conf, add_certificate, list);
    return list;
}

char *status_text(const struct process *p, const struct history *h, bool all)
{
    struct histogram_reading recent;
    json_t *o = json_object();
    history_recent(h, &recent);
    snapshot_count_names(p->snapshot);
    add_text(o, "version", GREENWAY_VERSION);
    add_text(o, "configuration", p->snapshot->conf->file);
    add_text(o, "state", p->draining ? "draining" : p->starting ? "starting" : "running");
    add_number(o, "started", (uint64_t)p->metrics->started_clock);
    add_number(o, "uptime", (uint64_t)((green_now() - p->metrics->started) / GREEN_S(1)));
    json_object_set_new(o, "reload", reloads_of(p));
    json_object_set_new(o, "process", process_of(p));
    json_object_set_new(o, "overload", overload_of(&p->overload));
    json_object_set_new(o, "latency", latency(&recent));
    json_object_set_new(o, "listeners", listeners_of(p, h));
    json_object_set_new(o, "routes", routes_of(p->snapshot->metrics, h));
    json_object_set_new(o, "upstreams", upstreams_of(p->snapshot, h));
    json_object_set_new(o, "failures", failures_of(p->snapshot->metrics));
    json_object_set_new(o, "refusals", refusals_of(p->metrics));
    json_object_set_new(o, "workers", workers_of(p->metrics));
    json_object_set_new(o, "certificates", certificates_of(p));
    json_object_set_new(o, "samples", number(h->count));
    json_object_set_new(o, "history", history_of(h, all));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    return text;
}
