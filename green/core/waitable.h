/*
 * What can be waited for. A greenlet's end, an event, a result, a semaphore, a queue, a process and others carry a
 * green_waitable_t: it is ready or not, and those who want to know hang a link on it. Waiting takes nothing away:
 * after green_wait_any() said that a queue is ready, take the item with a GREEN_NOWAIT get, and be prepared for
 * somebody else having been faster.
 */
#ifndef GREEN_CORE_WAITABLE_H
#define GREEN_CORE_WAITABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"
#include "error.h"
#include "time.h"

typedef struct green_waitable green_waitable_t;
typedef struct green_link green_link_t;

struct green_waitable {
    bool (*ready)(const green_waitable_t *w); /* never switches */
    struct green_chain links;                 /* private */
};

struct green_link {
    struct green_node node;              /* private */
    void (*fn)(struct green_link *link); /* private */
    bool at_once; /* private: fn is libgreen's own and may run inside the notification */
};

/* Is it ready now? Never switches. */
bool green_ready(const green_waitable_t *w);

/* Has fn(link) called in the hub, once, when w has become ready; if it is ready already, in the hub's next turn,
 * never inside this call. Links of one object are called in the order of hanging them on; each may unlink others,
 * itself is free to be used again (gevent's rawlink, except that it fires once). fn must not wait (it gets -EPERM).
 * The caller owns the link and keeps it until it was called or taken off. Never switches. */
void green_rawlink(green_waitable_t *w, green_link_t *link, void (*fn)(green_link_t *link));

/* Takes the link off: fn will not be called. Harmless when it is not on anything, provided that the link is zeroed or
 * was once hung on. Never switches. */
void green_unlink(green_link_t *link);

/* Waits until at least one of the objects is ready: the index of the first in order that is. -EINVAL: count is 0 or an
 * entry is NULL. An object may occur several times. May switch. */
int green_wait_any(green_waitable_t *const *objects, size_t count, green_time deadline) GREEN_MUST_CHECK;

/* Waits until each of the objects has been ready, if only for a moment: 0. -EINVAL: an entry is NULL. No objects: 0
 * at once. May switch. */
int green_wait_all(green_waitable_t *const *objects, size_t count, green_time deadline) GREEN_MUST_CHECK;

/* Waits until `enough` of the objects have been ready. The number that have, at least `enough`; they are listed in
 * `which` (indexes, in the order of becoming ready; room for count; may be NULL). On an error `which` and *done (may be
 * NULL) still tell how far it got. -EINVAL also: enough is more than count. May switch. */
int green_wait_some(green_waitable_t *const *objects, size_t count, size_t enough, size_t *which,
                    size_t *done, green_time deadline) GREEN_MUST_CHECK;

#endif
