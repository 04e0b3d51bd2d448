/* Making snapshots, and letting go of them (snapshot.h). */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counterpart.h"
#include "endpoint.h"
#include "http/demand.h"
#include "load.h"
#include "process.h"
#include "route/rate_table.h"
#include "sources.h"
#include "upstream/names.h"

/* --- listeners ----------------------------------------------------------------------------------------------------- */

static struct listener *listener_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct listener *l = calloc(1, sizeof *l + size);
    if (!l)
        return NULL;
    atomic_init(&l->references, 1);
    memcpy(l->name, name, size);
    return l;
}

static void listener_release(struct listener *l)
{
    if (l && atomic_fetch_sub(&l->references, 1) == 1)
        free(l);
}

static size_t find_before(const struct snapshot *old, const char *name, size_t place)
{
    const struct conf_listener *before = old ? conf_listener_named(old->conf, name, place) : NULL;
    return before ? (size_t)(before - old->conf->listeners) : SNAPSHOT_GONE;
}

static int add_listeners(struct snapshot *s, const struct snapshot *old)
{
    const struct conf *conf = s->conf;
    s->listeners = calloc(conf->listener_count + 1, sizeof *s->listeners);
    s->before = calloc(conf->listener_count + 1, sizeof *s->before);
    if (!s->listeners || !s->before)
        return -1;
    for (size_t i = 0; i < conf->listener_count; i++) {
        size_t before = s->before[i] = find_before(old, conf->listeners[i].name, i);
        if (before != SNAPSHOT_GONE) {
            s->listeners[i] = old->listeners[before];
            atomic_fetch_add(&s->listeners[i]->references, 1);
        } else if (!(s->listeners[i] = listener_new(conf->listeners[i].name))) {
            return -1;
        }
    }
    return 0;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool has_name(const struct conf_server *s)
{
    green_address_t address;
    return !s->is_unix && (s->service || green_address_parse(&address, s->host, s->port) < 0);
}

/* Names that an older snapshot has too are not asked for again. */
static int add_names(struct snapshot *s)
{
    const struct conf *conf = s->conf;
    s->names = calloc(conf->upstream_count + 1, sizeof *s->names);
    if (!s->names)
        return -1;
    for (size_t i = 0; i < conf->upstream_count; i++) {
        const struct conf_upstream *u = &conf->upstreams[i];
        for (size_t k = 0; k < u->server_count; k++) {
            if (!has_name(&u->servers[k]))
                continue;
            if (!s->names[i] && !(s->names[i] = calloc(u->server_count, sizeof *s->names[i])))
                return -1;
            if (!(s->names[i][k] = names_join(&s->process->names, &u->servers[k])))
                return -1;
        }
    }
    return 0;
}

/* Workers leave these counters alone: names are asked for by the main thread, once for all of them. */
void snapshot_count_names(const struct snapshot *s)
{
    for (size_t i = 0; i < s->conf->upstream_count; i++) {
        struct upstream_metrics *counts = metrics_upstream(s->metrics, 0, &s->conf->upstreams[i]);
        uint64_t asked = 0, failed = 0, failing = 0;
        for (size_t k = 0; s->names[i] && k < s->conf->upstreams[i].server_count; k++) {
            const struct name *name = s->names[i][k];
            asked += name ? name_asked(name) : 0;
            failed += name ? name_failed(name) : 0;
            failing += name && name_failing(name);
        }
        counter_set(&counts->names_asked, asked);
        counter_set(&counts->names_failed, failed);
        counter_set(&counts->names_failing, failing);
    }
}

static void leave_names(struct snapshot *s)
{
    for (size_t i = 0; s->names && i < s->conf->upstream_count; i++) {
        for (size_t k = 0; s->names[i] && k < s->conf->upstreams[i].server_count; k++)
            name_leave(s->names[i][k]);
        free(s->names[i]);
    }
    free(s->names);
}

/* --- what is counted for all workers ------------------------------------------------------------------------------ */

/* What a request that comes round again is known by: nobody else may have the same. */
static void choose_name(struct snapshot *s)
{
    const char *configured = s->conf->loops.via.written;
    if (configured)
        snprintf(s->via, sizeof s->via, "%s", configured);
    else
        snprintf(s->via, sizeof s->via, "greenway-%08x",
                 (unsigned)keyed_hash(&s->process->hash_key, 0, "via", 3));
}

/* Who has asked how much is remembered, unless there is to be room for more or fewer. */
static int add_rates(struct snapshot *s, const struct snapshot *old)
{
    if (!demand_has_rates(s->conf))
        return 0;
    if (old && old->rates && old->conf->rate_limit_keys == s->conf->rate_limit_keys)
        s->rates = rate_table_hold(old->rates);
    else
        s->rates = rate_table_new((size_t)s->conf->rate_limit_keys);
    return s->rates ? 0 : -1;
}

static bool counts_sources(const struct conf *conf)
{
    bool any = false;
    for (size_t i = 0; i < conf->listener_count; i++)
        any |= conf->listeners[i].patience.connections_per_source ||
               conf->listeners[i].patience.requests_per_source;
    return any;
}

/* Whoever was counted leaves the same table: it stays for as long as the process. */
static int add_sources(struct snapshot *s)
{
    struct process *p = s->process;
    if (!p->sources && counts_sources(s->conf) &&
        !(p->sources = sources_new(&p->hash_key, (size_t)s->conf->max_connections)))
        return -1;
    s->sources = p->sources;
    return 0;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static size_t bind_count(const struct conf *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->listener_count; i++)
        n += conf->listeners[i].binds;
    return n;
}

struct snapshot *snapshot_new(struct process *p, struct conf *conf, const struct snapshot *old,
                              unsigned workers)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s) {
        conf_free(conf);
        return NULL;
    }
    atomic_init(&s->references, 1);
    s->conf = conf;
    s->process = p;
    s->binds = calloc(bind_count(conf) + 1, sizeof *s->binds);
    s->metrics = metrics_view_new(p->metrics, conf, workers);
    if (!s->metrics || !s->binds || add_listeners(s, old) < 0 || add_rates(s, old) < 0 ||
        add_sources(s) < 0 || add_names(s) < 0) {
        snapshot_release(s);
        return NULL;
    }
    choose_name(s);
    return s;
}

struct snapshot *snapshot_hold(struct snapshot *s)
{
    atomic_fetch_add(&s->references, 1);
    return s;
}

static void snapshot_free(struct snapshot *s)
{
    for (size_t i = 0; i < s->bind_count; i++)
        endpoint_release(s->binds[i].endpoint);
    for (size_t i = 0; s->listeners && i < s->conf->listener_count; i++)
        listener_release(s->listeners[i]);
    if (s->logged)
        access_log_release(s->process->log, s->conf);
    metrics_view_free(s->metrics);
    leave_names(s);
    free(s->binds);
    free(s->listeners);
    free(s->before);
    rate_table_free(s->rates);
    conf_free(s->conf);
    free(s);
}

static void on_free(green_post_t *post)
{
    snapshot_free((struct snapshot *)(void *)((char *)post - offsetof(struct snapshot, free_post)));
}

void snapshot_release(struct snapshot *s)
{
    if (!s || atomic_fetch_sub(&s->references, 1) != 1)
        return;
    if (green_hub() == s->process->hub) {
        snapshot_free(s);
        return;
    }
    s->free_post.fn = on_free;
    green_post(s->process->hub, &s->free_post);
}
