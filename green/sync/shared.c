/* Waiting across threads: records, claims, and the news of them by post. */
#include "shared.h"

/* In the hub of the one who waits. */
static void arrive(green_post_t *post)
{
    struct shared_waiter *w = CONTAINER_OF(post, struct shared_waiter, post);
    w->arrived = true;
    green_wake(&w->park, 0);
}

/* Claimed: the post is on its way and needs the record. */
static void wait_for_arrival(struct shared_waiter *me)
{
    green_shield();
    while (!me->arrived) {
        me->park = (green_park_t)GREEN_PARK_INIT;
        int r = green_park(&me->park, GREEN_FOREVER);
        assert(r == 0);
        (void)r;
    }
    green_unshield();
}

/* Whatever would end a wait at once must be known before anybody can claim the record. */
static int may_wait(green_time deadline)
{
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    return hub->current ? green__interruption(hub->current) : -EPERM;
}

int green__shared_enqueue(struct green_chain *waiters, struct shared_waiter *me, green_time deadline)
{
    int r = may_wait(deadline);
    if (r < 0)
        return r;
    me->hub = green__hub;
    me->post.fn = arrive;
    chain_push(waiters, &me->node);
    return 0;
}

int green__shared_await(pthread_mutex_t *lock, struct shared_waiter *me, const char *what, const void *object,
                        green_time deadline)
{
    green_expect_outside();
    green__waits_for(what, object);
    int r = green_park(&me->park, deadline);
    if (!me->arrived) {
        pthread_mutex_lock(lock);
        bool claimed = me->claimed;
        if (!claimed)
            chain_remove(&me->node);
        pthread_mutex_unlock(lock);
        if (claimed)
            wait_for_arrival(me);
    }
    green_unexpect_outside();
    return me->arrived ? me->result : r;
}

int green__shared_wait(pthread_mutex_t *lock, struct green_chain *waiters, struct shared_waiter *me,
                       const char *what, const void *object, green_time deadline)
{
    int r = green__shared_enqueue(waiters, me, deadline);
    pthread_mutex_unlock(lock);
    return r < 0 ? r : green__shared_await(lock, me, what, object, deadline);
}

struct shared_waiter *green__shared_claim(struct green_chain *waiters, struct green_chain *claimed,
                                          int result)
{
    struct green_node *node = chain_pop(waiters);
    if (!node)
        return NULL;
    struct shared_waiter *w = CONTAINER_OF(node, struct shared_waiter, node);
    w->claimed = true;
    w->result = result;
    chain_push(claimed, node);
    return w;
}

void green__shared_claim_all(struct green_chain *waiters, struct green_chain *claimed, int result)
{
    while (green__shared_claim(waiters, claimed, result))
        ;
}

void green__shared_tell(struct green_chain *claimed)
{
    for (struct green_node *node; (node = chain_pop(claimed));) {
        struct shared_waiter *w = CONTAINER_OF(node, struct shared_waiter, node);
        if (w->hub == green__hub)
            arrive(&w->post); /* ours: no need to knock */
        else
            green_post(w->hub, &w->post);
    }
}
