/* Wait groups: a count of things under way, and waiting until there are none, for the greenlets of one thread. */
#ifndef GREEN_SYNC_WAITGROUP_H
#define GREEN_SYNC_WAITGROUP_H

#include <stdbool.h>

#include "../core/waitable.h"

typedef struct green_waitgroup {
    green_waitable_t waitable; /* ready while the count is 0 */
    int count;                 /* private */
} green_waitgroup_t;

bool green__waitgroup_ready(const green_waitable_t *w);
int green__waitgroup_wait(green_waitgroup_t *g, green_time deadline);

#define GREEN_WAITGROUP_INIT                                                                                 \
    {                                                                                                        \
        .waitable = {.ready = green__waitgroup_ready }                                                       \
    }

/* The same as GREEN_WAITGROUP_INIT: nothing under way. Never switches. */
void green_waitgroup_init(green_waitgroup_t *g);

/* The memory may go. 0; -EBUSY: somebody waits for it or has a link on it, and nothing was done. Never switches. */
int green_waitgroup_destroy(green_waitgroup_t *g) GREEN_MUST_CHECK;

/* Adds n, which may be negative, to the count; done is add(-1). The new count; when that is 0, all who wait go on, even
 * if something is added before they run. -EOVERFLOW: it would be negative or more than INT_MAX; nothing changed. Never
 * switch. */
int green_waitgroup_add(green_waitgroup_t *g, int n);
static inline int green_waitgroup_done(green_waitgroup_t *g)
{
    return green_waitgroup_add(g, -1);
}

/* Waits until the count is 0: 0; at once when it is. May switch. */
GREEN_MUST_CHECK static inline int green_waitgroup_wait(green_waitgroup_t *g, green_time deadline)
{
    return g->count ? green__waitgroup_wait(g, deadline) : 0;
}

/* Never switches. */
static inline int green_waitgroup_count(const green_waitgroup_t *g)
{
    return g->count;
}

#endif
