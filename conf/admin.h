/*
 * Where metrics and the dashboard are served, and to whom.
 */
#ifndef CONF_ADMIN_H
#define CONF_ADMIN_H

/* Included by conf.h, which defines CONF_WRITTEN and CONF_LIST. */

/* A secret. `written` does not tell it. */
struct conf_token {
    CONF_WRITTEN;
    const char *secret;
};

struct conf_admin {
    CONF_LIST(struct conf_address, addresses, count); /* none: off */
    struct conf_token token, token_file;              /* one of them, or none */
};

/* NULL: nobody needs one. */
static inline const char *conf_admin_token(const struct conf_admin *admin)
{
    return admin->token.secret ? admin->token.secret : admin->token_file.secret;
}

#endif
