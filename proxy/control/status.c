/* How the process is: itself, its workers, its listeners. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/call.h"
#include "observe/totals.h"
#include "runtime/connection.h"
#include "runtime/process.h"

/* --- workers ------------------------------------------------------------------------------------------------------ */

struct worker_state {
    green_stats_t hub;
    size_t connections;
    int64_t cpu; /* ns of this thread */
    bool draining;
};

static bool look(struct worker *w, const void *about, void *answer)
{
    struct worker_state *state = answer;
    struct timespec cpu = {0};
    green_hub_stats(&state->hub);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    state->cpu = GREEN_S(cpu.tv_sec) + cpu.tv_nsec;
    state->connections = w->connection_count;
    state->draining = w->draining;
    return true;
}

/* What one worker has served, over all listeners. */
static uint64_t requests_of(const struct metrics_view *v, unsigned worker)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v->conf->listener_count; i++) {
        const struct listener_metrics *m = v->listeners[i]->by_worker[worker];
        for (size_t k = 0; m && k < METRICS_METHODS * METRICS_CLASSES; k++)
            n += counter_read(&m->traffic.requests[k / METRICS_CLASSES][k % METRICS_CLASSES]);
    }
    return n;
}

static int add_worker(const struct process *p, json_t *list, unsigned index, const struct worker_state *state)
{
    json_t *row = json_object();
    int r = json_array_append_new(list, row);
    r |= reply_add_count(row, "worker", index);
    r |= reply_add_text(row, "state", !state ? "no answer" : state->draining ? "draining" : "running");
    if (!state)
        return r;
    r |= reply_add_count(row, "connections", state->connections);
    r |= reply_add_count(row, "requests", requests_of(p->snapshot->metrics, index));
    r |= reply_add_count(row, "greenlets", state->hub.greenlets);
    r |= reply_add_count(row, "ready", state->hub.ready);
    r |= reply_add_count(row, "parked", state->hub.parked);
    r |= reply_add_count(row, "turns", state->hub.switches);
    r |= reply_add_count(row, "polls", state->hub.polls);
    return r | reply_add_seconds(row, "cpu_s", state->cpu);
}

static int add_workers(struct control_call *call)
{
    const struct ask_question question = {.fn = look, .answer_size = sizeof(struct worker_state)};
    struct ask *ask;
    json_t *list = json_array();
    int r = reply_add(call->reply, "workers", list);
    if (r < 0 ||
        ask_workers(&call->process->workers_to_ask, &question, green_in(CONTROL_ASK_TIMEOUT), &ask) < 0)
        return -1;
    for (size_t i = 0; r == 0 && i < ask_count(ask); i++)
        r = add_worker(call->process, list, ask_index(ask, i), ask_answer(ask, i));
    ask_free(ask);
    return r;
}

/* --- the process -------------------------------------------------------------------------------------------------- */

/* Requests of all listeners, and those that ended in a 5xx or without an answer. */
static int add_requests(struct control_call *call)
{
    const struct metrics_view *v = call->process->snapshot->metrics;
    uint64_t requests = 0, failed = 0;
    for (size_t i = 0; i < v->conf->listener_count; i++) {
        for (unsigned class = 0; class < METRICS_CLASSES; class ++)
            requests += total_requests(v->listeners[i], class);
        failed += total_requests(v->listeners[i], 5) + total_requests(v->listeners[i], 0);
    }
    int r = reply_add_count(call->reply, "requests", requests);
    return r | reply_add_count(call->reply, "requests_failed", failed);
}

static int add_limits(struct control_call *call)
{
    const struct process *p = call->process;
    struct usage usage;
    usage_read(&usage);
    int r = reply_add_count(call->reply, "connections", (uint64_t)atomic_load(&p->connections));
    r |= reply_add_count(call->reply, "max_connections", (uint64_t)p->snapshot->conf->max_connections);
    r |= reply_add_count(call->reply, "descriptors", usage.descriptors);
    r |= reply_add_count(call->reply, "max_descriptors", usage.descriptors_most);
    r |= reply_add_count(call->reply, "resident_bytes", usage.resident);
    return r | reply_add_count(call->reply, "access_log_lines_dropped", access_log_dropped(p->log));
}

int call_status(struct control_call *call)
{
    const struct process *p = call->process;
    int r = reply_add_text(call->reply, "version", GREENWAY_VERSION);
    r |= reply_add_count(call->reply, "pid", (uint64_t)getpid());
    r |= reply_add_text(call->reply, "state", p->draining ? "draining" : "running");
    r |= reply_add_seconds(call->reply, "uptime_s", green_now() - p->started);
    r |= reply_add_text(call->reply, "file", p->snapshot->conf->file);
    r |= add_requests(call);
    r |= add_limits(call);
    r |= add_workers(call);
    return r ? call_no_memory(call) : 0;
}

/* --- listeners ---------------------------------------------------------------------------------------------------- */

static json_t *addresses(const struct snapshot *s, size_t listener)
{
    char text[GREEN_ADDRESS_TEXT];
    const char *between = "";
    char *all = NULL;
    size_t size;
    FILE *out = open_memstream(&all, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < s->bind_count; i++) {
        if (s->binds[i].listener != listener)
            continue;
        fprintf(out, "%s%s", between, green_address_text(&s->binds[i].endpoint->address, true, text));
        between = ", ";
    }
    json_t *list = fclose(out) == 0 ? reply_text(span_str(all)) : NULL;
    free(all);
    return list;
}

int reply_add_times(json_t *row, const struct histogram_reading *times)
{
    int64_t half = histogram_percentile(times, 0.5), most = histogram_percentile(times, 0.99);
    int r = reply_add_seconds(row, "time_s", (int64_t)times->sum);
    r |= half < 0 ? reply_add(row, "p50_s", json_null()) : reply_add_seconds(row, "p50_s", half);
    return r | (most < 0 ? reply_add(row, "p99_s", json_null()) : reply_add_seconds(row, "p99_s", most));
}

static int add_traffic(json_t *row, const struct metrics_set *set)
{
    struct histogram_reading times = {0};
    uint64_t requests = 0;
    for (unsigned class = 0; class < METRICS_CLASSES; class ++)
        requests += total_requests(set, class);
    total_histogram(set, offsetof(struct listener_metrics, traffic.duration), &times);
    int r = reply_add_count(row, "requests", requests);
    r |= reply_add_count(row, "failed", total_requests(set, 5) + total_requests(set, 0));
    r |= reply_add_count(row, "bytes_in", TOTAL(set, listener_metrics, traffic.bytes_in));
    r |= reply_add_count(row, "bytes_out", TOTAL(set, listener_metrics, traffic.bytes_out));
    return r | reply_add_times(row, &times);
}

int call_listeners(struct control_call *call)
{
    static const char *const protocols[] = {
        [CONF_HTTP] = "http", [CONF_TCP] = "tcp", [CONF_FORWARD] = "forward"};
    const struct process *p = call->process;
    json_t *list = json_array();
    int r = reply_add(call->reply, "listeners", list);
    for (size_t i = 0; r == 0 && i < p->snapshot->conf->listener_count; i++) {
        const struct conf_listener *conf = &p->snapshot->conf->listeners[i];
        json_t *row = json_object();
        r = json_array_append_new(list, row);
        r |= reply_add_text(row, "listener", conf->name);
        r |= reply_add_text(row, "protocol", protocols[conf->protocol]);
        r |= reply_add_count(row, "connections",
                             (uint64_t)atomic_load(&p->snapshot->listeners[i]->connections));
        r |= reply_add_count(row, "max_connections", (uint64_t)conf->max_connections);
        r |= add_traffic(row, p->snapshot->metrics->listeners[i]);
        r |= reply_add(row, "addresses", addresses(p->snapshot, i));
    }
    return r ? call_no_memory(call) : 0;
}
