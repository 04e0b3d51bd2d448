/* Objects that only one thread at a time may use notice when two do. Private to libgreen. */
#ifndef GREEN_SYNC_FOREIGN_H
#define GREEN_SYNC_FOREIGN_H

#include "../core/internal.h"

/* Whether a greenlet of another thread is parked there: only that thread may wake it. */
static inline bool green__is_foreign(const green_park_t *park)
{
    return park->waiter && park->waiter->hub != green__hub;
}

#endif
