/* Second tries beside the first (hedge.h). */
#include "hedge.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "retry.h"
#include "upstream/latency.h"
#include "upstream/outlier.h"
#include "upstream/usual_time.h"

struct hedge {
    struct conversation *first;
    struct lease_request request;
    struct upstream_connection *lease; /* NULL: none */
    struct h1 server;                  /* of the lease */
    struct http_head response;
    green_time deadline, connected, first_byte;
    green_t *greenlet;
    bool sent, answered;
};

/* --- when? --------------------------------------------------------------------------------------------------------- */

green_time hedge_due(const struct conversation *t)
{
    const struct exchange *x = t->x;
    const struct conf_hedge_after *after = x->upstream ? &x->upstream->hedge_after : NULL;
    if (!after || !(after->time | after->percent) || t->hedged)
        return GREEN_FOREVER;
    struct group *g = view_group(x->view, x->upstream);
    if (g->count < 2 || !retry_may_hedge(t))
        return GREEN_FOREVER;
    green_time now = green_turn_time();
    int64_t time = after->percent ? usual_time(g, after->percent, now) : after->time;
    return time ? now + time : GREEN_FOREVER;
}

/* --- the second try ------------------------------------------------------------------------------------------------ */

static int send_request(struct hedge *h)
{
    const struct exchange *x = h->first->x;
    struct http_stream *server = &h->server.stream;
    int r = server->ops->write_request(server, &x->request, &h->first->facts);
    return r < 0 ? r : server->ops->finish(server, NULL);
}

/* The final answer's head. Interim answers are those of the first try, if it gives any. */
static int read_response(struct hedge *h)
{
    const struct exchange *x = h->first->x;
    for (int interim = 0; interim <= RESPONSE_INTERIM_MAX; interim++) {
        http_response_begin(&h->server.parser, &conversation_limits, x->request.method, false);
        int r = h->server.stream.ops->read_head(&h->server.stream, &h->response, h->deadline);
        if (r < 0)
            return r;
        if (!h->first_byte)
            h->first_byte = green_turn_time();
        if (h->response.status >= 200)
            return 0;
    }
    return -EPROTO;
}

static void let_go(struct hedge *h)
{
    if (!h->lease)
        return;
    h1_release(&h->server);
    group_discard(h->lease);
    h->lease = NULL;
}

static int ask(struct hedge *h)
{
    struct exchange *x = h->first->x;
    struct connect_failure failure;
    int r = group_lease(view_group(x->view, x->upstream), &h->request, &h->lease, &failure);
    if (r < 0) {
        h->lease = NULL;
        return r;
    }
    h->connected = green_turn_time();
    h->lease->uses++;
    h1_init(&h->server, upstream_wire(h->lease), &x->worker->buffers, RESPONSE_HEAD_BYTES,
            x->upstream->timeout_write);
    h->sent = true;
    r = send_request(h);
    return r < 0 ? r : read_response(h);
}

/* An answer that would be reason to try again wins nothing. Whoever waits for the first one's is woken by its end. */
static void *run(void *arg)
{
    struct hedge *h = arg;
    const struct exchange *x = h->first->x;
    int r = ask(h);
    if (r == 0 && h->response.status < 500) {
        h->answered = true;
        shutdown(x->lease->fd, SHUT_RDWR);
        return NULL;
    }
    if (r < 0 && r != -ECANCELED && h->lease)
        server_report(h->lease->server, r == -ETIMEDOUT ? "response_timeout" : "upstream_closed", -1);
    let_go(h);
    return NULL;
}

void hedge_begin(struct conversation *t, green_time deadline)
{
    struct exchange *x = t->x;
    struct group *g = view_group(x->view, x->upstream);
    t->hedged = true;
    if (t->lease.generation != g->generation || !retry_spend(x))
        return;
    struct hedge *h = malloc(sizeof *h);
    if (!h)
        return;
    h->first = t;
    h->request = t->lease;
    h->request.used = UINT32_MAX / 2; /* it is one try */
    h->request.no_wait = true;
    tried_add(&h->request.tried, x->lease->server);
    h->lease = NULL;
    h->deadline = deadline;
    h->first_byte = 0;
    h->sent = h->answered = false;
    if (green_spawn_ex(&h->greenlet, &(green_attr_t){.name = "hedge"}, run, h) < 0) {
        free(h);
        return;
    }
    t->hedge = h;
}

/* --- who has won? -------------------------------------------------------------------------------------------------- */

static void finish(struct hedge *h)
{
    green_shield(); /* it works on what is ours: it must end before we do */
    int r = green_kill(h->greenlet, GREEN_FOREVER);
    green_unshield();
    (void)r; /* a shielded wait without a deadline ends only when the greenlet has */
    green_release(h->greenlet);
}

/* The first server had more time and has not answered: that counts as its failure, or one that hangs would stay in use for
 * as long as others answer in its place. */
static void report_loser(const struct conversation *t)
{
    struct server *s = t->x->lease->server;
    green_time now = green_turn_time();
    if (s->measured)
        latency_observe(s->standing, now - t->asked, now);
    server_report(s, "hedge_lost", -1);
}

static int take_over(struct conversation *t, struct hedge *h)
{
    struct exchange *x = t->x;
    report_loser(t);
    h1_release(&x->server);
    group_discard(x->lease);
    x->lease = h->lease;
    x->server = h->server;
    x->response = h->response;
    x->log.first_byte = h->first_byte;
    h->lease = NULL;
    t->asked = h->connected;
    if (exchange_note_server(x, &t->lease) == 0)
        return 0;
    h1_release(&x->server);
    return -ENOMEM;
}

void hedge_stop(struct conversation *t)
{
    if (t->hedge && t->hedge->lease)
        shutdown(t->hedge->lease->fd, SHUT_RDWR);
}

int hedge_end(struct conversation *t, int result)
{
    struct exchange *x = t->x;
    struct hedge *h = t->hedge;
    if (result < 0 && !t->client_gone && !h->answered) {
        int r = green_join(h->greenlet, h->deadline);
        (void)r; /* whether it has ended or not, it is ended now */
    }
    finish(h);
    t->sent += h->sent;
    if (h->answered && !t->client_gone)
        result = take_over(t, h);
    let_go(h);
    x->log.hedge = h->answered ? ACCESS_HEDGE_WON : ACCESS_HEDGE_LOST;
    struct upstream_metrics *counts = metrics_upstream(x->view->metrics, x->worker->index, x->upstream);
    counter_add(&counts->hedges, h->sent);
    counter_add(&counts->hedges_won, h->answered);
    t->hedge = NULL;
    free(h);
    return result;
}
