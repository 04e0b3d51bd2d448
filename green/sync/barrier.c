/* Barriers. Whoever ends a round dismisses all who wait in it with a verdict that stands. */
#include "../core/waiter.h"

struct barrier_waiter {
    struct waiter waiter;
    int verdict;
    bool dismissed;
};

int green_barrier_init(green_barrier_t *b, unsigned parties)
{
    if (!parties)
        return -EINVAL;
    *b = (green_barrier_t)GREEN_BARRIER_INIT(parties);
    return 0;
}

int green_barrier_destroy(green_barrier_t *b)
{
    return chain_empty(&b->waiters) ? 0 : -EBUSY;
}

/* They do not look at the barrier again. */
static void dismiss_all(green_barrier_t *b, int verdict)
{
    b->waiting = 0;
    for (struct green_node *node; (node = chain_pop(&b->waiters));) {
        struct barrier_waiter *w = CONTAINER_OF(node, struct barrier_waiter, waiter.node);
        w->dismissed = true;
        w->verdict = verdict;
        green_wake(&w->waiter.park, verdict);
    }
}

int green_barrier_wait(green_barrier_t *b, green_time deadline)
{
    if (!b->parties)
        return -EINVAL;
    if (b->broken)
        return -EPIPE;
    if (b->waiting + 1 == b->parties) {
        dismiss_all(b, 0);
        return GREEN_BARRIER_SERIAL;
    }
    if (!green_self())
        return -EPERM;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    struct barrier_waiter me = {0};
    b->waiting++;
    int r = green__wait_in(&b->waiters, &me.waiter, "a barrier", b, deadline);
    if (me.dismissed)
        return me.verdict;
    b->waiting--;
    green_barrier_abort(b);
    return r;
}

void green_barrier_abort(green_barrier_t *b)
{
    b->broken = true;
    dismiss_all(b, -EPIPE);
}

void green_barrier_reset(green_barrier_t *b)
{
    b->broken = false;
    dismiss_all(b, -EPIPE);
}
