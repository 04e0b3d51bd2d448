/*
 * The text that Prometheus reads: a family of samples after the other, each with what it means. One row of a table for
 * each plain number; requests, failures and histograms have more labels and functions of their own.
 */
#include "exposition.h"

#include <stdarg.h>

#include "access_log.h"
#include "http/head.h"
#include "runtime/process.h"
#include "runtime/snapshot.h"
#include "tls/configured.h"
#include "tls/staples.h"
#include "totals.h"

struct family {
    const char *name, *type, *help;
    size_t plus;
    size_t minus; /* NONE: nothing is taken away */
};

#define NONE SIZE_MAX

/* --- text --------------------------------------------------------------------------------------------------------- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP greenway_%s %s\n# TYPE greenway_%s %s\n", name, help, name, type);
}

static void label(FILE *out, const char *separator, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", separator, name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            putc(*value, out);
    }
    putc('"', out);
}

/* Who a set is of: `listener="web"`. */
static void owner(FILE *out, const struct metrics_set *set)
{
    static const char *const names[] = {[METRICS_LISTENER] = "listener",
                                        [METRICS_ROUTE] = "route",
                                        [METRICS_UPSTREAM] = "upstream",
                                        [METRICS_SERVER] = "server"};
    if (set->kind == METRICS_SERVER)
        label(out, "", "upstream", set->owner);
    label(out, set->kind == METRICS_SERVER ? "," : "", names[set->kind], set->name);
}

static void sample(FILE *out, const char *name, const struct metrics_set *set, uint64_t value)
{
    fprintf(out, "greenway_%s{", name);
    owner(out, set);
    fprintf(out, "} %llu\n", (unsigned long long)value);
}

/* --- plain numbers ------------------------------------------------------------------------------------------------ */

static void write_families(FILE *out, const struct family *families, size_t count, struct metrics_set **sets,
                           size_t set_count)
{
    for (const struct family *f = families; f < families + count && set_count; f++) {
        head(out, f->name, f->type, f->help);
        for (size_t i = 0; i < set_count; i++) {
            uint64_t plus = total_at(sets[i], f->plus),
                     minus = f->minus == NONE ? 0 : total_at(sets[i], f->minus);
            sample(out, f->name, sets[i], plus > minus ? plus - minus : 0);
        }
    }
}

#define OF(type, member) offsetof(struct type, member)

static const struct family of_listeners[] = {
    {"listener_connections_total", "counter", "Client connections that were taken.",
     OF(listener_metrics, accepted), NONE},
    {"listener_connections", "gauge", "Client connections that are open.", OF(listener_metrics, accepted),
     OF(listener_metrics, closed)},
    {"listener_connections_idle", "gauge", "Client connections that wait for a request.",
     OF(listener_metrics, idle), NONE},
    {"listener_connections_turned_away_total", "counter", "Client connections that were refused a place.",
     OF(listener_metrics, turned_away), NONE},
    {"listener_connections_shed_total", "counter", "Client connections that gave their place up to new ones.",
     OF(listener_metrics, shed), NONE},
    {"listener_tunnels_total", "counter", "Tunnels: TCP connections, CONNECT and upgrades such as WebSocket.",
     OF(listener_metrics, tunnels_begun), NONE},
    {"listener_tunnels", "gauge", "Tunnels that are open.", OF(listener_metrics, tunnels_begun),
     OF(listener_metrics, tunnels_ended)},
    {"listener_received_bytes_total", "counter", "Bytes of bodies and tunnels that came from clients.",
     OF(listener_metrics, traffic.bytes_in), NONE},
    {"listener_sent_bytes_total", "counter", "Bytes of bodies and tunnels that went to clients.",
     OF(listener_metrics, traffic.bytes_out), NONE},
};

static const struct family of_routes[] = {
    {"route_received_bytes_total", "counter", "Bytes of bodies that came from clients.",
     OF(route_metrics, traffic.bytes_in), NONE},
    {"route_sent_bytes_total", "counter", "Bytes of bodies that went to clients.",
     OF(route_metrics, traffic.bytes_out), NONE},
};

static const struct family of_upstreams[] = {
    {"upstream_connections_idle", "gauge", "Connections to servers that are kept for the next request.",
     OF(upstream_metrics, idle), NONE},
    {"upstream_connections_reused_total", "counter", "Requests that were sent on a kept connection.",
     OF(upstream_metrics, reused), NONE},
    {"upstream_retries_refused_total", "counter",
     "Requests that were not sent once more for want of a budget.", OF(upstream_metrics, retries_refused),
     NONE},
    {"upstream_retries_total", "counter", "Requests that were sent once more.", OF(upstream_metrics, retries),
     NONE},
    {"upstream_hedges_total", "counter", "Requests that went to a second server while the first was slow.",
     OF(upstream_metrics, hedges), NONE},
    {"upstream_hedges_won_total", "counter", "Requests that the second server answered first.",
     OF(upstream_metrics, hedges_won), NONE},
    {"upstream_names_asked_total", "counter", "Look-ups of servers' names.",
     OF(upstream_metrics, names_asked), NONE},
    {"upstream_names_failed_total", "counter", "Look-ups of servers' names that failed.",
     OF(upstream_metrics, names_failed), NONE},
    {"upstream_names_failing", "gauge", "Servers' names whose last look-up failed.",
     OF(upstream_metrics, names_failing), NONE},
};

static const struct family of_servers[] = {
    {"server_connections_active", "gauge", "Connections to the server that are in use.",
     OF(server_metrics, active), NONE},
    {"server_connects_total", "counter", "Connections that were made to the server.",
     OF(server_metrics, connects), NONE},
    {"server_connect_failures_total", "counter", "Attempts to connect to the server that failed.",
     OF(server_metrics, connect_failures), NONE},
    {"server_failures_total", "counter", "Requests and tunnels that failed by the server's fault.",
     OF(server_metrics, failures), NONE},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- requests and answers ----------------------------------------------------------------------------------------- */

static const char *const classes[METRICS_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
static const char *const methods[METRICS_METHODS] = {
    [HTTP_METHOD_OTHER] = "other",    [HTTP_METHOD_GET] = "GET",         [HTTP_METHOD_HEAD] = "HEAD",
    [HTTP_METHOD_POST] = "POST",      [HTTP_METHOD_PUT] = "PUT",         [HTTP_METHOD_DELETE] = "DELETE",
    [HTTP_METHOD_PATCH] = "PATCH",    [HTTP_METHOD_OPTIONS] = "OPTIONS", [HTTP_METHOD_TRACE] = "TRACE",
    [HTTP_METHOD_CONNECT] = "CONNECT"};
_Static_assert(HTTP_METHOD_CONNECT == METRICS_METHODS - 1, "a method has no place to be counted");

/* What has occurred, and GET with 2xx in any case, so that there is something to look at. */
static void write_requests(FILE *out, const char *name, struct metrics_set **sets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned method = 0; method < METRICS_METHODS; method++)
            for (unsigned class = 0; class < METRICS_CLASSES; class ++) {
                uint64_t n = total_at(sets[i], OF(traffic, requests) +
                                                   (method * METRICS_CLASSES + class) * sizeof(counter_t));
                if (!n && (method != HTTP_METHOD_GET || class != 2))
                    continue;
                fprintf(out, "greenway_%s{", name);
                owner(out, sets[i]);
                fprintf(out, ",method=\"%s\",code=\"%s\"} %llu\n", methods[method], classes[class],
                        (unsigned long long)n);
            }
}

static void write_responses(FILE *out, const char *name, size_t offset, struct metrics_set **sets,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned class = 1; class < METRICS_CLASSES; class ++) {
            if (total_seen(sets, i))
                continue;
            fprintf(out, "greenway_%s{", name);
            owner(out, sets[i]);
            fprintf(out, ",code=\"%s\"} %llu\n", classes[class],
                    (unsigned long long)total_at(sets[i], offset + class * sizeof(counter_t)));
        }
}

static void write_failures(FILE *out, const char *name, size_t offset, struct metrics_set **sets,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t reason = 0; reason < reason_count; reason++) {
            uint64_t n = total_at(sets[i], offset + reason * sizeof(counter_t));
            const struct reason *r = reason_at(reason);
            if (!n)
                continue;
            fprintf(out, "greenway_%s{", name);
            owner(out, sets[i]);
            fprintf(out, ",reason=\"%s\",directive=\"%s\",side=\"%s\"} %llu\n", r->name, r->directive,
                    reason_side_name(r->side), (unsigned long long)n);
        }
}

static void write_histogram(FILE *out, const char *name, const struct metrics_set *set,
                            const struct histogram_reading *h)
{
    static const int64_t bounds[] = {500,     1000,     2500,     5000,     10000,   25000,
                                     50000,   100000,   250000,   500000,   1000000, 2500000,
                                     5000000, 10000000, 25000000, 100000000}; /* us */
    for (size_t k = 0; k < COUNT(bounds); k++) {
        fprintf(out, "greenway_%s_bucket{", name);
        owner(out, set);
        fprintf(out, ",le=\"%g\"} %llu\n", (double)bounds[k] / 1e6,
                (unsigned long long)histogram_within(h, bounds[k] * 1000));
    }
    fprintf(out, "greenway_%s_bucket{", name);
    owner(out, set);
    fprintf(out, ",le=\"+Inf\"} %llu\ngreenway_%s_sum{", (unsigned long long)h->count, name);
    owner(out, set);
    fprintf(out, "} %.9f\ngreenway_%s_count{", (double)h->sum / 1e9, name);
    owner(out, set);
    fprintf(out, "} %llu\n", (unsigned long long)h->count);
}

static void write_histograms(FILE *out, const char *name, size_t offset, struct metrics_set **sets,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct histogram_reading h = {0};
        total_histogram(sets[i], offset, &h);
        write_histogram(out, name, sets[i], &h);
    }
}

static void write_listeners(FILE *out, const struct metrics_view *v)
{
    size_t n = v->conf->listener_count;
    write_families(out, of_listeners, COUNT(of_listeners), v->listeners, n);
    head(out, "listener_requests_total", "counter",
         "Requests that have ended, by method and class of status.");
    write_requests(out, "listener_requests_total", v->listeners, n);
    head(out, "listener_request_duration_seconds", "histogram",
         "From the first byte of a request to the last of its answer.");
    write_histograms(out, "listener_request_duration_seconds", OF(listener_metrics, traffic.duration),
                     v->listeners, n);
    head(out, "failures_total", "counter",
         "Requests and connections that were refused or failed, by reason and the key of the configuration.");
    write_failures(out, "failures_total", OF(listener_metrics, failures), v->listeners, n);
}

static void write_routes(FILE *out, const struct metrics_view *v)
{
    size_t n = v->conf->route_count;
    if (!n)
        return;
    write_families(out, of_routes, COUNT(of_routes), v->routes, n);
    head(out, "route_requests_total", "counter", "Requests that have ended, by method and class of status.");
    write_requests(out, "route_requests_total", v->routes, n);
    head(out, "route_request_duration_seconds", "histogram",
         "From the first byte of a request to the last of its answer.");
    write_histograms(out, "route_request_duration_seconds", OF(route_metrics, traffic.duration), v->routes,
                     n);
}

static void write_upstreams(FILE *out, const struct metrics_view *v)
{
    size_t n = v->conf->upstream_count;
    if (!n)
        return;
    write_families(out, of_upstreams, COUNT(of_upstreams), v->upstreams, n);
    head(out, "upstream_connect_duration_seconds", "histogram",
         "Until a new connection to a server stood, looking its name up included.");
    write_histograms(out, "upstream_connect_duration_seconds", OF(upstream_metrics, connect), v->upstreams,
                     n);
    head(out, "upstream_queue_seconds", "histogram",
         "Waits of requests for a place at a server, whatever came of them.");
    write_histograms(out, "upstream_queue_seconds", OF(upstream_metrics, queue), v->upstreams, n);
    head(out, "upstream_first_byte_seconds", "histogram",
         "From a connection to a server to the first byte of its answer.");
    for (size_t i = 0; i < n; i++) {
        struct histogram_reading h = {0};
        total_first_byte(v, i, &h);
        write_histogram(out, "upstream_first_byte_seconds", v->upstreams[i], &h);
    }
    head(out, "upstream_failures_total", "counter", "Failures of requests that an upstream was chosen for.");
    write_failures(out, "upstream_failures_total", OF(upstream_metrics, failures), v->upstreams, n);
}

/* A family's samples stand together, so all upstreams' servers go through each table row by row. */
static void write_servers(FILE *out, const struct metrics_view *v)
{
    if (!v->conf->upstream_count)
        return;
    for (const struct family *f = of_servers; f < of_servers + COUNT(of_servers); f++) {
        head(out, f->name, f->type, f->help);
        for (size_t u = 0; u < v->conf->upstream_count; u++)
            for (size_t i = 0; i < v->conf->upstreams[u].server_count; i++)
                if (!total_seen(v->servers[u], i))
                    sample(out, f->name, v->servers[u][i], total_at(v->servers[u][i], f->plus));
    }
    head(out, "server_responses_total", "counter", "Answers of the server, by class of status.");
    for (size_t u = 0; u < v->conf->upstream_count; u++)
        write_responses(out, "server_responses_total", OF(server_metrics, responses), v->servers[u],
                        v->conf->upstreams[u].server_count);
}

/* --- process and workers ------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 5, 6))) static void single(FILE *out, const char *name, const char *type,
                                                         const char *help, const char *format, ...)
{
    va_list arguments;
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s", name, help, name, type, name);
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    putc('\n', out);
}

static void about_certificate(FILE *out, const char *metric, const struct tls_certificate_facts *c,
                              int64_t value)
{
    fprintf(out, "greenway_%s{", metric);
    label(out, "", "listener", c->listener);
    label(out, ",", "name", c->name);
    label(out, ",", "file", c->file);
    fprintf(out, "} %lld\n", (long long)value);
}

static void write_certificate(void *out, const struct tls_certificate_facts *c)
{
    about_certificate(out, "certificate_expires_seconds", c, c->expires);
}

static void write_response(void *out, const struct tls_certificate_facts *c)
{
    if (c->stapling || c->response_expires)
        about_certificate(out, "ocsp_response_expires_seconds", c, c->response_expires);
}

static void write_certificates(FILE *out, const struct process *p)
{
    head(out, "certificate_expires_seconds", "gauge",
         "When a certificate that is in use expires, in seconds since 1970.");
    tls_certificates(p->snapshot->conf, write_certificate, out);
    head(out, "ocsp_response_expires_seconds", "gauge",
         "When the response of OCSP expires that clients get with a certificate, in seconds since 1970; 0: "
         "there is "
         "none.");
    tls_certificates(p->snapshot->conf, write_response, out);
    single(out, "greenway_ocsp_failures_total", "counter",
           "Questions about the revocation of certificates that came to nothing.", " %llu",
           (unsigned long long)atomic_load_explicit(&staple_failures, memory_order_relaxed));
}

static void write_process(FILE *out, const struct process *p)
{
    struct usage usage;
    usage_read(&usage);
    single(out, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.",
           " %lld", (long long)p->metrics->started_clock);
    single(out, "process_cpu_seconds_total", "counter", "Processor time that was used.", " %.2f",
           usage.cpu_seconds);
    single(out, "process_resident_memory_bytes", "gauge", "Memory that is resident.", " %llu",
           (unsigned long long)usage.resident);
    single(out, "process_open_fds", "gauge", "Open descriptors.", " %llu",
           (unsigned long long)usage.descriptors);
    single(out, "process_max_fds", "gauge", "Descriptors that may be open.", " %llu",
           (unsigned long long)usage.descriptors_most);
    single(out, "greenway_build_info", "gauge", "The version, as a label.", "{version=\"%s\"} 1",
           GREENWAY_VERSION);
    single(out, "greenway_workers", "gauge", "Threads that serve connections.", " %u", p->serving);
    single(out, "greenway_reloads_total", "counter", "Reloads of the configuration that succeeded.", " %llu",
           (unsigned long long)atomic_load(&p->reloads.succeeded));
    single(out, "greenway_reloads_failed_total", "counter",
           "Reloads that changed nothing, since something was wrong.", " %llu",
           (unsigned long long)atomic_load(&p->reloads.failed));
    single(out, "greenway_draining", "gauge", "1 while the process lets its connections end.", " %d",
           p->draining);
    single(out, "greenway_connections", "gauge", "Client connections that are open.", " %ld",
           atomic_load(&p->connections));
    single(out, "greenway_connections_max", "gauge", "Client connections that there may be.", " %lld",
           (long long)p->snapshot->conf->max_connections);
    single(out, "greenway_access_log_lines_dropped_total", "counter",
           "Lines of the access log that were lost, since its file was stuck or full.", " %llu",
           (unsigned long long)access_log_dropped(p->log));
}

/* The names of levels and resources are those of the log. */
static void write_overload(FILE *out, const struct overload *o)
{
    static const char *const levels[OVERLOAD_LEVELS] = {[OVERLOAD_HURRY] = "hurry",
                                                        [OVERLOAD_SHED] = "shed",
                                                        [OVERLOAD_REFUSE] = "refuse",
                                                        [OVERLOAD_STOP] = "stop"};
    static const char *const resources[OVERLOAD_RESOURCES] = {
        [OVERLOAD_DESCRIPTORS] = "descriptors", [OVERLOAD_MEMORY] = "memory"};
    head(out, "overload_level", "gauge",
         "What is done about a resource that runs short: 0 nothing, 1 idle clients are hurried, 2 closed, 3 "
         "new ones "
         "refused, 4 reset.");
    for (int i = 0; i < OVERLOAD_RESOURCES; i++)
        fprintf(out, "greenway_overload_level{resource=\"%s\"} %d\n", resources[i],
                (int)overload_level_of_gauge(o, (enum overload_resource)i));
    head(out, "overload_entered_total", "counter", "How often each level was entered from below.");
    for (int i = OVERLOAD_HURRY; i < OVERLOAD_LEVELS; i++)
        fprintf(out, "greenway_overload_entered_total{level=\"%s\"} %llu\n", levels[i],
                (unsigned long long)atomic_load(&o->entered[i]));
    single(out, "greenway_overload_shed_total", "counter", "Idle connections that were closed in overload.",
           " %llu", (unsigned long long)atomic_load(&o->shed));
    single(out, "greenway_overload_refused_total", "counter",
           "Requests and connections that were answered with 503 in overload.", " %llu",
           (unsigned long long)atomic_load(&o->refused));
    single(out, "greenway_overload_reset_total", "counter", "New connections that were reset in overload.",
           " %llu", (unsigned long long)atomic_load(&o->reset));
    single(out, "greenway_memory_limit_bytes", "gauge",
           "Memory that overload is measured by; 0: none is known.", " %lld",
           (long long)atomic_load(&o->gauges[OVERLOAD_MEMORY].limit));
}

static const struct family of_workers[] = {
    {"worker_switches_total", "counter", "Times that a greenlet was given its turn.",
     OF(worker_metrics, turns), NONE},
    {"worker_polls_total", "counter", "Times that the system was asked for events.",
     OF(worker_metrics, polls), NONE},
    {"worker_greenlets", "gauge", "Greenlets that are alive.", OF(worker_metrics, greenlets), NONE},
    {"worker_greenlets_ready", "gauge", "Greenlets that wait for their turn.", OF(worker_metrics, ready),
     NONE},
    {"worker_parked", "gauge", "Descriptors that are waited for without a greenlet.",
     OF(worker_metrics, parked), NONE},
    {"worker_stacks_cached", "gauge", "Stacks that are kept for the next greenlet.",
     OF(worker_metrics, stacks_cached), NONE},
    {"worker_buffers", "gauge", "Buffers of 16 KiB that were made.", OF(worker_metrics, buffers), NONE},
    {"worker_buffers_free", "gauge", "Buffers that nobody uses.", OF(worker_metrics, buffers_free), NONE},
    {"worker_mirror_requests", "gauge", "Copies of requests that are under way to mirrors.",
     OF(worker_metrics, mirrors), NONE},
    {"worker_mirror_answered_total", "counter", "Copies of requests that a mirror answered.",
     OF(worker_metrics, mirrors_answered), NONE},
    {"worker_mirror_failed_total", "counter", "Copies of requests that failed.",
     OF(worker_metrics, mirrors_failed), NONE},
    {"worker_mirror_dropped_total", "counter",
     "Copies of requests that were not sent: too many, or too large.", OF(worker_metrics, mirrors_dropped),
     NONE},
};

static void write_workers(FILE *out, const struct metrics *m)
{
    for (const struct family *f = of_workers; f < of_workers + COUNT(of_workers); f++) {
        head(out, f->name, f->type, f->help);
        for (unsigned i = 0; i < m->worker_count; i++) {
            const counter_t *c = (const counter_t *)(const void *)((const char *)m->workers[i] + f->plus);
            fprintf(out, "greenway_%s{worker=\"%u\"} %llu\n", f->name, i,
                    (unsigned long long)counter_read(c));
        }
    }
}

/* --- health ------------------------------------------------------------------------------------------------------- */

static uint64_t is_up(const struct standing *s)
{
    return standing_state(s, green_now()) == STANDING_UP;
}

static uint64_t ejections(const struct standing *s)
{
    return atomic_load(&s->ejected);
}

static uint64_t changes(const struct standing *s)
{
    return atomic_load(&s->changes);
}

static uint64_t checks(const struct standing *s)
{
    return atomic_load(&s->checks);
}

static uint64_t checks_failed(const struct standing *s)
{
    return atomic_load(&s->checks_failed);
}

static const struct {
    const char *name, *type, *help;
    uint64_t (*read)(const struct standing *s);
} of_standings[] = {
    {"server_up", "gauge", "1 while the server is well: neither down by its health check nor ejected.",
     is_up},
    {"server_ejections_total", "counter", "Times that the server was ejected, since it failed its requests.",
     ejections},
    {"server_health_changes_total", "counter", "Times that the health check found the server up or down.",
     changes},
    {"server_checks_total", "counter", "Health checks of the server that were made.", checks},
    {"server_check_failures_total", "counter", "Health checks of the server that failed.", checks_failed},
};

/* As the configuration has them; those of whom nothing was said are left away. */
static void write_drained(FILE *out, const struct orders *orders)
{
    const struct order *o;
    head(out, "server_drained", "gauge", "1 for a server that an operator has drained or disabled.");
    LIST_FOREACH(o, &orders->list, link)
    {
        fputs("greenway_server_drained{", out);
        label(out, "", "upstream", o->upstream);
        label(out, ",", "server", o->server);
        fprintf(out, "} %d\n", o->duty != SERVER_ENABLED);
    }
}

/* Of each host that a name stands for there is one. */
static void write_health(FILE *out, struct standings *all)
{
    const struct standing *s;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < COUNT(of_standings) && !LIST_EMPTY(&all->list); i++) {
        head(out, of_standings[i].name, of_standings[i].type, of_standings[i].help);
        LIST_FOREACH(s, &all->list, link)
        {
            fprintf(out, "greenway_%s{", of_standings[i].name);
            label(out, "", "upstream", s->upstream);
            label(out, ",", "server", s->server);
            fprintf(out, "} %llu\n", (unsigned long long)of_standings[i].read(s));
        }
    }
    pthread_mutex_unlock(&all->lock);
}

static void write_queues(FILE *out, struct process *p)
{
    const struct conf *conf = p->snapshot->conf;
    uint64_t waiting, active;
    if (conf->upstream_count)
        head(out, "upstream_queue_waiting", "gauge", "Requests that wait for a place at a server.");
    for (size_t i = 0; i < conf->upstream_count; i++) {
        queue_look(&p->standings, conf->upstreams[i].name, &waiting, &active);
        fputs("greenway_upstream_queue_waiting{", out);
        label(out, "", "upstream", conf->upstreams[i].name);
        fprintf(out, "} %llu\n", (unsigned long long)waiting);
    }
}

void exposition_write(FILE *out, struct process *process)
{
    snapshot_count_names(process->snapshot);
    write_process(out, process);
    write_overload(out, &process->overload);
    write_certificates(out, process);
    write_workers(out, process->metrics);
    write_listeners(out, process->snapshot->metrics);
    write_routes(out, process->snapshot->metrics);
    write_upstreams(out, process->snapshot->metrics);
    write_servers(out, process->snapshot->metrics);
    write_health(out, &process->standings);
    write_drained(out, &process->orders);
    write_queues(out, process);
}
