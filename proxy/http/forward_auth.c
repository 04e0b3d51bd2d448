/*
 * A question to another service, asked over the same pools and with the same timeouts as any request to an upstream.
 * While it is asked, the service is the exchange's upstream, so that failures are put down to it; if its answer is a
 * refusal, that becomes the answer to the request.
 */
#include "forward_auth.h"

#include <errno.h>

#include "converse.h"

#define INTERIM_MAX 32
#define BODY_MOST                                                                                            \
    ((size_t)64 * 1024) /* of an answer that nobody wants, read so that the connection can be kept */

static int no_memory(struct exchange *x)
{
    return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
}

/* --- the question -------------------------------------------------------------------------------------------------- */

/* What goes with a body, or makes a difference between answers, is not for a question. */
static const char *const left_out[] = {"Content-Type",  "Content-Encoding",  "Content-Range",
                                       "Range",         "If-Range",          "If-Match",
                                       "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"};
#define LEFT_OUT (sizeof left_out / sizeof left_out[0])

static bool put_target(struct exchange *x, struct span *target)
{
    struct span path = x->request.uri.path.n ? x->request.uri.path : SPAN("/"), query = x->request.uri.query;
    char *copy = memory_take(&x->memory, path.n + query.n);
    if (!copy)
        return false;
    memcpy(copy, path.p, path.n);
    if (query.n)
        memcpy(copy + path.n, query.p, query.n);
    *target = span_of(copy, path.n + query.n);
    return true;
}

/* The upstream's fields, and no forged ones of those that this service is to give. */
static bool edit_fields(struct exchange *x, const struct forward_auth_rules *rules, struct http_edits *edits)
{
    struct span target;
    *edits = x->request_edits;
    struct http_edit *more = exchange_more_edits(x, edits, LEFT_OUT + rules->field_count + 2);
    if (!more || !put_target(x, &target))
        return false;
    for (size_t i = 0; i < LEFT_OUT; i++)
        *more++ = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = span_str(left_out[i])};
    for (size_t i = 0; i < rules->field_count; i++)
        *more++ = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = span_str(rules->fields[i].written)};
    *more++ = (struct http_edit){HTTP_EDIT_SET, SPAN("X-Forwarded-Method"), x->request.method_name};
    *more++ = (struct http_edit){HTTP_EDIT_SET, SPAN("X-Forwarded-Uri"), target};
    return true;
}

/* The head of the question: that of the request, as a GET without a body, an upgrade or expectations. */
static struct http_head *make_head(struct exchange *x)
{
    struct http_head *head = memory_take(&x->memory, sizeof *head);
    if (!head)
        return NULL;
    *head = x->request;
    head->method = HTTP_METHOD_GET;
    head->method_name = SPAN("GET");
    head->framing = HTTP_FRAMING_NONE;
    head->has_length = head->upgrade = head->expect_continue = head->te_trailers = false;
    head->content_length = 0;
    head->max_forwards = -1;
    return head;
}

static bool prepare(struct exchange *x, const struct forward_auth_rules *rules, struct http_head **head,
                    struct http_forward_request *facts)
{
    exchange_request_facts(x, facts);
    facts->target = span_str(rules->ask->path);
    facts->no_forwarded = false;
    *head = make_head(x);
    return *head && edit_fields(x, rules, &facts->edits);
}

/* --- the answer -------------------------------------------------------------------------------------------------------- */

static int read_answer(struct exchange *x, green_time deadline)
{
    static const struct http_limits limits = {.head_bytes = RESPONSE_HEAD_BYTES, .fields = HTTP_MAX_FIELDS};
    struct http_stream *server = &x->server.stream;
    for (int interim = 0; interim <= INTERIM_MAX; interim++) {
        http_response_begin(&x->server.parser, &limits, HTTP_METHOD_GET, false);
        int r = server->ops->read_head(server, &x->response, deadline);
        if (r < 0 || x->response.status >= 200)
            return r;
    }
    return -EPROTO;
}

static int ask_once(struct exchange *x, const struct http_head *head,
                    const struct http_forward_request *facts)
{
    struct http_stream *server = &x->server.stream;
    int r = server->ops->write_request(server, head, facts);
    if (r == 0)
        r = server->ops->flush(server);
    return r == 0 ? read_answer(x, green_turn_time() + x->upstream->timeout_response) : r;
}

/* On a kept connection, and if that has just died, once more on a new one. */
static int ask(struct exchange *x, const struct forward_auth_rules *rules)
{
    struct http_forward_request facts;
    struct http_head *head;
    struct lease_request request;
    if (!prepare(x, rules, &head, &facts))
        return no_memory(x);
    for (lease_request_init(&request, NULL, true);; request.pooled = false) {
        if (exchange_lease(x, &request, &facts) < 0)
            return -1;
        int r = ask_once(x, head, &facts);
        if (r == 0)
            return 0;
        bool stale = (r == -ECONNRESET || r == -EPIPE) && x->lease->reused && !x->server.end;
        exchange_give_back(x, false);
        x->response.status = 0;
        if (r == -ETIMEDOUT)
            return exchange_fail(x, 504, "forward_auth_timeout", "http_response_timeout", BLAME_UPSTREAM,
                                 "timeout_response");
        if (!stale)
            return exchange_fail(x, 502, "forward_auth_failed", "http_protocol_error", rules->blame,
                                 "forward_auth");
    }
}

static size_t count_field(const struct http_head *head, struct span name)
{
    size_t count = 0;
    for (unsigned i = 0; i < head->count; i++)
        count += !head->fields[i].hop && span_equal_nocase(head->fields[i].name, name);
    return count;
}

/* One field of the answer in place of the client's: as many lines as it has, or none. */
static struct http_edit *copy_field(struct exchange *x, struct span name, struct http_edit *edit)
{
    *edit = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = name};
    enum http_edit_op op = HTTP_EDIT_SET;
    for (unsigned i = 0; i < x->response.count && edit; i++) {
        const struct http_field *f = &x->response.fields[i];
        if (f->hop || !span_equal_nocase(f->name, name))
            continue;
        const char *value = memory_copy(&x->memory, f->value.p, f->value.n);
        if (!value)
            return NULL;
        *edit++ = (struct http_edit){op, name, span_of(value, f->value.n)};
        op = HTTP_EDIT_ADD;
    }
    return op == HTTP_EDIT_SET ? edit + 1 : edit;
}

/* Whether anybody is asked or not: fields of these names are never the client's. */
static int set_fields(struct exchange *x, const struct forward_auth_rules *rules, bool answered)
{
    size_t count = 0;
    if (!rules->field_count)
        return 0;
    if (!answered)
        x->response.count = 0;
    for (size_t i = 0; i < rules->field_count; i++) {
        size_t lines = count_field(&x->response, span_str(rules->fields[i].written));
        count += lines ? lines : 1;
    }
    struct http_edit *edit = exchange_more_edits(x, &x->request_edits, count);
    for (size_t i = 0; i < rules->field_count && edit; i++)
        edit = copy_field(x, span_str(rules->fields[i].written), edit);
    return edit ? 0 : no_memory(x);
}

static bool is_refusal(int status)
{
    return (status >= 300 && status < 400 && status != 304) || status == 401 || status == 403 ||
           status == 429;
}

/* The answer has a body, as one to a GET, but the client may have asked for a head alone. */
static void pass_on(struct exchange *x, const struct forward_auth_rules *rules)
{
    exchange_discard_body(x);
    x->answer = &x->server.stream;
    if (x->request.method == HTTP_METHOD_HEAD && x->response.framing != HTTP_FRAMING_NONE) {
        x->response.framing = HTTP_FRAMING_NONE;
        x->response.keepalive = false; /* its connection is left with a body on the way */
        x->server.body_done = true;
    }
    exchange_note(x, "forward_auth_denied", rules->blame, "forward_auth");
}

/* Reads away what came with a good answer. */
static void finish(struct exchange *x)
{
    struct http_stream *server = &x->server.stream;
    green_time deadline = green_turn_time() + x->upstream->timeout_read;
    struct span data;
    ssize_t n = 1;
    for (size_t all = 0; n > 0 && all<BODY_MOST; all += n> 0 ? (size_t)n : 0)
        n = server->ops->read_body(server, &data, deadline);
    exchange_give_back(x, n == 0);
    x->log.server = NULL; /* the upstream's is still to come */
    x->log.connected = 0;
    x->response.status = 0;
}

static int judge(struct exchange *x, const struct forward_auth_rules *rules)
{
    int status = x->response.status;
    if (is_refusal(status)) {
        pass_on(x, rules);
        return 0;
    }
    if (status >= 300) {
        exchange_give_back(x, false);
        x->response.status = 0;
        return exchange_fail(x, 502, "forward_auth_failed", "http_protocol_error", rules->blame,
                             "forward_auth");
    }
    int r = set_fields(x, rules, true);
    finish(x);
    return r;
}

int forward_auth(struct exchange *x, const struct forward_auth_rules *rules)
{
    const struct conf_upstream *upstream = x->upstream;
    if (!rules->ask->to.upstream)
        return set_fields(x, rules, false);
    x->upstream = rules->ask->to.upstream;
    int r = ask(x, rules);
    if (r == 0)
        r = judge(x, rules);
    if (r == 0 && !x->answer)
        x->upstream = upstream;
    return r;
}
