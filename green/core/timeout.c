/* Scoped timeouts: timers that interrupt whatever their greenlet waits for. */
#include "internal.h"

static_assert(sizeof(struct timer) <= sizeof(((green_timeout_t *)0)->private_timer),
              "green_timeout_t has room");

static struct timer *timer_of(green_timeout_t *t)
{
    return (struct timer *)(void *)t->private_timer;
}

static void fire(struct timer *timer)
{
    green_timeout_t *t = CONTAINER_OF(timer, green_timeout_t, private_timer);
    green_t *g = t->greenlet;
    t->fired = true;
    g->fired++;
    green__update_interrupt(g);
    green__interrupt_park(g, -ETIMEDOUT);
}

void green_timeout_start_at(green_timeout_t *t, green_time deadline)
{
    green_t *g = green_self();
    assert(g); /* the hub itself never waits */
    t->greenlet = g;
    t->fired = false;
    t->started = true;
    chain_push(&g->timeouts, &t->node);
    timer_init(timer_of(t), fire);
    if (deadline != GREEN_FOREVER && green__timer_set(&g->hub->timers, timer_of(t), deadline) < 0)
        fire(timer_of(t)); /* no memory for a timer: better too early than never */
}

void green_timeout_start(green_timeout_t *t, int64_t duration)
{
    green_timeout_start_at(t, duration == GREEN_FOREVER ? GREEN_FOREVER : green_in(duration));
}

void green_timeout_stop(green_timeout_t *t)
{
    if (!t->started)
        return;
    green_t *g = t->greenlet;
    timer_remove(&g->hub->timers, timer_of(t));
    chain_remove(&t->node);
    if (t->fired) {
        g->fired--;
        green__update_interrupt(g);
    }
    t->started = false;
}

void green__timeouts_end(green_t *g)
{
    for (struct green_node *node; (node = g->timeouts.first);)
        green_timeout_stop(CONTAINER_OF(node, green_timeout_t, node));
}

bool green_timeout_fired(const green_timeout_t *t)
{
    return t->fired;
}

int green_with_timeout(int64_t duration, int (*fn)(void *arg), void *arg)
{
    green_timeout_t t;
    green_timeout_start(&t, duration);
    int r = fn(arg);
    green_timeout_stop(&t);
    return r;
}
