/*
 * Who is asking: the rules of the listener and the route on passwords, tokens and what another service says, all of
 * which have to be met. What was made of a request's credentials goes to the log and, as fields, to the upstream.
 */
#ifndef HTTP_AUTHENTICATE_H
#define HTTP_AUTHENTICATE_H

#include "exchange.h"
#include "route/jwt.h"
#include "route/verified.h"

/* What a worker keeps for it, from the first request that needs it on. */
struct authenticator {
    struct verified *passwords;
    struct verified *tokens;  /* with the claims of each */
    green_semaphore_t checks; /* passwords that are being checked */
    unsigned waiting;         /* requests that wait for one of them */
};

struct authenticator *authenticator_of(struct worker *w); /* NULL: there is no memory */
void authenticator_free(struct authenticator *a);

/* Does the request carry the password of a user? 0, or -1 after exchange_fail(). May switch. */
int authenticate_password(struct exchange *x, const struct conf_users *users, const char *realm,
                          enum exchange_blame blame);

/* What is asked of tokens, and what becomes of their claims. */
struct token_rules {
    const struct keyring *ring; /* NULL: no token is needed */
    struct jwt_rules rules;
    const struct conf_text *cookie;
    const struct conf_claim_field *fields; /* which nobody but a token may set */
    size_t field_count;
    const char *realm;
    enum exchange_blame blame;
};

/* Does the request carry a token that is good? 0, or -1 after exchange_fail(). */
int authenticate_token(struct exchange *x, const struct token_rules *rules);

/* The field that credentials for us come in: to a forward proxy, Authorization is for the server behind it. */
static inline uint8_t authenticate_field(const struct exchange *x)
{
    return x->listener->protocol == CONF_FORWARD ? HTTP_F_PROXY_AUTHORIZATION : HTTP_F_AUTHORIZATION;
}

/* Ends the request with `status` and a challenge (RFC 9110 section 11.6.1); for a forward proxy 401 becomes 407. Returns
 * -1. */
int authenticate_challenge(struct exchange *x, int status, const char *challenge, const char *reason,
                           enum exchange_blame blame, const char *directive);

/* All of it. 0, and if x->answer is set, that is all there is to the request; -1 after exchange_fail(). May switch. */
int exchange_authenticate(struct exchange *x);

#endif
