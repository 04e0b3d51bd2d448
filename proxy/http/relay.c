/* Bodies: piece by piece through one buffer, or inside the kernel when they are large and plain. */
#include "relay.h"

#include <errno.h>

#define RATE_GRACE                                                                                           \
    GREEN_S(10) /* a sender is not judged by its rate before it has been waited for this long */

struct pace {
    green_time waited; /* for the sender, in all */
    uint64_t bytes;
};

/* Slow is what takes its time while we wait for it, not what we are slow to take. */
static bool too_slow(const struct pace *pace, const struct relay_patience *patience)
{
    if (!patience->min_rate || pace->waited < RATE_GRACE)
        return false;
    return pace->bytes < (uint64_t)patience->min_rate * (uint64_t)(pace->waited / GREEN_S(1));
}

/* Adds what was read to the account; the sender's limits may make an error of it. */
static ssize_t count(ssize_t n, struct pace *pace, const struct relay_patience *patience)
{
    if (n <= 0)
        return n;
    pace->bytes += (uint64_t)n;
    if (patience->max_bytes && pace->bytes > patience->max_bytes)
        return -EMSGSIZE;
    return too_slow(pace, patience) ? -ETIME : n;
}

static ssize_t next_piece(struct http_stream *from, struct span *data, const struct relay_patience *patience,
                          struct pace *pace)
{
    green_time start = green_turn_time();
    ssize_t n = from->ops->read_body(from, data, start + patience->timeout);
    pace->waited += green_turn_time() - start;
    return count(n, pace, patience);
}

static int splice_body(struct http_stream *from, struct http_stream *to,
                       const struct relay_patience *patience, struct buffers *buffers, enum relay_side *side)
{
    green_pipe_t pipe;
    int r = pipe_take(buffers, &pipe);
    if (r < 0)
        return 0; /* no pipe: copying works too */
    struct pace pace = {0};
    while (r >= 0 && from->ops->spliceable(from)) {
        *side = RELAY_FROM;
        green_time start = green_turn_time();
        ssize_t n = from->ops->splice_in(from, &pipe, start + patience->timeout);
        pace.waited += green_turn_time() - start;
        pace.bytes += n > 0 ? (uint64_t)n : 0;
        r = n < 0 ? (int)n : too_slow(&pace, patience) ? -ETIME : 0;
        if (r < 0)
            break;
        *side = RELAY_TO;
        while (r >= 0 && pipe.held)
            r = (int)to->ops->splice_out(to, &pipe);
    }
    pipe_give(buffers, &pipe);
    return r < 0 ? r : 0;
}

/* What has come already, or else, once the other side has all that we hold for it, what comes next. */
static ssize_t read_or_flush(struct http_stream *from, struct http_stream *to, struct span *data,
                             const struct relay_patience *patience, struct pace *pace, enum relay_side *side)
{
    *side = RELAY_FROM;
    if (from->ops->body_at_hand(from)) {
        ssize_t n = from->ops->read_body(from, data, GREEN_NOWAIT);
        if (n != -EAGAIN)
            return count(n, pace, patience);
    }
    *side = RELAY_TO;
    int r = to->ops->flush(to);
    if (r < 0)
        return r;
    *side = RELAY_FROM;
    return next_piece(from, data, patience, pace);
}

int relay_body(struct http_stream *from, struct http_stream *to, const struct relay_patience *patience,
               struct buffers *buffers, enum relay_side *side)
{
    struct pace pace = {0};
    struct span data;
    for (;;) {
        int r = 0;
        if (from->ops->spliceable(from) && to->ops->takes_splice(to)) {
            *side = RELAY_TO;
            r = to->ops->flush(to);
            if (r == 0)
                r = splice_body(from, to, patience, buffers, side);
            if (r < 0)
                return r;
        }
        ssize_t n = read_or_flush(from, to, &data, patience, &pace, side);
        if (n < 0)
            return (int)n;
        *side = RELAY_TO;
        r = n ? to->ops->write_body(to, data) : to->ops->finish(to, from->ops->trailers(from));
        if (r < 0)
            return r;
        if (n == 0) {
            *side = RELAY_NONE;
            return 0;
        }
    }
}
