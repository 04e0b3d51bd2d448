/* Automatic certificates (RFC 8555). */
#ifndef CONF_ACME_H
#define CONF_ACME_H

/* Included by conf.h, which defines CONF_WRITTEN and CONF_LIST. */

/* For the process. */
struct conf_acme {
    struct conf_written email;     /* NULL: the authority is told of none */
    struct conf_written directory; /* the authority's URL */
    struct conf_written storage;   /* a folder */
    struct conf_written ca;        /* who vouches for the authority's server; NULL: the system's */
    struct conf_acme_binding {
        CONF_WRITTEN;
        const char *id, *key; /* of an account with the authority; NULL: none is needed */
    } binding;
};

enum conf_acme_challenge { CONF_ACME_AUTO, CONF_ACME_HTTP_01, CONF_ACME_TLS_ALPN_01 };

struct conf_acme_name {
    CONF_WRITTEN;
    const char *name; /* in lower case */
};

struct conf_acme_listener {
    int on;
    enum conf_acme_challenge challenge;
    CONF_LIST(struct conf_acme_name, names,
              name_count); /* after the check: those of routes if none were written */
    const struct conf_acme *process;
};

#endif
