/*
 * Signed tokens (JWT, RFC 7519, in their compact form, RFC 7515), judged as RFC 8725 advises: the algorithm has to be
 * one of the key's own, nothing in a token leads to a key but its kid, and what is not understood is refused.
 */
#ifndef ROUTE_JWT_H
#define ROUTE_JWT_H

#include "json.h"
#include "keyring.h"

#define JWT_MOST ((size_t)8192) /* bytes of a token */

enum jwt_verdict {
    JWT_GOOD,
    JWT_MALFORMED, /* it is no token, or none that is understood here */
    JWT_ALGORITHM, /* not one that any of the keys is for */
    JWT_KEY,       /* no key has its kid */
    JWT_SIGNATURE,
    JWT_EXPIRED,
    JWT_EARLY, /* nbf or iat lie in the future */
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_CLAIM, /* one that is demanded is missing, or has another value */
};

/* A stable word for the log, and a sentence for the client (RFC 6750 section 3). */
const char *jwt_reason(enum jwt_verdict verdict);
const char *jwt_description(enum jwt_verdict verdict);

/* Has one of the keys signed the token? Then *claims is what it says, the caller's to json_decref(). scratch has JWT_MOST
 * bytes. */
enum jwt_verdict jwt_verify(const struct keyring *ring, struct span token, char *scratch, json_t **claims);

struct jwt_rules {
    const struct conf_text *issuers, *audiences;
    size_t issuer_count, audience_count; /* 0: any */
    const struct conf_claim *claims;
    size_t claim_count;
    int64_t leeway; /* ns */
};

/* What is to be thought of the claims, at that time in seconds since 1970? */
enum jwt_verdict jwt_judge(json_t *claims, const struct jwt_rules *rules, int64_t now);

/* A claim as the value of a field: its length; -1: there is none, or it cannot be written in a field or in cap bytes. */
ssize_t jwt_claim_text(json_t *claims, const char *name, char *out, size_t cap);

#endif
