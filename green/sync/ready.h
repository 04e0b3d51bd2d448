/* How one waits for a single waitable whose becoming ready lets everybody through: an event, a result, a wait group.
 * Private to libgreen. */
#ifndef GREEN_SYNC_READY_H
#define GREEN_SYNC_READY_H

#include "../core/internal.h"

/* Parks the caller until w is notified, even if it is not ready any more when the caller runs: 0, or the error of
 * green_park(). Behind those who wait already. `what` and `object` are for the reports. */
int green__wait_ready(green_waitable_t *w, const char *what, const void *object, green_time deadline);

#endif
