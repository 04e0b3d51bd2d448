/* Who is asking: which rules there are for a request, and what becomes of the field they have used. */
#include "authenticate.h"

#include <stdlib.h>

#include "forward_auth.h"

#define CHECKS 2 /* passwords at a time in one worker; the threads for them are fewer yet */

static void forget_claims(void *claims)
{
    json_decref(claims);
}

struct authenticator *authenticator_of(struct worker *w)
{
    if (w->authenticator)
        return w->authenticator;
    struct authenticator *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->passwords = verified_new(NULL);
    a->tokens = verified_new(forget_claims);
    if (!a->passwords || !a->tokens || green_semaphore_init(&a->checks, CHECKS) < 0) {
        authenticator_free(a);
        return NULL;
    }
    return w->authenticator = a;
}

void authenticator_free(struct authenticator *a)
{
    if (!a)
        return;
    verified_free(a->passwords);
    verified_free(a->tokens);
    free(a);
}

int authenticate_challenge(struct exchange *x, int status, const char *challenge, const char *reason,
                           enum exchange_blame blame, const char *directive)
{
    struct http_edit *field = memory_take(&x->memory, sizeof *field);
    const char *value = memory_copy(&x->memory, challenge, strlen(challenge));
    bool proxy = authenticate_field(x) == HTTP_F_PROXY_AUTHORIZATION;
    exchange_fail(x, status == 401 && proxy ? 407 : status, reason, "http_request_denied", blame, directive);
    if (field && value) {
        *field = (struct http_edit){
            HTTP_EDIT_ADD, proxy ? SPAN("Proxy-Authenticate") : SPAN("WWW-Authenticate"), span_str(value)};
        x->page.fields = (struct http_edits){field, 1};
    }
    return -1;
}

/* The credentials are ours; the upstream need not see them. (Proxy-Authorization never goes on.) */
static int hide_authorization(struct exchange *x)
{
    if (authenticate_field(x) != HTTP_F_AUTHORIZATION)
        return 0;
    struct http_edit *edit = exchange_more_edits(x, &x->request_edits, 1);
    if (!edit)
        return exchange_fail(x, 500, "no_memory", "proxy_internal_error", BLAME_NONE, NULL);
    *edit = (struct http_edit){.op = HTTP_EDIT_REMOVE, .name = SPAN("Authorization")};
    return 0;
}

/* The route's own come before the listener's, key by key: of values, and of lists. */
#define RULES(x, member)                                                                                     \
    ((x)->route && (x)->route->authentication.member.written ? &(x)->route->authentication.member            \
                                                             : &(x)->listener->authentication.member)
#define LIST(x, list, count, to, to_count)                                                                   \
    do {                                                                                                     \
        const struct conf_authentication *from_ = (x)->route && (x)->route->authentication.count             \
                                                      ? &(x)->route->authentication                          \
                                                      : &(x)->listener->authentication;                      \
        (to) = from_->list;                                                                                  \
        (to_count) = from_->count;                                                                           \
    } while (0)

static enum exchange_blame blame_for(const struct exchange *x, bool by_route)
{
    return x->route && by_route ? BLAME_ROUTE : BLAME_LISTENER;
}

static void find_token_rules(const struct exchange *x, struct token_rules *t)
{
    int64_t leeway = x->route ? x->route->authentication.leeway : CONF_INHERIT;
    *t = (struct token_rules){
        .ring = RULES(x, jwt)->keys,
        .cookie = RULES(x, cookie),
        .rules.leeway = conf_pick(leeway, x->listener->authentication.leeway),
        .blame = blame_for(x, x->route && x->route->authentication.jwt.written),
    };
    LIST(x, issuers, issuer_count, t->rules.issuers, t->rules.issuer_count);
    LIST(x, audiences, audience_count, t->rules.audiences, t->rules.audience_count);
    LIST(x, claims, claim_count, t->rules.claims, t->rules.claim_count);
    LIST(x, claim_fields, claim_field_count, t->fields, t->field_count);
}

static int check_credentials(struct exchange *x, const char *realm)
{
    const struct conf_users *users = RULES(x, users);
    struct token_rules token;
    int r = 0;
    if (users->count)
        r = authenticate_password(x, users, realm,
                                  blame_for(x, x->route && x->route->authentication.users.written));
    find_token_rules(x, &token);
    token.realm = realm;
    if (r == 0 && (token.ring || token.field_count))
        r = authenticate_token(x, &token);
    bool forward = conf_pick(x->route ? x->route->authentication.forward : CONF_INHERIT,
                             x->listener->authentication.forward) == CONF_ON;
    return r < 0 || forward || (!users->count && !token.ring) ? r : hide_authorization(x);
}

static int ask_service(struct exchange *x)
{
    struct forward_auth_rules rules = {
        .ask = RULES(x, ask),
        .blame = blame_for(x, x->route && x->route->authentication.ask.written),
    };
    LIST(x, ask_fields, ask_field_count, rules.fields, rules.field_count);
    return rules.ask->to.upstream || rules.field_count ? forward_auth(x, &rules) : 0;
}

int exchange_authenticate(struct exchange *x)
{
    if (!x->listener->authentication.used && !(x->route && x->route->authentication.used))
        return 0;
    const char *realm = RULES(x, realm)->written;
    int r = check_credentials(x, realm ? realm : "greenway");
    return r == 0 ? ask_service(x) : r;
}
