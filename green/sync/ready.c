/* Waiting for one waitable: a link of one's own that wakes, kept on the waiter's stack. */
#include "ready.h"

struct ready_waiter {
    green_link_t link;
    green_park_t park;
};

static void wake(green_link_t *link)
{
    green_wake(&CONTAINER_OF(link, struct ready_waiter, link)->park, 0);
}

int green__wait_ready(green_waitable_t *w, const char *what, const void *object, green_time deadline)
{
    struct ready_waiter me = {.link = {.fn = wake, .at_once = true}};
    chain_push(&w->links, &me.link.node);
    green__waits_for(what, object);
    int r = green_park(&me.park, deadline);
    green_unlink(&me.link);
    return r;
}
