/* Copies of requests: mirror.h. */
#include "mirror.h"

#include <errno.h>
#include <stdlib.h>

#include "exchange.h"
#include "observe/error_log.h"

#define RESPONSE_HEAD_BYTES 65536
#define INTERIM_MAX         32
#define ANSWER_MAX          ((uint64_t)1 << 20) /* a longer answer is not read to its end */
#define REPORT_INTERVAL     GREEN_S(10)

struct mirror_copy {
    LIST_ENTRY(mirror_copy) link;
    struct worker *worker;
    struct view *view; /* held */
    const struct conf_upstream *upstream;
    enum http_method method;
    enum http_framing framing;
    int64_t timeout;
    char *bytes; /* of the head, then those of the body */
    size_t head, body, capacity;
    size_t most; /* bytes of the body */
};

/* --- the worker's part --------------------------------------------------------------------------------------------- */

void mirrors_init(struct mirrors *m)
{
    *m = (struct mirrors){0};
    green_group_init(&m->senders, 0);
}

/* What was dropped or failed is told now and then, not each time. */
static void report(struct mirrors *m, bool now)
{
    uint64_t bad = m->failed + m->busy + m->large;
    if (bad == m->told || (!now && m->told && green_turn_time() - m->told_at < REPORT_INTERVAL))
        return;
    error_log(
        LOG_LEVEL_WARNING,
        "mirrored requests: %llu answered, %llu failed, %llu dropped with too many under way, %llu too long",
        (unsigned long long)m->answered, (unsigned long long)m->failed, (unsigned long long)m->busy,
        (unsigned long long)m->large);
    m->told = bad;
    m->told_at = green_turn_time();
}

static void discard(struct mirror_copy *c)
{
    LIST_REMOVE(c, link);
    c->worker->mirrors.count--;
    view_release(c->view);
    free(c->bytes);
    free(c);
}

void mirrors_end(struct worker *w)
{
    struct mirror_copy *c;
    green_group_destroy(&w->mirrors.senders);
    while ((c = LIST_FIRST(&w->mirrors.copies))) { /* cancelled before it began */
        w->mirrors.failed++;
        discard(c);
    }
    report(&w->mirrors, true);
}

/* --- sending ------------------------------------------------------------------------------------------------------- */

/* The final head and what can be had of the body within reason. 0: the connection is good for another request. */
static int read_answer(const struct mirror_copy *c, struct h1 *server, int32_t *announced)
{
    static const struct http_limits limits = {.head_bytes = RESPONSE_HEAD_BYTES, .fields = HTTP_MAX_FIELDS};
    struct http_head head;
    struct span data;
    ssize_t n = 1;
    head.status = 100;
    for (int i = 0; i <= INTERIM_MAX && head.status < 200; i++) {
        http_response_begin(&server->parser, &limits, c->method, false);
        int r = server->stream.ops->read_head(&server->stream, &head, GREEN_FOREVER);
        if (r < 0)
            return r;
    }
    while (n > 0 && server->body_in < ANSWER_MAX)
        n = server->stream.ops->read_body(&server->stream, &data, GREEN_FOREVER);
    *announced = head.keepalive_timeout;
    return head.status >= 200 && n == 0 && head.keepalive && server->at == server->end && !server->eof
               ? 0
               : -ECONNABORTED;
}

/* A body that came in chunks goes out in one. */
static int write_copy(const struct mirror_copy *c, const struct wire *wire)
{
    char line[HTTP_CHUNK_HEAD_BYTES];
    if (c->framing != HTTP_FRAMING_CHUNKED)
        return wire_write_all(wire, &(struct iovec){c->bytes, c->head + c->body}, 1, GREEN_FOREVER);
    struct iovec pieces[4] = {{c->bytes, c->head},
                              {line, c->body ? http_chunk_head(line, c->body) : 0},
                              {c->bytes + c->head, c->body},
                              {(void *)(uintptr_t) "\r\n0\r\n\r\n", 7}};
    if (!c->body)
        pieces[3] = (struct iovec){(void *)(uintptr_t) "0\r\n\r\n", 5};
    return wire_write_all(wire, pieces, 4, GREEN_FOREVER);
}

/* Was it answered? A connection that was kept may have died meanwhile: then once more, on a new one. */
static bool deliver(const struct mirror_copy *c)
{
    struct worker *w = c->worker;
    for (bool pooled = true;; pooled = false) {
        struct upstream_connection *lease;
        struct connect_failure failure;
        struct h1 server;
        struct lease_request request;
        int32_t announced = -1;
        lease_request_init(&request, NULL, pooled);
        if (group_lease(view_group(c->view, c->upstream), &request, &lease, &failure) < 0)
            return false;
        lease->uses++;
        h1_init(&server, upstream_wire(lease), &w->buffers, RESPONSE_HEAD_BYTES, c->upstream->timeout_write);
        int r = write_copy(c, &server.wire);
        if (r == 0)
            r = read_answer(c, &server, &announced);
        bool answered = server.end > 0 || server.body_in > 0;
        bool again = (r == -ECONNRESET || r == -EPIPE) && lease->reused && !answered;
        h1_release(&server);
        if (r == 0)
            group_return(lease, announced);
        else
            group_discard(lease);
        if (!again)
            return answered;
    }
}

/* Every wait of it is under this one timeout. */
static void *send_copy(void *arg)
{
    struct mirror_copy *c = arg;
    struct mirrors *m = &c->worker->mirrors;
    green_timeout_t timeout;
    green_timeout_start(&timeout, c->timeout);
    bool answered = deliver(c);
    green_timeout_stop(&timeout);
    if (answered)
        m->answered++;
    else
        m->failed++;
    discard(c);
    report(m, false);
    return NULL;
}

/* --- copying ------------------------------------------------------------------------------------------------------- */

static void give_up(struct mirror *m, uint64_t *counter)
{
    ++*counter;
    discard(m->copy);
    m->copy = NULL;
    report(&m->x->worker->mirrors, false);
}

static bool make_room(struct mirror_copy *c, size_t wanted)
{
    size_t capacity = c->capacity;
    while (capacity < wanted)
        capacity = capacity ? 2 * capacity : 1024;
    if (capacity == c->capacity)
        return true;
    char *larger = realloc(c->bytes, capacity);
    if (!larger)
        return false;
    c->bytes = larger;
    c->capacity = capacity;
    return true;
}

static void copy_piece(struct mirror *m, struct span data)
{
    struct mirror_copy *c = m->copy;
    struct mirrors *all = &c->worker->mirrors;
    if (data.n > c->most - c->body) {
        give_up(m, &all->large);
    } else if (!make_room(c, c->head + c->body + data.n)) {
        give_up(m, &all->failed);
    } else {
        memcpy(c->bytes + c->head + c->body, data.p, data.n);
        c->body += data.n;
    }
}

/* The body has ended: the copy is its sender's from now on. Trailers are left out. */
static void dispatch(struct mirror *m)
{
    struct mirrors *all = &m->copy->worker->mirrors;
    green_attr_t attr = {.name = "mirror"};
    if (green_group_spawn_ex(&all->senders, NULL, &attr, send_copy, m->copy) < 0)
        give_up(m, &all->failed);
    else
        m->copy = NULL;
}

static struct mirror *mirror_of(const struct http_stream *s)
{
    return (struct mirror *)(uintptr_t)s; /* stream is the first member */
}

static ssize_t mirror_read_body(struct http_stream *s, struct span *data, green_time deadline)
{
    struct mirror *m = mirror_of(s);
    ssize_t n = m->from->ops->read_body(m->from, data, deadline);
    if (m->copy && n > 0)
        copy_piece(m, *data);
    else if (m->copy && n == 0)
        dispatch(m);
    return n;
}

static bool mirror_body_at_hand(const struct http_stream *s)
{
    const struct mirror *m = mirror_of(s);
    return m->from->ops->body_at_hand(m->from);
}

static const struct http_trailers *mirror_trailers(const struct http_stream *s)
{
    const struct mirror *m = mirror_of(s);
    return m->from->ops->trailers(m->from);
}

/* What is copied must come through our memory. */
static uint64_t mirror_spliceable(const struct http_stream *s)
{
    const struct mirror *m = mirror_of(s);
    return m->copy ? 0 : m->from->ops->spliceable(m->from);
}

static ssize_t mirror_splice_in(struct http_stream *s, green_pipe_t *pipe, green_time deadline)
{
    struct mirror *m = mirror_of(s);
    return m->from->ops->splice_in(m->from, pipe, deadline);
}

/* Only what relay_body() asks of a stream that it reads from. */
static const struct http_stream_ops mirror_ops = {
    .read_body = mirror_read_body,
    .body_at_hand = mirror_body_at_hand,
    .trailers = mirror_trailers,
    .spliceable = mirror_spliceable,
    .splice_in = mirror_splice_in,
};

/* --- for the exchange ---------------------------------------------------------------------------------------------- */

/* So many of a hundred, spread evenly. */
static bool is_chosen(struct mirrors *all, int64_t percent)
{
    uint64_t before = all->turn * (uint64_t)percent / 100;
    return ++all->turn * (uint64_t)percent / 100 > before;
}

static struct mirror_copy *new_copy(struct exchange *x, const struct http_forward_request *facts)
{
    const struct conf *conf = x->view->conf;
    const struct conf_mirroring *rules = &x->route->mirror;
    const struct http_head *head = &x->request;
    struct http_forward_request like = *facts;
    struct mirror_copy *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    like.no_expect = true; /* all of it comes at once */
    c->worker = x->worker;
    c->upstream = rules->to.to.upstream;
    c->method = head->method;
    c->framing = head->framing;
    c->timeout = conf_pick(rules->timeout, conf->mirror.timeout);
    c->most = (size_t)conf_pick(rules->max_body, conf->mirror.max_body);
    int n = -ENOMEM;
    if (make_room(c, http_forward_request_size(head, &like)))
        n = http_forward_request(head, &like, c->bytes, c->capacity);
    if (n < 0) {
        free(c->bytes);
        free(c);
        return NULL;
    }
    c->head = (size_t)n;
    return c;
}

void mirror_begin(struct mirror *m, struct exchange *x, const struct http_forward_request *facts)
{
    struct mirrors *all = &x->worker->mirrors;
    const struct conf_mirroring *rules = x->route ? &x->route->mirror : NULL;
    *m = (struct mirror){.x = x};
    if (!rules || !rules->to.written || x->request.upgrade || !is_chosen(all, rules->to.percent))
        return;
    if (x->request.has_length &&
        x->request.content_length > (uint64_t)conf_pick(rules->max_body, x->view->conf->mirror.max_body)) {
        all->large++;
    } else if (all->count >= (size_t)x->view->conf->mirror.requests || x->worker->draining) {
        all->busy++;
    } else if (!(m->copy = new_copy(x, facts))) {
        all->failed++;
    } else {
        m->stream.ops = &mirror_ops;
        m->copy->view = view_hold(x->connection->view);
        LIST_INSERT_HEAD(&all->copies, m->copy, link);
        all->count++;
    }
    report(all, false);
}

struct http_stream *mirror_body(struct mirror *m, struct http_stream *from)
{
    if (!m->copy)
        return from;
    m->from = from;
    m->copy->body = 0; /* what an earlier attempt had copied is copied anew */
    return &m->stream;
}

void mirror_end(struct mirror *m)
{
    if (m->copy)
        discard(m->copy);
    m->copy = NULL;
}
