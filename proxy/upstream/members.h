/*
 * Which servers a group has: those that are configured, and those that configured names stand for at the moment
 * (names.h). They are one block, which is never changed: other answers make another one, and what leases and look-ups
 * under way point to stays until the last of them has ended.
 */
#ifndef UPSTREAM_MEMBERS_H
#define UPSTREAM_MEMBERS_H

#include "server.h"

struct members {
    size_t references; /* of the group, and of leases */
    size_t count;
    unsigned *versions; /* of the names, by index of the configured server */
    struct server servers[];
};

/* Those that the group is to have now. States come from `old`, the present group or the one that it replaces (or NULL).
 * NULL: no memory. */
struct members *members_new(struct group *g, const struct group *old);

static inline struct members *members_hold(struct members *m)
{
    m->references++;
    return m;
}

void members_release(struct members *m); /* NULL is fine */

/* Whether names stand for others by now. */
bool members_outdated(const struct group *g);

/* The first name that stands for no server, and why; NULL: each does. */
struct name *members_missing(const struct group *g, const struct conf_server **server, int *error);

#endif
