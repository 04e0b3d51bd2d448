/* Servers of an upstream: choosing one, connecting to it, keeping idle connections. */
#include "group.h"

#include <errno.h>
#include <stdlib.h>

#include "counterpart.h"
#include "tcp/announced.h"
#include "tls/client.h"

/* --- from one configuration to the next -------------------------------------------------------------------------- */

static bool is_taken(const struct group *g, const struct server_state *state)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->servers[i].state == state)
            return true;
    return false;
}

static const struct server *find_server(const struct group *g, const struct group *old,
                                        const struct conf_server *conf)
{
    /* Connections that were made in another way are of no use. */
    bool same = old && conf_tls_upstream_same(&old->conf->tls, &g->conf->tls) &&
                old->conf->send_proxy == g->conf->send_proxy;
    for (size_t i = 0; same && i < old->count; i++)
        if (conf_server_same(old->servers[i].conf, conf) && !is_taken(g, old->servers[i].state))
            return &old->servers[i];
    return NULL;
}

static struct server_state *state_of(const struct group *g, const struct group *old,
                                     const struct conf_server *conf)
{
    const struct server *before = find_server(g, old, conf);
    struct server_state *state = before ? before->state : calloc(1, sizeof *state);
    if (!state)
        return NULL;
    if (!before)
        TAILQ_INIT(&state->idle);
    state->references++;
    return state;
}

int group_init(struct group *g, const struct conf_upstream *conf, const struct group *old)
{
    *g = (struct group){.conf = conf};
    g->servers = calloc(conf->server_count, sizeof *g->servers);
    if (!g->servers)
        return -ENOMEM;
    for (size_t i = 0; i < conf->server_count; i++) {
        struct server_state *state = state_of(g, old, &conf->servers[i]);
        if (!state)
            return -ENOMEM;
        g->servers[g->count++] = (struct server){.conf = &conf->servers[i], .group = g, .state = state};
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

static void count_name(struct group *g, int result)
{
    if (!g->counts)
        return;
    counter_add(&g->counts->names_asked, 1);
    if (result < 0)
        counter_add(&g->counts->names_failed, 1);
}

static void count_connect(struct server *s, green_time began, int result)
{
    if (!s->counts)
        return;
    if (result < 0) {
        counter_add(&s->counts->connect_failures, 1);
        return;
    }
    int64_t took = green_now() - began;
    counter_add(&s->counts->connects, 1);
    histogram_count(&s->group->counts->connect, histogram_bucket(took), took);
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
    }
}

/* --- idle connections --------------------------------------------------------------------------------------------- */

static void leave_pool(struct upstream_connection *c)
{
    if (!c->idle)
        return;
    TAILQ_REMOVE(&c->state->idle, c, link);
    c->state->idle_count--;
    if (c->state->group)
        c->state->group->idle_count--;
    c->idle = false;
}

void group_discard(struct upstream_connection *c)
{
    leave_pool(c);
    struct wire wire = upstream_wire(c);
    wire_close(&wire, true);
    free(c);
}

void group_take_wire(struct upstream_connection *c)
{
    free(c);
}

/* An idle connection may only be silent: an end of input, stray bytes or its deadline end it. */
static void idle_event(void *arg, int status)
{
    struct upstream_connection *c = arg;
    struct wire wire = upstream_wire(c);
    bool silent = status == 0 && wire_silent(&wire);
    if (silent && c->idle && green_park_readable(c->fd, idle_event, c, c->expires) == 0)
        return;
    group_discard(c);
}

int64_t group_keep_time(int64_t keep, int32_t announced)
{
    if (announced < 0)
        return keep;
    /* The peer counts from when it sent its answer: stay clear of that moment. */
    int64_t promised = GREEN_S(announced) - GREEN_S(announced) / 8 - GREEN_MS(200);
    return promised < keep ? promised : keep;
}

void group_return(struct upstream_connection *c, int32_t announced)
{
    struct group *g = c->state->group;
    const struct conf_upstream *conf = g ? g->conf : NULL;
    int64_t keep = g ? group_keep_time(conf->timeout_idle, announced) : 0;
    if (keep <= 0 || g->idle_count >= conf->keepalive || c->uses >= conf->keepalive_requests) {
        group_discard(c);
        return;
    }
    c->expires = green_turn_time() + keep;
    c->reused = true;
    struct wire wire = upstream_wire(c);
    if (c->tls && c->uses == 1)
        tls_client_keep(c->tls, &c->state->session);
    wire_rest(&wire);
    if (wire_holds_input(&wire) || green_park_readable(c->fd, idle_event, c, c->expires) < 0) {
        group_discard(c);
        return;
    }
    c->idle = true;
    c->state->idle_count++;
    g->idle_count++;
    TAILQ_INSERT_HEAD(&c->state->idle, c, link);
}

static void close_idle(struct server_state *state)
{
    struct upstream_connection *c;
    while ((c = TAILQ_FIRST(&state->idle))) {
        leave_pool(c);
        if (green_unpark(c->fd))
            group_discard(c); /* else its greenlet is on the way and does it */
    }
}

void group_close_idle(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        close_idle(g->servers[i].state);
}

void group_retire(struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        if (state->group != g)
            continue;
        close_idle(state);
        state->group = NULL;
    }
}

void group_destroy(struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct server_state *state = g->servers[i].state;
        if (--state->references)
            continue;
        green_tls_session_free(state->session);
        free(state); /* it was retired with its last group */
    }
    free(g->servers);
}

static struct upstream_connection *take_idle(struct server *s)
{
    struct upstream_connection *c;
    green_time now = green_turn_time();
    while ((c = TAILQ_FIRST(&s->state->idle))) {
        leave_pool(c);
        if (!green_unpark(c->fd))
            continue; /* something happened to it: its greenlet is on the way and closes it */
        c->server = s;
        if (c->expires > now)
            return c;
        group_discard(c);
    }
    return NULL;
}

/* --- choosing ------------------------------------------------------------------------------------------------------------ */

/* Smooth weighted round robin over the servers that were not tried yet: each gains its weight, the richest is taken
 * and pays the sum. */
static struct server *next_server(struct group *g, uint64_t tried)
{
    struct server *best = NULL;
    int64_t total = 0;
    if (g->count == 1)
        return tried ? NULL : &g->servers[0];
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        if (i < GROUP_TRIED_MAX && (tried & (UINT64_C(1) << i)))
            continue;
        total += s->conf->weight;
        s->current_weight += s->conf->weight;
        if (!best || s->current_weight > best->current_weight)
            best = s;
    }
    if (best)
        best->current_weight -= total;
    return best;
}

/* --- connecting ---------------------------------------------------------------------------------------------------------- */

static int connect_any(const green_dns_answer_t *answer, green_time deadline)
{
    int fd = -ECONNREFUSED;
    for (size_t i = 0; i < answer->count && fd < 0 && fd != -ECANCELED; i++)
        fd = green_connect(&answer->addresses[i], deadline);
    return fd;
}

/* A new socket to a server, or an error; *resolving tells in which phase. */
static int connect_server(const struct server *s, bool *resolving)
{
    green_time deadline = green_in(s->group->conf->timeout_connect);
    green_address_t address;
    green_dns_answer_t *answer;
    *resolving = false;
    if (green_address_parse(&address, s->conf->host, s->conf->port) == 0)
        return green_connect(&address, deadline);
    *resolving = true;
    int r = green_resolve(s->conf->host, s->conf->port, AF_UNSPEC, &answer, deadline);
    count_name(s->group, r);
    if (r < 0)
        return r;
    *resolving = false;
    r = connect_any(answer, deadline);
    green_dns_release(answer);
    return r;
}

void connect_explain(struct connect_failure *f, int code, bool resolving)
{
    *f = (struct connect_failure){.status = 502, .code = code};
    if (code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS || code == -EADDRNOTAVAIL) {
        f->status = 503;
        f->reason = "connect_no_resources";
        f->error = "proxy_internal_error";
    } else if (resolving) {
        f->status = code == -ETIMEDOUT ? 504 : 502;
        f->reason = code == -ETIMEDOUT ? "dns_timeout" : "dns_failed";
        f->error = code == -ETIMEDOUT ? "dns_timeout" : "dns_error";
    } else if (code == -ETIMEDOUT) {
        f->status = 504;
        f->reason = "connect_timeout";
        f->error = "connection_timeout";
    } else if (code == -ECONNREFUSED) {
        f->reason = "connect_failed";
        f->error = "connection_refused";
    } else {
        f->reason = "connect_failed";
        f->error = "destination_unavailable";
    }
    f->directive = code == -ETIMEDOUT ? "timeout_connect" : NULL;
}

/* Before everything else. Not inline: only who needs the space on the stack pays for it. */
static __attribute__((noinline)) int send_header(const struct group *g, const struct connection *client,
                                                 int fd, green_time deadline)
{
    char header[PROXY_WRITE_BYTES];
    size_t n = announce(g->conf, client, header);
    return green_write_all(fd, header, n, NULL, deadline);
}

/* What a fresh socket needs before it can be used: 0 or an error, and it is closed. */
static int set_up(struct server *s, const struct connection *client, int fd, green_stream_t **tls,
                  struct connect_failure *failure, green_time deadline)
{
    const struct conf_upstream *conf = s->group->conf;
    int r = conf->send_proxy == CONF_SEND_PROXY_OFF ? 0 : send_header(s->group, client, fd, deadline);
    if (r < 0) {
        green_close(fd);
        connect_explain(failure, r, false);
        return r;
    }
    return conf->tls.client
               ? tls_client_connect(conf->tls.client, s->conf, fd, &s->state->session, tls, failure, deadline)
               : 0;
}

static int lease(struct group *g, const struct connection *client, bool pooled, uint64_t *tried,
                 struct upstream_connection **out, struct connect_failure *failure)
{
    struct server *s;
    *failure = (struct connect_failure){
        .status = 503, .reason = "no_server", .error = "destination_unavailable", .directive = "server"};
    for (size_t turns = 0; turns < g->count && (s = next_server(g, *tried)); turns++) {
        struct upstream_connection *c = pooled ? take_idle(s) : NULL;
        if (c) {
            g->reused++;
            *out = c;
            return 0;
        }
        bool resolving, refused = false; /* after it was connected */
        green_stream_t *tls = NULL;
        green_time deadline = green_in(g->conf->timeout_connect);
        green_time began = green_now();
        int fd = connect_server(s, &resolving);
        if (fd >= 0) {
            int r = set_up(s, client, fd, &tls, failure, deadline);
            refused = r < 0;
            fd = r < 0 ? r : fd;
        }
        count_connect(s, began, fd);
        if (fd >= 0) {
            c = calloc(1, sizeof *c);
            if (!c) {
                wire_close(&(struct wire){fd, tls}, true);
                return -ENOMEM;
            }
            c->server = s;
            c->state = s->state;
            c->fd = fd;
            c->tls = tls;
            *out = c;
            return 0;
        }
        if (!refused)
            connect_explain(failure, fd, resolving);
        failure->server = s->conf;
        if (!failure->directive)
            failure->directive = "server";
        size_t index = (size_t)(s - g->servers);
        if (index < GROUP_TRIED_MAX)
            *tried |= UINT64_C(1) << index;
        if (fd == -ECANCELED)
            break;
    }
    return failure->code ? failure->code : -EHOSTUNREACH;
}

int group_lease(struct group *g, bool pooled, uint64_t *tried, struct upstream_connection **out,
                struct connect_failure *failure)
{
    return lease(g, NULL, pooled, tried, out, failure);
}

int group_lease_for(struct group *g, const struct connection *client, uint64_t *tried,
                    struct upstream_connection **out, struct connect_failure *failure)
{
    return lease(g, client, false, tried, out, failure);
}
