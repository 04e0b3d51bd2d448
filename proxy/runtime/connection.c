/* Client connections: counted, served by their listener's protocol, closed. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/service.h"
#include "load.h"
#include "observe/error_log.h"
#include "process.h"
#include "route/client_address.h"
#include "sources.h"
#include "tcp/service.h"

#define SHED_NOTICE GREEN_S(10) /* from one warning to the next */
#define SHED_TRIES  8           /* connections looked at for one to shed */

/* --- waiting, and being shed ------------------------------------------------------------------------------------- */

static struct waiting *queue_of(const struct worker *w, const struct listener *l)
{
    return &w->waiting[l - w->process->listeners];
}

void connection_waits(struct connection *c)
{
    if (c->waiting || c->shed)
        return;
    c->waiting = true;
    TAILQ_INSERT_TAIL(queue_of(c->worker, c->listener), c, waiting_link);
}

void connection_busy(struct connection *c)
{
    if (!c->waiting)
        return;
    c->waiting = false;
    TAILQ_REMOVE(queue_of(c->worker, c->listener), c, waiting_link);
}

void connection_stirs(struct connection *c)
{
    if (c->idle)
        counter_add(&c->counts->idle, (uint64_t)-1);
    c->idle = false;
}

static void leave_place(struct worker *w, struct listener *l)
{
    atomic_fetch_sub(&l->connections, 1);
    atomic_fetch_sub(&w->process->connections, 1);
}

static void say_that_we_shed(struct worker *w, const struct listener *l)
{
    if (w->told_of_shedding && green_turn_time() - w->told_of_shedding < SHED_NOTICE)
        return;
    w->told_of_shedding = green_turn_time();
    error_log(
        LOG_LEVEL_WARNING,
        "listener %s has as many connections as it may (max_connections): those that have been waited for "
        "longest are closed in favour of new ones",
        l->conf->name);
}

/* Frees the place of whoever has owed us a request for the longest time. Whose bytes have just come is passed over;
 * who is being read from is shut down, and its greenlet will notice. */
static bool shed_one(struct worker *w, struct listener *l)
{
    struct connection *c, *next;
    int tries = SHED_TRIES;
    for (c = TAILQ_FIRST(queue_of(w, l)); c && tries--; c = next) {
        next = TAILQ_NEXT(c, waiting_link);
        if (c->idle && !green_unpark(c->fd))
            continue;
        say_that_we_shed(w, l);
        counter_add(&c->counts->shed, 1);
        if (c->idle) {
            connection_close(c);
        } else {
            connection_busy(c);
            leave_place(w, l);
            c->shed = true;
            shutdown(c->fd, SHUT_RDWR);
        }
        return true;
    }
    return false;
}

static bool shed(struct worker *w, struct listener *l)
{
    if (shed_one(w, l))
        return true;
    for (size_t i = 0; i < w->conf->listener_count; i++) /* the process is full of others' connections */
        if (atomic_load(&w->process->connections) >= w->conf->max_connections &&
            shed_one(w, &w->process->listeners[i]))
            return true;
    return false;
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static bool take_place(struct worker *w, struct listener *l)
{
    if (atomic_fetch_add(&w->process->connections, 1) >= w->conf->max_connections)
        goto process_full;
    if (atomic_fetch_add(&l->connections, 1) < l->conf->max_connections)
        return true;
    atomic_fetch_sub(&l->connections, 1);
process_full:
    atomic_fetch_sub(&w->process->connections, 1);
    return false;
}

/* How many the peer has already. Trusted proxies speak for many. */
static int count_source(struct worker *w, struct listener *l, const green_address_t *peer,
                        struct source_count **counted)
{
    int64_t most = l->conf->patience.connections_per_source;
    *counted = NULL;
    if (!most || client_trusted(&l->conf->client, peer))
        return 0;
    return source_enter(w->process->sources, &l->connections,
                        source_of(peer, (unsigned)l->conf->source_prefix_v6), most, counted);
}

static void refuse(struct worker *w, struct listener *l, int fd, const green_address_t *peer,
                   const struct refusal *why)
{
    if (l->conf->protocol != CONF_TCP)
        http_refuse(w, l, fd, peer, why);
    else
        tcp_refuse(w, l, fd, peer, why);
}

struct conf_origin refusal_origin(const struct worker *w, const struct listener *l, const struct refusal *why)
{
    return why->by_process ? conf_origin_of(w->conf, why->directive)
                           : conf_listener_origin(l->conf, why->directive);
}

/* Too late for one more? The kernel gives out the lowest number that is free, so the number tells how many are. */
static bool turned_away(struct worker *w, struct listener *l, int fd, const green_address_t *peer)
{
    static const struct refusal overloaded = {503, "overload", "overload", .by_process = true};
    struct overload *o = &w->process->overload;
    if (overload_level(o) < OVERLOAD_REFUSE &&
        fd < atomic_load_explicit(&o->refuse_from, memory_order_relaxed))
        return false;
    overload_count(&o->refused);
    refuse(w, l, fd, peer, &overloaded);
    return true;
}

void connection_open(struct worker *w, struct listener *l, int fd, const green_address_t *peer)
{
    static const struct refusal full = {503, "too_many_connections", "max_connections", false};
    static const struct refusal greedy = {429, "too_many_connections_of_source", "max_connections_per_source",
                                          false};
    struct source_count *counted;
    if (turned_away(w, l, fd, peer))
        return;
    int r = count_source(w, l, peer, &counted);
    if (r == -EDQUOT) {
        refuse(w, l, fd, peer, &greedy);
        return;
    }
    if (r == 0 && !take_place(w, l) && !(shed(w, l) && take_place(w, l))) {
        refuse(w, l, fd, peer, &full);
        goto give_up;
    }
    struct connection *c = r == 0 ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        green_close(fd);
        if (r == 0)
            leave_place(w, l);
        goto give_up;
    }
    c->counted = counted;
    c->worker = w;
    c->listener = l;
    c->counts = metrics_listener(w->metrics, w->index, l->conf);
    c->fd = fd;
    c->accepted = green_turn_time();
    c->peer = *peer;
    LIST_INSERT_HEAD(&w->connections, c, link);
    w->connection_count++;
    counter_add(&c->counts->accepted, 1);
    r = l->conf->protocol != CONF_TCP ? http_serve(c) : tcp_serve(c);
    if (r < 0)
        connection_close(c);
    return;
give_up:
    if (counted)
        source_leave(w->process->sources, counted);
}

void connection_abort(struct connection *c)
{
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    c->aborted = true;
}

void connection_close(struct connection *c)
{
    struct worker *w = c->worker;
    struct wire wire = connection_wire(c);
    connection_stirs(c);
    counter_add(&c->counts->closed, 1);
    if (c->fd >= 0)
        wire_close(&wire, !c->aborted);
    if (!c->shed)
        leave_place(w, c->listener);
    if (c->counted)
        source_leave(w->process->sources, c->counted);
    connection_busy(c);
    LIST_REMOVE(c, link);
    w->connection_count--;
    if (!w->connection_count && w->drained)
        green_wake(w->drained, 0);
    free(c);
}

void connections_shed(struct worker *w, size_t most)
{
    for (size_t i = 0; i < w->conf->listener_count; i++) {
        struct connection *c = TAILQ_FIRST(&w->waiting[i]), *next;
        for (size_t n = most; c && n; c = next) {
            next = TAILQ_NEXT(c, waiting_link);
            if (!c->idle || !green_unpark(c->fd))
                continue;
            connection_close(c);
            overload_count(&w->process->overload.shed);
            n--;
        }
    }
}

void connections_close_idle(struct worker *w)
{
    struct connection *c = LIST_FIRST(&w->connections);
    while (c) {
        struct connection *next = LIST_NEXT(c, link);
        if (c->idle && green_unpark(c->fd))
            connection_close(c); /* else bytes have just come: its greenlet is on the way */
        c = next;
    }
}
