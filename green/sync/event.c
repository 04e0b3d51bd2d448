/* Events: the parts that are not inline. Those who wait are links on the event's waitable, so that they and the
 * application's links are served in one order. */
#include "ready.h"

bool green__event_ready(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_event_t, waitable)->set;
}

void green_event_init(green_event_t *e)
{
    *e = (green_event_t)GREEN_EVENT_INIT;
}

int green_event_destroy(green_event_t *e)
{
    return chain_empty(&e->waitable.links) ? 0 : -EBUSY;
}

void green__event_notify(green_event_t *e)
{
    green__notify_links(&e->waitable);
}

int green__event_wait(green_event_t *e, green_time deadline)
{
    return green__wait_ready(&e->waitable, "an event", e, deadline);
}
