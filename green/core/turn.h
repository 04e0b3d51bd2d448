/*
 * Taking turns, inline: whoever leaves gives the turn to the next greenlet on the way out. After a switch the processor's
 * return predictor still has the addresses of the stack that was left, so every level of calls between a switch and the
 * program's own code costs a mispredicted return, some 5 ns. Private to libgreen.
 */
#ifndef GREEN_CORE_TURN_H
#define GREEN_CORE_TURN_H

#include "context.h"
#include "internal.h"

#define TURN_INLINE static inline __attribute__((always_inline))

/* What the bytes moved in one turn count as, at least; the others wait for I/O meanwhile. */
#define TURNS_OF_IO 4

static inline void turn_ready(green_hub_t *hub, green_t *g)
{
    g->state = GREEN_READY;
    list_push(&hub->ready, &g->queued);
    hub->made_ready++;
}

/* g's turn begins, on whatever stack we are. */
TURN_INLINE void turn_begin(green_hub_t *hub, green_t *g)
{
    hub->current = g;
    g->state = GREEN_RUNNING;
    SHOW(hub->turns, hub->turns + 1);
    if (g->never_ran)
        green__start(hub, g);
}

/* At the end of a turn. Moving much takes long, while the I/O of others waits: it counts as many
 * turns. */
TURN_INLINE void turn_count_moved(green_hub_t *hub)
{
    if (UNLIKELY(hub->streak)) {
        hub->polled_at -= TURNS_OF_IO - 1 + (hub->streak >> 16);
        hub->streak = 0;
    }
}

TURN_INLINE green_t *turn_next(green_hub_t *hub)
{
    struct list *node = list_shift(&hub->ready);
    return node ? CONTAINER_OF(node, green_t, queued) : NULL;
}

/* The running greenlet leaves: whose turn it is, which begins, or the hub's. The next round begins without a detour by
 * the hub, unless it is time for the hub to look at something else. */
TURN_INLINE struct context *turn_pass_on(green_hub_t *hub)
{
    turn_count_moved(hub);
    if (UNLIKELY(hub->hook_kinds & (GREEN_HOOK_SWITCH | HOOK_SLICES)))
        return &hub->context;
    if (hub->turns == hub->round_end) {
        if (hub->turns >= hub->look_at)
            return &hub->context;
        hub->round_end = hub->made_ready;
    }
    green_t *next = turn_next(hub);
    if (UNLIKELY(!next))
        return &hub->context;
    turn_begin(hub, next);
    return &next->context;
}

/* Leaves g's stack, straight for the next greenlet if there is one, which saves the way through the hub; returns when g
 * has its next turn. */
TURN_INLINE void turn_leave(green_hub_t *hub, green_t *g)
{
    int saved = *hub->errno_at;
    struct context *to = turn_pass_on(hub);
    if (UNLIKELY(to == &g->context))
        return;
    green__switch_context(&g->context, to, false);
    while (UNLIKELY(hub->arrival != NULL))
        hub->arrival(hub, g);
    *hub->errno_at = saved;
}

/* green_park(), for those who wait often. */
TURN_INLINE int turn_park(green_park_t *park, green_time deadline)
{
    if (park->woken)
        return park->result;
    green_hub_t *hub = green_hub();
    green_t *g = hub ? hub->current : NULL;
    if (UNLIKELY(!g))
        return -EPERM;
    int r = green__interruption(g);
    if (UNLIKELY(r < 0))
        return r;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    if (deadline != GREEN_FOREVER && green__timer_set(&hub->timers, &g->wait_timer, deadline) < 0)
        return -ENOMEM;
    g->state = GREEN_WAITING;
    g->park = park;
    park->waiter = g;
    g->waits_since = hub->now;
    turn_leave(hub, g);
    g->park = NULL;
    g->waits_for = NULL;
    timer_disarm(&g->wait_timer);
    return park->result;
}

#endif
