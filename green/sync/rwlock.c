/* Read-write locks. While the lock is free nobody waits; those who are let in are counted by who lets them in. */
#include "../core/waiter.h"

void green_rwlock_init(green_rwlock_t *l)
{
    *l = (green_rwlock_t)GREEN_RWLOCK_INIT;
}

int green_rwlock_destroy(green_rwlock_t *l)
{
    bool used = l->writer || l->reading || !chain_empty(&l->readers) || !chain_empty(&l->writers);
    return used ? -EBUSY : 0;
}

/* All readers who wait; false: there are none. */
static bool let_readers_in(green_rwlock_t *l)
{
    bool any = false;
    while (green__wake_first(&l->readers, 0)) {
        l->reading++;
        any = true;
    }
    return any;
}

static bool let_writer_in(green_rwlock_t *l)
{
    struct waiter *next = green__wake_first(&l->writers, 0);
    l->writer = next ? next->park.waiter : NULL;
    return next;
}

static inline green_t *running(void)
{
    return LIKELY(green__hub) ? green__hub->current : green_self();
}

int green__rwlock_wait_to_read(green_rwlock_t *l, green_time deadline)
{
    if (l->writer && l->writer == running())
        return -EDEADLK;
    struct waiter me;
    return green__wait_in(&l->readers, &me, "a lock to read", l, deadline);
}

int green_rwlock_try_write_lock(green_rwlock_t *l)
{
    green_t *self = running();
    if (!self)
        return -EPERM;
    if (l->writer || l->reading)
        return l->writer == self ? -EDEADLK : -EAGAIN;
    l->writer = self;
    return 0;
}

int green_rwlock_write_lock(green_rwlock_t *l, green_time deadline)
{
    int r = green_rwlock_try_write_lock(l);
    if (r != -EAGAIN)
        return r;
    struct waiter me;
    r = green__wait_in(&l->writers, &me, "a lock to write", l, deadline);
    if (r < 0 && !l->writer && chain_empty(&l->writers))
        let_readers_in(l); /* they waited for this writer */
    return r;
}

int green__rwlock_hand_over(green_rwlock_t *l)
{
    if (l->reading) {
        if (!--l->reading && !let_writer_in(l))
            let_readers_in(l);
        return 0;
    }
    if (!l->writer || l->writer != running())
        return -EPERM;
    l->writer = NULL;
    if (!let_readers_in(l))
        let_writer_in(l);
    return 0;
}
