/* Servers of an upstream, and leasing connections to them (group.h). */
#include "group.h"

#include <errno.h>
#include <stdlib.h>

#include "names.h"

/* --- from one configuration to the next -------------------------------------------------------------------------- */

static void use(struct group *g, struct members *m)
{
    g->members = m;
    g->servers = m->servers;
    g->count = m->count;
}

int group_init(struct group *g, const struct conf_upstream *conf, struct name *const *names,
               const struct group *old)
{
    *g = (struct group){.conf = conf, .names = names};
    struct members *m = members_new(g, old);
    if (!m)
        return -ENOMEM;
    use(g, m);
    return 0;
}

void group_count(struct group *g, const struct metrics_view *metrics, unsigned worker)
{
    g->metrics = metrics;
    g->worker = worker;
    g->counts = metrics_upstream(metrics, worker, g->conf);
    for (size_t i = 0; i < g->count; i++)
        g->servers[i].counts = metrics_server(metrics, worker, g->conf, g->servers[i].conf);
}

void group_tell_counts(const struct group *g)
{
    counter_set(&g->counts->idle, (uint64_t)g->idle_count);
    counter_set(&g->counts->reused, g->reused);
}

/* Turns go on where they were with these servers; idle connections are the group's. */
static void take_over(struct group *g, const struct server *before, size_t count)
{
    g->idle_count = 0;
    g->withheld = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        for (size_t k = 0; k < count; k++)
            if (before[k].state == state)
                g->servers[i].current_weight = before[k].current_weight;
        state->group = g;
        g->idle_count += state->idle_count;
        g->withheld += state->duty != SERVER_ENABLED;
    }
}

void group_settle(struct group *g, const struct group *old)
{
    g->settled = true;
    if (old)
        g->reused = old->reused;
    take_over(g, old ? old->servers : NULL, old ? old->count : 0);
}

static void leave(struct server_state *state)
{
    pool_close(state);
    state->group = NULL;
}

void group_follow_names(struct group *g)
{
    if (!g->names || !g->settled || !members_outdated(g))
        return;
    struct members *before = g->members, *now = members_new(g, g);
    if (!now)
        return; /* those of before will do until there is memory */
    for (size_t i = 0; i < before->count; i++)
        before->servers[i].state->group = NULL;
    use(g, now);
    g->generation++;
    if (g->metrics)
        group_count(g, g->metrics, g->worker);
    take_over(g, before->servers, before->count);
    for (size_t i = 0; i < before->count; i++)
        if (!before->servers[i].state->group)
            leave(before->servers[i].state);
    members_release(before);
}

void group_close_idle(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        pool_close(g->servers[i].state);
}

void group_retire(struct group *g)
{
    g->settled = false;
    for (size_t i = 0; i < g->count; i++)
        if (g->servers[i].state->group == g)
            leave(g->servers[i].state);
}

void group_destroy(struct group *g)
{
    members_release(g->members);
}

/* --- an operator's word ------------------------------------------------------------------------------------------- */

void server_set_duty(struct server *s, enum server_duty duty)
{
    struct group *g = s->group;
    g->withheld += (size_t)(duty != SERVER_ENABLED) - (size_t)(s->state->duty != SERVER_ENABLED);
    s->state->duty = duty;
    if (duty != SERVER_ENABLED)
        pool_close(s->state);
    group_begin_turns_anew(g);
}

void server_set_weight(struct server *s, int64_t weight)
{
    s->state->weight = s->weight = weight;
    group_begin_turns_anew(s->group);
}

/* --- leases ---------------------------------------------------------------------------------------------------------- */

static void begin_lease(struct upstream_connection *c, struct members *members)
{
    c->leased = true;
    c->members = members_hold(members);
    c->state->active++;
    c->state->leases++;
}

/* The members go last: the connection's state may go with them. */
static struct members *end_lease(struct upstream_connection *c)
{
    c->state->active--;
    c->leased = false;
    return c->members;
}

/* Until a name has an answer nobody knows whether there is a server. */
static int wait_for_names(struct group *g, struct connect_failure *failure)
{
    const struct conf_server *server;
    int error = 0;
    group_follow_names(g);
    struct name *name = g->count ? NULL : members_missing(g, &server, &error);
    if (!name)
        return 0;
    int r = name_wait(name, green_in(g->conf->timeout_connect));
    group_follow_names(g);
    if (g->count || (r == 0 && !members_missing(g, &server, &error)))
        return 0;
    connect_explain(failure, r < 0 ? r : error, true);
    failure->server = server;
    if (!failure->directive)
        failure->directive = "server";
    return failure->code;
}

static void note_tried(struct group *g, struct lease_request *request, const struct server *s,
                       const struct members *members)
{
    if (g->members == members)
        tried_add(&request->tried, s);
}

/* A new connection; the servers must not go while it is made. */
static int connect_in(struct members *members, struct server *s, const struct lease_request *request,
                      struct upstream_connection **out, struct connect_failure *failure)
{
    int r = connect_server(s, request->client, out, failure);
    if (r >= 0) {
        begin_lease(*out, members);
        return 0;
    }
    failure->server = s->conf;
    if (!failure->directive)
        failure->directive = "server";
    return r;
}

int group_lease(struct group *g, struct lease_request *request, struct upstream_connection **out,
                struct connect_failure *failure)
{
    struct server *s;
    int r = g->names ? wait_for_names(g, failure) : 0;
    if (r < 0)
        return r;
    *failure = (struct connect_failure){.status = 503,
                                        .reason = g->withheld == g->count ? "servers_disabled" : "no_server",
                                        .error = "destination_unavailable",
                                        .directive = "server"};
    for (;;) {
        if (request->generation != g->generation) { /* names stand for others: all may be tried */
            request->generation = g->generation;
            request->tried.count = 0;
        }
        if (r == -ECANCELED || !(s = group_choose(g, &request->tried)))
            return failure->code ? failure->code : -EHOSTUNREACH;
        struct upstream_connection *c = request->pooled ? pool_take(s) : NULL;
        if (c) {
            g->reused++;
            begin_lease(c, g->members);
            *out = c;
            return 0;
        }
        struct members *members = members_hold(g->members);
        r = connect_in(members, s, request, out, failure);
        if (r < 0)
            note_tried(g, request, s, members);
        members_release(members);
        if (r == 0)
            return 0;
    }
}

void group_return(struct upstream_connection *c, int32_t announced)
{
    struct members *members = c->leased ? end_lease(c) : NULL;
    if (!pool_keep(c, announced))
        group_discard(c);
    members_release(members);
}

void group_discard(struct upstream_connection *c)
{
    struct members *members = c->leased ? end_lease(c) : NULL;
    struct wire wire = upstream_wire(c);
    pool_leave(c);
    wire_close(&wire, true);
    free(c);
    members_release(members);
}

void group_take_wire(struct upstream_connection *c)
{
    struct members *members = c->leased ? end_lease(c) : NULL;
    free(c);
    members_release(members);
}
