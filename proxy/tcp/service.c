/* protocol = tcp: a server for each client, a tunnel between them, a log line at the end. */
#include "service.h"

#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "counterpart.h"
#include "load.h"
#include "route/affinity.h"
#include "runtime/process.h"
#include "tunnel.h"

/* The log entry of a connection that has its tunnel. */
struct tcp_session {
    struct connection *connection;
    struct tunnel *tunnel;
    struct upstream_connection *lease; /* what is left of it */
    const struct conf_upstream *upstream;
    const struct conf_server *server;
    bool named; /* the server is told by its address */
    green_address_t address;
    green_time queued, connected;
};

static void write_log(struct connection *c, struct access_entry *e)
{
    const struct worker *w = c->worker;
    e->listener = c->conf;
    e->client = &c->peer;
    e->minor = -1;
    e->started = c->accepted;
    e->ended = green_turn_time();
    metrics_tunnel(
        &(struct metrics_places){
            .view = c->view->metrics,
            .worker = w->index,
            .listener = c->counts,
            .server = e->server ? metrics_server(c->view->metrics, w->index, e->upstream, e->server) : NULL},
        e, 0);
    if (observers_wanted(&w->process->observers))
        observers_tell(&w->process->observers, e);
    if (access_log_wants(w->log, e))
        access_log_write(w->log, e);
}

static void tunnel_done(void *arg, const struct tunnel_result *result)
{
    struct tcp_session *s = arg;
    bool killed = s->connection->killed, cut = s->connection->cut && !killed;
    const char *reason = killed ? "killed" : cut ? "cut_by_reload" : result->reason;
    const char *directive = cut                                    ? "reload_grace"
                            : strcmp(reason, "idle_timeout") == 0  ? "timeout_tunnel"
                            : strcmp(reason, "write_timeout") == 0 ? "timeout_write"
                                                                   : NULL;
    struct conf_origin origin = {NULL, 0};
    if (directive)
        origin = cut ? conf_origin_of(s->connection->view->conf, directive)
                     : conf_listener_origin(s->connection->conf, directive);
    struct access_entry e = {.upstream = s->upstream,
                             .server = s->server,
                             .server_address = s->named ? &s->address : NULL,
                             .queued = s->queued,
                             .connected = s->connected,
                             .first_byte = result->first_byte,
                             .bytes_in = result->from_client,
                             .bytes_out = result->from_upstream,
                             .reason = reason,
                             .directive = directive,
                             .origin = directive ? &origin : NULL};
    write_log(s->connection, &e);
    counter_add(&s->connection->counts->tunnels_ended, 1);
    group_end_tunnel(s->lease);
    connection_close(s->connection);
    free(s);
}

/* The server is still one of the upstream's. */
static bool follow(void *arg, const struct conf *from, const struct conf *to)
{
    struct tcp_session *s = arg;
    const struct conf_upstream *upstream =
        conf_upstream_named(to, s->upstream->name, (size_t)(s->upstream - from->upstreams));
    const struct conf_server *server = upstream ? conf_server_in(upstream, s->server) : NULL;
    if (!server)
        return false;
    s->upstream = upstream;
    s->server = server;
    return true;
}

static void describe(const struct connection *c, struct connection_facts *facts)
{
    const struct tcp_session *s = c->doing;
    facts->state = "tunnel";
    facts->since = s->connected;
    facts->upstream = s->upstream->name;
    facts->server = s->server->text;
    tunnel_bytes(s->tunnel, &facts->bytes_in, &facts->bytes_out);
}

static void end(struct connection *c)
{
    const struct tcp_session *s = c->doing;
    tunnel_abort(s->tunnel);
}

static const struct connection_work session_work = {.describe = describe, .end = end};

static void give_up(struct connection *c, const struct conf_upstream *upstream, green_time queued,
                    const struct connect_failure *failure)
{
    struct conf_origin origin = {NULL, 0};
    if (failure->directive)
        origin = conf_upstream_origin(upstream, failure->directive);
    struct access_entry e = {.upstream = upstream,
                             .server = failure->server,
                             .queued = queued,
                             .reason = failure->reason,
                             .directive = failure->directive,
                             .origin = failure->directive ? &origin : NULL};
    write_log(c, &e);
    /* No server is an error, not an empty answer: reset. */
    connection_abort(c);
    connection_close(c);
}

/* What the client has said so far leads nowhere. */
static void turn_away(struct connection *c, const struct refusal *why)
{
    struct conf_origin origin = {NULL, 0};
    if (why->directive)
        origin = conf_listener_origin(c->conf, why->directive);
    struct access_entry e = {
        .reason = why->reason, .directive = why->directive, .origin = why->directive ? &origin : NULL};
    if (*why->reason)
        write_log(c, &e);
    connection_abort(c);
    connection_close(c);
}

/* What ties the connection to a server. */
static void find_affinity(const struct connection *c, const struct tcp_choice *choice,
                          struct lease_request *request)
{
    const struct conf_balance *balance = &choice->upstream->balancing.balance;
    if (balance->method != CONF_HASH)
        return;
    request->hashed = balance->by == CONF_HASH_SNI
                          ? choice->named
                          : affinity_hash(balance, NULL, &c->peer.any, &request->hash);
    if (balance->by == CONF_HASH_SNI)
        request->hash = choice->name;
}

static void begin(void *arg)
{
    struct connection *c = arg;
    struct worker *w = c->worker;
    const struct conf_listener *conf = c->conf;
    struct tcp_choice choice;
    struct refusal why;
    if (tcp_choose(c, &choice, &why) < 0) {
        free(choice.read);
        turn_away(c, &why);
        return;
    }
    const struct conf_upstream *upstream = choice.upstream;
    struct upstream_connection *lease;
    struct connect_failure failure;
    struct lease_request request;
    lease_request_init(&request, c, false);
    find_affinity(c, &choice, &request);
    request.client_fd = c->fd;
    if (group_lease(view_group(c->view, upstream), &request, &lease, &failure) < 0) {
        free(choice.read);
        give_up(c, upstream, request.queued, &failure);
        return;
    }
    if (c->killed) {
        free(choice.read);
        group_discard(lease);
        give_up(c, upstream, request.queued, &(struct connect_failure){.reason = "killed"});
        return;
    }
    struct tunnel_options options = {
        .buffers = &w->buffers, .idle = conf->timeout_tunnel, .write = conf->timeout_write};
    struct tcp_session *s = malloc(sizeof *s);
    struct span early = span_of(choice.read, choice.size);
    int r = -1;
    if (s) {
        *s = (struct tcp_session){.connection = c,
                                  .upstream = upstream,
                                  .server = lease->server->conf,
                                  .named = lease->server->named,
                                  .queued = request.queued,
                                  .connected = green_turn_time()};
        if (s->named)
            s->address = lease->state->addresses[lease->address];
        r = tunnel_start(&s->tunnel, connection_wire(c), upstream_wire(lease), early, span_of(NULL, 0),
                         &options, tunnel_done, s);
    }
    free(choice.read);
    if (r < 0) {
        free(s);
        group_discard(lease);
        give_up(c, upstream, request.queued,
                &(struct connect_failure){.reason = "no_memory", .directive = NULL});
        return;
    }
    counter_add(&c->counts->tunnels_begun, 1);
    connection_give_wire(c);
    c->doing = s; /* the tunnel reports its end to tunnel_done() */
    c->work = &session_work;
    s->lease = group_take_wire(lease);
    connection_tunnels(c, s->tunnel, follow, s);
}

int tcp_serve(struct connection *c)
{
    return green_spawn_detached("tcp", begin, c);
}

void tcp_refuse(struct worker *w, const struct view *v, const struct conf_listener *conf, int fd,
                const green_address_t *peer, const struct refusal *why)
{
    struct conf_origin origin = refusal_origin(v, conf, why);
    struct access_entry e = {.listener = conf,
                             .client = peer,
                             .minor = -1,
                             .reason = why->reason,
                             .directive = why->directive,
                             .origin = &origin,
                             .started = green_turn_time(),
                             .ended = green_turn_time()};
    metrics_turned_away(v->metrics, w->index, &e);
    if (observers_wanted(&w->process->observers))
        observers_tell(&w->process->observers, &e);
    if (access_log_wants(w->log, &e))
        access_log_write(w->log, &e);
    green_close(fd);
}
