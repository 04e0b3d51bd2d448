/*
 * Tokens (Bearer, RFC 6750). Verifying one takes 20 to 100 us, which is not worth a thread; what was verified is
 * remembered with its claims, which are judged anew each time.
 */
#include <stdio.h>
#include <time.h>

#include "authenticate.h"
#include "credentials.h"
#include "route/jwt.h"

#define REMEMBERED GREEN_S(300)

/* The scratch space of the worker: first for the token, then for what becomes of its claims. */
#define VALUE_MOST ((size_t)4096)

static bool find_token(const struct exchange *x, const struct conf_text *cookie, struct span *token)
{
    if (http_authorization(&x->request, authenticate_field(x), SPAN("Bearer"), token))
        return true;
    return cookie->written && http_cookie(&x->request, span_str(cookie->written), token);
}

/* The claims of a token that one of the keys has signed; they are the table's. */
static enum jwt_verdict find_claims(struct exchange *x, struct authenticator *a, const struct keyring *ring,
                                    struct span token, json_t **claims)
{
    struct span parts[] = {span_of((const char *)&ring->number, sizeof ring->number), token};
    struct verified_key key;
    if (token.n > JWT_MOST || !verified_key(a->tokens, parts, 2, &key))
        return JWT_MALFORMED;
    *claims = verified_find(a->tokens, &key, green_turn_time());
    if (*claims)
        return JWT_GOOD;
    enum jwt_verdict verdict = jwt_verify(ring, token, x->worker->scratch, claims);
    if (verdict == JWT_GOOD)
        verified_add(a->tokens, &key, *claims, green_turn_time() + REMEMBERED);
    return verdict;
}

static int refuse(struct exchange *x, const struct token_rules *rules, enum jwt_verdict verdict)
{
    char challenge[320];
    bool insufficient = verdict == JWT_CLAIM;
    snprintf(challenge, sizeof challenge, "Bearer realm=\"%s\", error=\"%s\", error_description=\"%s\"",
             rules->realm, insufficient ? "insufficient_scope" : "invalid_token", jwt_description(verdict));
    return authenticate_challenge(x, insufficient ? 403 : 401, challenge, jwt_reason(verdict), rules->blame,
                                  "jwt");
}

/* Whoever gave no token at all is told no more than that one is needed. */
static int ask(struct exchange *x, const struct token_rules *rules)
{
    char challenge[160];
    snprintf(challenge, sizeof challenge, "Bearer realm=\"%s\"", rules->realm);
    return authenticate_challenge(x, 401, challenge, "token_missing", rules->blame, "jwt");
}

static bool note_user(struct exchange *x, const json_t *claims)
{
    struct span subject;
    if (x->log.user.n || !json_text(claims, "sub", &subject) || !subject.n || subject.n > 1024)
        return true;
    const char *copy = memory_copy(&x->memory, subject.p, subject.n);
    x->log.user = span_of(copy, subject.n);
    return copy != NULL;
}

/* Fields made of claims, in place of whatever the client sent under their names. */
static bool set_fields(struct exchange *x, const struct token_rules *rules, json_t *claims)
{
    if (!rules->field_count)
        return true;
    struct http_edit *edits = exchange_more_edits(x, &x->request_edits, rules->field_count);
    for (size_t i = 0; i < rules->field_count && edits; i++) {
        const struct conf_claim_field *pair = &rules->fields[i];
        ssize_t n = claims ? jwt_claim_text(claims, pair->claim, x->worker->scratch, VALUE_MOST) : -1;
        const char *value = n > 0 ? memory_copy(&x->memory, x->worker->scratch, (size_t)n) : NULL;
        if (n > 0 && !value)
            return false;
        edits[i] = (struct http_edit){value ? HTTP_EDIT_SET : HTTP_EDIT_REMOVE, span_str(pair->field),
                                      span_of(value, value ? (size_t)n : 0)};
    }
    return edits != NULL;
}

static int no_memory(struct exchange *x)
{
    return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
}

int authenticate_token(struct exchange *x, const struct token_rules *rules)
{
    struct authenticator *a = rules->ring ? authenticator_of(x->worker) : NULL;
    json_t *claims = NULL;
    struct span token;
    if (rules->ring && !a)
        return no_memory(x);
    if (rules->ring && !find_token(x, rules->cookie, &token))
        return ask(x, rules);
    if (rules->ring) {
        enum jwt_verdict verdict = find_claims(x, a, rules->ring, token, &claims);
        if (verdict == JWT_GOOD)
            verdict = jwt_judge(claims, &rules->rules, time(NULL));
        if (verdict != JWT_GOOD)
            return refuse(x, rules, verdict);
        if (!note_user(x, claims))
            return no_memory(x);
    }
    return set_fields(x, rules, claims) ? 0 : no_memory(x);
}
