/*
 * A conversation with a certificate authority in ACME (RFC 8555): an account, an order for one name, its challenge, the
 * certificate. In a greenlet; every wait has an end.
 */
#ifndef TLS_ACME_H
#define TLS_ACME_H

#include <green.h>

#include "acme_keys.h"
#include "conf.h"

struct acme {
    const struct conf_acme *conf;
    green_http_client_t *http;
    struct acme_key *account;
    green_time deadline; /* for all of it */
    int64_t retry_after; /* s that the authority asked to wait, 0: it did not say */
    char error[512];     /* why the last call failed, for people */
    char *location, *nonce, *new_nonce, *new_account, *new_order,
        *kid; /* URLs and such, of the conversation */
};

/* Speaks with the authority of conf, as the owner of this key, which must outlive it. 0 or an error; acme_end() in any
 * case. */
int acme_begin(struct acme *a, const struct conf_acme *conf, struct acme_key *account,
               green_tls_context_t *tls, green_time deadline);
void acme_end(struct acme *a);

/* Gets a certificate for `name`, proving by tls-alpn-01 or http-01 that it leads here: the chain in PEM and behind it its
 * key, for free(). 0 or an error, which a->error explains. */
int acme_obtain(struct acme *a, const char *name, bool by_tls, char **pem);

#endif
