/* Redirects and fixed answers (answers.h). */
#include "answers.h"

#include <errno.h>
#include <stdio.h>

#include "tls/challenges.h"
#include "variables.h"

static int cannot_fill(struct exchange *x, int error, const char *key)
{
    return exchange_fail(x, 500, error == -EMSGSIZE ? "answer_too_long" : "no_memory", "proxy_internal_error",
                         BLAME_ROUTE, key);
}

/* Does the URL need a host that the request does not have? (HTTP/1.0 may come without.) */
static bool lacks_host(const struct exchange *x, const struct conf_template *t)
{
    for (size_t i = 0; i < t->count && !x->request.host.n; i++)
        if (t->parts[i].variable == CONF_V_HOST || t->parts[i].variable == CONF_V_AUTHORITY)
            return true;
    return false;
}

int answer_redirect(struct exchange *x, const struct conf_redirect *redirect)
{
    struct span location;
    if (lacks_host(x, &redirect->location))
        return exchange_fail(x, 400, "host_missing", "http_request_error", BLAME_ROUTE, "redirect");
    int r = exchange_fill(x, &redirect->location, TEMPLATE_URI, &location);
    if (r < 0)
        return cannot_fill(x, r, "redirect");
    while (redirect->local && location.n > 1 && location.p[1] == '/') /* "//name/" would be another host */
        location = span_of(location.p + 1, location.n - 1);
    local_begin(x, redirect->status);
    r = local_field(x, SPAN("Location"), location);
    return r < 0 ? cannot_fill(x, r, "redirect") : local_body(x, SPAN(""));
}

int answer_https(struct exchange *x)
{
    struct span host = x->request.authority.host, path = x->request.uri.path, query = x->request.uri.query;
    char port[8] = "";
    if (!host.n)
        return exchange_fail(x, 400, "host_missing", "http_request_error", BLAME_LISTENER, "redirect_https");
    if (!path.n || path.p[0] != '/')
        path = SPAN("/");
    if (x->listener->tls.redirect_https > 1 && x->listener->tls.redirect_https != 443)
        snprintf(port, sizeof port, ":%d", (int)x->listener->tls.redirect_https);
    size_t size = sizeof "https://" + host.n + strlen(port) + path.n + query.n;
    char *url = size < MEMORY_MOST ? memory_take(&x->memory, size) : NULL;
    if (!url)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    char *at = mempcpy(url, "https://", sizeof "https://" - 1);
    at = mempcpy(at, host.p, host.n);
    at = mempcpy(at, port, strlen(port));
    at = mempcpy(at, path.p, path.n);
    if (query.n)
        at = mempcpy(at, query.p, query.n);
    local_begin(x, 308);
    int r = local_field(x, SPAN("Location"), span_of(url, (size_t)(at - url)));
    return r < 0 ? cannot_fill(x, r, "redirect_https") : local_body(x, SPAN(""));
}

enum template_place answer_place(const char *type)
{
    if (strstr(type, "html") || strstr(type, "xml"))
        return TEMPLATE_HTML;
    return strstr(type, "json") || strstr(type, "javascript") ? TEMPLATE_JSON : TEMPLATE_TEXT;
}

int answer_text(struct exchange *x, const struct conf_respond *respond)
{
    struct span text = SPAN("");
    x->log.status = respond->status; /* for ${status} */
    int r = respond->type ? exchange_fill(x, &respond->text, answer_place(respond->type), &text) : 0;
    if (r < 0)
        return cannot_fill(x, r, "respond");
    local_begin(x, respond->status);
    if (respond->type)
        r = local_field(x, SPAN("Content-Type"), span_str(respond->type));
    if (r == 0 && respond->type)
        r = local_field(x, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
    return r < 0 ? cannot_fill(x, r, "respond") : local_body(x, text);
}

/* --- proofs for an authority -------------------------------------------------------------------------------------- */

static int find_proof(const struct exchange *x, char out[CHALLENGE_ANSWER])
{
    const size_t n = sizeof CHALLENGE_PATH - 1;
    struct span path = x->request.uri.path;
    if (path.n <= n || memcmp(path.p, CHALLENGE_PATH, n) != 0)
        return -ENOENT;
    return challenges_answer(path.p + n, path.n - n, out);
}

bool answer_is_proof(struct exchange *x)
{
    char proof[CHALLENGE_ANSWER];
    x->proof = x->request.method == HTTP_METHOD_GET && find_proof(x, proof) >= 0;
    return x->proof;
}

int answer_proof(struct exchange *x)
{
    char *proof = memory_take(&x->memory, CHALLENGE_ANSWER);
    if (!proof)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    int n = find_proof(x, proof);
    if (n < 0) /* it was over a moment ago */
        return exchange_fail(x, 404, "no_route", "destination_not_found", BLAME_LISTENER, "upstream");
    local_begin(x, 200);
    int r = local_field(x, SPAN("Content-Type"), SPAN("application/octet-stream"));
    return r < 0 ? cannot_fill(x, r, "acme") : local_body(x, span_of(proof, (size_t)n));
}
