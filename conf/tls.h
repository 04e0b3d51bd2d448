/*
 * TLS, on the side of the clients and on that of the servers. What is in the files that are named here is read when the
 * configuration is loaded, by whoever knows certificates, and lives as long as the configuration.
 */
#ifndef CONF_TLS_H
#define CONF_TLS_H

/* Included by conf.h, which defines CONF_WRITTEN and CONF_LIST. */

struct conf;
struct conf_errors;
struct tls_client; /* proxy/tls/ */
struct tls_server;

enum conf_tls_profile { CONF_TLS_INTERMEDIATE, CONF_TLS_MODERN };
enum conf_tls_version { CONF_TLS_1_2, CONF_TLS_1_3 };
enum conf_client_certificate {
    CONF_CLIENT_CERTIFICATE_OFF,
    CONF_CLIENT_CERTIFICATE_OPTIONAL,
    CONF_CLIENT_CERTIFICATE_REQUIRE
};

/* Strict-Transport-Security, ready to be sent. */
struct conf_hsts {
    CONF_WRITTEN;
    const char *value; /* NULL: none */
};

/* "30d, 7d, 1d": before a certificate expires. */
struct conf_terms {
    CONF_WRITTEN;
    int64_t ns[8]; /* falling */
    size_t count;
};

/* "example.com app", "*.example.com alpn=h2 app": where tcp connections go by what their TLS says. */
struct conf_tls_route {
    CONF_WRITTEN;
    const char *name; /* in lower case, "*.example.com", or "*" */
    const char *alpn; /* NULL: whatever is offered */
    struct conf_upstream_name to;
};

/* Terminating TLS in a listener. */
struct conf_tls_listener {
    int on; /* also set where a certificate is named */
    enum conf_tls_profile profile;
    enum conf_tls_version min_version;
    CONF_LIST(struct conf_written, certificates, certificate_count); /* files and folders */
    CONF_LIST(struct conf_written, keys, key_count); /* of the certificates, in their order; or none */
    struct conf_terms warning;
    struct conf_written fallback;                     /* the certificate for names that none is for */
    CONF_LIST(struct conf_written, alpn, alpn_count); /* none: that of the listener's protocol */
    int64_t timeout_handshake;
    int tickets;
    CONF_LIST(struct conf_written, ticket_keys, ticket_key_count); /* none: keys are drawn */
    int64_t session_cache, session_timeout;
    enum conf_client_certificate client_certificate;
    CONF_LIST(struct conf_written, client_ca, client_ca_count);
    CONF_LIST(struct conf_written, client_crl, client_crl_count);
    int64_t client_depth;
    struct conf_hsts hsts;
    CONF_LIST(struct conf_tls_route, routes, route_count);
    int64_t redirect_https;    /* 0: off, 1: to the usual port, else to this one */
    struct tls_server *server; /* NULL: plain */
};

/* Speaking TLS to servers. */
struct conf_tls_upstream {
    int on, verify;
    struct conf_written name;                     /* rather than the server's */
    CONF_LIST(struct conf_written, ca, ca_count); /* none: the system's */
    CONF_LIST(struct conf_written, crl, crl_count);
    struct conf_written certificate, key;
    CONF_LIST(struct conf_written, alpn, alpn_count);
    enum conf_tls_version min_version;
    struct tls_client *client; /* NULL: plain */
};

/* Would both speak to a server in the same way, as far as their text tells? */
bool conf_tls_upstream_same(const struct conf_tls_upstream *a, const struct conf_tls_upstream *b);

/* Set by the program before a configuration is loaded: reads what the configuration names and fills in `server` and
 * `client`, or reports errors; and frees that. NULL: files are not looked at. */
extern void (*conf_tls_read)(struct conf *conf, struct conf_errors *errors);
extern void (*conf_tls_free)(struct conf *conf);

#endif
