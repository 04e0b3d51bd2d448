/* Ejecting servers (outlier.h). */
#include "outlier.h"

#include <stdio.h>

#include "group.h"
#include "latency.h"
#include "observe/error_log.h"

#define DOUBLINGS_MOST 16

bool outlier_measures(const struct conf_upstream *conf)
{
    return conf->balancing.balance.method == CONF_LEAST_TIME || conf->ejection.failure_rate ||
           conf->ejection.latency;
}

bool outlier_is_out(struct standing *s, green_time now)
{
    green_time until = atomic_load_explicit(&s->ejected_until, memory_order_relaxed);
    if (!until)
        return false;
    if (now < until)
        return true;
    atomic_store_explicit(&s->recovered, now, memory_order_relaxed);
    if (atomic_compare_exchange_strong(&s->ejected_until, &until, 0))
        error_log(LOG_LEVEL_NOTICE, "upstream %s: server %s gets requests again, to see how it does",
                  s->upstream, s->server);
    return false;
}

/* --- ejecting ---------------------------------------------------------------------------------------------------------- */

/* Who is ejected must leave others that are well, and not be one too many. */
static bool may_eject(const struct group *g, const struct server *s, green_time now)
{
    size_t out = 1, others = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct server *other = &g->servers[i];
        bool ejected = outlier_is_out(other->standing, now);
        bool down = atomic_load_explicit(&other->standing->down, memory_order_relaxed);
        out += ejected;
        others += other != s && !ejected && !down && other->state->duty == SERVER_ENABLED;
    }
    size_t most = g->count * (size_t)g->conf->ejection.max_share / 100;
    return others && out <= (most ? most : 1);
}

/* Each time in a row for twice as long; one that was well for a while begins anew. */
static int64_t how_long(const struct group *g, struct standing *st, green_time now)
{
    const struct conf_ejection *e = &g->conf->ejection;
    green_time back = atomic_load_explicit(&st->recovered, memory_order_relaxed);
    unsigned before = atomic_load_explicit(&st->ejections, memory_order_relaxed);
    if (!back || now - back > e->time_max)
        before = 0;
    atomic_store_explicit(&st->ejections, before + 1, memory_order_relaxed);
    if (before > DOUBLINGS_MOST || e->time << before > e->time_max)
        return e->time_max;
    return e->time << before;
}

static void eject(struct server *s, green_time now, const char *why)
{
    struct group *g = s->group;
    struct standing *st = s->standing;
    green_time none = 0;
    if (outlier_is_out(st, now) || !may_eject(g, s, now))
        return;
    int64_t time = how_long(g, st, now);
    if (!atomic_compare_exchange_strong(&st->ejected_until, &none, now + time))
        return; /* another worker was faster */
    atomic_store_explicit(&st->errors, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&st->ejected, 1, memory_order_relaxed);
    error_log(LOG_LEVEL_WARNING, "upstream %s: server %s gets no requests for %.3g s: %s", st->upstream,
              st->server, (double)time / 1e9, why);
    standings_changed(st->all);
}

/* --- judging ----------------------------------------------------------------------------------------------------------- */

static void judge_errors(struct server *s, green_time now, const char *failed)
{
    const struct conf_ejection *e = &s->group->conf->ejection;
    struct standing *st = s->standing;
    char why[128];
    green_time back = atomic_load_explicit(&st->recovered, memory_order_relaxed);
    unsigned errors = atomic_fetch_add_explicit(&st->errors, 1, memory_order_relaxed) + 1;
    bool on_probation = atomic_load_explicit(&st->ejections, memory_order_relaxed) && now - back < e->time;
    if (!e->after || (errors < e->after && !on_probation))
        return;
    if (on_probation)
        snprintf(why, sizeof why, "it has just come back, and failed (%s)", failed);
    else
        snprintf(why, sizeof why, "%u failures in a row (%s)", errors, failed);
    eject(s, now, why);
}

/* What the others' answers take, on average, now. -1: there are none. */
static int64_t latency_of_others(const struct group *g, const struct server *s, green_time now)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct standing *other = g->servers[i].standing;
        int64_t latency = latency_now(other, now);
        if (&g->servers[i] == s || !latency || outlier_is_out(other, now))
            continue;
        sum += (double)latency;
        count++;
    }
    return count ? (int64_t)(sum / (double)count) : -1;
}

static void judge_window(struct server *s, unsigned requests, unsigned failures, green_time now)
{
    const struct conf_ejection *e = &s->group->conf->ejection;
    char why[128];
    if (requests < e->volume)
        return;
    if (e->failure_rate && failures * 100.0 >= (double)e->failure_rate * requests) {
        snprintf(why, sizeof why, "%u of its last %u requests failed", failures, requests);
        eject(s, now, why);
    }
    int64_t own = latency_now(s->standing, now), others = latency_of_others(s->group, s, now);
    if (e->latency && others > 0 && (double)own > (double)e->latency * (double)others) {
        snprintf(why, sizeof why, "its answers take %.3g ms, those of the others %.3g ms", (double)own / 1e6,
                 (double)others / 1e6);
        eject(s, now, why);
    }
}

/* The worker that ends a window judges what was counted in it. */
static void count_in_window(struct server *s, bool failed, green_time now)
{
    const struct conf_ejection *e = &s->group->conf->ejection;
    struct standing *st = s->standing;
    if (!e->failure_rate && !e->latency)
        return;
    green_time began = atomic_load_explicit(&st->window, memory_order_relaxed);
    atomic_fetch_add_explicit(&st->window_requests, 1, memory_order_relaxed);
    if (failed)
        atomic_fetch_add_explicit(&st->window_failures, 1, memory_order_relaxed);
    if (now - began < e->window || !atomic_compare_exchange_strong(&st->window, &began, now))
        return;
    unsigned requests = atomic_exchange_explicit(&st->window_requests, 0, memory_order_relaxed);
    unsigned failures = atomic_exchange_explicit(&st->window_failures, 0, memory_order_relaxed);
    if (began)
        judge_window(s, requests, failures, now);
}

void outlier_count(struct server *s, const char *failed, int64_t latency)
{
    struct standing *st = s->standing;
    green_time now = green_turn_time();
    if (!failed)
        atomic_store_explicit(&st->errors, 0, memory_order_relaxed);
    if (s->measured) {
        if (latency >= 0)
            latency_observe(st, latency, now);
        count_in_window(s, failed != NULL, now);
    }
    if (failed)
        judge_errors(s, now, failed);
}
