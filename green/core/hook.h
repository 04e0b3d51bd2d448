/* Hooks: being told of what happens to the greenlets of a thread. For tools; a thread without hooks pays nothing. */
#ifndef GREEN_CORE_HOOK_H
#define GREEN_CORE_HOOK_H

#include "greenlet.h"

enum green_event_kind {
    GREEN_HOOK_SPAWN = 1,  /* g was made; in the spawner */
    GREEN_HOOK_END = 2,    /* g has ended, its status is known; in the hub */
    GREEN_HOOK_SWITCH = 4, /* g is about to have its turn; in the hub */
};

typedef struct green_hook {
    struct green_node node;                                                      /* private */
    unsigned kinds;                                                              /* private */
    void (*fn)(struct green_hook *hook, enum green_event_kind kind, green_t *g); /* private */
} green_hook_t;

/* From now on fn is called for these kinds of events in this thread, in the order of adding. fn must not wait and must
 * not remove other hooks; it may remove its own. The record is the caller's until it is removed. 0, -EINVAL: no kind,
 * no fn; -ENOMEM: no hub. Never switches. */
int green_hook_add(green_hook_t *hook, unsigned kinds,
                   void (*fn)(green_hook_t *hook, enum green_event_kind kind, green_t *g)) GREEN_MUST_CHECK;

/* Harmless for one that was removed. In the thread that added it. Never switches. */
void green_hook_remove(green_hook_t *hook);

#endif
