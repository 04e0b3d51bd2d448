/* Servers of an upstream, and leasing connections to them (group.h). */
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "outlier.h"

/* --- from one configuration to the next -------------------------------------------------------------------------- */

static void use(struct group *g, struct members *m)
{
    g->members = m;
    g->servers = m->servers;
    g->count = m->count;
}

/* Does the choice, or a limit, depend on how much is in use? */
static bool shares_counts(const struct conf_upstream *conf)
{
    const struct conf_balancing *b = &conf->balancing;
    enum conf_balance_method method = b->balance.method;
    return method == CONF_LEAST_CONNECTIONS || method == CONF_LEAST_TIME || method == CONF_RANDOM_TWO ||
           (method == CONF_HASH && b->hash_balance_factor);
}

int group_init(struct group *g, const struct conf_upstream *conf, struct standings *standings,
               struct name *const *names, const struct group *old)
{
    *g = (struct group){
        .conf = conf, .standings = standings, .names = names, .shares_counts = shares_counts(conf)};
    g->limited = places_are_limited(conf);
    g->queue = queue_hold(standings, conf->name);
    if (conf->hedge_after.percent && !(g->usual = calloc(1, sizeof *g->usual)))
        return -ENOMEM;
    struct members *m = g->queue && wanted_init(g, old) == 0 ? members_new(g, old) : NULL;
    if (!m)
        return -ENOMEM;
    use(g, m);
    return balance_init(g);
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
    for (size_t i = 0, k = 0; i < g->conf->server_count; i++) { /* servers are in the order of their lines */
        const struct conf_server *conf = &g->conf->servers[i];
        uint64_t active = 0;
        for (; k < g->count && g->servers[k].conf == conf; k++)
            active += g->servers[k].state->active;
        counter_set(&metrics_server(g->metrics, g->worker, g->conf, conf)->active, active);
    }
}

/* Idle connections are the group's from now on. */
static void take_over(struct group *g)
{
    g->idle_count = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        state->group = g;
        g->idle_count += state->idle_count;
    }
    places_configure(g);
}

void group_settle(struct group *g, const struct group *old)
{
    g->settled = true;
    if (old) {
        g->reused = old->reused;
        balance_follow(g, old);
    }
    take_over(g);
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
    struct group old = *g;
    struct members *before = g->members, *now = members_new(g, g);
    if (!now)
        return; /* those of before will do until there is memory */
    use(g, now);
    if (balance_init(g) < 0) {
        balance_destroy(g);
        *g = old;
        members_release(now);
        return;
    }
    balance_follow(g, &old);
    balance_destroy(&old);
    for (size_t i = 0; i < before->count; i++)
        before->servers[i].state->group = NULL;
    g->generation++;
    if (g->metrics)
        group_count(g, g->metrics, g->worker);
    take_over(g);
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
    balance_destroy(g);
    members_release(g->members);
    wanted_destroy(g);
    if (g->queue)
        queue_release(g->queue);
    free(g->usual);
}

/* --- an operator's word ------------------------------------------------------------------------------------------- */

void server_set_duty(struct server *s, enum server_duty duty)
{
    s->state->duty = duty;
    if (duty != SERVER_ENABLED)
        pool_close(s->state);
    balance_unsettle(&s->group->balance);
}

void server_set_weight(struct server *s, int64_t weight)
{
    s->state->weight = weight;
    s->weight = weight ? weight : s->given_weight;
}

/* --- leases ---------------------------------------------------------------------------------------------------------- */

static void begin_lease(struct upstream_connection *c, struct members *members)
{
    c->leased = true;
    c->members = members_hold(members);
    c->state->active++;
    c->state->leases++;
    c->placed = c->server->group->limited;
    if (c->placed || !c->server->group->shares_counts)
        return;
    c->counted = true;
    atomic_fetch_add_explicit(&c->state->standing->active, 1, memory_order_relaxed);
}

/* The members go last: the connection's state may go with them. */
static struct members *end_lease(struct upstream_connection *c)
{
    c->state->active--;
    c->leased = false;
    if (c->counted)
        atomic_fetch_sub_explicit(&c->state->standing->active, 1, memory_order_relaxed);
    c->counted = false;
    if (c->placed)
        place_give_back(c->state);
    c->placed = false;
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
    request->used++;
    if (g->members == members)
        tried_add(&request->tried, s);
}

void lease_request_failed(struct lease_request *request, const struct upstream_connection *c)
{
    note_tried(c->server->group, request, c->server, c->members);
}

static bool may_try_again(const struct group *g, const struct lease_request *request)
{
    const struct conf_retries *rules = &g->conf->retries;
    return rules->on.connect_failure && request->used <= (uint64_t)rules->most;
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
    if (r != -ECANCELED && strcmp(failure->reason, "connect_no_resources") != 0)
        server_report(s, failure->reason, -1);
    return r;
}

/* There was none to begin with. */
static int no_server(const struct group *g, struct connect_failure *failure)
{
    size_t enabled = 0;
    for (size_t i = 0; i < g->count; i++)
        enabled += g->servers[i].state->duty == SERVER_ENABLED;
    bool down = enabled && !g->balance.usable;
    *failure = (struct connect_failure){
        .status = 503,
        .code = -EHOSTUNREACH,
        .reason = g->count && !enabled ? "servers_disabled"
                  : down               ? "servers_down"
                                       : "no_server",
        .error = "destination_unavailable",
        .directive = down ? "health_check" : "server",
    };
    return failure->code;
}

static struct server *choose_once(struct group *g, struct lease_request *request,
                                  struct connect_failure *failure)
{
    return g->limited ? place_choose(g, request, failure) : group_choose(g, request);
}

/* When all that can be had were tried once there is another round. */
static struct server *choose(struct group *g, struct lease_request *request, struct connect_failure *failure)
{
    int code = failure->code;
    struct server *s = choose_once(g, request, failure);
    if (s || failure->code != code || !request->tried.count || request->no_wait)
        return s;
    request->desperate = true;
    s = choose_once(g, request, failure);
    request->desperate = false;
    if (s || failure->code)
        return s;
    request->tried.count = 0; /* all were tried once: there is another round */
    return choose_once(g, request, failure);
}

int group_lease(struct group *g, struct lease_request *request, struct upstream_connection **out,
                struct connect_failure *failure)
{
    struct server *s;
    int r = g->names ? wait_for_names(g, failure) : 0;
    if (r < 0)
        return r;
    failure->code = 0;
    for (;;) {
        if (request->generation != g->generation) { /* names stand for others: all may be tried */
            request->generation = g->generation;
            request->tried.count = 0;
        }
        if (r == -ECANCELED || (failure->code && !may_try_again(g, request)))
            return failure->code;
        s = choose(g, request, failure);
        if (!s)
            return failure->code ? failure->code : no_server(g, failure);
        bool placed = g->limited;
        struct upstream_connection *c = request->pooled ? pool_take(s) : NULL;
        if (c) {
            g->reused++;
            begin_lease(c, g->members);
            *out = c;
            return 0;
        }
        struct members *members = members_hold(g->members);
        r = connect_in(members, s, request, out, failure);
        if (r < 0) {
            request->failed++;
            note_tried(g, request, s, members);
            if (placed)
                place_give_back(s->state);
        }
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

struct upstream_connection *group_take_wire(struct upstream_connection *c)
{
    if (!c->leased) {
        free(c);
        return NULL;
    }
    connect_unwatch(c);
    c->fd = -1;
    c->tls = NULL;
    c->server = NULL; /* it tells of a view that the tunnel may outlive */
    return c;
}

void group_end_tunnel(struct upstream_connection *c)
{
    if (!c)
        return;
    struct members *members = end_lease(c);
    free(c);
    members_release(members);
}
