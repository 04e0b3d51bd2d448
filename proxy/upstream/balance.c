/* Choosing servers (balance.h). */
#include "balance.h"

#include "group.h"

void tried_add(struct tried *t, const struct server *s)
{
    if (t->count < TRIED_MOST)
        t->index[t->count++] = (uint32_t)(s - s->group->servers);
}

void group_begin_turns_anew(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        g->servers[i].current_weight = 0;
}

/* Smooth weighted round robin: each gains its weight, the richest is taken and pays the sum. */
static struct server *next_in_turn(struct group *g, const struct tried *tried)
{
    struct server *best = NULL;
    int64_t total = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        if ((tried->count && was_tried(tried, i)) || (g->withheld && s->state->duty != SERVER_ENABLED))
            continue;
        total += s->weight;
        s->current_weight += s->weight;
        if (!best || s->current_weight > best->current_weight)
            best = s;
    }
    if (best)
        best->current_weight -= total;
    return best;
}

struct server *group_choose(struct group *g, const struct tried *tried)
{
    if (tried->count == TRIED_MOST)
        return NULL;
    if (g->count == 1)
        return tried->count || g->withheld ? NULL : &g->servers[0];
    return next_in_turn(g, tried);
}
