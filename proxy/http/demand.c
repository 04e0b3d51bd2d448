/* The rules are the route's where it has some, else the listener's. */
#include "demand.h"

#include <errno.h>
#include <stdio.h>

#include "route/keyed_hash.h"
#include "route/rate_table.h"
#include "route/source.h"
#include "runtime/process.h"
#include "runtime/sources.h"

/* --- methods ------------------------------------------------------------------------------------------------------- */

static bool allows(const struct conf_method *m, struct span method)
{
    struct span name = span_of(m->written, m->length);
    return span_equal(name, method) || (span_equal(name, SPAN("GET")) && span_equal(method, SPAN("HEAD")));
}

/* "GET, POST, HEAD", for Allow; NULL without memory. */
static const char *list_of(struct exchange *x, const struct conf_demand *d)
{
    size_t size = sizeof ", HEAD";
    bool get = false, head = false;
    for (size_t i = 0; i < d->method_count; i++) {
        size += d->methods[i].length + 2;
        get |= strcmp(d->methods[i].written, "GET") == 0;
        head |= strcmp(d->methods[i].written, "HEAD") == 0;
    }
    char *text = memory_take(&x->memory, size), *at = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < d->method_count; i++)
        at = stpcpy(stpcpy(at, i ? ", " : ""), d->methods[i].written);
    if (get && !head)
        strcpy(at, ", HEAD");
    return text;
}

static int check_method(struct exchange *x)
{
    bool by_route = x->route && x->route->demand.method_count;
    const struct conf_demand *d = by_route ? &x->route->demand : &x->listener->demand;
    if (!d->method_count)
        return 0;
    for (size_t i = 0; i < d->method_count; i++)
        if (allows(&d->methods[i], x->request.method_name))
            return 0;
    exchange_fail(x, 405, "method_not_allowed", "http_request_error", by_route ? BLAME_ROUTE : BLAME_LISTENER,
                  "methods");
    x->page.allow = list_of(x, d);
    return -1;
}

/* --- what is counted ------------------------------------------------------------------------------------------------ */

/* The value of name=value in a list with this separator: the only one of that name, or an empty span. */
static struct span parameter(struct span list, char separator, struct span name)
{
    struct span found = {NULL, 0};
    while (list.n) {
        const char *end = memchr(list.p, separator, list.n);
        size_t n = end ? (size_t)(end - list.p) : list.n, step = end ? n + 1 : n;
        struct span item = span_trim(span_of(list.p, n));
        list = span_of(list.p + step, list.n - step);
        if (item.n <= name.n || item.p[name.n] != '=' || !span_equal(span_of(item.p, name.n), name))
            continue;
        if (found.p)
            return span_of(NULL, 0);
        found = span_of(item.p + name.n + 1, item.n - name.n - 1);
    }
    return found;
}

/* Of a field that comes twice nobody knows which one will count: it is as if there were none. */
static struct span only_field(const struct http_head *head, struct span name)
{
    const struct http_field *found = NULL;
    for (unsigned i = 0; i < head->count; i++) {
        if (!span_equal_nocase(head->fields[i].name, name))
            continue;
        if (found)
            return span_of(NULL, 0);
        found = &head->fields[i];
    }
    return found ? found->value : span_of(NULL, 0);
}

static struct span lower_host(struct exchange *x)
{
    struct span host = x->request.authority.host;
    char *out = x->worker->scratch;
    if (host.n > sizeof x->worker->scratch)
        return host;
    for (size_t i = 0; i < host.n; i++)
        out[i] = span_lower(host.p[i]);
    return span_of(out, host.n);
}

static struct span plain_path(struct exchange *x)
{
    char *out = x->worker->scratch;
    int n = http_path_normalise(x->request.uri.path, 0, out, sizeof x->worker->scratch);
    return n < 0 ? x->request.uri.path : span_of(out, (size_t)n);
}

/* What a request has of one part; empty if it has nothing. Valid until the next call. */
static struct span part_of(struct exchange *x, enum conf_rate_by by, struct span name)
{
    struct span query = x->request.uri.query;
    switch (by) {
    case CONF_BY_HEADER:
        return only_field(&x->request, name);
    case CONF_BY_COOKIE:
        return parameter(only_field(&x->request, SPAN("Cookie")), ';', name);
    case CONF_BY_QUERY: /* it begins with its question mark */
        return query.n ? parameter(span_of(query.p + 1, query.n - 1), '&', name) : query;
    case CONF_BY_PATH:
        return plain_path(x);
    case CONF_BY_HOST:
        return lower_host(x);
    case CONF_BY_ROUTE:
        return x->route ? span_str(x->route->name) : SPAN("-");
    case CONF_BY_SOURCE:
        break;
    }
    return span_of(NULL, 0);
}

static uint64_t key_of(struct exchange *x, const struct conf_rate_limit *limit)
{
    const struct hash_key *secret = &x->worker->process->hash_key;
    uint64_t key = keyed_hash(secret, 0, &limit->id, sizeof limit->id);
    for (size_t i = 0; i < limit->parts; i++) {
        struct span part = part_of(x, limit->by[i].by, span_of(limit->by[i].name, limit->by[i].length));
        struct source source;
        if (!part.n) { /* the source itself was asked for, or stands in for what is not there */
            source = source_of(exchange_client(x), (unsigned)x->listener->source_prefix_v6);
            part = span_of((const char *)source.bytes, sizeof source.bytes);
        }
        key = keyed_hash(secret, key, part.p, part.n);
    }
    return key;
}

/* --- rates ---------------------------------------------------------------------------------------------------------- */

static const struct conf_demand *rates_of(const struct exchange *x, bool *by_route)
{
    *by_route = x->route && x->route->demand.rate_count;
    return *by_route ? &x->route->demand : &x->listener->demand;
}

/* RateLimit and RateLimit-Policy, as the IETF's draft has them; they are left out without memory. */
static void tell_limit(struct exchange *x, const struct conf_rate_limit *limit, int64_t seconds)
{
    enum { TEXT = 96 };
    struct http_edit *edits = memory_take(&x->memory, 2 * sizeof *edits);
    char *text = memory_take(&x->memory, 2 * TEXT);
    if (!edits || !text)
        return;
    int policy = snprintf(text, TEXT, "\"default\";q=%lld;w=%lld", (long long)limit->count,
                          (long long)(limit->period / GREEN_S(1)));
    int state = snprintf(text + TEXT, TEXT, "\"default\";r=0;t=%lld", (long long)seconds);
    edits[0] = (struct http_edit){HTTP_EDIT_ADD, SPAN("RateLimit-Policy"), span_of(text, (size_t)policy)};
    edits[1] = (struct http_edit){HTTP_EDIT_ADD, SPAN("RateLimit"), span_of(text + TEXT, (size_t)state)};
    x->page.fields = (struct http_edits){edits, 2};
}

static int refuse_rate(struct exchange *x, const struct conf_rate_limit *limit, bool by_route, int64_t wait)
{
    int64_t status =
        conf_pick(x->route ? x->route->demand.rate_status : CONF_INHERIT, x->listener->demand.rate_status);
    int64_t seconds = (wait + GREEN_S(1) - 1) / GREEN_S(1);
    exchange_fail(x, (int)status, "rate_limited", "http_request_denied",
                  by_route ? BLAME_ROUTE : BLAME_LISTENER, "rate_limit");
    x->origin = limit->origin; /* there may be several */
    x->page.retry_after = (int)seconds;
    tell_limit(x, limit, seconds);
    return -1;
}

static void note_dry_run(struct exchange *x, const struct conf_rate_limit *limit)
{
    x->origin = limit->origin;
    x->log.reason = "rate_limit_dry_run";
    x->log.directive = "rate_limit";
    x->log.origin = &x->origin;
}

static struct rate rate_of(const struct conf_rate_limit *limit)
{
    return (struct rate){limit->interval, limit->burst, limit->delay};
}

/* A request has to pass all; one that does not takes nothing from any. */
static int check_rates(struct exchange *x)
{
    bool by_route;
    const struct conf_demand *d = rates_of(x, &by_route);
    struct rate_table *table = x->view->snapshot->rates;
    int64_t hold = 0;
    uint64_t taken = 0; /* from which; there are at most CONF_RATES_MOST */
    green_time now = green_turn_time();
    for (size_t i = 0; i < d->rate_count; i++) {
        const struct conf_rate_limit *limit = &d->rates[i];
        struct rate rate = rate_of(limit);
        struct rate_answer answer;
        if (limit->off)
            continue;
        if (rate_take(table, key_of(x, limit), &rate, now, &answer)) {
            taken |= UINT64_C(1) << i;
            hold = !limit->dry_run && answer.wait > hold ? answer.wait : hold;
            continue;
        }
        if (limit->dry_run) {
            note_dry_run(x, limit);
            continue;
        }
        while (i-- > 0) {
            rate = rate_of(&d->rates[i]);
            if (taken >> i & 1)
                rate_give_back(table, key_of(x, &d->rates[i]), &rate);
        }
        return refuse_rate(x, limit, by_route, answer.wait);
    }
    if (hold && green_sleep(hold) < 0)
        return exchange_fail(x, 0, "client_gone", NULL, BLAME_NONE, NULL);
    return 0;
}

/* How many requests of its source are being served already. */
static int check_share(struct exchange *x)
{
    int64_t most = x->listener->patience.requests_per_source;
    if (!most)
        return 0;
    struct source source = source_of(exchange_client(x), (unsigned)x->listener->source_prefix_v6);
    int r = source_enter(x->view->snapshot->sources, x->connection->listener, source, most, &x->counted);
    if (r == -EDQUOT) {
        exchange_fail(x, 429, "too_many_requests_of_source", "http_request_denied", BLAME_LISTENER,
                      "max_requests_per_source");
        x->page.retry_after = 1;
    } else if (r < 0) {
        exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    }
    return r < 0 ? -1 : 0;
}

int exchange_demand(struct exchange *x)
{
    int r = check_method(x);
    if (r == 0)
        r = check_share(x);
    return r == 0 ? check_rates(x) : r;
}

bool demand_has_rates(const struct conf *conf)
{
    bool any = false;
    for (size_t i = 0; i < conf->listener_count; i++)
        any |= conf->listeners[i].demand.rate_count > 0;
    for (size_t i = 0; i < conf->route_count; i++)
        any |= conf->routes[i].demand.rate_count > 0;
    return any;
}
