/* Wait groups: the count and who waits for its end. */
#include "ready.h"

bool green__waitgroup_ready(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_waitgroup_t, waitable)->count == 0;
}

void green_waitgroup_init(green_waitgroup_t *g)
{
    *g = (green_waitgroup_t)GREEN_WAITGROUP_INIT;
}

int green_waitgroup_destroy(green_waitgroup_t *g)
{
    return chain_empty(&g->waitable.links) ? 0 : -EBUSY;
}

int green_waitgroup_add(green_waitgroup_t *g, int n)
{
    int count;
    if (__builtin_add_overflow(g->count, n, &count) || count < 0)
        return -EOVERFLOW;
    g->count = count;
    if (!count)
        green__notify(&g->waitable);
    return count;
}

int green__waitgroup_wait(green_waitgroup_t *g, green_time deadline)
{
    return green__wait_ready(&g->waitable, "a wait group", g, deadline);
}
