/* Taking places, waiting for them, giving them back (places.h). */
#include "places.h"

#include <errno.h>
#include <poll.h>

#include "group.h"

#define CHOICES    4             /* servers that turn out to be full until all are looked at in a row */
#define LOOK_FIRST GREEN_MS(250) /* how often the first in line looks: servers come back, limits change */
#define LOOK       GREEN_S(1)    /* how often the others see whether their client is still there */

/* --- limits -------------------------------------------------------------------------------------------------------- */

bool places_are_limited(const struct conf_upstream *conf)
{
    bool limited = conf->concurrency.max_connections || conf->concurrency.max_requests;
    for (size_t i = 0; i < conf->server_count && !limited; i++)
        limited = conf->servers[i].max_connections > 0;
    return limited;
}

void places_configure(struct group *g)
{
    const struct conf_concurrency *conf = &g->conf->concurrency;
    atomic_store_explicit(&g->queue->limit, conf->max_requests, memory_order_relaxed);
    for (size_t i = 0; i < g->count; i++) {
        int64_t own = g->servers[i].conf->max_connections;
        atomic_store_explicit(&g->servers[i].standing->limit, own ? own : conf->max_connections,
                              memory_order_relaxed);
    }
}

/* --- places -------------------------------------------------------------------------------------------------------- */

static bool enter(atomic_llong *places, const atomic_llong *most)
{
    long long limit = atomic_load_explicit(most, memory_order_relaxed);
    long long active = atomic_load(places);
    while (!limit || active < limit)
        if (atomic_compare_exchange_weak(places, &active, active + 1))
            return true;
    return false;
}

static bool enter_server(const struct server *s)
{
    return enter(&s->standing->active, &s->standing->limit);
}

/* Who waits has been counted before it looked, and we look at the count after the place is free: one of us sees the
 * other. */
static void leave(struct queue *q)
{
    atomic_fetch_sub(&q->active, 1);
    if (atomic_load(&q->waiting))
        queue_call(q);
}

void place_give_back(struct server_state *state)
{
    atomic_fetch_sub(&state->standing->active, 1);
    leave(state->queue);
}

/* --- choosing ------------------------------------------------------------------------------------------------------ */

/* The first that has a place, from the beginning where that is the order of the list. */
static struct server *any_with_place(struct group *g, const struct lease_request *request, uint32_t tried)
{
    bool first = g->conf->balancing.balance.method == CONF_FIRST;
    size_t from = first ? 0 : g->looked_from++ % g->count;
    for (size_t i = 0; i < g->count; i++) {
        size_t at = (from + i) % g->count;
        struct server *s = &g->servers[at];
        bool left_out = !s->usable;
        for (uint32_t k = 0; k < tried && !left_out; k++)
            left_out = request->tried.index[k] == at;
        if (!left_out && enter_server(s))
            return s;
    }
    return NULL;
}

/* Servers that are full are passed over. NULL: all are, or there is none (then *full is false). */
static struct server *choose_server(struct group *g, struct lease_request *request, bool *full)
{
    uint32_t tried = request->tried.count;
    struct server *s = NULL;
    *full = false;
    for (int i = 0; i < CHOICES && (s = group_choose(g, request)) && !enter_server(s); i++) {
        *full = true;
        tried_add(&request->tried, s);
        s = NULL;
    }
    request->tried.count = tried;
    return s || !*full ? s : any_with_place(g, request, tried);
}

/* Who stands in line does not call himself; those that it has misled for a moment look again in time. */
static struct server *choose(struct group *g, struct lease_request *request, bool in_line, bool *full)
{
    *full = true;
    if (!g->count) {
        *full = false;
        return NULL;
    }
    if (!enter(&g->queue->active, &g->queue->limit))
        return NULL;
    struct server *s = choose_server(g, request, full);
    if (!s && in_line)
        atomic_fetch_sub(&g->queue->active, 1);
    else if (!s)
        leave(g->queue);
    return s;
}

/* --- waiting ------------------------------------------------------------------------------------------------------- */

/* Nobody waits for an answer to a request any more whose client has closed the connection, if only its own side; what
 * comes over plain TCP may end before the answer comes. */
static bool client_is_gone(const struct lease_request *request)
{
    short ends = POLLHUP | POLLERR | (request->client ? 0 : POLLRDHUP);
    struct pollfd client = {.fd = request->client_fd, .events = ends};
    return client.fd >= 0 && poll(&client, 1, 0) == 1 && (client.revents & ends);
}

/* Names may stand for others by now, of whom none was tried. */
static void follow_names(struct group *g, struct lease_request *request)
{
    group_follow_names(g);
    if (request->generation == g->generation)
        return;
    request->generation = g->generation;
    request->tried.count = 0;
}

/* 0: *s has a place, or there is no server to wait for any more (NULL). */
static int wait_in_line(struct group *g, struct lease_request *request, struct queue_waiter *me,
                        green_time deadline, struct server **s)
{
    for (bool full;;) {
        green_shared_event_clear(&me->called); /* what becomes free while we look calls again */
        bool turn = queue_is_turn(g->queue, me);
        green_time again = green_in(turn ? LOOK_FIRST : LOOK);
        follow_names(g, request);
        if (client_is_gone(request))
            return -ECONNABORTED;
        if (turn && ((*s = choose(g, request, true, &full)) || !full))
            return 0;
        int r = green_shared_event_wait(&me->called, again < deadline ? again : deadline);
        if (r < 0 && (r != -ETIMEDOUT || green_now() < again))
            return r; /* cancelled, out of time here, or by an outer limit */
    }
}

static void explain(const struct group *g, struct connect_failure *f, int code)
{
    const struct conf_concurrency *conf = &g->conf->concurrency;
    *f = (struct connect_failure){
        .status = 503, .code = code, .error = "connection_limit_reached", .retry_after = 1};
    if (code == -ECONNABORTED) {
        *f = (struct connect_failure){.code = code, .reason = "client_gone"};
    } else if (code != -ENOBUFS) {
        f->reason = f->directive = "queue_timeout";
    } else if (conf->queue_max) {
        f->reason = "queue_full";
        f->directive = "queue_max";
    } else {
        bool whole = conf->max_requests && atomic_load(&g->queue->active) >= conf->max_requests;
        f->reason = "servers_full";
        f->directive = whole ? "max_requests" : conf->max_connections ? "max_connections" : "server";
    }
}

static void count_wait(const struct group *g, green_time began)
{
    int64_t took = green_now() - began;
    if (g->counts)
        histogram_count(&g->counts->queue, histogram_bucket(took), took);
}

static struct server *stand_in_line(struct group *g, struct lease_request *request,
                                    struct connect_failure *failure)
{
    struct queue_waiter me = {.picky = request->tried.count > 0};
    struct server *s = NULL;
    green_time began = green_now();
    green_shared_event_init(&me.called);
    int r = queue_enter(g->queue, &me, g->conf->concurrency.queue_max);
    if (r == 0) {
        r = wait_in_line(g, request, &me, began + g->conf->concurrency.queue_timeout, &s);
        queue_leave(g->queue, &me);
        count_wait(g, began);
        request->queued = green_turn_time();
    }
    if (r < 0)
        explain(g, failure, r);
    int destroyed = green_shared_event_destroy(&me.called);
    (void)destroyed; /* only we have waited for it */
    return s;
}

struct server *place_choose(struct group *g, struct lease_request *request, struct connect_failure *failure)
{
    bool full = true;
    if (!atomic_load(&g->queue->waiting)) {
        struct server *s = choose(g, request, false, &full);
        if (s || !full)
            return s;
    }
    if (!request->no_wait)
        return stand_in_line(g, request, failure);
    explain(g, failure, -ENOBUFS);
    return NULL;
}
