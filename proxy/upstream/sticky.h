/*
 * Bringing clients back to their server: each server of a group has a token, which is a signature over its name. A client
 * keeps it as a cookie; nobody can make one up, and none tells anything.
 */
#ifndef UPSTREAM_STICKY_H
#define UPSTREAM_STICKY_H

#include "http/span.h"
#include "server.h"

#define STICKY_TOKEN_BYTES 32 /* of hexadecimal digits */

struct sticky_token {
    char text[STICKY_TOKEN_BYTES];
};

/* Tokens for the group's servers as they are, if its clients are to be brought back. 0 or -ENOMEM. */
int sticky_init(struct group *g);

/* The server whose token this is, or NULL. */
struct server *sticky_find(const struct group *g, struct span token);

/* The server's token, or an empty span. */
struct span sticky_token(const struct server *s);

#endif
