/* Semaphores across threads. While somebody waits no token is free. */
#include "shared.h"

int green_shared_semaphore_init(green_shared_semaphore_t *s, int tokens)
{
    return green_shared_semaphore_init_bounded(s, tokens, INT_MAX);
}

int green_shared_semaphore_init_bounded(green_shared_semaphore_t *s, int tokens, int limit)
{
    if (tokens < 0 || limit < 1 || tokens > limit)
        return -EINVAL;
    *s = (green_shared_semaphore_t)GREEN_SHARED_SEMAPHORE_INIT_BOUNDED(tokens, limit);
    return 0;
}

int green_shared_semaphore_destroy(green_shared_semaphore_t *s)
{
    pthread_mutex_lock(&s->lock);
    bool used = !chain_empty(&s->waiters);
    pthread_mutex_unlock(&s->lock);
    if (used)
        return -EBUSY;
    pthread_mutex_destroy(&s->lock);
    return 0;
}

/* Under the lock. */
static bool take(green_shared_semaphore_t *s)
{
    if (!s->count)
        return false;
    s->count--;
    return true;
}

int green_shared_semaphore_try_acquire(green_shared_semaphore_t *s)
{
    pthread_mutex_lock(&s->lock);
    bool taken = take(s);
    pthread_mutex_unlock(&s->lock);
    return taken ? 0 : -EAGAIN;
}

int green_shared_semaphore_acquire(green_shared_semaphore_t *s, green_time deadline)
{
    pthread_mutex_lock(&s->lock);
    if (take(s)) {
        pthread_mutex_unlock(&s->lock);
        return 0;
    }
    struct shared_waiter me = {0};
    return green__shared_wait(&s->lock, &s->waiters, &me, "a shared semaphore", s, deadline);
}

int green_shared_semaphore_release(green_shared_semaphore_t *s)
{
    struct green_chain claimed = {0};
    int r = -EOVERFLOW;
    pthread_mutex_lock(&s->lock);
    if (green__shared_claim(&s->waiters, &claimed, 0))
        r = 0;
    else if (s->count < s->max)
        r = ++s->count;
    pthread_mutex_unlock(&s->lock);
    green__shared_tell(&claimed);
    return r;
}

int green_shared_semaphore_count(green_shared_semaphore_t *s)
{
    pthread_mutex_lock(&s->lock);
    int count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}
