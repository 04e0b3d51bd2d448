/*
 * Conditions. A signal does not make the waiter run into a mutex that the signaller still holds: the record moves from
 * the queue of the condition to that of the mutex, where unlocking finds it, so a broadcast wakes one at a time.
 */
#include "../core/waiter.h"

struct condition_waiter {
    struct waiter waiter; /* in the queue of the condition, after the signal in that of the mutex */
    green_mutex_t *mutex;
    bool signalled;
};

void green_condition_init(green_condition_t *c)
{
    *c = (green_condition_t)GREEN_CONDITION_INIT;
}

int green_condition_destroy(green_condition_t *c)
{
    return chain_empty(&c->waiters) ? 0 : -EBUSY;
}

/* The clean-up after a wait that ended without the mutex. */
static int lock_in_spite_of_all(green_mutex_t *m)
{
    green_shield();
    int r = green_mutex_lock(m, GREEN_FOREVER);
    green_unshield();
    return r < 0 ? -ENOLCK : 0;
}

int green_condition_wait(green_condition_t *c, green_mutex_t *m, green_time deadline)
{
    if (!green_mutex_is_mine(m))
        return -EPERM;
    int r = green__interruption(green__hub->current);
    if (r < 0)
        return r;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    struct condition_waiter me = {.waiter.park = GREEN_PARK_INIT, .mutex = m};
    chain_push(&c->waiters, &me.waiter.node);
    green_mutex_unlock(m);
    green__waits_for("a condition", c);
    r = green_park(&me.waiter.park, deadline);
    chain_remove(&me.waiter.node);
    if (r == 0)
        return 0; /* with the mutex in hand */
    int locked = lock_in_spite_of_all(m);
    if (locked < 0)
        return locked;
    return me.signalled ? 0 : r;
}

int green_condition_wait_recursive(green_condition_t *c, green_recursive_mutex_t *m, green_time deadline)
{
    unsigned depth = green_recursive_mutex_depth(m);
    if (!depth)
        return -EPERM;
    int r = green_condition_wait(c, &m->mutex, deadline);
    if (r != -ENOLCK)
        m->depth = depth;
    return r;
}

/* False: nobody waits. */
static bool signal_first(green_condition_t *c)
{
    for (struct green_node *node; (node = chain_pop(&c->waiters));) {
        struct condition_waiter *first = CONTAINER_OF(node, struct condition_waiter, waiter.node);
        green_park_t *park = &first->waiter.park;
        green_mutex_t *m = first->mutex;
        if (park->woken)
            continue;
        first->signalled = true;
        if (m->owner) {
            chain_push(&m->waiters, node);
        } else {
            m->owner = park->waiter;
            m->hub = park->waiter->hub;
            green_wake(park, 0);
        }
        return true;
    }
    return false;
}

void green_condition_signal(green_condition_t *c)
{
    signal_first(c);
}

void green_condition_broadcast(green_condition_t *c)
{
    while (signal_first(c))
        ;
}
