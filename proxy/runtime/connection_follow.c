/*
 * Connections after a reload. Those whose listener is still there live by the new configuration from their next request
 * on, and tunnels whose upstream is still there go on as they are; everything else may finish what it has begun, within
 * reload_grace.
 */
#include "connection_follow.h"

#include <errno.h>
#include <sys/socket.h>

#include "observe/error_log.h"
#include "tcp/tunnel.h"

/* --- moving -------------------------------------------------------------------------------------------------------- */

static void change_listener(struct connection *c, struct listener *to)
{
    if (c->listener == to)
        return;
    if (!c->shed) {
        atomic_fetch_sub(&c->listener->connections, 1);
        atomic_fetch_add(&to->connections, 1);
    }
    c->listener = to;
}

/* A connection is open that was accepted and has not been closed. */
static void change_counts(struct connection *c, struct listener_metrics *to)
{
    if (c->counts == to)
        return;
    counter_add(&c->counts->closed, 1);
    counter_add(&to->accepted, 1);
    if (c->idle) {
        counter_add(&c->counts->idle, (uint64_t)-1);
        counter_add(&to->idle, 1);
    }
    if (c->tunnel) {
        counter_add(&c->counts->tunnels_ended, 1);
        counter_add(&to->tunnels_begun, 1);
    }
    c->counts = to;
}

static void change_post(struct connection *c, struct post *to)
{
    bool waiting = c->waiting;
    if (c->post == to)
        return;
    connection_busy(c);
    c->post = to;
    if (waiting)
        connection_waits(c);
}

/* What was counted under the listener's name is left with the same record. */
void connection_move(struct connection *c)
{
    struct view *before = c->view, *v = c->at->view;
    size_t index = c->at->listener;
    c->view = view_hold(v);
    c->conf = &v->conf->listeners[index];
    change_listener(c, v->snapshot->listeners[index]);
    change_counts(c, metrics_listener(v->metrics, c->worker->index, c->conf));
    change_post(c, v->posts[index]);
    view_release(before);
}

static bool has_lost_listener(const struct connection *c)
{
    return c->at->gone || c->at->view->conf->listeners[c->at->listener].protocol != c->conf->protocol;
}

/* --- ending -------------------------------------------------------------------------------------------------------- */

static void cut(struct connection *c)
{
    c->cut = true;
    c->cut_at = 0;
    if (c->tunnel)
        tunnel_abort(c->tunnel);
    else if (c->fd >= 0 && c->idle && green_unpark(c->fd))
        connection_close(c);
    else if (c->fd >= 0)
        shutdown(c->fd, SHUT_RDWR); /* its greenlet will notice */
}

/* Cuts off whose time has come; when to look again, or 0: nothing is left. */
static green_time cut_due(struct worker *w)
{
    struct connection *c, *next;
    green_time nearest = 0;
    for (c = LIST_FIRST(&w->connections); c; c = next) {
        next = LIST_NEXT(c, link);
        if (!c->cut_at)
            continue;
        if (c->cut_at <= green_turn_time())
            cut(c);
        else if (!nearest || c->cut_at < nearest)
            nearest = c->cut_at;
    }
    return nearest;
}

static void *run_cutter(void *arg)
{
    struct worker *w = arg;
    int r = 0;
    while (r == 0 || r == -ETIMEDOUT) {
        w->cutter_told = (green_park_t)GREEN_PARK_INIT;
        green_time next = cut_due(w);
        r = green_park(&w->cutter_told, next ? next : GREEN_FOREVER);
    }
    return NULL;
}

void connections_stop_cutting(struct worker *w)
{
    if (w->cutter && green_kill(w->cutter, GREEN_FOREVER) == 0)
        green_release(w->cutter);
    w->cutter = NULL;
}

static void set_time(struct connection *c)
{
    struct worker *w = c->worker;
    green_attr_t attr = {.name = "reload_grace"};
    if (c->cut || c->cut_at)
        return;
    c->cut_at = green_in(w->view->conf->reload.grace);
    if (w->cutter)
        green_wake(&w->cutter_told, 0);
    else if (green_spawn_ex(&w->cutter, &attr, run_cutter, w) < 0)
        error_log(LOG_LEVEL_WARNING,
                  "no memory for the timer of reload_grace: connections whose listener is gone may "
                  "stay for longer");
}

/* Whoever is told to end has no request after the present one. */
void connection_expire(struct connection *c)
{
    c->ending = true;
    if (has_lost_listener(c))
        set_time(c);
}

/* --- following ----------------------------------------------------------------------------------------------------- */

/* Its listener is gone, so there is nothing to wait for, unless bytes have just come, or have yet to come for the first
 * time. (The others' clients are told with their next answer: they may be sending it already.) */
static void end_idle(struct connection *c)
{
    if (has_lost_listener(c) && c->requests && green_unpark(c->fd))
        connection_close(c);
}

static void follow_tunnel(struct connection *c)
{
    if (c->view == c->at->view)
        return;
    if (!has_lost_listener(c) && c->follow(c->of_tunnel, c->view->conf, c->at->view->conf))
        connection_move(c);
    else
        set_time(c);
}

static void follow(struct connection *c)
{
    if (c->cut || c->shed)
        return;
    if (c->tunnel) {
        follow_tunnel(c);
        return;
    }
    c->ending = false; /* a worker that had retired may be back */
    if (has_lost_listener(c) || c->worker->retired)
        connection_expire(c);
    if (c->idle && c->ending)
        end_idle(c);
    else if (c->idle)
        connection_refresh(c);
}

void connections_follow(struct worker *w)
{
    struct connection *c, *next;
    for (c = LIST_FIRST(&w->connections); c; c = next) {
        next = LIST_NEXT(c, link);
        follow(c);
    }
}

void connection_tunnels(struct connection *c, struct tunnel *tunnel, connection_follow_fn follow_fn,
                        void *of_tunnel)
{
    c->tunnel = tunnel;
    c->follow = follow_fn;
    c->of_tunnel = of_tunnel;
    if (c->cut)
        tunnel_abort(tunnel);
    else if (c->view != c->at->view)
        follow_tunnel(c); /* the configuration has changed since its request came */
}
