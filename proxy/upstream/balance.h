/* Whose turn it is: the choice of a server for one request or connection. Never switches. */
#ifndef UPSTREAM_BALANCE_H
#define UPSTREAM_BALANCE_H

#include "server.h"

/* Servers that were tried in vain for one request: so many, then it is enough. */
#define TRIED_MOST 32

struct tried {
    uint32_t count;
    uint32_t index[TRIED_MOST]; /* in group->servers */
};

static inline bool was_tried(const struct tried *t, size_t index)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->index[i] == index)
            return true;
    return false;
}

/* Notes one. */
void tried_add(struct tried *t, const struct server *s);

/* The server whose turn it is, of those that get requests and were not tried; NULL: there is none. */
struct server *group_choose(struct group *g, const struct tried *tried);

/* All begin anew, or who comes back would have a debt or a claim. */
void group_begin_turns_anew(struct group *g);

#endif
