/* Ties of requests to servers (affinity.h). */
#include "affinity.h"

#include <stdio.h>

#include "route/condition.h"
#include "route/affinity.h"
#include "upstream/sticky.h"

#define COOKIE_BYTES 1024

static struct span find_cookie(const struct http_head *head, const char *name)
{
    struct route_cookie_place at = {0, 0};
    struct route_cookie cookie;
    while (route_next_cookie(head, &at, &cookie))
        if (span_equal(cookie.name, span_str(name)))
            return cookie.value;
    return span_of(NULL, 0);
}

void affinity_find(const struct exchange *x, struct lease_request *request)
{
    const struct conf_balancing *b = &x->upstream->balancing;
    if (b->sticky.written)
        request->token = find_cookie(&x->request, b->sticky.cookie);
    if (b->balance.method == CONF_HASH && !request->hashed)
        request->hashed = affinity_hash(&b->balance, &x->request, &exchange_client(x)->any, &request->hash);
}

int affinity_remember(struct exchange *x, const struct lease_request *request)
{
    const struct conf_sticky *sticky = &x->upstream->balancing.sticky;
    char age[40] = "";
    if (!sticky->written)
        return 0;
    struct span token = sticky_token(x->lease->server);
    x->set_cookie = span_of(NULL, 0);
    if (!token.n || span_equal(token, request->token))
        return 0;
    char *text = memory_take(&x->memory, COOKIE_BYTES);
    if (!text)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    if (sticky->max_age)
        snprintf(age, sizeof age, "; Max-Age=%lld", (long long)(sticky->max_age / GREEN_S(1)));
    int n = snprintf(text, COOKIE_BYTES, "%s=%.*s; Path=%s%s; HttpOnly; SameSite=%s%s", sticky->cookie,
                     (int)token.n, token.p, sticky->path, age, sticky->same_site,
                     sticky->always_secure || x->connection->tls ? "; Secure" : "");
    if (n > 0 && n < COOKIE_BYTES)
        x->set_cookie = span_of(text, (size_t)n);
    return 0;
}

int affinity_tell(struct exchange *x)
{
    if (!x->set_cookie.n)
        return 0;
    struct http_edit *edit = exchange_more_edits(x, &x->response_edits, 1);
    if (!edit)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    *edit = (struct http_edit){.op = HTTP_EDIT_ADD, .name = SPAN("Set-Cookie"), .value = x->set_cookie};
    return 0;
}
