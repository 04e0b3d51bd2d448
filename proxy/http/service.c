/*
 * A client connection between and during requests. Idle, it is a parked descriptor; when bytes come a greenlet takes
 * over, runs exchanges while there is something to read, and parks it again.
 */
#include "service.h"

#include <errno.h>

#include "exchange.h"
#include "load.h"
#include "runtime/process.h"

#define REFUSING_MOST 1000               /* in a flood, descriptors are worth more than a page that arrives */
#define DISCARD_BYTES ((size_t)64 << 20) /* how much unread body a lingering close puts up with */

/* Closing a socket with unread bytes resets it, and the reset can overtake the answer just sent: so end our side,
 * then read away what the client still sends, within bounds (RFC 9112 section 9.6). */
static void linger(struct connection *c, struct h1 *client)
{
    green_time deadline = green_in(c->conf->timeout_linger);
    size_t discarded = 0;
    char *buffer = buffer_take(&c->worker->buffers);
    if (!buffer)
        return;
    connection_waits(c);
    struct wire wire = connection_wire(c);
    wire_shut(&wire);
    while (!client->eof && discarded < DISCARD_BYTES) {
        ssize_t n = wire_read(&wire, buffer, BUFFER_SIZE, deadline);
        if (n <= 0)
            break;
        discarded += (size_t)n;
    }
    buffer_give(&c->worker->buffers, buffer);
}

static void serve(void *arg, int status);

/* How long a client may be idle. */
static int64_t idle_patience(const struct connection *c)
{
    int64_t usual = c->conf->timeout_keepalive, least = usual < GREEN_S(1) ? usual : GREEN_S(1);
    if (overload_level(&c->worker->process->overload) < OVERLOAD_HURRY)
        return usual;
    return usual / 10 > least ? usual / 10 : least;
}

static int park(struct connection *c, int64_t patience)
{
    struct wire wire = connection_wire(c);
    c->idle = true;
    connection_waits(c);
    wire_rest(&wire);
    int r = green_park_readable(c->fd, serve, c, green_turn_time() + patience);
    if (r < 0)
        c->idle = false;
    else
        counter_add(&c->counts->idle, 1);
    return r;
}

/* Runs with the first bytes of a request at hand (or when they did not come in time). */
static void serve(void *arg, int status)
{
    struct connection *c = arg;
    struct h1 client;
    connection_stirs(c);
    if (status < 0) {
        connection_close(c);
        return;
    }
    connection_refresh(c);
    h1_init(&client, connection_wire(c), &c->worker->buffers, (uint32_t)c->conf->max_head,
            c->conf->timeout_write);
    client.pace.min_rate = c->conf->patience.min_rate_write;
    client.keep_head = true;
    enum exchange_end end;
    for (;;) {
        end = exchange_run(c, &client);
        if (end != EXCHANGE_KEEP || (client.at == client.end && !wire_holds_input(&client.wire)))
            break;
        connection_refresh(c);
    }
    h1_release(&client);
    if (end == EXCHANGE_KEEP && !connection_ends(c)) {
        connection_refresh(c); /* whoever is idle lives by the present view */
        if (park(c, idle_patience(c)) == 0)
            return;
    }
    if (end == EXCHANGE_TUNNEL)
        return; /* the tunnel closes the connection */
    if (end == EXCHANGE_LINGER)
        linger(c, &client);
    if (end == EXCHANGE_ABORT)
        connection_abort(c);
    connection_close(c);
}

int http_serve(struct connection *c)
{
    struct wire wire = connection_wire(c);
    if (!wire_holds_input(&wire))
        return park(c, c->conf->timeout_keepalive);
    serve(c, 0); /* in the greenlet of the handshake, which the request came with */
    return 0;
}

/* The request of a refused client is read before its socket closes, or the page might be lost to a reset. */
static void end_refused(void *arg, int status)
{
    int fd = (int)(intptr_t)arg;
    char request[4096];
    worker_self()->refusing--;
    if (status == 0 && green_read(fd, request, sizeof request, GREEN_NOWAIT) < 0)
        status = -ECONNRESET; /* it does not matter any more */
    green_close(fd);
}

void http_refuse(struct worker *w, const struct view *v, const struct conf_listener *conf, int fd,
                 const green_address_t *peer, const struct refusal *why)
{
    char page[HTTP_PAGE_BYTES];
    struct http_page facts = {.status = why->status,
                              .method = HTTP_METHOD_GET,
                              .minor = 1,
                              .error = why->error ? why->error : "connection_limit_reached",
                              .details = why->directive,
                              .retry_after = why->error ? 0 : 1,
                              .type = why->text ? SPAN("text/plain") : span_of(NULL, 0),
                              .content = span_str(why->text),
                              .date = worker_date(w)};
    struct conf_origin origin = refusal_origin(v, conf, why);
    struct access_entry entry = {.listener = conf,
                                 .client = peer,
                                 .minor = 1,
                                 .status = why->status,
                                 .reason = why->reason,
                                 .directive = why->directive,
                                 .origin = &origin,
                                 .started = green_turn_time(),
                                 .ended = green_turn_time()};
    int n = http_page(&facts, page, sizeof page);
    if (n >= 0 && facts.content.n && facts.content.n <= sizeof page - (size_t)n)
        n = (int)((char *)mempcpy(page + n, facts.content.p, facts.content.n) - page);
    size_t sent = 0;
    if (n < 0 || green_write_all(fd, page, (size_t)n, &sent, GREEN_NOWAIT) < 0)
        entry.status = 0; /* a fresh socket's buffer takes a page; if not, so be it */
    metrics_turned_away(v->metrics, w->index, &entry);
    if (observers_wanted(&w->process->observers))
        observers_tell(&w->process->observers, &entry);
    if (access_log_wants(w->log, &entry))
        access_log_write(w->log, &entry);
    green_shutdown_write(fd);
    if (w->refusing < REFUSING_MOST &&
        green_park_readable(fd, end_refused, (void *)(intptr_t)fd, green_turn_time() + GREEN_S(2)) == 0)
        w->refusing++;
    else
        green_close(fd);
}
