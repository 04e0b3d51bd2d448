/*
 * Mutexes. Unlocking makes the first waiter the owner right away, so that nobody gets in between. A fork() leaves the
 * child a copy of a mutex whose owner and waiters were greenlets of the parent's hub; that is put right when the child
 * comes upon it: a free mutex has no waiters, so only a locked one needs looking at.
 */
#include "../core/waiter.h"

void green_mutex_init(green_mutex_t *m)
{
    *m = (green_mutex_t)GREEN_MUTEX_INIT;
}

int green_mutex_destroy(green_mutex_t *m)
{
    return m->owner || !chain_empty(&m->waiters) ? -EBUSY : 0;
}

static inline green_hub_t *my_hub(void)
{
    return LIKELY(green__hub) ? green__hub : green_hub();
}

static inline void take(green_mutex_t *m, green_hub_t *hub, green_t *self)
{
    m->owner = self;
    m->hub = hub;
    m->forks = green__forks;
}

/* Its owner and its waiters are not of this hub, or not any more. */
static inline bool is_strange(const green_mutex_t *m, const green_hub_t *hub)
{
    return m->hub != hub || m->forks != green__forks;
}

/* What it was before a fork becomes what it is after that. */
static int adopt(green_mutex_t *m, green_hub_t *hub)
{
    if (m->forks == green__forks)
        return -EXDEV;
    bool forked = m->owner == hub->root;
    m->waiters = (struct green_chain){0};
    m->owner = NULL;
    if (forked)
        take(m, hub, hub->root);
    return 0;
}

static inline int try_lock(green_mutex_t *m)
{
    green_hub_t *hub = my_hub();
    if (UNLIKELY(!hub))
        return -ENOMEM;
    green_t *self = hub->current;
    if (UNLIKELY(!self))
        return -EPERM;
    if (UNLIKELY(m->owner && is_strange(m, hub))) {
        int r = adopt(m, hub);
        if (r < 0)
            return r;
    }
    if (m->owner)
        return m->owner == self ? -EDEADLK : -EAGAIN;
    take(m, hub, self);
    return 0;
}

int green_mutex_try_lock(green_mutex_t *m)
{
    return try_lock(m);
}

int green_mutex_lock(green_mutex_t *m, green_time deadline)
{
    int r = try_lock(m);
    if (LIKELY(r != -EAGAIN))
        return r;
    struct waiter me;
    return green__wait_in(&m->waiters, &me, "a mutex", m, deadline);
}

static inline bool is_mine(green_mutex_t *m)
{
    green_hub_t *hub = my_hub();
    if (UNLIKELY(!hub) || !m->owner)
        return false;
    if (UNLIKELY(is_strange(m, hub)) && adopt(m, hub) < 0)
        return false;
    return m->owner && m->owner == hub->current;
}

bool green_mutex_is_mine(green_mutex_t *m)
{
    return is_mine(m);
}

int green_mutex_unlock(green_mutex_t *m)
{
    if (UNLIKELY(!is_mine(m)))
        return -EPERM;
    struct waiter *next = green__wake_first(&m->waiters, 0);
    m->owner = next ? next->park.waiter : NULL;
    return 0;
}
