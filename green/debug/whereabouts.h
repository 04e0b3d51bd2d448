/* Asking a thread from outside where it is. Private to libgreen; used by the monitor, one question at a time. */
#ifndef GREEN_DEBUG_WHEREABOUTS_H
#define GREEN_DEBUG_WHEREABOUTS_H

#include "../core/internal.h"
#include "monitor.h"

/* Takes the signal, or gives it back. -EBUSY: it has a handler. */
int green__whereabouts_open(int signal);
void green__whereabouts_close(int signal);

/* Fills in what e->thread is doing. False: nobody there minds: it has no other greenlets, or its greenlet has asked
 * not to be reported. */
bool green__ask_whereabouts(green_monitor_event_t *e, int signal);

#endif
