/*
 * The tunnel: two flows, one for each direction. A flow is a parked descriptor while its source is silent.
 * When bytes come it is a greenlet that copies them through a pooled buffer, or, while there is more than a
 * buffer full at a time, splices them through a pooled pipe; when the source is dry it parks again and the
 * greenlet ends.
 *
 * Life: `alive` counts the flows that are parked, run, or are about to. Whoever ends the tunnel takes the
 * parked ones off, closes both sockets, which wakes a flow that waits, and leaves; the last flow to leave
 * reports and frees.
 */
#include "tcp/tunnel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FROM_CLIENT, FROM_UPSTREAM };

enum state {
    PARKED, /* a record, or a greenlet made of it that has not run yet */
    RUNNING,
    ENDED,
};

struct flow {
    struct tunnel *tunnel;
    const struct wire *from, *to;
    uint64_t bytes; /* passed on */
    char *early;    /* what tunnel_start() could not write at once, until a greenlet has; else NULL */
    size_t early_size;
    enum state state;
    bool writing;   /* bytes were taken from the source that the other side does not have yet */
    bool bulk;      /* the source sends much: splice */
    bool no_splice; /* tried in vain, or TLS */
};

struct tunnel {
    struct flow flows[2];
    struct wire client, upstream;
    struct tunnel_options options;
    green_time last; /* when bytes last moved */
    green_time ends; /* not to live longer than this */
    green_time first_byte;
    const char *reason; /* set when it is known how the tunnel ends; until then NULL */
    void (*done)(void *arg, const struct tunnel_result *result);
    void *arg;
    uint8_t alive;    /* flows */
    bool closed;      /* the descriptors are no longer ours */
    bool aborted;     /* tunnel_abort() was called */
    bool undelivered; /* one side refused bytes: when the other flow has passed on what was there, all ends */
};

/* What a round of a flow came to. */
enum round {
    MORE, /* the source may have more */
    DRY,
    END, /* of input */
    SOURCE_LOST,
    SINK_LOST,
    SINK_SLOW,
    NO_MEMORY,
    EXPIRED, /* the tunnel has lived for as long as it may */
    CLOSED,  /* somebody ended the tunnel meanwhile */
};

static struct flow *opposite(struct flow *f)
{
    return &f->tunnel->flows[f == &f->tunnel->flows[FROM_CLIENT]];
}

/* --- the end -------------------------------------------------------------------------------------------- */

/* A flow leaves; with the last one the tunnel is over. */
static void leave(struct flow *f)
{
    struct tunnel *t = f->tunnel;
    f->state = ENDED;
    if (--t->alive)
        return;
    if (!t->closed) {
        wire_close(&t->client, true);
        wire_close(&t->upstream, true);
        t->closed = true;
    }
    struct tunnel_result result = {
        .from_client = t->flows[FROM_CLIENT].bytes,
        .from_upstream = t->flows[FROM_UPSTREAM].bytes,
        .reason = t->reason ? t->reason : "",
        .first_byte = t->first_byte,
    };
    if (t->done)
        t->done(t->arg, &result);
    free(t);
}

/* Closing then sends a reset instead of an end, so that nobody takes what arrived for the whole. */
static void cut(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Closes both sockets. Flows that wait return from their calls; a parked one is taken off, unless its
 * greenlet has been made already: that one will see `closed`. */
static void close_both(struct tunnel *t, bool reset)
{
    if (t->closed)
        return;
    t->closed = true;
    for (int i = 0; i < 2; i++) {
        struct flow *f = &t->flows[i];
        if (f->writing)
            reset = true;
        if (f->state == PARKED && green_unpark(f->from->fd)) {
            f->state = ENDED;
            t->alive--;
        }
    }
    if (reset) {
        cut(t->client.fd);
        cut(t->upstream.fd);
    }
    wire_close(&t->client, !reset);
    wire_close(&t->upstream, !reset);
}

/* Ends the tunnel from inside a flow, which must return after this. */
static void end(struct flow *f, const char *reason, bool reset)
{
    struct tunnel *t = f->tunnel;
    if (!t->reason)
        t->reason = reason;
    close_both(t, reset);
    leave(f);
}

static const char *reset_by(const struct tunnel *t, const struct wire *w)
{
    return w == &t->client ? "client_reset" : "upstream_reset";
}

/* Makes a parked flow run soon, if nothing else does. */
static void prod(struct flow *f)
{
    if (f->state == PARKED)
        green_park_deadline(f->from->fd, GREEN_NOWAIT + 1);
}

/* The sink takes nothing any more. What it sent before may still be on its way through the other flow, which
 * ends the tunnel when it is through. If that flow has ended properly, its last bytes must not be cut off
 * either. */
static void end_undelivered(struct flow *f)
{
    struct tunnel *t = f->tunnel;
    struct flow *other = opposite(f);
    if (t->undelivered) {
        end(f, NULL, true);
        return;
    }
    if (!t->reason)
        t->reason = reset_by(t, f->to);
    if (other->state == ENDED) {
        f->writing = false;
        close_both(t, false);
    } else {
        t->undelivered = true;
        prod(other);
    }
    leave(f);
}

/* --- moving bytes --------------------------------------------------------------------------------------- */

/* Deadlines always have a place in the heap of timers, so that prod() cannot fail: never GREEN_FOREVER. */
static green_time after(green_time now, int64_t duration)
{
    return duration < GREEN_FOREVER - 1 - now ? now + duration : GREEN_FOREVER - 1;
}

/* When a flow that waits is to look around. */
static green_time idle_deadline(const struct tunnel *t)
{
    green_time idle = after(t->last, t->options.idle);
    return idle < t->ends ? idle : t->ends;
}

static green_time write_deadline(const struct tunnel *t)
{
    return after(green_turn_time(), t->options.write);
}

static void passed_on(struct flow *f, size_t size)
{
    f->bytes += size;
    f->tunnel->last = green_turn_time();
}

/* What a write came to, when it did not write. */
static enum round write_failed(const struct flow *f, ssize_t r)
{
    if (f->tunnel->closed)
        return CLOSED;
    return r == -ETIMEDOUT ? SINK_SLOW : r == -ENOMEM ? NO_MEMORY : SINK_LOST;
}

/* What a read came to, when it did not read. */
static enum round read_failed(const struct flow *f, ssize_t r)
{
    /* Many clients end TLS by closing the socket: what they sent is passed on. From a server, part of an answer must
     * not look like all of it. */
    if (r == -ECONNABORTED && f->from == &f->tunnel->client)
        return END;
    return r == 0 ? END : r == -EAGAIN ? DRY : r == -ENOMEM ? NO_MEMORY : SOURCE_LOST;
}

static void note_first_byte(struct flow *f)
{
    struct tunnel *t = f->tunnel;
    if (!t->first_byte && f == &t->flows[FROM_UPSTREAM])
        t->first_byte = green_turn_time();
}

static enum round put(struct flow *f, const char *data, size_t size)
{
    f->writing = true;
    while (size) {
        ssize_t n = wire_write(f->to, data, size, write_deadline(f->tunnel));
        if (n < 0)
            return write_failed(f, n);
        passed_on(f, (size_t)n);
        data += n;
        size -= (size_t)n;
    }
    int r = wire_flush(f->to, write_deadline(f->tunnel));
    if (r < 0)
        return write_failed(f, r);
    f->writing = false;
    return MORE;
}

/* One buffer full, or less: a short read says that the source is dry. */
static enum round copy(struct flow *f)
{
    struct buffers *buffers = f->tunnel->options.buffers;
    char *buffer = buffer_take(buffers);
    if (!buffer)
        return NO_MEMORY;
    ssize_t n = wire_read(f->from, buffer, BUFFER_SIZE, GREEN_NOWAIT);
    enum round round;
    if (n > 0) {
        note_first_byte(f);
        round = put(f, buffer, (size_t)n);
        if (round == MORE && n < (ssize_t)BUFFER_SIZE && !wire_holds_input(f->from))
            round = DRY;
        f->bulk = n == (ssize_t)BUFFER_SIZE && !f->no_splice;
    } else {
        round = read_failed(f, n);
    }
    buffer_give(buffers, buffer);
    return round;
}

static enum round empty_pipe(struct flow *f, green_pipe_t *pipe)
{
    f->writing = true;
    while (pipe->held) {
        ssize_t n = green_splice_out(pipe, f->to->fd, false, write_deadline(f->tunnel));
        if (n <= 0)
            return write_failed(f, n);
        passed_on(f, (size_t)n);
    }
    f->writing = false;
    return MORE;
}

/* One pipe full, or what there is. */
static enum round splice_through(struct flow *f)
{
    struct buffers *buffers = f->tunnel->options.buffers;
    green_pipe_t pipe;
    if (pipe_take(buffers, &pipe) < 0) {
        f->bulk = false;
        return MORE;
    }
    ssize_t n = green_splice_in(f->from->fd, &pipe, pipe.capacity, GREEN_NOWAIT);
    enum round round;
    if (n > 0) {
        note_first_byte(f);
        round = empty_pipe(f, &pipe);
    } else if (n == -EINVAL) {
        f->bulk = false;
        f->no_splice = true;
        round = MORE;
    } else {
        round = read_failed(f, n);
    }
    pipe_give(buffers, &pipe);
    return round;
}

/* Rounds until the source is dry or something ends. Long ones take turns with others: the writes see to that.
 */
static enum round relay(struct flow *f)
{
    uint64_t before = f->bytes;
    for (;;) {
        enum round round = f->bulk ? splice_through(f) : copy(f);
        if (round == DRY && f->bulk && f->bytes - before < BUFFER_SIZE)
            f->bulk = false;
        if (round == MORE && f->tunnel->ends <= green_turn_time())
            return EXPIRED;
        if (round != MORE)
            return round;
    }
}

/* --- a flow --------------------------------------------------------------------------------------------- */

static void awake(void *arg, int status);

static void park_until(struct flow *f, green_time deadline)
{
    f->state = PARKED;
    wire_rest(f->from);
    if (green_park_readable(f->from->fd, awake, f, deadline) < 0) {
        f->state = RUNNING;
        end(f, "no_memory", true);
    }
}

static void finish_round(struct flow *f, enum round round)
{
    struct tunnel *t = f->tunnel;
    switch (round) {
    case MORE: /* relay() does not stop at it */
    case DRY:
        if (t->undelivered)
            end(f, NULL, true);
        else
            park_until(f, idle_deadline(t));
        break;
    case EXPIRED:
        end(f, "tunnel_timeout", true);
        break;
    case END:
        if (t->undelivered) {
            end(f, NULL, true);
        } else {
            wire_shut(f->to); /* fails only when that side is gone, which its own flow will find */
            leave(f);
        }
        break;
    case SOURCE_LOST:
        end(f, reset_by(t, f->from), true);
        break;
    case SINK_LOST:
        end_undelivered(f);
        break;
    case SINK_SLOW:
        end(f, "write_timeout", true);
        break;
    case NO_MEMORY:
        end(f, "no_memory", true);
        break;
    case CLOSED:
        leave(f);
        break;
    }
}

/* A parked flow goes on: its source has something, its time is up, or it was prodded. */
static void awake(void *arg, int status)
{
    struct flow *f = arg;
    struct tunnel *t = f->tunnel;
    f->state = RUNNING;
    if (t->closed) {
        leave(f);
    } else if (t->aborted) {
        end(f, "shutdown", false);
    } else if (status == 0 || t->undelivered) {
        finish_round(f, relay(f));
    } else {
        green_time deadline = idle_deadline(t);
        if (deadline > green_turn_time())
            park_until(f, deadline);
        else
            end(f, deadline == t->ends ? "tunnel_timeout" : "idle_timeout", false);
    }
}

/* A flow whose first bytes did not go out at once. */
static void begin_with_early(void *arg)
{
    struct flow *f = arg;
    enum round round = f->tunnel->closed ? CLOSED : put(f, f->early, f->early_size);
    free(f->early);
    f->early = NULL;
    finish_round(f, round == MORE ? relay(f) : round);
}

/* --- the tunnel ----------------------------------------------------------------------------------------- */

static int start_flow(struct flow *f, struct span early)
{
    struct tunnel *t = f->tunnel;
    ssize_t n = early.n ? wire_write(f->to, early.p, early.n, GREEN_NOWAIT) : 0;
    if (n < 0)
        n = 0; /* the flow will try again and treat it as ever */
    if (early.n)
        note_first_byte(f);
    f->bytes = (uint64_t)n;
    f->early_size = early.n - (size_t)n;
    if (!f->early_size && !wire_unsent(f->to) && !wire_holds_input(f->from))
        return green_park_readable(f->from->fd, awake, f, idle_deadline(t));
    f->early = malloc(f->early_size + 1);
    if (!f->early)
        return -ENOMEM;
    if (f->early_size)
        memcpy(f->early, early.p + n, f->early_size);
    f->state = RUNNING;
    return green_spawn_detached("tunnel", begin_with_early, f);
}

int tunnel_start(struct tunnel **out, struct wire client, struct wire upstream, struct span early_client,
                 struct span early_upstream, const struct tunnel_options *options,
                 void (*done)(void *arg, const struct tunnel_result *result), void *arg)
{
    struct tunnel *t = malloc(sizeof *t);
    if (!t)
        return -ENOMEM;
    *t =
        (struct tunnel){.options = *options, .last = green_turn_time(), .done = done, .arg = arg, .alive = 2};
    t->client = client;
    t->upstream = upstream;
    t->ends = options->life ? after(t->last, options->life) : GREEN_FOREVER;
    bool tls = client.tls || upstream.tls;
    struct flow *up = &t->flows[FROM_CLIENT], *down = &t->flows[FROM_UPSTREAM];
    *up = (struct flow){.tunnel = t, .from = &t->client, .to = &t->upstream, .no_splice = tls};
    *down = (struct flow){.tunnel = t, .from = &t->upstream, .to = &t->client, .no_splice = tls};
    int r = start_flow(up, early_client);
    if (r < 0) {
        free(up->early);
        free(t);
        return r;
    }
    r = start_flow(down, early_upstream);
    if (r == 0) {
        *out = t;
        return 0;
    }
    /* If the first flow's greenlet has been made, it finds a tunnel that is over, and nobody to tell. */
    t->closed = true;
    t->done = NULL;
    if (up->state == PARKED && green_unpark(client.fd))
        leave(up);
    free(down->early);
    leave(down);
    return r;
}

void tunnel_bytes(const struct tunnel *t, uint64_t *from_client, uint64_t *from_upstream)
{
    *from_client = t->flows[FROM_CLIENT].bytes;
    *from_upstream = t->flows[FROM_UPSTREAM].bytes;
}

void tunnel_abort(struct tunnel *t)
{
    if (t->closed || t->aborted)
        return;
    t->aborted = true;
    if (!t->reason)
        t->reason = "shutdown";
    /* A flow that runs or waits notices that the sockets are closed. If both were parked nobody would report
     * the end, so a parked one does it. */
    bool prodded = false;
    for (int i = 0; i < 2; i++) {
        if (t->flows[i].state == PARKED) {
            prod(&t->flows[i]);
            prodded = true;
        }
    }
    if (!prodded)
        close_both(t, false);
}
