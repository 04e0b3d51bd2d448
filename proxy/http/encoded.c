/* The stream that encodes. */
#include "encoded.h"

#include <errno.h>

#define WORK_BYTES                                                                                           \
    BUFFER_SIZE       /* what is encoded before others have a turn: well below a millisecond's work */
#define ROOM_LEAST 64 /* of output; with less than that the buffer counts as full */

static const struct http_stream_ops encoded_ops;

static struct encoded_body *encoded_of(const struct http_stream *s)
{
    return (struct encoded_body *)(uintptr_t)s; /* stream is the first member */
}

int encoded_begin(struct encoded_body *e, struct http_stream *from, struct encoders *encoders,
                  enum http_coding coding, int level, struct buffers *buffers)
{
    *e = (struct encoded_body){
        .stream.ops = &encoded_ops, .from = from, .encoders = encoders, .buffers = buffers};
    e->encoder = encoder_take(encoders, coding, level);
    if (!e->encoder)
        return -ENOMEM;
    e->out = buffer_take(buffers);
    if (e->out)
        return 0;
    encoder_give(encoders, e->encoder);
    return -ENOMEM;
}

void encoded_end(struct encoded_body *e)
{
    encoder_give(e->encoders, e->encoder);
    buffer_give(e->buffers, e->out);
}

/* Goes on with the step under way until it is complete or the output is full. 0, or a negative error. */
static int encode(struct encoded_body *e)
{
    while (e->busy && BUFFER_SIZE - e->filled >= ROOM_LEAST) {
        struct span piece = span_of(e->in.p, e->in.n < WORK_BYTES ? e->in.n : WORK_BYTES);
        struct span left = piece;
        bool done;
        if (e->work >= WORK_BYTES) {
            e->work = 0;
            int r = green_yield();
            if (r < 0)
                return r;
        }
        ssize_t n =
            encoder_run(e->encoder, e->step, &left, e->out + e->filled, BUFFER_SIZE - e->filled, &done);
        if (n < 0)
            return (int)n;
        size_t taken = piece.n - left.n;
        e->filled += (size_t)n;
        e->in = span_of(e->in.n ? e->in.p + taken : NULL, e->in.n - taken);
        e->work += taken;
        e->busy = !done || e->in.n;
    }
    return 0;
}

static void begin_step(struct encoded_body *e, enum encoder_step step)
{
    e->step = step;
    e->busy = true;
    e->dirty = step == ENCODER_GO_ON;
    e->ended = step == ENCODER_FINISH;
}

/* Nothing more will come: what came is the client's, then the error is told. */
static void note_failure(struct encoded_body *e, int error)
{
    e->failed = error;
    if (e->dirty)
        begin_step(e, ENCODER_FLUSH);
}

static bool full(const struct encoded_body *e)
{
    return BUFFER_SIZE - e->filled < ROOM_LEAST;
}

/* The next step, by what there is to encode. 1: begun. 0: there is no more, or output that should not wait for it.
 * -EAGAIN: nothing comes before the deadline, which may be now. */
static ssize_t next_step(struct encoded_body *e, green_time deadline)
{
    if (e->ended || e->failed)
        return 0;
    ssize_t n = e->from->ops->read_body(e->from, &e->in, GREEN_NOWAIT);
    if (n == -EAGAIN && e->dirty) {
        begin_step(e, ENCODER_FLUSH);
        return 1;
    }
    if (n == -EAGAIN && e->filled)
        return 0;
    if (n == -EAGAIN && deadline != GREEN_NOWAIT)
        n = e->from->ops->read_body(e->from, &e->in, deadline);
    if (n == -EAGAIN)
        return n;
    if (n < 0)
        note_failure(e, (int)n);
    else
        begin_step(e, n ? ENCODER_GO_ON : ENCODER_FINISH);
    return 1;
}

static ssize_t encoded_read_body(struct http_stream *s, struct span *data, green_time deadline)
{
    struct encoded_body *e = encoded_of(s);
    *data = span_of(NULL, 0);
    e->filled = 0;
    for (;;) {
        int r = encode(e);
        if (r < 0)
            return r;
        if (full(e))
            break;
        ssize_t next = next_step(e, deadline);
        if (next < 0)
            return next;
        if (next == 0)
            break;
    }
    *data = span_of(e->out, e->filled);
    return e->filled ? (ssize_t)e->filled : e->failed;
}

static bool encoded_body_at_hand(const struct http_stream *s)
{
    const struct encoded_body *e = encoded_of(s);
    return e->busy || e->dirty || e->ended || e->failed || e->from->ops->body_at_hand(e->from);
}

bool http_field_is_digest(struct span name)
{
    return span_equal_nocase(name, SPAN("Digest")) || span_equal_nocase(name, SPAN("Content-Digest")) ||
           span_equal_nocase(name, SPAN("Repr-Digest")) || span_equal_nocase(name, SPAN("Content-MD5"));
}

/* Trailers may be dropped, and those with a digest of other bytes than these are. */
static const struct http_trailers *encoded_trailers(const struct http_stream *s)
{
    const struct encoded_body *e = encoded_of(s);
    const struct http_trailers *trailers = e->from->ops->trailers(e->from);
    for (uint32_t i = 0; trailers && i < trailers->count; i++)
        if (http_field_is_digest(trailers->fields[i].name))
            return NULL;
    return trailers;
}

static uint64_t encoded_spliceable(const struct http_stream *s)
{
    (void)s;
    return 0;
}

/* Only what relay_body() asks of a stream that it reads from. */
static const struct http_stream_ops encoded_ops = {
    .read_body = encoded_read_body,
    .body_at_hand = encoded_body_at_hand,
    .trailers = encoded_trailers,
    .spliceable = encoded_spliceable,
};
