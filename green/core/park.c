/* The waiting primitive: out to the hub, back when the first waker has decided. */
#include "internal.h"

int green_park(green_park_t *park, green_time deadline)
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
    green__leave(hub, g);
    g->park = NULL;
    g->waits_for = NULL;
    timer_disarm(&g->wait_timer);
    return park->result;
}

bool green_wake(green_park_t *park, int result)
{
    if (park->woken)
        return false;
    park->woken = true;
    park->result = result;
    if (park->waiter)
        green__make_ready(park->waiter);
    return true;
}
