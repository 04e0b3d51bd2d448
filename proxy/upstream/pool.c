/* Idle connections (pool.h). */
#include "pool.h"

#include "group.h"
#include "tls/client.h"

void pool_leave(struct upstream_connection *c)
{
    if (!c->idle)
        return;
    TAILQ_REMOVE(&c->state->idle, c, link);
    c->state->idle_count--;
    if (c->state->group)
        c->state->group->idle_count--;
    c->idle = false;
}

/* An idle connection may only be silent: an end of input, stray bytes or its deadline end it. */
static void idle_event(void *arg, int status)
{
    struct upstream_connection *c = arg;
    struct wire wire = upstream_wire(c);
    bool silent = status == 0 && wire_silent(&wire);
    if (silent && c->idle && green_park_readable(c->fd, idle_event, c, c->expires) == 0)
        return;
    group_discard(c);
}

int64_t pool_keep_time(int64_t keep, int32_t announced)
{
    if (announced < 0)
        return keep;
    /* The peer counts from when it sent its answer: stay clear of that moment. */
    int64_t promised = GREEN_S(announced) - GREEN_S(announced) / 8 - GREEN_MS(200);
    return promised < keep ? promised : keep;
}

bool pool_keep(struct upstream_connection *c, int32_t announced)
{
    struct group *g = c->state->group;
    const struct conf_upstream *conf = g ? g->conf : NULL;
    int64_t keep = g ? pool_keep_time(conf->timeout_idle, announced) : 0;
    if (keep <= 0 || g->idle_count >= conf->keepalive || c->uses >= conf->keepalive_requests ||
        c->state->duty != SERVER_ENABLED)
        return false;
    green_time now = green_turn_time();
    c->expires = now + keep;
    if (c->expires > c->made + conf->concurrency.keepalive_age)
        c->expires = c->made + conf->concurrency.keepalive_age;
    if (c->expires <= now)
        return false;
    c->reused = true;
    struct wire wire = upstream_wire(c);
    if (c->tls && c->uses == 1)
        tls_client_keep(c->tls, &c->state->session);
    wire_rest(&wire);
    if (wire_holds_input(&wire) || green_park_readable(c->fd, idle_event, c, c->expires) < 0)
        return false;
    c->idle = true;
    c->state->idle_count++;
    g->idle_count++;
    TAILQ_INSERT_HEAD(&c->state->idle, c, link);
    return true;
}

void pool_close(struct server_state *state)
{
    struct upstream_connection *c;
    while ((c = TAILQ_FIRST(&state->idle))) {
        pool_leave(c);
        if (green_unpark(c->fd))
            group_discard(c); /* else its greenlet is on the way and does it */
    }
}

struct upstream_connection *pool_take(struct server *s)
{
    struct upstream_connection *c;
    green_time now = green_turn_time();
    while ((c = TAILQ_FIRST(&s->state->idle))) {
        pool_leave(c);
        if (!green_unpark(c->fd))
            continue; /* something happened to it: its greenlet is on the way and closes it */
        c->server = s;
        if (c->expires > now)
            return c;
        group_discard(c);
    }
    return NULL;
}
