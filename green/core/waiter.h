/*
 * The queue of those who wait inside one object: a chain of records on the waiters' own stacks, first come, first
 * served. What a waiter gets is handed to it by green__wake_first(), which skips those whose wait has been decided
 * otherwise (timed out, cancelled), so nothing that is handed over is ever lost; a waiter that got its share keeps it
 * even if it is cancelled before it runs. Private to libgreen.
 */
#ifndef GREEN_CORE_WAITER_H
#define GREEN_CORE_WAITER_H

#include "turn.h"

struct waiter {
    struct green_node node;
    green_park_t park;
    void *item; /* what is handed over, if anything is */
};

/* Parks the caller at the end of the queue: what it is woken with, or the error of green_park(). In any case the
 * record has left the queue. `what` and `object` are for the reports: "an event", its address. */
TURN_INLINE int green__wait_in(struct green_chain *waiters, struct waiter *me, const char *what,
                               const void *object, green_time deadline)
{
    me->park = (green_park_t)GREEN_PARK_INIT;
    chain_push(waiters, &me->node);
    green__waits_for(what, object);
    int r = turn_park(&me->park, deadline);
    chain_remove(&me->node);
    return r;
}

/* The first who still waits, off the queue and ready with `result`; NULL if nobody does. Set waiter->item right
 * after: it runs later. */
static inline struct waiter *green__wake_first(struct green_chain *waiters, int result)
{
    for (struct green_node *node; (node = chain_pop(waiters));) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, node);
        if (green_wake(&w->park, result))
            return w;
    }
    return NULL;
}

static inline void green__wake_all(struct green_chain *waiters, int result)
{
    while (green__wake_first(waiters, result))
        ;
}

/* g will never run again: those who wait for that become ready. */
static inline void green__announce_end(green_hub_t *hub, green_t *g)
{
    timer_remove(&hub->timers, &g->wait_timer);
    if (!chain_empty(&g->joiners))
        green__wake_all(&g->joiners, 0);
    hub->background -= g->background;
    hub->alive--;
    if (UNLIKELY(hub->enders.first && hub->alive - hub->background == 1))
        green__wake_all(&hub->enders, 0);
}

#endif
