/* What a request's head says of who sent it: the field Authorization (RFC 9110 section 11.6.2) and cookies (RFC 6265). */
#ifndef HTTP_CREDENTIALS_H
#define HTTP_CREDENTIALS_H

#include "head.h"

/* The credentials of that scheme (any case) in a field, HTTP_F_AUTHORIZATION or HTTP_F_PROXY_AUTHORIZATION, without the
 * scheme: true if there are any. A second field makes them ambiguous, and then there are none. */
bool http_authorization(const struct http_head *head, uint8_t field, struct span scheme,
                        struct span *credentials);

/* The value of the first cookie of that name, without the quotes that it may have: true if there is one. */
bool http_cookie(const struct http_head *head, struct span name, struct span *value);

#endif
