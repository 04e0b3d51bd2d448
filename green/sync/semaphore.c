/* Semaphores: waiting for a token and handing one over. While somebody waits no token is free. */
#include "../core/waiter.h"

bool green__semaphore_ready(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_semaphore_t, waitable)->count > 0;
}

int green_semaphore_init(green_semaphore_t *s, int tokens)
{
    return green_semaphore_init_bounded(s, tokens, INT_MAX);
}

int green_semaphore_init_bounded(green_semaphore_t *s, int tokens, int limit)
{
    if (tokens < 0 || limit < 1 || tokens > limit)
        return -EINVAL;
    *s = (green_semaphore_t)GREEN_SEMAPHORE_INIT_BOUNDED(tokens, limit);
    return 0;
}

int green_semaphore_destroy(green_semaphore_t *s)
{
    return chain_empty(&s->waiters) && chain_empty(&s->waitable.links) ? 0 : -EBUSY;
}

int green__semaphore_wait(green_semaphore_t *s, green_time deadline)
{
    struct waiter me;
    return green__wait_in(&s->waiters, &me, "a semaphore", s, deadline);
}

int green__semaphore_hand_over(green_semaphore_t *s)
{
    if (green__wake_first(&s->waiters, 0))
        return s->count;
    if (s->count >= s->max)
        return -EOVERFLOW;
    s->count++;
    green__notify(&s->waitable);
    return s->count;
}
