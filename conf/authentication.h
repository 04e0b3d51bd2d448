/*
 * Who has to prove who they are, and how. A route's own rules come before its listener's.
 */
#ifndef CONF_AUTHENTICATION_H
#define CONF_AUTHENTICATION_H

struct conf_user {
    const char *name;
    const char *hash; /* as crypt(3) writes it */
};

/* basic_auth: a file of users, sorted by name. */
struct conf_users {
    CONF_WRITTEN;
    CONF_LIST(struct conf_user, list, count); /* none: off */
};

/* A word or a line that is taken as it stands. */
struct conf_text {
    CONF_WRITTEN;
};

struct conf_syntax;
extern const struct conf_syntax conf_users_syntax, conf_realm_syntax;

enum conf_switch { CONF_OFF, CONF_ON };

struct conf_authentication {
    struct conf_users users;
    struct conf_text realm; /* not set: "greenway" */
    int64_t timeout;        /* of the wait for a password's check; not in a route */
    int forward;            /* enum conf_switch: Authorization goes on to the upstream */
};

#endif
