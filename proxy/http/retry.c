/* Sending requests once more (retry.h). */
#include "retry.h"

#include <errno.h>
#include <stdio.h>

#include "observe/metrics.h"
#include "route/split.h"
#include "spool.h"

#define PAUSE_MOST GREEN_S(1)

/* --- may it be? --------------------------------------------------------------------------------------------------- */

/* All of it is still here, and there is somebody to answer. */
static bool is_here(const struct conversation *t)
{
    const struct exchange *x = t->x;
    if (t->client_gone || (t->upload && !x->spool) || green_cancelled())
        return false;
    return !x->limited || !green_timeout_fired(&x->limit);
}

/* RFC 9110 section 9.2.2. */
static bool is_idempotent(unsigned method)
{
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD || method == HTTP_METHOD_OPTIONS ||
           method == HTTP_METHOD_PUT || method == HTTP_METHOD_DELETE;
}

static bool is_safe(unsigned method)
{
    return is_idempotent(method) && method != HTTP_METHOD_PUT && method != HTTP_METHOD_DELETE;
}

/* Nothing of it can have been processed, or nobody minds that it is twice. */
static bool may_be_sent_twice(const struct exchange *x, enum conf_retry_methods methods)
{
    switch (methods) {
    case CONF_RETRY_SAFE:
        return !x->server.sent || is_safe(x->request.method);
    case CONF_RETRY_IDEMPOTENT:
        return !x->server.sent || is_idempotent(x->request.method);
    case CONF_RETRY_ALL:
        break;
    }
    return true;
}

/* A kept connection may die just as it is used: if it did so without a byte of answer, that is nobody's failure. */
static bool died_of_age(const struct conversation *t, int error)
{
    const struct exchange *x = t->x;
    bool died = error == -ECONNRESET || error == -EPIPE;
    return died && !t->replayed && x->lease->reused && !x->server.end &&
           may_be_sent_twice(x, CONF_RETRY_IDEMPOTENT);
}

static bool is_asked_for(const struct conversation *t, const struct conf_retry_on *on, int error)
{
    if (error == -ECONNRESET || error == -EPIPE || error == -ECONNABORTED || error == -ENOTCONN)
        return on->reset;
    if (error == -ETIMEDOUT)
        return on->timeout && t->by_try;
    for (unsigned i = 0; error == 0 && i < on->status_count; i++)
        if (on->statuses[i] == t->x->response.status)
            return true;
    return false;
}

bool retry_spend(struct exchange *x)
{
    struct group *g = view_group(x->view, x->upstream);
    unsigned percent = (unsigned)x->upstream->retries.budget.percent;
    if (retry_budget_spend(&g->budget, percent, green_turn_time()))
        return true;
    if (g->counts)
        counter_add(&g->counts->retries_refused, 1);
    return false;
}

bool retry_wanted(struct conversation *t, int error)
{
    struct exchange *x = t->x;
    if (!is_here(t))
        return false;
    if (error < 0 && died_of_age(t, error)) {
        t->replayed = true;
        return true;
    }
    if (!x->upstream)
        return false;
    const struct conf_retries *rules = &x->upstream->retries;
    if (!is_asked_for(t, &rules->on, error) || !may_be_sent_twice(x, rules->methods) ||
        t->lease.used >= (uint64_t)rules->most || !retry_spend(x))
        return false;
    lease_request_failed(&t->lease, x->lease);
    return true;
}

/* Of one whose server the client's cookie names, no other server knows anything. */
bool retry_may_hedge(const struct conversation *t)
{
    const struct exchange *x = t->x;
    const struct http_head *request = &x->request;
    bool safe_alone = x->upstream->retries.methods == CONF_RETRY_SAFE;
    return request->framing == HTTP_FRAMING_NONE && request->host.n && !request->upgrade &&
           !t->lease.token.n && (safe_alone ? is_safe(request->method) : is_idempotent(request->method));
}

/* --- when? -------------------------------------------------------------------------------------------------------- */

/* At random, or all that failed together would come again together. */
static int64_t pause_of(struct exchange *x, uint32_t retries)
{
    int64_t most = x->upstream->retries.backoff;
    most *= retries == 2 ? 1 : retries == 3 ? 4 : 16;
    if (most > PAUSE_MOST)
        most = PAUSE_MOST;
    return (int64_t)(route_random_next(&x->worker->random) % (uint64_t)most);
}

int retry_pause(struct conversation *t)
{
    struct exchange *x = t->x;
    if (!x->upstream || t->lease.used < 2)
        return 0;
    green_time until = green_in(pause_of(x, t->lease.used));
    if (t->deadline && until > t->deadline)
        until = t->deadline;
    int r = green_sleep_until(until);
    if (r < 0)
        return exchange_fail(x, 502, "upstream_closed", "connection_terminated", BLAME_NONE, NULL);
    return 0;
}

green_time retry_deadline(struct conversation *t, int64_t timeout_response)
{
    const struct exchange *x = t->x;
    green_time now = green_turn_time();
    if (!t->deadline)
        t->deadline = now + timeout_response;
    t->by_try = x->upstream && x->upstream->retries.timeout_try &&
                now + x->upstream->retries.timeout_try < t->deadline;
    return t->by_try ? now + x->upstream->retries.timeout_try : t->deadline;
}

/* --- what is said of it ------------------------------------------------------------------------------------------- */

/* The servers that it was tried with in vain, for the log. */
static struct span tried_text(struct exchange *x, const struct lease_request *request)
{
    struct group *g = view_group(x->view, x->upstream);
    char text[GREEN_ADDRESS_TEXT], *out = memory_take(&x->memory, TRIED_TEXT_MOST);
    size_t n = 0;
    if (!out || request->generation != g->generation)
        return span_of(NULL, 0);
    for (uint32_t i = 0; i < request->tried.count; i++) {
        const struct server *s = &g->servers[request->tried.index[i]];
        const char *name = s->named ? green_address_text(&s->state->addresses[0], true, text) : s->conf->text;
        size_t length = strlen(name);
        if (n + length + 2 > TRIED_TEXT_MOST)
            break;
        n += (size_t)snprintf(out + n, TRIED_TEXT_MOST - n, "%s%s", n ? " " : "", name);
    }
    return span_of(out, n);
}

void retry_tell(struct conversation *t)
{
    struct exchange *x = t->x;
    x->log.tries = t->sent + t->lease.failed;
    if (x->log.tries > 1 && x->upstream)
        x->log.tried = tried_text(x, &t->lease);
}
