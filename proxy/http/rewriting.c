/* Rewriting a request's target (rewriting.h). */
#include "rewriting.h"

#include <errno.h>

#include "route/rewrite.h"
#include "variables.h"

static int fail(struct exchange *x, int error, const char *key)
{
    if (error == -ENOMEM)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    if (error == -EMSGSIZE)
        return exchange_fail(x, 414, "rewritten_too_long", "http_request_error", BLAME_ROUTE, key);
    return exchange_fail(x, 400, error == -E2BIG ? "rewrite_too_costly" : "rewritten_invalid",
                         "http_request_error", BLAME_ROUTE, key);
}

/* The path in its normal form, in memory that stays. */
static int normal_path(struct exchange *x, struct span *path)
{
    char *scratch = x->worker->scratch;
    int n = http_path_normalise(x->request.uri.path, 0, scratch, sizeof x->worker->scratch);
    if (n < 0)
        return exchange_malformed(x, n);
    if ((size_t)n >= MEMORY_MOST)
        return exchange_malformed(x, HTTP_E_PATH_TOO_LONG);
    const char *kept = memory_copy(&x->memory, scratch, (size_t)n);
    *path = span_of(kept, (size_t)n);
    return kept ? 0 : fail(x, -ENOMEM, NULL);
}

static int join(struct exchange *x, struct span path, struct span query, struct span *target)
{
    *target = path;
    if (!query.n)
        return 0;
    if (path.n + query.n > MEMORY_MOST)
        return -EMSGSIZE;
    char *text = memory_take(&x->memory, path.n + query.n);
    if (!text)
        return -ENOMEM;
    memcpy(mempcpy(text, path.p, path.n), query.p, query.n);
    *target = span_of(text, path.n + query.n);
    return 0;
}

int rewrite_request(struct exchange *x)
{
    const struct conf_rewriting *rules = x->route ? &x->route->rewriting : NULL;
    const char *key;
    if (!rules || (!rules->strip.written && !rules->add.written && !rules->rewrite_count))
        return 0;
    if (x->request.uri.form != HTTP_TARGET_ORIGIN && x->request.uri.form != HTTP_TARGET_ABSOLUTE)
        return 0; /* "*" and host:port have no path */
    struct rewriting r = {.query = x->request.uri.query,
                          .lookup = exchange_variable,
                          .context = x,
                          .memory = &x->memory,
                          .scratch = x->worker->scratch,
                          .room = sizeof x->worker->scratch};
    if (normal_path(x, &r.path) < 0)
        return -1;
    int e = rewrite_target(rules, &r, &key);
    if (e == 0)
        e = join(x, r.path, r.query, &x->target);
    x->path = r.path;
    return e < 0 ? fail(x, e, key) : 0;
}
