/* Asking another service whether a request may pass: a GET with the request's fields, whose answer decides. */
#ifndef HTTP_FORWARD_AUTH_H
#define HTTP_FORWARD_AUTH_H

#include "exchange.h"

struct forward_auth_rules {
    const struct conf_forward_auth *ask; /* not set, or off: nobody is asked */
    const struct conf_text *fields;      /* of a good answer, for the upstream */
    size_t field_count;
    enum exchange_blame blame;
};

/* 0: the request may pass, with the fields that the service gave; or it may not, and x->answer is the service's answer,
 * to be relayed. -1 after exchange_fail(): the service could not be asked. May switch. */
int forward_auth(struct exchange *x, const struct forward_auth_rules *rules);

#endif
