/* Names of requests (tracing.h). What is passed on is edits of the request's fields. */
#include "tracing.h"

#include "trace_context.h"

#define ID_BYTES 128 /* of an id that somebody else has given */

/* --- ids ------------------------------------------------------------------------------------------------------- */

struct span exchange_request_id(struct exchange *x)
{
    if (!x->request_id.n) {
        identifier_128(&x->worker->identifiers, x->names.id);
        x->request_id = span_of(x->names.id, sizeof x->names.id);
    }
    return x->request_id;
}

/* Nothing that could be more than a name wherever it is written. */
static bool is_id(struct span id)
{
    if (!id.n || id.n > ID_BYTES)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = span_lower(id.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr("-._~:/+=@", c)))
            return false;
    }
    return true;
}

static struct span received_id(const struct exchange *x, struct span name)
{
    const struct http_field *f = x->trusted ? http_head_find(&x->request, name) : NULL;
    return f && is_id(f->value) ? f->value : span_of(NULL, 0);
}

/* --- traces ---------------------------------------------------------------------------------------------------- */

/* The one field of that name. Two of them are as good as none: nobody could say which one is right. */
static bool only_field(const struct http_head *head, struct span name, struct span *value)
{
    unsigned found = 0;
    for (unsigned i = 0; i < head->count; i++)
        if (span_equal_nocase(head->fields[i].name, name)) {
            *value = head->fields[i].value;
            found++;
        }
    return found == 1;
}

static bool state_valid(const struct http_head *head)
{
    unsigned members = 0;
    for (unsigned i = 0; i < head->count; i++)
        if (span_equal_nocase(head->fields[i].name, SPAN("tracestate")) &&
            !trace_state_valid(head->fields[i].value, &members))
            return false;
    return true;
}

enum received { NOTHING, MALFORMED, WELL_FORMED };

static enum received received_trace(const struct exchange *x, struct trace_context *context)
{
    const struct http_head *head = &x->request;
    struct span value;
    if (x->listener->tracing.context == CONF_TRACE_TRUSTED && !x->trusted)
        return NOTHING;
    if (only_field(head, SPAN("traceparent"), &value) && trace_context_parse(value, context))
        return WELL_FORMED;
    return http_head_find(head, SPAN("traceparent")) ? MALFORMED : NOTHING;
}

/* Our step of the trace that was begun, or of a new one; false: there is none and none is wanted. */
static bool take_step(struct exchange *x, bool *keep_state)
{
    const struct conf_tracing *rules = &x->listener->tracing;
    struct identifiers *ids = &x->worker->identifiers;
    struct trace_context context;
    enum received received = received_trace(x, &context);
    char trace_id[32], span_id[16];
    *keep_state = received == WELL_FORMED && state_valid(&x->request);
    if (received == NOTHING && rules->context == CONF_TRACE_PROPAGATE)
        return false;
    if (received != WELL_FORMED) {
        identifier_128(ids, trace_id);
        context.trace_id = span_of(trace_id, sizeof trace_id);
        context.flags = identifiers_chance(ids, rules->sample.of) ? TRACE_SAMPLED : 0;
    }
    identifier_64(ids, span_id);
    context.parent_id = span_of(span_id, sizeof span_id);
    trace_context_print(&context, x->names.traceparent);
    x->traceparent = span_of(x->names.traceparent, TRACEPARENT_BYTES);
    return true;
}

/* --- both ------------------------------------------------------------------------------------------------------ */

static void add(struct http_edit *edits, size_t *n, enum http_edit_op op, struct span name, struct span value)
{
    edits[(*n)++] = (struct http_edit){.op = op, .name = name, .value = value};
}

int trace_begin(struct exchange *x)
{
    const struct conf_tracing *rules = &x->listener->tracing;
    struct span id_header = span_str(rules->id_header.written);
    bool keep_state = true;
    struct http_edit edits[3];
    size_t n = 0;
    if (rules->ids == CONF_IDS_TRUST)
        x->request_id = received_id(x, id_header);
    if (rules->ids != CONF_IDS_OFF)
        add(edits, &n, HTTP_EDIT_SET, id_header, exchange_request_id(x));
    if (rules->context != CONF_TRACE_OFF && take_step(x, &keep_state))
        add(edits, &n, HTTP_EDIT_SET, SPAN("traceparent"), x->traceparent);
    if (rules->context != CONF_TRACE_OFF && !keep_state)
        add(edits, &n, HTTP_EDIT_REMOVE, SPAN("tracestate"), span_of(NULL, 0));
    if (!n)
        return 0;
    struct http_edit *at = exchange_more_edits(x, &x->request_edits, n);
    if (!at)
        return exchange_fail(x, 503, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    memcpy(at, edits, n * sizeof *edits);
    return 0;
}
