/* Serving HTTP on a client connection. */
#ifndef HTTP_SERVICE_H
#define HTTP_SERVICE_H

#include "runtime/connection.h"

/* Serves requests on c until it closes; returns at once, the work is done by greenlets as bytes come. 0 or -errno
 * (then c is still the caller's). */
int http_serve(struct connection *c);

/* Tells somebody whose connection is not taken why, and closes it. */
void http_refuse(struct worker *w, const struct view *v, const struct conf_listener *conf, int fd,
                 const green_address_t *peer, const struct refusal *why);

#endif
