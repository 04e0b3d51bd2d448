/* Servers of an upstream, and leasing connections to them (group.h). */
#include "group.h"

#include <errno.h>
#include <stdlib.h>

/* --- from one configuration to the next -------------------------------------------------------------------------- */

int group_init(struct group *g, const struct conf_upstream *conf, const struct group *old)
{
    *g = (struct group){.conf = conf};
    g->servers = calloc(conf->server_count, sizeof *g->servers);
    if (!g->servers)
        return -ENOMEM;
    for (size_t i = 0; i < conf->server_count; i++) {
        struct server_state *state = server_state_hold(g, old, &conf->servers[i]);
        if (!state)
            return -ENOMEM;
        g->servers[g->count++] =
            (struct server){.conf = &conf->servers[i],
                            .group = g,
                            .state = state,
                            .weight = state->weight ? state->weight : conf->servers[i].weight};
    }
    return 0;
}

void group_count(struct group *g, const struct metrics_view *metrics, unsigned worker)
{
    g->counts = metrics_upstream(metrics, worker, g->conf);
    for (size_t i = 0; i < g->count; i++)
        g->servers[i].counts = metrics_server(metrics, worker, g->conf, g->servers[i].conf);
}

void group_tell_counts(const struct group *g)
{
    counter_set(&g->counts->idle, (uint64_t)g->idle_count);
    counter_set(&g->counts->reused, g->reused);
}

void group_settle(struct group *g, const struct group *old)
{
    if (old)
        g->reused = old->reused;
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        for (size_t k = 0; old && k < old->count; k++)
            if (old->servers[k].state == state)
                g->servers[i].current_weight = old->servers[k].current_weight;
        state->group = g;
        g->idle_count += state->idle_count;
        g->withheld += state->duty != SERVER_ENABLED;
    }
}

void group_close_idle(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        pool_close(g->servers[i].state);
}

void group_retire(struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        if (state->group != g)
            continue;
        pool_close(state);
        state->group = NULL;
    }
}

void group_destroy(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        server_state_release(g->servers[i].state);
    free(g->servers);
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

static void begin_lease(struct upstream_connection *c)
{
    c->leased = true;
    c->state->active++;
    c->state->leases++;
}

static void end_lease(struct upstream_connection *c)
{
    if (!c->leased)
        return;
    c->leased = false;
    c->state->active--;
}

int group_lease(struct group *g, struct lease_request *request, struct upstream_connection **out,
                struct connect_failure *failure)
{
    struct server *s;
    *failure = (struct connect_failure){.status = 503,
                                        .reason = g->withheld == g->count ? "servers_disabled" : "no_server",
                                        .error = "destination_unavailable",
                                        .directive = "server"};
    while ((s = group_choose(g, &request->tried))) {
        struct upstream_connection *c = request->pooled ? pool_take(s) : NULL;
        int r = 0;
        if (c)
            g->reused++;
        else
            r = connect_server(s, request->client, &c, failure);
        if (r >= 0) {
            begin_lease(c);
            *out = c;
            return 0;
        }
        failure->server = s->conf;
        if (!failure->directive)
            failure->directive = "server";
        tried_add(&request->tried, s);
        if (r == -ECANCELED)
            break;
    }
    return failure->code ? failure->code : -EHOSTUNREACH;
}

void group_return(struct upstream_connection *c, int32_t announced)
{
    end_lease(c);
    if (!pool_keep(c, announced))
        group_discard(c);
}

void group_discard(struct upstream_connection *c)
{
    pool_leave(c);
    end_lease(c);
    struct wire wire = upstream_wire(c);
    wire_close(&wire, true);
    free(c);
}

void group_take_wire(struct upstream_connection *c)
{
    end_lease(c);
    free(c);
}
