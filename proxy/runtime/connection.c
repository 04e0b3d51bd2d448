/* Client connections: counted, served by their listener's protocol, closed. */
#include "connection_follow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/service.h"
#include "load.h"
#include "observe/error_log.h"
#include "process.h"
#include "route/client_address.h"
#include "sources.h"
#include "tcp/announced.h"
#include "tcp/service.h"
#include "tls/accept.h"

#define SHED_NOTICE GREEN_S(10) /* from one warning to the next */
#define SHED_TRIES  8           /* connections looked at for one to shed */

static atomic_uint_fast64_t last_id;

/* --- waiting, and being shed ------------------------------------------------------------------------------------- */

void connection_waits(struct connection *c)
{
    if (c->waiting || c->shed)
        return;
    c->waiting = true;
    TAILQ_INSERT_TAIL(&c->post->waiting, c, waiting_link);
}

void connection_busy(struct connection *c)
{
    if (!c->waiting)
        return;
    c->waiting = false;
    TAILQ_REMOVE(&c->post->waiting, c, waiting_link);
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

static void say_that_we_shed(struct worker *w, const char *name)
{
    if (w->told_of_shedding && green_turn_time() - w->told_of_shedding < SHED_NOTICE)
        return;
    w->told_of_shedding = green_turn_time();
    error_log(
        LOG_LEVEL_WARNING,
        "listener %s has as many connections as it may (max_connections): those that have been waited for "
        "longest are closed in favour of new ones",
        name);
}

/* Frees the place of whoever has owed us a request for the longest time. Whose bytes have just come is passed over;
 * who is being read from is shut down, and its greenlet will notice. */
static bool shed_one(struct worker *w, struct post *post)
{
    struct connection *c, *next;
    int tries = SHED_TRIES;
    for (c = TAILQ_FIRST(&post->waiting); c && tries--; c = next) {
        next = TAILQ_NEXT(c, waiting_link);
        if (c->idle && !green_unpark(c->fd))
            continue;
        say_that_we_shed(w, c->listener->name);
        counter_add(&c->counts->shed, 1);
        if (c->idle) {
            connection_close(c);
        } else {
            connection_busy(c);
            leave_place(w, c->listener);
            c->shed = true;
            shutdown(c->fd, SHUT_RDWR);
        }
        return true;
    }
    return false;
}

static bool shed(struct worker *w, struct post *post)
{
    const struct view *v = w->view;
    if (shed_one(w, post))
        return true;
    for (size_t i = 0; i < v->conf->listener_count; i++) /* the process is full of others' connections */
        if (atomic_load(&w->process->connections) >= v->conf->max_connections && shed_one(w, v->posts[i]))
            return true;
    return false;
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static bool take_place(struct worker *w, struct listener *l, const struct conf_listener *conf)
{
    if (atomic_fetch_add(&w->process->connections, 1) >= w->view->conf->max_connections)
        goto process_full;
    if (atomic_fetch_add(&l->connections, 1) < conf->max_connections)
        return true;
    atomic_fetch_sub(&l->connections, 1);
process_full:
    atomic_fetch_sub(&w->process->connections, 1);
    return false;
}

/* How many the peer has already. Trusted proxies speak for many. */
static int count_source(const struct view *v, struct listener *l, const struct conf_listener *conf,
                        const green_address_t *peer, struct source_count **counted)
{
    int64_t most = conf->patience.connections_per_source;
    *counted = NULL;
    if (!most || conf->proxy.on || client_trusted(&conf->client, peer))
        return 0;
    return source_enter(v->snapshot->sources, &l->connections,
                        source_of(peer, (unsigned)conf->source_prefix_v6), most, counted);
}

static void refuse(const struct listening *at, const struct conf_listener *conf, int fd,
                   const green_address_t *peer, const struct refusal *why)
{
    if (conf->protocol != CONF_TCP && !at->tls && !conf->proxy.on)
        http_refuse(at->worker, at->view, conf, fd, peer, why);
    else
        tcp_refuse(at->worker, at->view, conf, fd, peer, why);
}

struct conf_origin refusal_origin(const struct view *v, const struct conf_listener *conf,
                                  const struct refusal *why)
{
    return why->by_process ? conf_origin_of(v->conf, why->directive)
                           : conf_listener_origin(conf, why->directive);
}

/* Too late for one more? The kernel gives out the lowest number that is free, so the number tells how many are. */
static bool turned_away(const struct listening *at, const struct conf_listener *conf, int fd,
                        const green_address_t *peer)
{
    static const struct refusal overloaded = {
        .status = 503, .reason = "overload", .directive = "overload", .by_process = true};
    struct overload *o = &at->worker->process->overload;
    if (overload_level(o) < OVERLOAD_REFUSE &&
        fd < atomic_load_explicit(&o->refuse_from, memory_order_relaxed))
        return false;
    overload_count(&o->refused);
    refuse(at, conf, fd, peer, &overloaded);
    return true;
}

int connection_serve(struct connection *c)
{
    return c->conf->protocol != CONF_TCP ? http_serve(c) : tcp_serve(c);
}

int connection_secure(struct connection *c)
{
    return c->secure && c->conf->tls.server ? tls_accept(c) : connection_serve(c);
}

static struct connection *add(struct listening *at, int fd, const green_address_t *peer)
{
    struct worker *w = at->worker;
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->worker = w;
    c->at = at;
    at->references++;
    c->view = view_hold(at->view);
    c->conf = &c->view->conf->listeners[at->listener];
    c->listener = c->view->snapshot->listeners[at->listener];
    c->post = c->view->posts[at->listener];
    c->counts = metrics_listener(c->view->metrics, w->index, c->conf);
    c->fd = fd;
    c->secure = at->tls;
    c->accepted = green_turn_time();
    c->peer = *peer;
    LIST_INSERT_HEAD(&w->connections, c, link);
    w->connection_count++;
    counter_add(&c->counts->accepted, 1);
    return c;
}

void connection_open(struct listening *at, int fd, const green_address_t *peer)
{
    static const struct refusal full = {
        .status = 503, .reason = "too_many_connections", .directive = "max_connections"};
    static const struct refusal greedy = {
        .status = 429, .reason = "too_many_connections_of_source", .directive = "max_connections_per_source"};
    struct worker *w = at->worker;
    const struct conf_listener *conf = &at->view->conf->listeners[at->listener];
    struct listener *l = at->view->snapshot->listeners[at->listener];
    struct source_count *counted;
    if (turned_away(at, conf, fd, peer))
        return;
    int r = count_source(at->view, l, conf, peer, &counted);
    if (r == -EDQUOT) {
        refuse(at, conf, fd, peer, &greedy);
        return;
    }
    if (r == 0 && !take_place(w, l, conf) &&
        !(shed(w, at->view->posts[at->listener]) && take_place(w, l, conf))) {
        refuse(at, conf, fd, peer, &full);
        goto give_up;
    }
    struct connection *c = r == 0 ? add(at, fd, peer) : NULL;
    if (!c) {
        green_close(fd);
        if (r == 0)
            leave_place(w, l);
        goto give_up;
    }
    c->counted = counted;
    c->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    if (at->gone || w->retired)
        connection_expire(c);
    r = conf->proxy.on ? announced_accept(c) : connection_secure(c);
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

/* Walks that stand before a connection go past it. */
static void step_aside(const struct worker *w, const struct connection *c)
{
    struct connection_walk *walk;
    LIST_FOREACH(walk, &w->walks, link)
    {
        if (walk->next == c)
            walk->next = LIST_NEXT(c, link);
    }
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
    free(c->identity);
    if (!LIST_EMPTY(&w->walks))
        step_aside(w, c);
    LIST_REMOVE(c, link);
    view_release(c->view);
    listening_release(c->at);
    free(c);
    if (--w->connection_count == 0)
        worker_empty(w);
}

void connections_shed(struct worker *w, size_t most)
{
    for (size_t i = 0; w->view && i < w->view->conf->listener_count; i++) {
        struct connection *c = TAILQ_FIRST(&w->view->posts[i]->waiting), *next;
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
        bool expected = w->process->succeeded && !c->requests; /* its client hopes for its first answer */
        if (c->idle && !expected && green_unpark(c->fd))
            connection_close(c); /* else bytes have just come: its greenlet is on the way */
        c = next;
    }
}

/* --- looked at by an operator ----------------------------------------------------------------------------------------- */

void connection_walk_begin(struct connection_walk *walk, struct worker *w)
{
    walk->next = LIST_FIRST(&w->connections);
    LIST_INSERT_HEAD(&w->walks, walk, link);
}

struct connection *connection_walk_next(struct connection_walk *walk)
{
    struct connection *c = walk->next;
    if (c)
        walk->next = LIST_NEXT(c, link);
    return c;
}

void connection_walk_end(struct connection_walk *walk)
{
    LIST_REMOVE(walk, link);
}

void connection_describe(const struct connection *c, struct connection_facts *facts)
{
    bool connecting = c->conf->protocol == CONF_TCP && c->fd >= 0;
    *facts = (struct connection_facts){.state = c->idle      ? "idle"
                                                : connecting ? "connecting"
                                                             : "ending",
                                       .since = c->accepted};
    if (c->work)
        c->work->describe(c, facts);
    if (c->killed || c->shed)
        facts->state = "ending";
    facts->bytes_in += c->bytes_in;
    facts->bytes_out += c->bytes_out;
}

void connection_kill(struct connection *c)
{
    if (c->idle && green_unpark(c->fd)) {
        connection_close(c);
        return;
    }
    c->killed = true;
    if (c->work)
        c->work->end(c);
    else if (c->fd >= 0)
        shutdown(c->fd, SHUT_RDWR);
}
