/*
 * Events (gevent's Event): a flag that greenlets of one thread wait for. Whoever waits when it is set gets through,
 * even if it is cleared again before they run. Across threads: sync/shared_event.h.
 */
#ifndef GREEN_SYNC_EVENT_H
#define GREEN_SYNC_EVENT_H

#include <stdbool.h>

#include "../core/waitable.h"

typedef struct green_event {
    green_waitable_t waitable; /* ready while set */
    bool set;                  /* private */
} green_event_t;

bool green__event_ready(const green_waitable_t *w);
void green__event_notify(green_event_t *e);
int green__event_wait(green_event_t *e, green_time deadline);

#define GREEN_EVENT_INIT                                                                                     \
    {                                                                                                        \
        .waitable = {.ready = green__event_ready }                                                           \
    }

/* The same as GREEN_EVENT_INIT: not set. Never switches. */
void green_event_init(green_event_t *e);

/* The memory may go. 0; -EBUSY: somebody waits for it or has a link on it, and nothing was done. Never switches. */
int green_event_destroy(green_event_t *e) GREEN_MUST_CHECK;

/* Sets the flag and lets all who wait through, in the order in which they came. Never switches. */
static inline void green_event_set(green_event_t *e)
{
    e->set = true;
    if (e->waitable.links.first)
        green__event_notify(e);
}

/* Takes the flag down; those who were let through before stay so. Never switches. */
static inline void green_event_clear(green_event_t *e)
{
    e->set = false;
}

/* Never switches. */
static inline bool green_event_is_set(const green_event_t *e)
{
    return e->set;
}

/* Waits until the event is set: 0; at once, without a switch, when it is. May switch. */
GREEN_MUST_CHECK static inline int green_event_wait(green_event_t *e, green_time deadline)
{
    return e->set ? 0 : green__event_wait(e, deadline);
}

#endif
