/* After a 101, or the 200 to a CONNECT, the connection is no longer HTTP: a tunnel carries it, and the log line waits
 * for its end. */
#include "upgrade.h"

#include <stdlib.h>
#include <string.h>

#include "counterpart.h"
#include "load.h"
#include "runtime/process.h"
#include "runtime/sources.h"
#include "tcp/tunnel.h"

/* What is left of an exchange while its tunnel lives. The log's texts are copied behind it, for the buffers that they
 * point into are given back. */
struct upgraded {
    struct connection *connection;
    struct tunnel *tunnel;
    struct access_entry log;
    unsigned method;
    struct metrics_places places;
    green_address_t client; /* what log.client points to */
    green_address_t server_address;
    struct upstream_connection *lease; /* what is left of it */
    struct source_count *counted;
    struct span values[]; /* and the texts */
};

/* How many values a custom format of the log has. */
static size_t value_count(const struct exchange *x)
{
    return x->log.values ? access_log_format(&x->log)->text.count : 0;
}

static size_t text_size(const struct exchange *x)
{
    const struct access_entry *e = &x->log;
    size_t n = value_count(x) * sizeof *e->values;
    for (size_t i = 0; i < value_count(x); i++)
        n += e->values[i].n;
    return n + e->method.n + e->host.n + e->target.n + e->referer.n + e->user_agent.n + e->user.n +
           e->request_id.n + e->trace_id.n + e->span_id.n;
}

static void keep_text(struct span *s, char **at)
{
    if (!s->n)
        return;
    memcpy(*at, s->p, s->n);
    s->p = *at;
    *at += s->n;
}

static struct upgraded *remember(struct exchange *x)
{
    exchange_log_fields(x);
    exchange_log_values(x, access_log_format(&x->log));
    struct upgraded *u = malloc(sizeof *u + text_size(x));
    if (!u)
        return NULL;
    u->connection = x->connection;
    u->log = x->log;
    u->method = x->request.method;
    u->places = (struct metrics_places){.view = x->view->metrics,
                                        .worker = x->worker->index,
                                        .listener = x->connection->counts,
                                        .route = exchange_route_counts(x),
                                        .server = x->served};
    u->client = *exchange_client(x);
    u->log.client = &u->client;
    if (x->log.server_address) {
        u->server_address = *x->log.server_address;
        u->log.server_address = &u->server_address;
    }
    u->counted = x->counted;
    u->lease = NULL;
    struct span *values = u->values;
    char *at = (char *)(values + value_count(x));
    keep_text(&u->log.method, &at);
    keep_text(&u->log.host, &at);
    keep_text(&u->log.target, &at);
    keep_text(&u->log.referer, &at);
    keep_text(&u->log.user_agent, &at);
    keep_text(&u->log.user, &at);
    keep_text(&u->log.request_id, &at);
    keep_text(&u->log.trace_id, &at);
    keep_text(&u->log.span_id, &at);
    for (size_t i = 0; i < value_count(x); i++) {
        values[i] = x->log.values[i];
        keep_text(&values[i], &at);
    }
    u->log.values = x->log.values ? values : NULL;
    return u;
}

static void describe(const struct connection *c, struct connection_facts *facts)
{
    const struct upgraded *u = c->doing;
    facts->state = "tunnel";
    facts->since = u->log.started;
    facts->method = u->log.method;
    facts->host = u->log.host;
    facts->target = u->log.target;
    facts->route = u->log.route ? u->log.route->name : NULL;
    facts->upstream = u->log.upstream ? u->log.upstream->name : NULL;
    facts->server = u->log.server ? u->log.server->text : NULL;
    tunnel_bytes(u->tunnel, &facts->bytes_in, &facts->bytes_out);
}

static void end(struct connection *c)
{
    const struct upgraded *u = c->doing;
    tunnel_abort(u->tunnel);
}

static const struct connection_work upgraded_work = {.describe = describe, .end = end};

/* The key that ended a tunnel for this reason, or NULL. */
static const char *directive_of(const char *reason)
{
    return strcmp(reason, "idle_timeout") == 0     ? "timeout_tunnel"
           : strcmp(reason, "tunnel_timeout") == 0 ? "max_tunnel_time"
           : strcmp(reason, "write_timeout") == 0  ? "timeout_write"
                                                   : NULL;
}

static void tunnel_done(void *arg, const struct tunnel_result *result)
{
    struct upgraded *u = arg;
    struct worker *w = u->connection->worker;
    if (!u->log.first_byte)
        u->log.first_byte = result->first_byte;
    u->log.bytes_in = result->from_client;
    u->log.bytes_out = result->from_upstream;
    bool killed = u->connection->killed, cut = u->connection->cut && !killed;
    u->log.reason = killed ? "killed" : cut ? "cut_by_reload" : result->reason;
    u->log.directive = cut ? "reload_grace" : directive_of(u->log.reason);
    struct conf_origin origin = {NULL, 0};
    if (u->log.directive)
        origin = cut ? conf_origin_of(u->connection->view->conf, u->log.directive)
                     : conf_listener_origin(u->log.listener, u->log.directive);
    u->log.origin = u->log.directive ? &origin : NULL;
    u->log.ended = green_turn_time();
    metrics_tunnel(&u->places, &u->log, u->method);
    counter_add(&u->connection->counts->tunnels_ended, 1);
    if (observers_wanted(&w->process->observers))
        observers_tell(&w->process->observers, &u->log);
    if (access_log_wants(w->log, &u->log))
        access_log_write(w->log, &u->log);
    if (u->counted)
        source_leave(w->process->sources, u->counted);
    group_end_tunnel(u->lease);
    connection_close(u->connection);
    free(u);
}

/* Its route is still there, and so is its server. */
static bool follow(void *arg, const struct conf *from, const struct conf *to)
{
    struct upgraded *u = arg;
    struct access_entry *e = &u->log;
    const struct conf_route *route =
        e->route ? conf_route_named(to, e->route->name, (size_t)(e->route - from->routes)) : NULL;
    const struct conf_upstream *upstream =
        e->upstream ? conf_upstream_named(to, e->upstream->name, (size_t)(e->upstream - from->upstreams))
                    : NULL;
    const struct conf_server *server = e->server && upstream ? conf_server_in(upstream, e->server) : NULL;
    struct access_entry now = *e;
    if ((e->route && !route) || (e->upstream && !upstream) || (e->server && !server))
        return false;
    struct connection *c = u->connection;
    const struct metrics_view *metrics = c->at->view->metrics;
    now.listener = &to->listeners[c->at->listener];
    now.route = route;
    now.upstream = upstream;
    now.server = server;
    if (strcmp(access_log_format(&now)->written, access_log_format(e)->written) != 0)
        now.values = NULL; /* what is known was collected for another form of line */
    *e = now;
    u->places.view = metrics;
    u->places.listener = metrics_listener(metrics, c->worker->index, now.listener);
    u->places.route = route ? metrics_route(metrics, c->worker->index, route) : NULL;
    u->places.server = server ? metrics_server(metrics, c->worker->index, upstream, server) : NULL;
    return true;
}

static int hand_over(struct exchange *x, struct upgraded *u)
{
    struct tunnel_options options = {.buffers = &x->worker->buffers,
                                     .idle = x->listener->timeout_tunnel,
                                     .life = x->destination ? x->listener->forward.max_tunnel_time : 0,
                                     .write = x->listener->timeout_write};
    int r = tunnel_start(&u->tunnel, connection_wire(x->connection), upstream_wire(x->lease),
                         h1_unread(x->client), h1_unread(&x->server), &options, tunnel_done, u);
    if (r < 0)
        return r;
    connection_give_wire(x->connection);
    counter_add(&x->connection->counts->tunnels_begun, 1);
    x->connection->doing = u;
    x->connection->work = &upgraded_work;
    return 0;
}

enum exchange_end upgrade(struct exchange *x)
{
    struct http_stream *client = &x->client->stream;
    struct http_forward_response facts = {.minor = 1, .keepalive = true, .framing = HTTP_FRAMING_NONE};
    x->log.status = x->response.status;
    struct upgraded *u = remember(x);
    int r = u ? client->ops->write_response(client, &x->response, &facts) : -1;
    if (r == 0)
        r = client->ops->flush(client);
    if (r == 0)
        r = hand_over(x, u);
    h1_release(&x->server);
    if (r == 0) {
        u->lease = group_take_wire(x->lease);
        connection_tunnels(x->connection, u->tunnel, follow, u);
        return EXCHANGE_TUNNEL;
    }
    free(u);
    if (x->counted)
        source_leave(x->worker->process->sources, x->counted);
    group_discard(x->lease);
    return EXCHANGE_CLOSE;
}
