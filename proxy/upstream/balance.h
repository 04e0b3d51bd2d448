/*
 * Whose turn it is: the choice of a server for one request or connection. Never switches, and takes no longer with a
 * thousand servers than with ten: what the choice is made by (a tournament, a ring, a table to draw from) is kept up
 * to date as it changes.
 *
 * Who takes part is settled whenever something happens to a server's health or an operator says a word: those that are
 * well, of the first tier in which there are any.
 */
#ifndef UPSTREAM_BALANCE_H
#define UPSTREAM_BALANCE_H

#include "alias.h"
#include "ring.h"
#include "server.h"
#include "tournament.h"

struct lease_request;

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

struct balance {
    unsigned generation;     /* of the standings, when it was settled who takes part */
    bool unsettled;          /* something of this worker's own has changed since */
    green_time again;        /* when it has to be settled anew at the latest; 0: nothing changes by itself */
    size_t usable;           /* servers that take part, */
    uint64_t weight;         /* and what they weigh together */
    bool begun;              /* its turns: workers begin at different places of the round */
    struct tournament order; /* round_robin, least_connections, least_time, first */
    uint64_t clock;          /* the turn that was last */
    green_time now;          /* least_time: what latencies are looked at by */
    size_t rotating;         /* the server whose load is looked at next */
    struct alias draw;       /* random_two */
    struct ring ring;        /* hash, */
    uint64_t *uses;          /* and which servers take part, a bit each */
    uint32_t *weights;       /* scratch space of `draw` */
    int64_t active;          /* hash_balance_factor: of all servers, a moment ago, */
    size_t active_for;       /* and for how many more choices that will do */
    uint64_t random;         /* its state */
};

/* For the group's servers as they are; again when they are others, or their weights. 0 or -ENOMEM. */
int balance_init(struct group *g);
void balance_destroy(struct group *g);

/* Turns go on from an older group's. */
void balance_follow(struct group *g, const struct group *old);

/* Something has changed by which servers are chosen. */
static inline void balance_unsettle(struct balance *b)
{
    b->unsettled = true;
}

/* The server whose turn it is, of those that take part and were not tried; NULL: there is none. */
struct server *group_choose(struct group *g, const struct lease_request *request);

/* A server's weight is another. */
void balance_reweigh(struct group *g);

#endif
