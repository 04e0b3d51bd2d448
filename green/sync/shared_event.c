/* Events across threads. */
#include "shared.h"

void green_shared_event_init(green_shared_event_t *e)
{
    *e = (green_shared_event_t)GREEN_SHARED_EVENT_INIT;
}

int green_shared_event_destroy(green_shared_event_t *e)
{
    pthread_mutex_lock(&e->lock);
    bool used = !chain_empty(&e->waiters);
    pthread_mutex_unlock(&e->lock);
    if (used)
        return -EBUSY;
    pthread_mutex_destroy(&e->lock);
    return 0;
}

void green_shared_event_set(green_shared_event_t *e)
{
    struct green_chain claimed = {0};
    pthread_mutex_lock(&e->lock);
    e->set = true;
    green__shared_claim_all(&e->waiters, &claimed, 0);
    pthread_mutex_unlock(&e->lock);
    green__shared_tell(&claimed);
}

void green_shared_event_clear(green_shared_event_t *e)
{
    pthread_mutex_lock(&e->lock);
    e->set = false;
    pthread_mutex_unlock(&e->lock);
}

bool green_shared_event_is_set(green_shared_event_t *e)
{
    pthread_mutex_lock(&e->lock);
    bool set = e->set;
    pthread_mutex_unlock(&e->lock);
    return set;
}

int green_shared_event_wait(green_shared_event_t *e, green_time deadline)
{
    pthread_mutex_lock(&e->lock);
    if (e->set) {
        pthread_mutex_unlock(&e->lock);
        return 0;
    }
    struct shared_waiter me = {0};
    return green__shared_wait(&e->lock, &e->waiters, &me, "a shared event", e, deadline);
}
