/* Serving protocol = tcp on a client connection. */
#ifndef TCP_SERVICE_H
#define TCP_SERVICE_H

#include "runtime/connection.h"

/* Connects to a server and relays until both sides have ended. Returns at once; 0 or -errno (then c is still the
 * caller's). */
int tcp_serve(struct connection *c);

/* Closes a connection that is not taken. */
void tcp_refuse(struct worker *w, const struct view *v, const struct conf_listener *conf, int fd,
                const green_address_t *peer, const struct refusal *why);

#endif
