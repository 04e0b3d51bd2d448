/* The conversation with a server, from the lease of a connection to the answer's head, and its end. */
#include "converse.h"

#include <errno.h>
#include <sys/socket.h>

#include "affinity.h"
#include "header_rules.h"
#include "hedge.h"
#include "observe/reason.h"
#include "origin.h"
#include "retry.h"
#include "spool.h"
#include "upstream/outlier.h"
#include "upstream/origins.h"
#include "via.h"

const struct http_limits conversation_limits = {.head_bytes = RESPONSE_HEAD_BYTES, .fields = HTTP_MAX_FIELDS};

void conversation_begin(struct conversation *t, struct exchange *x)
{
    t->x = x;
    lease_request_init(&t->lease, NULL, true);
    t->sent = 0;
    t->deadline = 0;
    t->by_try = t->replayed = t->upload_done = t->watching = t->client_gone = false;
    t->hedged = false;
    t->hedge = NULL;
    t->upload = NULL;
    t->mirror.copy = NULL;
}

int64_t exchange_max_body(const struct exchange *x)
{
    return conf_pick(x->route ? x->route->max_body : CONF_INHERIT, x->listener->max_body);
}

int exchange_body_too_large(struct exchange *x)
{
    bool by_route = x->route && x->route->max_body != CONF_INHERIT;
    x->close = true; /* what comes of the body all the same is not read */
    return exchange_fail(x, 413, "body_too_large", "http_request_error",
                         by_route ? BLAME_ROUTE : BLAME_LISTENER, "max_body");
}

struct relay_patience exchange_body_patience(const struct exchange *x)
{
    return (struct relay_patience){.timeout = x->listener->timeout_body,
                                   .min_rate = x->listener->min_rate,
                                   .max_bytes = (uint64_t)exchange_max_body(x)};
}

int exchange_body_failed(struct exchange *x, int error)
{
    x->close = true;
    if (http_is_error(error))
        return exchange_malformed(x, error);
    if (error == -EMSGSIZE)
        return exchange_body_too_large(x);
    if (error == -ETIMEDOUT)
        return exchange_fail(x, 408, "body_timeout", "http_request_error", BLAME_LISTENER, "timeout_body");
    if (error == -ETIME)
        return exchange_fail(x, 408, "body_too_slow", "http_request_error", BLAME_LISTENER, "min_rate");
    return exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL);
}

/* --- the connection ------------------------------------------------------------------------------------------------ */

/* What stands in Host when the client has named none. */
static struct span server_host(const struct conf_server *server)
{
    return server->is_unix ? SPAN("localhost") : span_str(server->service ? server->host : server->text);
}

static int lease_server(struct exchange *x, struct lease_request *request, struct connect_failure *failure)
{
    affinity_find(x, request);
    int r = group_lease(view_group(x->view, x->upstream), request, &x->lease, failure);
    x->log.queued = request->queued;
    return r;
}

int exchange_note_server(struct exchange *x, const struct lease_request *request)
{
    const struct server *server = x->lease->server;
    x->log.server = server->conf;
    x->served = server->counts;
    x->log.server_address = NULL;
    if (affinity_remember(x, request) < 0) {
        group_discard(x->lease);
        x->lease = NULL;
        return -1;
    }
    if (server->named) {
        x->server_address = x->lease->state->addresses[x->lease->address];
        x->log.server_address = &x->server_address;
    }
    return 0;
}

int exchange_lease(struct exchange *x, struct lease_request *request, struct http_forward_request *facts)
{
    struct connect_failure failure;
    int64_t timeout_write = x->upstream ? x->upstream->timeout_write : x->listener->timeout_write;
    if (!x->upstream) {
        if (origin_lease(x, request->pooled) < 0)
            return -1;
    } else if (lease_server(x, request, &failure) < 0) {
        x->lease = NULL;
        x->log.server = failure.server;
        x->log.server_address = NULL;
        exchange_fail(x, failure.status, failure.reason, failure.error,
                      failure.directive ? BLAME_UPSTREAM : BLAME_NONE, failure.directive);
        x->page.retry_after = failure.retry_after;
        return -1;
    } else if (exchange_note_server(x, request) < 0) {
        return -1;
    }
    x->log.connected = green_turn_time();
    x->lease->uses++;
    if (!x->request.host.n) /* HTTP/1.0 may do without; a gateway that comes next might not */
        facts->host = server_host(x->lease->server->conf);
    h1_init(&x->server, upstream_wire(x->lease), &x->worker->buffers, RESPONSE_HEAD_BYTES, timeout_write);
    return 0;
}

static void drop(struct exchange *x)
{
    h1_release(&x->server);
    group_discard(x->lease);
    x->lease = NULL;
}

void exchange_give_back(struct exchange *x, bool complete)
{
    struct h1 *server = &x->server;
    bool clean = complete && x->response.keepalive && server->body_done && server->at == server->end &&
                 !server->eof && !x->worker->draining && !x->worker->retired;
    if (!clean || (!x->lease->server && !origin_may_share(x))) {
        drop(x);
        return;
    }
    h1_release(server);
    if (x->lease->server)
        group_return(x->lease, x->response.keepalive_timeout);
    else
        origins_return(x->lease, x->response.keepalive_timeout);
    x->lease = NULL;
}

/* --- the request -------------------------------------------------------------------------------------------------------- */

/* It does not take the request. */
static bool server_is_stuck(const struct conversation *t)
{
    return t->upload_done && t->upload_result == -ETIMEDOUT && t->upload_side == RELAY_TO &&
           !t->x->response.status;
}

/* Passes the rest of the body on. When the client fails us, or the server takes nothing more, the server must not wait for what will not come, nor we for
 * its answer: its connection is shut down, which wakes whoever reads from it. */
static void *upload(void *arg)
{
    struct conversation *t = arg;
    struct exchange *x = t->x;
    struct relay_patience patience = exchange_body_patience(x);
    t->upload_result =
        relay_body(t->body, &x->server.stream, &patience, &x->worker->buffers, &t->upload_side);
    t->upload_done = true;
    if ((t->upload_result < 0 && t->upload_side == RELAY_FROM) || server_is_stuck(t))
        shutdown(x->lease->fd, SHUT_RDWR);
    return NULL;
}

/* Does the body go out without waiting for anybody, in hardly more than one piece? */
static bool body_is_short(const struct exchange *x)
{
    return x->spool ? spool_length(x->spool) <= BUFFER_SIZE && !x->spool->in_file
                    : h1_body_buffered(x->client);
}

/* The head and as much of the body as is here; a body that has yet to come is left to an upload greenlet. Trouble with
 * either peer is noted in t->upload_*: the server may have answered all the same. */
static int send_request(struct conversation *t)
{
    struct exchange *x = t->x;
    struct http_stream *server = &x->server.stream;
    t->upload_done = false;
    t->upload_result = 0;
    if (x->spool)
        spool_rewind(x->spool);
    else
        h1_mark(x->client, &t->body_start);
    t->body = mirror_body(&t->mirror, x->spool ? &x->spool->stream : &x->client->stream);
    int r = server->ops->write_request(server, &x->request, &t->facts);
    if (r < 0)
        return r;
    if (body_is_short(x)) {
        upload(t);
        return 0;
    }
    return green_spawn_ex(&t->upload, &(green_attr_t){.name = "upload"}, upload, t);
}

static void stop_upload(struct conversation *t)
{
    if (!t->upload)
        return;
    green_shield(); /* both of its streams are on our stack: it must end before we do */
    int r = green_kill(t->upload, GREEN_FOREVER);
    green_unshield();
    (void)r; /* a shielded wait without a deadline ends only when the greenlet has */
    green_release(t->upload);
    t->upload = NULL;
}

static bool client_failed(const struct conversation *t)
{
    return t->upload_done && t->upload_result < 0 && t->upload_side == RELAY_FROM;
}

void conversation_failed(struct conversation *t)
{
    struct exchange *x = t->x;
    if (!client_failed(t))
        return;
    if (x->spool)
        exchange_fail(x, 500, "buffer_unreadable", "proxy_internal_error", BLAME_NONE, NULL);
    else
        exchange_body_failed(x, t->upload_result);
}

/* --- the client meanwhile ------------------------------------------------------------------------------------------------- */

/* Something came from the client while it waits for its answer. A next request or an end of input (it may still read)
 * will be looked at in time; but if it is gone for good, nobody wants the answer any more. */
static void client_event(void *arg, int status)
{
    struct conversation *t = arg;
    (void)status; /* there is no deadline */
    t->watching = false;
    if (green_hung_up(t->x->connection->fd)) {
        t->client_gone = true;
        shutdown(t->x->lease->fd, SHUT_RDWR);
        hedge_stop(t);
    }
}

static void watch_client(struct conversation *t)
{
    if (!t->upload || t->x->spool) /* an upload from the client would notice itself */
        t->watching = green_park_readable(t->x->connection->fd, client_event, t, GREEN_FOREVER) == 0;
}

/* A turn for the others that no cancellation can refuse. */
static void force_turn(void)
{
    green_shield();
    int r = green_yield();
    green_unshield();
    (void)r; /* a shielded yield in a greenlet does not fail */
}

static void unwatch_client(struct conversation *t)
{
    if (t->watching && green_unpark(t->x->connection->fd))
        t->watching = false;
    while (t->watching) /* its greenlet has been made: it must be through with us before we go on */
        force_turn();
}

/* --- the answer's head --------------------------------------------------------------------------------------------------- */

static int forward_interim(struct exchange *x)
{
    if (x->request.minor == 0)
        return 0; /* HTTP/1.0 knows no interim answers */
    struct http_forward_response facts = {.minor = 1, .keepalive = true, .framing = HTTP_FRAMING_NONE};
    struct http_stream *client = &x->client->stream;
    int r = client->ops->write_response(client, &x->response, &facts);
    if (r == 0)
        r = client->ops->flush(client);
    x->client->sent = false; /* the final answer is still to be given */
    return r;
}

/* Has the kernel given the connection up? Its word may be the same as that of a deadline of ours, and of the limit on the
 * whole. */
static bool is_lost(const struct exchange *x, int error, green_time deadline)
{
    bool ours = green_now() >= deadline || (x->limited && green_timeout_fired(&x->limit));
    return (error == -ETIMEDOUT && !ours) || error == -EHOSTUNREACH || error == -ENETUNREACH ||
           error == -EHOSTDOWN || error == -ENETDOWN;
}

/* The server's machine, or the way there, is gone without a word: so are the other connections to it. */
static int lose_server(struct exchange *x)
{
    if (x->lease->server)
        pool_close(x->lease->state);
    return -ENOTCONN;
}

static int read_head(struct conversation *t, green_time deadline)
{
    struct http_stream *server = &t->x->server.stream;
    return server->ops->read_head(server, &t->x->response, deadline);
}

static int read_response(struct conversation *t)
{
    struct exchange *x = t->x;
    int64_t timeout =
        conf_pick(x->route ? x->route->timeout_response : CONF_INHERIT,
                  x->upstream ? x->upstream->timeout_response : x->listener->forward.timeout_response);
    green_time deadline = retry_deadline(t, timeout), due = hedge_due(t);
    for (int interim = 0; interim <= RESPONSE_INTERIM_MAX; interim++) {
        http_response_begin(&x->server.parser, &conversation_limits, x->request.method, x->request.upgrade);
        int r = read_head(t, due < deadline ? due : deadline);
        if (r == -ETIMEDOUT && due < deadline && green_now() >= due) {
            hedge_begin(t, deadline);
            due = GREEN_FOREVER;
            r = read_head(t, deadline);
        }
        if (r < 0) {
            x->response.status = 0;
            return is_lost(x, r, deadline) ? lose_server(x) : r;
        }
        if (!x->log.first_byte)
            x->log.first_byte = green_turn_time();
        if (x->response.status >= 200 || x->response.status == 101)
            return 0;
        r = forward_interim(x);
        if (r < 0)
            return r;
    }
    x->response.status = 0;
    return -EPROTO;
}

static int bad_answer(const struct conversation *t, int error)
{
    struct exchange *x = t->x;
    bool by_route = x->route && x->route->timeout_response != CONF_INHERIT;
    if (http_is_error(error))
        return exchange_fail(x, 502, http_error_info(error)->reason, "http_protocol_error", BLAME_NONE, NULL);
    if (server_is_stuck(t))
        return exchange_fail(x, 504, "request_write_timeout", "connection_write_timeout",
                             exchange_server_blame(x), "timeout_write");
    if (error == -ETIMEDOUT && t->by_try)
        return exchange_fail(x, 504, "try_timeout", "http_response_timeout", BLAME_UPSTREAM, "timeout_try");
    if (error == -ETIMEDOUT)
        return exchange_fail(x, 504, "response_timeout", "http_response_timeout",
                             by_route ? BLAME_ROUTE : exchange_server_blame(x), "timeout_response");
    if (error == -ENOTCONN)
        return exchange_fail(x, 502, "upstream_lost", "connection_terminated", BLAME_UPSTREAM,
                             x->upstream ? "timeout_ack" : NULL);
    if (error == -EPROTO)
        return exchange_fail(x, 502, "too_many_interim_answers", "http_protocol_error", BLAME_NONE, NULL);
    if (error == -ENOMEM || error == -ENOBUFS)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    return exchange_fail(x, 502, "upstream_closed", "connection_terminated", BLAME_NONE, NULL);
}

/* --- together ----------------------------------------------------------------------------------------------------------- */

void exchange_request_facts(struct exchange *x, struct http_forward_request *facts)
{
    static const enum http_believed believed[] = {[CONF_X_FORWARDED_FOR] = HTTP_BELIEVED_X_FORWARDED_FOR,
                                                  [CONF_FORWARDED] = HTTP_BELIEVED_FORWARDED,
                                                  [CONF_X_REAL_IP] = HTTP_BELIEVED_X_REAL_IP};
    const struct conf_client *rules = &x->listener->client;
    *facts = (struct http_forward_request){.scheme = exchange_scheme(x),
                                           .via = span_str(x->view->via),
                                           .target = x->target,
                                           .edits = x->request_edits};
    facts->client = span_str(green_address_text(&x->connection->peer, false, x->client_text));
    if (x->source == &x->behind)
        facts->origin = span_str(green_address_text(x->source, false, x->origin_text));
    facts->trusted = x->trusted;
    facts->believed = believed[rules->address_from];
    facts->no_forwarded = rules->forwarded == CONF_SEND_FORWARDED || rules->forwarded == CONF_SEND_NONE;
    facts->forwarded = rules->forwarded == CONF_SEND_FORWARDED || rules->forwarded == CONF_SEND_BOTH;
}

/* A request that comes round again and again would never be answered. */
static int check_loops(struct exchange *x)
{
    const struct view *v = x->view;
    if (!x->request.has_via || http_via_count(&x->request, span_str(v->via)) < (unsigned)v->conf->loops.max)
        return 0;
    return exchange_fail(x, 502, "loop_detected", "proxy_loop_detected", BLAME_GREENWAY, "max_loops");
}

/* How the server did, for its passive health. The client's failures are not its fault, nor is the death of a connection
 * that was kept. */
static void report_failure(const struct conversation *t, const char *reason)
{
    const struct exchange *x = t->x;
    if (x->lease && x->lease->server && !t->client_gone && !client_failed(t))
        server_report(x->lease->server, reason, -1);
}

static void report_end(const struct conversation *t, bool complete)
{
    const struct exchange *x = t->x;
    int status = x->response.status;
    if (!x->lease->server || !status)
        return;
    if (status >= 502 && status <= 504)
        report_failure(t, "gateway_error_status");
    else if (complete)
        server_report(x->lease->server, NULL, x->log.first_byte - t->asked);
    else if (reason_at(reason_find(x->log.reason, x->log.directive))->side == REASON_UPSTREAM)
        report_failure(t, x->log.reason);
}

/* The request goes out, and the answer's head comes in. */
static int try_once(struct conversation *t)
{
    t->sent++;
    int r = send_request(t);
    if (r < 0 || client_failed(t))
        return r;
    watch_client(t);
    t->asked = t->x->log.connected;
    r = read_response(t);
    if (t->hedge)
        r = hedge_end(t, r);
    unwatch_client(t);
    return r;
}

/* Answers after which a request may be sent once more are rare. */
static bool may_want_another(const struct exchange *x)
{
    return x->response.status >= 429 && x->upstream && x->upstream->retries.on.status_count;
}

/* Everything is as before the try. */
static int begin_anew(struct conversation *t)
{
    struct exchange *x = t->x;
    stop_upload(t);
    drop(x);
    if (!x->spool)
        h1_rewind(x->client, &t->body_start);
    x->response.status = 0;
    x->log.first_byte = 0;
    t->lease.pooled = false;
    if (x->upstream)
        counter_add(&metrics_upstream(x->view->metrics, x->worker->index, x->upstream)->retries, 1);
    return retry_pause(t);
}

int conversation_hold(struct conversation *t)
{
    struct exchange *x = t->x;
    if (check_loops(x) < 0)
        return -1;
    exchange_request_facts(x, &t->facts);
    if (x->destination && x->request.method == HTTP_METHOD_OPTIONS && !x->request.uri.path.n &&
        !x->request.uri.query.n)
        t->facts.target = SPAN("*"); /* RFC 9112 section 3.2.4 */
    mirror_begin(&t->mirror, x, &t->facts);
    t->lease.client_fd = x->connection->fd;
    if (x->upstream)
        retry_budget_request(&view_group(x->view, x->upstream)->budget);
    for (;;) {
        if (exchange_lease(x, &t->lease, &t->facts) < 0 || choose_host(x, &t->facts.host) < 0)
            return -1;
        int r = try_once(t);
        if (t->client_gone)
            return exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL);
        if (client_failed(t))
            return bad_answer(t, r);
        if (r == 0 && !may_want_another(x))
            break;
        uint32_t used = t->lease.used;
        if (!retry_wanted(t, r)) {
            if (r == 0)
                break;
            bad_answer(t, r);
            report_failure(t, x->log.reason);
            return -1;
        }
        if (t->lease.used != used && x->response.status != 429)
            report_failure(t, r == 0            ? "gateway_error_status"
                              : r == -ETIMEDOUT ? "try_timeout"
                              : r == -ENOTCONN  ? "upstream_lost"
                                                : "upstream_closed");
        if (begin_anew(t) < 0)
            return -1;
    }
    if (t->upload_done)
        stop_upload(t);
    if (x->destination && x->response.status == 407) /* the client would take it for ours */
        return exchange_fail(x, 502, "origin_wants_proxy_login", "http_protocol_error", BLAME_NONE, NULL);
    if (x->response.status == 101 && !x->client->body_done)
        return exchange_fail(x, 502, "upgrade_before_body", "http_protocol_error", BLAME_NONE, NULL);
    /* Answered before it has had all of the request: there will be no next one on this connection. */
    x->close |= t->upload && !x->spool;
    return 0;
}

void conversation_end(struct conversation *t, bool complete)
{
    struct exchange *x = t->x;
    stop_upload(t);
    mirror_end(&t->mirror);
    retry_tell(t);
    if (!x->lease)
        return;
    report_end(t, complete);
    exchange_give_back(x, complete && t->upload_result == 0 && x->client->body_done);
}
