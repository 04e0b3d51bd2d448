/*
 * The story of a request: head in, route, limits, then the conversation with a server, the answer relayed, the end.
 * Every refusal and error leaves by exchange_fail() with its reason and the directive responsible; what the client is
 * told then is said in one place, answer_failure().
 */
#include "exchange.h"

#include <errno.h>
#include <sys/socket.h>

#include "admit.h"
#include "affinity.h"
#include "answers.h"
#include "buffering.h"
#include "compress.h"
#include "converse.h"
#include "error_pages.h"
#include "files/answer.h"
#include "header_rules.h"
#include "load.h"
#include "maintenance.h"
#include "observe/format.h"
#include "origin.h"
#include "relay.h"
#include "rewriting.h"
#include "route/client_address.h"
#include "route/match.h"
#include "runtime/process.h"
#include "runtime/sources.h"
#include "tls/challenges.h"
#include "tracing.h"
#include "upgrade.h"
#include "variables.h"

/* --- head in ------------------------------------------------------------------------------------------------------- */

void exchange_prepare(struct exchange *x, struct connection *c, struct h1 *client)
{
    x->connection = c;
    x->worker = c->worker;
    x->view = c->view;
    x->listener = c->conf;
    x->route = NULL;
    x->captures = NULL;
    x->upstream = NULL;
    x->destination = NULL;
    x->client = client;
    x->lease = NULL;
    x->served = NULL;
    x->spool = NULL;
    x->local.stream.ops = NULL;
    x->answer = NULL;
    memory_init(&x->memory, &c->worker->buffers);
    x->request_id = x->traceparent = x->set_cookie = span_of(NULL, 0);
    x->path = x->target = span_of(NULL, 0);
    x->request_edits = x->response_edits = (struct http_edits){NULL, 0};
    x->proof = x->close = x->stuck = x->trusted = x->limited = false;
    x->source = &c->peer;
    x->counted = NULL;
    x->page.status = 0;
    x->request.bytes = 0;
    x->request.method = HTTP_METHOD_GET; /* as far as a page for a head that cannot be read is concerned */
    x->request.minor = 1;
    x->response.status = 0;
    x->log = (struct access_entry){
        .listener = x->listener, .client = &c->peer, .minor = 1, .reason = "", .started = green_turn_time()};
}

struct http_limits exchange_head_limits(const struct exchange *x)
{
    return (struct http_limits){.head_bytes = (uint32_t)x->listener->max_head,
                                .target_bytes = (uint32_t)x->listener->max_target,
                                .fields = (uint32_t)x->listener->max_fields,
                                .allow_connect = x->listener->protocol == CONF_FORWARD,
                                .keep_underscores = x->listener->protocol == CONF_FORWARD};
}

static int read_request(struct exchange *x)
{
    struct h1 *client = x->client;
    struct http_limits limits = exchange_head_limits(x);
    http_request_begin(&client->parser, &limits);
    int r = client->stream.ops->read_head(&client->stream, &x->request,
                                          x->log.started + x->listener->timeout_head);
    if (r == 0) {
        connection_busy(x->connection);
        return 0;
    }
    if (http_is_error(r))
        return exchange_malformed(x, r);
    x->close = true;
    if (r == -ETIMEDOUT && !http_head_idle(&client->parser))
        return exchange_fail(x, 408, "head_timeout", "http_request_error", BLAME_LISTENER, "timeout_head");
    bool silent = http_head_idle(&client->parser); /* the usual end of a kept connection */
    if (x->connection->shed && !silent)
        return exchange_fail(x, 0, "shed", NULL, BLAME_LISTENER, "max_connections");
    return exchange_fail(x, 0, silent ? "" : "client_gone", NULL, BLAME_NONE, NULL);
}

void exchange_identify_client(struct exchange *x)
{
    const struct conf_client *rules = &x->listener->client;
    if (!rules->trusted_count || !client_trusted(rules, &x->connection->peer))
        return;
    x->trusted = true;
    if (!client_address_find(rules, &x->request, &x->behind))
        return;
    x->source = x->log.client = &x->behind;
    x->log.peer = &x->connection->peer;
}

/* Near the end of memory a request is best refused before it takes any. */
static int check_memory(struct exchange *x)
{
    struct overload *o = &x->worker->process->overload;
    if (overload_level(o) < OVERLOAD_REFUSE || overload_level_of_gauge(o, OVERLOAD_MEMORY) < OVERLOAD_REFUSE)
        return 0;
    overload_count(&o->refused);
    x->close = true;
    exchange_fail(x, 503, "overload", "connection_limit_reached", BLAME_GREENWAY, "overload");
    x->page.retry_after = 1;
    return -1;
}

/* --- where to ------------------------------------------------------------------------------------------------------ */

/* What an expression found lies in scratch space: the text that it points into is moved to where it stays. */
static int keep_found(struct exchange *x, struct span text, struct span *found, unsigned count)
{
    if (!count)
        return 0;
    if (text.n >= MEMORY_MOST)
        return exchange_malformed(x, HTTP_E_PATH_TOO_LONG);
    const char *kept = memory_copy(&x->memory, text.p, text.n);
    if (!kept)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    for (unsigned i = 0; i < count; i++)
        found[i].p = kept + (found[i].p - text.p);
    return 0;
}

static int keep_captures(struct exchange *x, const struct route_request *request,
                         const struct route_captures *found)
{
    struct route_captures *kept = memory_take(&x->memory, sizeof *kept);
    if (!kept)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    *kept = *found;
    x->captures = kept;
    int r = keep_found(x, request->host, kept->host, kept->host_count);
    return r < 0 ? r : keep_found(x, request->path, kept->path, kept->path_count);
}

static int match_route(struct exchange *x, struct route_request *request)
{
    struct route_match match;
    int r = route_match(x->view->conf, request, &match);
    x->route = match.route;
    if (r == -E2BIG)
        return exchange_fail(x, 400, "match_too_costly", "http_request_error", BLAME_ROUTE, match.key);
    if (r < 0)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    return match.captures.host_count | match.captures.path_count ? keep_captures(x, request, &match.captures)
                                                                 : 0;
}

int exchange_route_request(struct exchange *x, struct route_request *request)
{
    char *path = x->worker->scratch;
    int n = http_path_normalise(x->request.uri.path, 0, path, sizeof x->worker->scratch);
    if (n < 0)
        return exchange_malformed(x, n);
    request->listener = x->listener;
    request->head = &x->request;
    request->path = span_of(path, (size_t)n);
    request->source = &exchange_client(x)->any;
    request->scratch = path + n; /* path and query come from one target, and fit in together */
    return 0;
}

/* Who has come by TLS already is where he would be sent. */
static bool redirects_https(const struct exchange *x)
{
    return x->listener->tls.redirect_https && !x->connection->secure;
}

int exchange_choose_route(struct exchange *x)
{
    struct route_request request;
    if (x->listener->protocol == CONF_FORWARD)
        return origin_choose(x);
    if (challenges_any() && answer_is_proof(x))
        return 0;
    if (redirects_https(x))
        return 0;
    if (exchange_route_request(x, &request) < 0)
        return -1;
    if (match_route(x, &request) < 0)
        return -1;
    x->upstream = route_split(x->route ? &x->route->split : &x->listener->split, &x->request, request.source,
                              &x->worker->random);
    if (x->upstream || x->route) /* a route does something, always */
        return 0;
    return exchange_fail(x, 404, "no_route", "destination_not_found", BLAME_LISTENER, "upstream");
}

/* A limit on the whole of it, where one is wanted. */
static void limit_time(struct exchange *x)
{
    int64_t limit =
        conf_pick(x->route ? x->route->timeout_request : CONF_INHERIT, x->listener->patience.timeout_request);
    x->limited = limit > 0;
    if (x->limited)
        green_timeout_start_at(&x->limit, x->log.started + limit);
}

/* Whatever broke off when that time was over did so for this reason. */
static void lift_time(struct exchange *x, bool failed)
{
    if (!x->limited)
        return;
    green_timeout_stop(&x->limit);
    x->limited = false;
    if (!failed || !green_timeout_fired(&x->limit))
        return;
    bool by_route = x->route && x->route->timeout_request != CONF_INHERIT;
    int status = x->client->sent ? 0 : x->client->body_done ? 504 : 408;
    exchange_fail(x, status, "request_timeout",
                  status == 408 ? "http_request_error" : "http_response_timeout",
                  by_route ? BLAME_ROUTE : BLAME_LISTENER, "timeout_request");
}

int exchange_check_limits(struct exchange *x)
{
    uint64_t max_body = (uint64_t)exchange_max_body(x);
    if (!max_body || !x->request.has_length || x->request.content_length <= max_body)
        return 0;
    return exchange_body_too_large(x);
}

/* --- the answer ------------------------------------------------------------------------------------------------------ */

static int64_t read_patience(const struct exchange *x)
{
    if (x->upstream)
        return x->upstream->timeout_read;
    return x->destination ? x->listener->forward.timeout_read : x->listener->timeout_disk;
}

/* The head, and the body from this stream: that of the answer, or one that wraps it. */
static int relay_from(struct exchange *x, struct http_stream *body)
{
    struct http_stream *client = &x->client->stream;
    x->log.status = x->response.status;
    if (apply_response_rules(x) < 0 || affinity_tell(x) < 0)
        return -1;
    struct relay_patience patience = {.timeout = read_patience(x),
                                      .min_rate = x->upstream ? x->upstream->min_rate_response : 0};
    enum relay_side side = RELAY_TO;
    struct http_forward_response facts = {.minor = x->request.minor,
                                          .framing = http_response_framing(&x->response, x->request.minor),
                                          .date = worker_date(x->worker),
                                          .via = x->destination ? span_str(x->view->via) : span_of(NULL, 0),
                                          .edits = x->response_edits};
    x->close |=
        !x->request.keepalive || connection_ends(x->connection) || facts.framing == HTTP_FRAMING_UNTIL_CLOSE;
    facts.keepalive = !x->close;
    int r = client->ops->write_response(client, &x->response, &facts);
    if (r == 0)
        r = relay_body(body, client, &patience, &x->worker->buffers, &side);
    if (r == 0)
        return 0;
    x->stuck = side == RELAY_TO && (r == -ETIMEDOUT || r == -ETIME);
    if (side == RELAY_TO)
        return r == -ETIMEDOUT ? exchange_fail(x, 0, "write_timeout", NULL, BLAME_LISTENER, "timeout_write")
               : r == -ETIME ? exchange_fail(x, 0, "client_too_slow", NULL, BLAME_LISTENER, "min_rate_write")
                             : exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL);
    if (x->client->body_out &&
        client->ops->flush(client) < 0) /* what came of the body is the client's, then it ends */
        return exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL);
    int status = x->client->sent ? 0 : 502;
    if (x->local.stream.ops) {
        status = x->client->sent ? 0 : r == -ETIMEDOUT ? 504 : 500;
        return r == -ETIMEDOUT
                   ? exchange_fail(x, status, "disk_timeout", "proxy_internal_error", BLAME_LISTENER,
                                   "timeout_disk")
                   : exchange_fail(x, status, "file_unreadable", "proxy_internal_error", BLAME_NONE, NULL);
    }
    if (r == -ETIMEDOUT)
        return exchange_fail(x, status, "read_timeout", "http_response_incomplete", exchange_server_blame(x),
                             "timeout_read");
    if (r == -ETIME)
        return exchange_fail(x, status, "response_too_slow", "http_response_incomplete", BLAME_UPSTREAM,
                             "min_rate_response");
    return exchange_fail(x, status, http_is_error(r) ? http_error_info(r)->reason : "upstream_truncated",
                         "http_response_incomplete", BLAME_NONE, NULL);
}

static int relay_response(struct exchange *x)
{
    struct encoded_body encoded;
    if (!compress_configured(x) || !compress_answer(x, &encoded))
        return relay_from(x, x->answer);
    int r = relay_from(x, &encoded.stream);
    encoded_end(&encoded);
    return r;
}

/* A body that is here already need not cost the connection. */
static void discard_body(struct h1 *client)
{
    struct span data;
    while (h1_body_buffered(client) &&
           client->stream.ops->read_body(&client->stream, &data, GREEN_NOWAIT) > 0)
        ;
}

void exchange_discard_body(struct exchange *x)
{
    discard_body(x->client);
    x->close |= !x->client->body_done;
}

static int answer_from_files(struct exchange *x)
{
    char *path = x->worker->scratch;
    if (x->path.n)
        return files_answer(x, x->path);
    int n = http_path_normalise(x->request.uri.path, 0, path, sizeof x->worker->scratch);
    return n < 0 ? exchange_malformed(x, n) : files_answer(x, span_of(path, (size_t)n));
}

/* An answer that needs no server. A request's body means nothing to it. */
static int answer_here(struct exchange *x)
{
    exchange_discard_body(x);
    if (x->proof)
        return answer_proof(x);
    if (redirects_https(x))
        return answer_https(x);
    if (x->route->redirect.written)
        return answer_redirect(x, &x->route->redirect);
    if (x->route->respond.written)
        return answer_text(x, &x->route->respond);
    return answer_from_files(x);
}

/* An OPTIONS that has passed as many proxies as it should asks for the last of them (RFC 9110 section 7.6.2). */
static int answer_options(struct exchange *x)
{
    exchange_discard_body(x);
    local_begin(x, 200);
    int r = local_field(x, SPAN("Allow"), SPAN(HTTP_USUAL_METHODS));
    return r < 0 ? r : local_body(x, span_of(NULL, 0));
}

/* The answer's head, in x->response, and the stream that its body comes from. */
static int obtain_answer(struct exchange *x, struct conversation *talk)
{
    if (rewrite_request(x) < 0)
        return -1;
    if (!x->upstream && !x->destination)
        return answer_here(x);
    if (x->request.method == HTTP_METHOD_CONNECT)
        return origin_connect(x);
    if (x->request.max_forwards == 0)
        return answer_options(x);
    if (apply_request_rules(x) < 0 || buffer_request(x) < 0)
        return -1;
    int r = conversation_hold(talk); /* choose a server, lease a connection, send, read the answer's head */
    x->answer = &x->server.stream;
    return r < 0 ? r : replace_error(x);
}

/* --- errors ------------------------------------------------------------------------------------------------------------ */

static struct conf_origin origin_of(const struct exchange *x, enum exchange_blame blame,
                                    const char *directive)
{
    switch (blame) {
    case BLAME_GREENWAY:
        return conf_origin_of(x->view->conf, directive);
    case BLAME_LISTENER:
        return conf_listener_origin(x->listener, directive);
    case BLAME_ROUTE:
        return conf_route_origin(x->route, directive);
    case BLAME_UPSTREAM:
        return conf_upstream_origin(x->upstream, directive);
    case BLAME_NONE:
        break;
    }
    return (struct conf_origin){NULL, 0};
}

void exchange_note(struct exchange *x, const char *reason, enum exchange_blame blame, const char *directive)
{
    x->origin = origin_of(x, blame, directive);
    x->log.reason = reason;
    x->log.directive = directive;
    x->log.origin = blame == BLAME_NONE ? NULL : &x->origin;
}

int exchange_fail(struct exchange *x, int status, const char *reason, const char *error,
                  enum exchange_blame blame, const char *directive)
{
    x->page = (struct http_page){.status = status, .error = error, .details = reason};
    exchange_note(x, reason, blame, directive);
    return -1;
}

int exchange_malformed(struct exchange *x, int http_error)
{
    const struct http_error_info *info = http_error_info(http_error);
    const char *directive = http_error == HTTP_E_HEAD_TOO_LARGE    ? "max_head"
                            : http_error == HTTP_E_FIELDS_TOO_MANY ? "max_fields"
                            : http_error == HTTP_E_TARGET_TOO_LONG ? "max_target"
                                                                   : NULL;
    x->close = true;
    return exchange_fail(x, info->status, info->reason, "http_request_error",
                         directive ? BLAME_LISTENER : BLAME_NONE, directive);
}

/* Tells the client what went wrong, if it can still be told. */
static void answer_failure(struct exchange *x)
{
    struct http_stream *client = &x->client->stream;
    x->client->queued = 0; /* the start of an answer that nobody has seen a byte of */
    if (!x->page.status || x->client->sent) {
        x->close = true;
        return;
    }
    if (x->request.bytes && !x->close)
        discard_body(x->client);
    x->close |= !x->client->body_done || !x->request.keepalive || connection_ends(x->connection);
    x->page.method = x->request.method;
    x->page.minor = x->request.minor;
    x->page.keepalive = !x->close;
    x->page.date = worker_date(x->worker);
    if (x->listener->tracing.ids != CONF_IDS_OFF) {
        x->page.request_id = exchange_request_id(x);
        x->page.request_id_field = x->listener->tracing.id_header.written;
    }
    x->log.status = x->page.status;
    dress_page(x);
    apply_page_rules(x);
    x->page.edits = x->response_edits;
    int r = client->ops->write_page(client, &x->page);
    if (r == 0)
        r = client->ops->finish(client, NULL);
    if (r < 0)
        x->page.status = 0;
}

struct http_edit *exchange_more_edits(struct exchange *x, struct http_edits *edits, size_t count)
{
    struct http_edit *list = memory_take(&x->memory, (edits->count + count) * sizeof *list);
    if (!list)
        return NULL;
    if (edits->count)
        memcpy(list, edits->list, edits->count * sizeof *list);
    struct http_edit *more = list + edits->count;
    *edits = (struct http_edits){list, edits->count + count};
    return more;
}

/* --- the end ------------------------------------------------------------------------------------------------------------ */

void exchange_log_fields(struct exchange *x)
{
    struct access_entry *e = &x->log;
    e->request_id = x->request_id;
    if (x->traceparent.n) {
        e->trace_id = span_of(x->traceparent.p + 3, 32);
        e->span_id = span_of(x->traceparent.p + 36, 16);
    }
    e->route = x->route;
    e->upstream = x->upstream;
    if (!x->request.bytes)
        return;
    const struct http_field *referer = http_head_field(&x->request, HTTP_F_REFERER);
    const struct http_field *user_agent = http_head_field(&x->request, HTTP_F_USER_AGENT);
    e->method = x->request.method_name;
    e->target = x->request.target;
    e->host = x->request.host;
    e->minor = x->request.minor;
    e->referer = referer ? referer->value : span_of(NULL, 0);
    e->user_agent = user_agent ? user_agent->value : span_of(NULL, 0);
}

void exchange_log_values(struct exchange *x, const struct conf_log_format *format)
{
    const struct conf_template *t = &format->text;
    struct span *values = t->count ? memory_take(&x->memory, t->count * sizeof *values) : NULL;
    for (size_t i = 0; values && i < t->count; i++)
        if (!format_needs_value(t->parts[i].variable) || exchange_variable(x, &t->parts[i], &values[i]) < 0)
            values[i] = span_of(NULL, 0); /* a line without it is better than none */
    x->log.values = values;
}

/* A connection that ended in silence between requests is no request. */
static void write_log(struct exchange *x)
{
    if (!x->log.status && !*x->log.reason)
        return;
    x->log.route = x->route;
    x->log.upstream = x->upstream;
    x->log.bytes_in = x->client->body_in;
    x->log.bytes_out = x->client->body_out;
    x->log.ended = green_turn_time();
    if (x->connection->killed)
        exchange_note(x, "killed", BLAME_NONE, NULL);
    if (*x->log.reason)
        exchange_log_fields(x);
    metrics_request(&(struct metrics_places){.view = x->view->metrics,
                                             .worker = x->worker->index,
                                             .listener = x->connection->counts,
                                             .route = exchange_route_counts(x),
                                             .server = x->served},
                    &x->log, x->request.method);
    struct observers *observers = &x->worker->process->observers;
    const struct conf_log_format *format = access_log_wants(x->worker->log, &x->log);
    if (!format && !observers_wanted(observers))
        return;
    exchange_log_fields(x);
    if (observers_wanted(observers))
        observers_tell(observers, &x->log);
    if (!format)
        return;
    exchange_log_values(x, format);
    access_log_write(x->worker->log, &x->log);
}

/* --- for who asks about it meanwhile ------------------------------------------------------------------------------------ */

static void describe(const struct connection *c, struct connection_facts *facts)
{
    const struct exchange *x = c->doing;
    facts->since = x->log.started;
    facts->bytes_in = x->client->body_in;
    facts->bytes_out = x->client->body_out;
    facts->state = "reading";
    if (!x->request.bytes)
        return;
    facts->state = x->response.status ? "answering" : "waiting";
    facts->method = x->request.method_name;
    facts->host = x->request.host;
    facts->target = x->request.target;
    facts->route = x->route ? x->route->name : NULL;
    facts->upstream = x->upstream ? x->upstream->name : NULL;
    facts->server = x->log.server ? x->log.server->text : NULL;
}

/* Its next call on a socket finds it gone. */
static void give_up(struct connection *c)
{
    const struct exchange *x = c->doing;
    shutdown(c->fd, SHUT_RDWR);
    if (x->lease)
        shutdown(x->lease->fd, SHUT_RDWR);
}

static const struct connection_work exchange_work = {.describe = describe, .end = give_up};

static enum exchange_end how_it_ends(const struct exchange *x, bool answered)
{
    bool all_read = x->client->body_done && x->client->at == x->client->end;
    if (!x->close)
        return EXCHANGE_KEEP;
    if (x->stuck) /* or the kernel would hold what is queued for it until it has read that too */
        return EXCHANGE_ABORT;
    if (!answered && !x->page.status) /* nobody there, or the answer broke off */
        return x->response.status &&
                       http_response_framing(&x->response, x->request.minor) == HTTP_FRAMING_UNTIL_CLOSE
                   ? EXCHANGE_ABORT
                   : EXCHANGE_CLOSE;
    return all_read ? EXCHANGE_CLOSE : EXCHANGE_LINGER;
}

enum exchange_end exchange_run(struct connection *c, struct h1 *client)
{
    struct exchange x;
    struct conversation talk;
    connection_waits(c);
    exchange_prepare(&x, c, client);
    c->doing = &x;
    c->work = &exchange_work;
    conversation_begin(&talk, &x);

    int r = read_request(&x);
    if (r == 0)
        exchange_identify_client(&x);
    if (r == 0)
        r = trace_request(&x);
    if (r == 0)
        r = check_memory(&x);
    if (r == 0)
        r = exchange_choose_route(&x);
    if (r == 0)
        limit_time(&x);
    if (r == 0 && !x.proof)
        r = exchange_admit(&x);
    if (r == 0 && !x.answer && !x.proof) /* else somebody who was asked has refused the request */
        r = check_maintenance(&x);
    if (r == 0 && !x.answer)
        r = exchange_check_limits(&x);
    if (r == 0 && !x.answer)
        r = obtain_answer(&x, &talk);
    if (r == 0 && (x.response.status == 101 || x.request.method == HTTP_METHOD_CONNECT)) {
        lift_time(&x, false);
        buffer_request_end(&x);
        c->work = NULL;
        enum exchange_end end = upgrade(&x);
        memory_release(&x.memory);
        return end;
    }
    if (r == 0)
        r = relay_response(&x);
    if (r < 0)
        conversation_failed(&talk);
    lift_time(&x, r < 0);

    conversation_end(&talk, r == 0);
    if (r < 0 && c->cut)
        exchange_note(&x, "cut_by_reload", BLAME_GREENWAY, "reload_grace");
    if (r < 0)
        answer_failure(&x);
    write_log(&x);
    if (x.counted)
        source_leave(x.worker->process->sources, x.counted);
    enum exchange_end end = how_it_ends(&x, r == 0);
    local_end(&x);
    buffer_request_end(&x);
    memory_release(&x.memory);
    c->work = NULL;
    c->bytes_in += client->body_in;
    c->bytes_out += client->body_out;
    h1_next(client);
    c->requests++;
    return end;
}
