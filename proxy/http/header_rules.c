/* Rules about header fields become edits (header_rules.h). */
#include "header_rules.h"

#include <errno.h>

#include "tls/accept.h"
#include "variables.h"

/* Adds an edit where there is room for it. What sets or removes a field undoes earlier edits of that field. */
static void append(struct http_edits *edits, const struct http_edit *edit)
{
    struct http_edit *list = (struct http_edit *)(uintptr_t)edits->list; /* made by exchange_more_edits() */
    for (size_t i = 0; i < edits->count && edit->op != HTTP_EDIT_ADD; i++)
        if (span_equal_nocase(list[i].name, edit->name))
            list[i] = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = edit->name};
    list[edits->count++] = *edit;
}

static int reserve(struct exchange *x, struct http_edits *edits, size_t count)
{
    size_t n = edits->count;
    if (count && !exchange_more_edits(x, edits, count))
        return -ENOMEM;
    edits->count = n;
    return 0;
}

static int apply(struct exchange *x, const struct conf_header_rule *rule, struct http_edits *edits)
{
    static const enum http_edit_op ops[] = {[CONF_HEADER_SET] = HTTP_EDIT_SET,
                                            [CONF_HEADER_ADD] = HTTP_EDIT_ADD,
                                            [CONF_HEADER_REMOVE] = HTTP_EDIT_REMOVE};
    struct http_edit edit = {.op = ops[rule->op], .name = span_str(rule->name)};
    int r = exchange_fill(x, &rule->value, TEMPLATE_FIELD, &edit.value);
    if (r < 0)
        return r;
    if (!edit.value.n && rule->op == CONF_HEADER_ADD)
        return 0;
    if (!edit.value.n)
        edit.op = HTTP_EDIT_REMOVE;
    append(edits, &edit);
    return 0;
}

static int apply_list(struct exchange *x, const struct conf_header_rule *rules, size_t count,
                      struct http_edits *edits, enum exchange_blame blame, const char *key)
{
    int r = reserve(x, edits, count);
    for (size_t i = 0; i < count && r == 0; i++)
        r = apply(x, &rules[i], edits);
    if (r < 0)
        return exchange_fail(x, 500, r == -EMSGSIZE ? "field_too_long" : "no_memory", "proxy_internal_error",
                             blame, key);
    return 0;
}

/* What a listener with client certificates says of the client, in place of whatever came under these names. */
static int tell_identity(struct exchange *x)
{
    const struct tls_identity *who = x->connection->identity;
    const struct http_edit edits[] = {
        {HTTP_EDIT_SET, SPAN("X-Client-Cert-Subject"), span_str(who ? who->subject : NULL)},
        {HTTP_EDIT_SET, SPAN("X-Client-Cert-Issuer"), span_str(who ? who->issuer : NULL)},
        {HTTP_EDIT_SET, SPAN("X-Client-Cert-Fingerprint"), span_str(who ? who->fingerprint : NULL)},
        {HTTP_EDIT_REMOVE, SPAN("Client-Cert"), {NULL, 0}},
        {HTTP_EDIT_REMOVE, SPAN("Client-Cert-Chain"), {NULL, 0}},
    };
    size_t count = sizeof edits / sizeof edits[0];
    if (reserve(x, &x->request_edits, count) < 0)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    for (size_t i = 0; i < count; i++) {
        struct http_edit edit = edits[i];
        if (!edit.value.n)
            edit.op = HTTP_EDIT_REMOVE;
        append(&x->request_edits, &edit);
    }
    return 0;
}

/* Strict-Transport-Security means something over TLS only. */
static int demand_https(struct exchange *x)
{
    const char *value = x->listener->tls.hsts.value;
    if (!value || !x->connection->tls)
        return 0;
    if (reserve(x, &x->response_edits, 1) < 0)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    append(&x->response_edits,
           &(struct http_edit){HTTP_EDIT_SET, SPAN("Strict-Transport-Security"), span_str(value)});
    return 0;
}

int apply_request_rules(struct exchange *x)
{
    if (x->listener->tls.client_certificate != CONF_CLIENT_CERTIFICATE_OFF && tell_identity(x) < 0)
        return -1;
    const struct conf_header_rules *rules = &x->listener->headers;
    struct http_edits *edits = &x->request_edits;
    int r = apply_list(x, rules->request, rules->request_count, edits, BLAME_LISTENER, "request_header");
    if (r < 0 || !x->route)
        return r;
    rules = &x->route->headers;
    return apply_list(x, rules->request, rules->request_count, edits, BLAME_ROUTE, "request_header");
}

int apply_response_rules(struct exchange *x)
{
    const struct conf_header_rules *rules = &x->listener->headers;
    struct http_edits *edits = &x->response_edits;
    if (demand_https(x) < 0)
        return -1;
    int r = apply_list(x, rules->response, rules->response_count, edits, BLAME_LISTENER, "response_header");
    if (r < 0 || !x->route)
        return r;
    rules = &x->route->headers;
    return apply_list(x, rules->response, rules->response_count, edits, BLAME_ROUTE, "response_header");
}

static int apply_always(struct exchange *x, const struct conf_header_rules *rules)
{
    int r = reserve(x, &x->response_edits, rules->response_count);
    for (size_t i = 0; i < rules->response_count && r == 0; i++)
        if (rules->response[i].always)
            r = apply(x, &rules->response[i], &x->response_edits);
    return r;
}

void apply_page_rules(struct exchange *x)
{
    x->response_edits = (struct http_edits){NULL, 0};
    int r = demand_https(x);
    if (r == 0)
        r = apply_always(x, &x->listener->headers);
    if (r == 0 && x->route)
        r = apply_always(x, &x->route->headers);
    if (r < 0)
        x->response_edits = (struct http_edits){NULL, 0};
}

int choose_host(struct exchange *x, struct span *host)
{
    if (!x->upstream)
        return 0; /* a forward proxy: the client's word goes */
    bool by_route = x->route && x->route->upstream_host.written;
    const struct conf_upstream_host *rule = by_route ? &x->route->upstream_host : &x->upstream->upstream_host;
    struct http_authority authority;
    if (!rule->written)
        return 0;
    if (exchange_fill(x, &rule->value, TEMPLATE_FIELD, host) == 0 &&
        http_authority_parse(*host, &authority) == 0)
        return 0;
    return exchange_fail(x, 500, "upstream_host_invalid", "proxy_internal_error",
                         by_route ? BLAME_ROUTE : BLAME_UPSTREAM, "upstream_host");
}
