/*
 * Who has to prove who they are, and how: by a password, by a signed token, or to a service that is asked. Each of the
 * three may stand in a listener and in a route, whose own comes before the listener's; what is demanded together has
 * to be met together.
 */
#ifndef CONF_AUTHENTICATION_H
#define CONF_AUTHENTICATION_H

#include "types.h"

struct conf_arena;

struct conf_user {
    const char *name;
    const char *hash; /* as crypt(3) writes it */
};

/* basic_auth: a file of users, sorted by name. */
struct conf_users {
    CONF_WRITTEN;
    CONF_LIST(struct conf_user, list, count); /* none: off */
};

enum conf_jwt_source { CONF_JWT_OFF, CONF_JWT_JWKS, CONF_JWT_PEM, CONF_JWT_SECRET };

/* jwt: a file of keys. */
struct conf_jwt {
    CONF_WRITTEN;
    enum conf_jwt_source source;
    const void *keys; /* what conf_jwt_read made of the file */
};

/* What to do with a file of keys: this folder knows neither JSON nor cryptography, so the program says it before
 * anything is loaded. Gives what lives in the arena, or is owned by it, in *keys; NULL, or what is wrong, to be said
 * behind the value. Without it files are not read at all. */
typedef const char *conf_jwt_read_fn(struct conf_arena *arena, enum conf_jwt_source source, const char *bytes,
                                     size_t n, const void **keys);
extern conf_jwt_read_fn *conf_jwt_read;

/* A word or a line that is taken as it stands. */
struct conf_text {
    CONF_WRITTEN;
};

/* jwt_claim: a claim that must be there, and its value unless any will do. */
struct conf_claim {
    CONF_WRITTEN;
    const char *name;
    const char *value; /* NULL: any */
};

/* jwt_header: a field made of a claim. */
struct conf_claim_field {
    CONF_WRITTEN;
    const char *field, *claim;
};

/* forward_auth: whom to ask. */
struct conf_forward_auth {
    CONF_WRITTEN;
    struct conf_upstream_name to; /* no name: off */
    const char *path;
};

struct conf_authentication {
    bool used; /* any of this that makes a difference is set; found when all has been read */
    struct conf_users users;
    struct conf_text realm; /* not set: "greenway" */
    struct conf_jwt jwt;
    CONF_LIST(struct conf_text, issuers, issuer_count); /* none: any */
    CONF_LIST(struct conf_text, audiences, audience_count);
    CONF_LIST(struct conf_claim, claims, claim_count);
    CONF_LIST(struct conf_claim_field, claim_fields, claim_field_count);
    struct conf_text cookie; /* not set: tokens come in Authorization alone */
    struct conf_forward_auth ask;
    CONF_LIST(struct conf_text, ask_fields, ask_field_count);
    int64_t leeway;  /* of the clocks, ns */
    int64_t timeout; /* of the wait for a password's check */
    int forward;     /* enum conf_switch: Authorization goes on to the upstream */
};

struct conf_syntax;
extern const struct conf_syntax conf_users_syntax, conf_realm_syntax, conf_jwt_syntax, conf_text_syntax,
    conf_claim_syntax, conf_claim_field_syntax, conf_jwt_cookie_syntax, conf_ask_syntax, conf_field_syntax;

enum conf_switch { CONF_OFF, CONF_ON };

#endif
