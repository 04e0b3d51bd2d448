/* Sets of counters: made for a configuration, found by name, added to at the end of each request. */
#include "metrics.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CACHE_LINE 64

static const size_t sizes[METRICS_KINDS] = {[METRICS_LISTENER] = sizeof(struct listener_metrics),
                                            [METRICS_ROUTE] = sizeof(struct route_metrics),
                                            [METRICS_UPSTREAM] = sizeof(struct upstream_metrics),
                                            [METRICS_SERVER] = sizeof(struct server_metrics)};

/* --- sets --------------------------------------------------------------------------------------------------------- */

/* Zeroed, on cache lines of its own: workers must not slow one another down. */
static void *block_new(size_t size)
{
    size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *block = aligned_alloc(CACHE_LINE, size);
    return block ? memset(block, 0, size) : NULL;
}

static int compare(const void *one, const void *other)
{
    const struct metrics_set *a = one, *b = other;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = strcmp(a->owner, b->owner);
    return order ? order : strcmp(a->name, b->name);
}

static void set_free(struct metrics_set *set)
{
    for (unsigned i = 0; i < METRICS_WORKERS; i++)
        free(set->by_worker[i]);
    free(set);
}

static struct metrics_set *set_new(struct metrics *m, const struct metrics_set *key)
{
    size_t owner = strlen(key->owner) + 1, name = strlen(key->name) + 1;
    struct metrics_set *set = calloc(1, sizeof *set + owner + name);
    if (!set)
        return NULL;
    char *text = (char *)(set + 1);
    set->kind = key->kind;
    set->owner = memcpy(text, key->owner, owner);
    set->name = memcpy(text + owner, key->name, name);
    if (tsearch(set, &m->sets, compare))
        return set;
    free(set);
    return NULL;
}

static void set_leave(struct metrics *m, struct metrics_set *set)
{
    if (!set || --set->references)
        return;
    tdelete(set, &m->sets, compare);
    set_free(set);
}

/* The set of that name, with a place for each worker. */
static struct metrics_set *set_join(struct metrics *m, enum metrics_kind kind, const char *owner,
                                    const char *name)
{
    struct metrics_set key = {.kind = kind, .owner = owner, .name = name};
    struct metrics_set **found = tfind(&key, &m->sets, compare);
    struct metrics_set *set = found ? *found : set_new(m, &key);
    if (!set)
        return NULL;
    set->references++;
    for (unsigned i = 0; i < m->worker_count; i++)
        if (!set->by_worker[i] && !(set->by_worker[i] = block_new(sizes[kind]))) {
            set_leave(m, set);
            return NULL;
        }
    return set;
}

/* --- views -------------------------------------------------------------------------------------------------------- */

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->started = green_now();
    m->started_clock = time(NULL);
    return m;
}

static int make_workers(struct metrics *m, unsigned workers)
{
    if (workers > METRICS_WORKERS)
        workers = METRICS_WORKERS;
    for (; m->worker_count < workers; m->worker_count++)
        if (!(m->workers[m->worker_count] = block_new(sizeof *m->workers[0])) ||
            !(m->refusals[m->worker_count] = refusals_new())) {
            free(m->workers[m->worker_count]);
            return -1;
        }
    return 0;
}

static int join_servers(struct metrics_view *v, size_t upstream)
{
    const struct conf_upstream *u = &v->conf->upstreams[upstream];
    v->servers[upstream] = calloc(u->server_count + 1, sizeof *v->servers[upstream]);
    if (!v->servers[upstream])
        return -1;
    for (size_t i = 0; i < u->server_count; i++)
        if (!(v->servers[upstream][i] = set_join(v->metrics, METRICS_SERVER, u->name, u->servers[i].text)))
            return -1;
    return 0;
}

static int join_all(struct metrics_view *v)
{
    const struct conf *c = v->conf;
    for (size_t i = 0; i < c->listener_count; i++)
        if (!(v->listeners[i] = set_join(v->metrics, METRICS_LISTENER, "", c->listeners[i].name)))
            return -1;
    for (size_t i = 0; i < c->route_count; i++)
        if (!(v->routes[i] = set_join(v->metrics, METRICS_ROUTE, "", c->routes[i].name)))
            return -1;
    for (size_t i = 0; i < c->upstream_count; i++)
        if (!(v->upstreams[i] = set_join(v->metrics, METRICS_UPSTREAM, "", c->upstreams[i].name)) ||
            join_servers(v, i) < 0)
            return -1;
    return 0;
}

struct metrics_view *metrics_view_new(struct metrics *m, const struct conf *conf, unsigned workers)
{
    struct metrics_view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->metrics = m;
    v->conf = conf;
    v->listeners = calloc(conf->listener_count + 1, sizeof *v->listeners);
    v->routes = calloc(conf->route_count + 1, sizeof *v->routes);
    v->upstreams = calloc(conf->upstream_count + 1, sizeof *v->upstreams);
    v->servers = calloc(conf->upstream_count + 1, sizeof *v->servers);
    if (v->listeners && v->routes && v->upstreams && v->servers && make_workers(m, workers) == 0 &&
        join_all(v) == 0)
        return v;
    metrics_view_free(v);
    return NULL;
}

static void leave_all(struct metrics_view *v, struct metrics_set **sets, size_t count)
{
    for (size_t i = 0; sets && i < count; i++)
        set_leave(v->metrics, sets[i]);
    free(sets);
}

void metrics_view_free(struct metrics_view *v)
{
    if (!v)
        return;
    for (size_t i = 0; v->servers && i < v->conf->upstream_count; i++)
        leave_all(v, v->servers[i], v->conf->upstreams[i].server_count);
    free(v->servers);
    leave_all(v, v->listeners, v->conf->listener_count);
    leave_all(v, v->routes, v->conf->route_count);
    leave_all(v, v->upstreams, v->conf->upstream_count);
    free(v);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->worker_count; i++) {
        free(m->workers[i]);
        refusals_free(m->refusals[i]);
    }
    free(m);
}

/* --- recording ---------------------------------------------------------------------------------------------------- */

static unsigned class_of(int status)
{
    unsigned class = (unsigned)status / 100;
    return class < METRICS_CLASSES ? class : 0;
}

static size_t find_reason(struct worker_metrics *w, const struct access_entry *e)
{
    uintptr_t where = (uintptr_t)e->reason ^ ((uintptr_t)e->directive << 1);
    size_t slot = (where ^ where >> 6 ^ where >> 12) % (sizeof w->reasons / sizeof w->reasons[0]);
    if (w->reasons[slot].name != e->reason || w->reasons[slot].directive != e->directive) {
        w->reasons[slot].name = e->reason; /* reasons and keys are constants: their addresses stay theirs */
        w->reasons[slot].directive = e->directive;
        w->reasons[slot].index = reason_find(e->reason, e->directive);
    }
    return w->reasons[slot].index;
}

static void count_failure(const struct metrics_places *at, const struct access_entry *e)
{
    size_t reason = find_reason(at->view->metrics->workers[at->worker], e);
    enum reason_side side = reason_at(reason)->side;
    refusals_add(at->view->metrics->refusals[at->worker], e, reason);
    counter_add(&at->listener->failures[reason], 1);
    if (e->upstream)
        counter_add(&metrics_upstream(at->view, at->worker, e->upstream)->failures[reason], 1);
    if (at->server && (side == REASON_UPSTREAM || (side == REASON_MESSAGE && e->first_byte)))
        counter_add(&at->server->failures, 1);
}

static void count_bytes(struct traffic *t, const struct access_entry *e)
{
    counter_add(&t->bytes_in, e->bytes_in);
    counter_add(&t->bytes_out, e->bytes_out);
}

static void count_answer(const struct metrics_places *at, const struct access_entry *e, unsigned class)
{
    if (!at->server || !e->first_byte)
        return;
    int64_t waited = e->first_byte - e->connected;
    histogram_count(&at->server->first_byte, histogram_bucket(waited), waited);
    counter_add(&at->server->responses[class], 1);
}

void metrics_request(const struct metrics_places *at, const struct access_entry *e, unsigned method)
{
    unsigned class = class_of(e->status);
    int64_t took = e->ended - e->started;
    unsigned bucket = histogram_bucket(took);
    struct traffic *t = &at->listener->traffic;
    for (;;) { /* the listener's, and the route's */
        counter_add(&t->requests[method][class], 1);
        count_bytes(t, e);
        histogram_count(&t->duration, bucket, took);
        if (!at->route || t == &at->route->traffic)
            break;
        t = &at->route->traffic;
    }
    count_answer(at, e, class);
    if (*e->reason)
        count_failure(at, e);
}

void metrics_tunnel(const struct metrics_places *at, const struct access_entry *e, unsigned method)
{
    unsigned class = class_of(e->status);
    count_bytes(&at->listener->traffic, e);
    if (e->minor >= 0)
        counter_add(&at->listener->traffic.requests[method][class], 1);
    if (at->route) {
        count_bytes(&at->route->traffic, e);
        counter_add(&at->route->traffic.requests[method][class], 1);
    }
    count_answer(at, e, class);
    if (*e->reason)
        count_failure(at, e);
}

void metrics_turned_away(const struct metrics_view *v, unsigned worker, const struct access_entry *e)
{
    const struct metrics_places at = {
        .view = v, .worker = worker, .listener = metrics_listener(v, worker, e->listener)};
    counter_add(&at.listener->turned_away, 1);
    count_failure(&at, e);
}
