/* A new connection to a server: its name, the socket, what comes before the first request. And why there is none. */
#ifndef UPSTREAM_CONNECT_H
#define UPSTREAM_CONNECT_H

#include "pool.h"

struct connection;

/* Why no connection could be had: for the page, the log and Proxy-Status. */
struct connect_failure {
    int status;         /* 502, 503 or 504 */
    const char *reason; /* connect_failed, connect_timeout, dns_failed, ... */
    const char *error;  /* RFC 9209 error type */
    const char *directive;
    const struct conf_server *server; /* the last one tried */
    int code;                         /* the last error */
    int retry_after;                  /* seconds, for the client; 0: nothing is known */
};

/* Fills it in for an error of resolving a name or of connecting; `server` and, unless it is a timeout, `directive`
 * are left to the caller. */
void connect_explain(struct connect_failure *f, int code, bool resolving);

/* A new connection, with its TLS; servers that want to know are told of the client (NULL: there is none in particular).
 * 0 and *out, or an error and *failure. May switch. */
int connect_server(struct server *s, const struct connection *client, struct upstream_connection **out,
                   struct connect_failure *failure);

/* A tunnel goes on with it: its peer may take its time. */
void connect_unwatch(struct upstream_connection *c);

#endif
