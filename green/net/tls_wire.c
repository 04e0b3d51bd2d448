/*
 * Between OpenSSL and the stream below: two buffers, the BIO that OpenSSL copies from and to, and the calls that fill
 * and empty them. The buffers come with the first byte; a connection that rests gives them back.
 */
#include "tls_state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How long a read waits before it gives back what only a busy connection needs. */
#define REST GREEN_S(1)

enum { SPARES = 32 }; /* small buffers that a hub keeps, 64 KiB */

static bool empty(const struct tls_buffer *b)
{
    return b->from == b->to;
}

/*
 * A connection that waits for its next request gives its buffers back, and takes others with its first byte: a few are
 * kept by the hub, the last one first, which is still in the caches. malloc() has no quick way for this size.
 */
struct tls_spares {
    unsigned char *buffers[SPARES];
    size_t count;
};

void green__tls_close(green_hub_t *hub)
{
    struct tls_spares *spares = hub->tls_spares;
    for (size_t i = 0; spares && i < spares->count; i++)
        free(spares->buffers[i]);
    free(spares);
    hub->tls_spares = NULL;
}

static void drop(struct tls_buffer *b)
{
    green_hub_t *hub = b->size == TLS_SMALL ? green__hub : NULL;
    if (hub && !hub->tls_spares)
        hub->tls_spares = calloc(1, sizeof *hub->tls_spares);
    if (hub && hub->tls_spares && hub->tls_spares->count < SPARES)
        hub->tls_spares->buffers[hub->tls_spares->count++] = b->data;
    else
        free(b->data);
    *b = (struct tls_buffer){0};
}

static unsigned char *obtain(size_t size)
{
    struct tls_spares *spares = size == TLS_SMALL ? green__hub->tls_spares : NULL;
    return spares && spares->count ? spares->buffers[--spares->count] : malloc(size);
}

/* b is empty: makes it `size` bytes large. */
static bool resize(struct tls_buffer *b, size_t size)
{
    if (b->size != size) {
        drop(b);
        b->data = obtain(size);
        b->size = b->data ? size : 0;
    }
    b->from = b->to = 0;
    return b->data != NULL;
}

size_t green__tls_room(struct tls *t, size_t wanted)
{
    struct tls_buffer *out = &t->out;
    if (empty(out)) {
        out->from = out->to = 0;
        if (out->size < wanted && out->size < TLS_BUFFER &&
            !resize(out, wanted <= TLS_SMALL ? TLS_SMALL : TLS_BUFFER))
            t->no_memory = true;
    }
    return out->size - out->to;
}

/* --- the BIO ----------------------------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *data, size_t size, size_t *done)
{
    struct tls *t = BIO_get_data(bio);
    struct tls_buffer *in = &t->in;
    BIO_clear_retry_flags(bio);
    size_t n = in->to - in->from;
    if (!n) { /* maybe for ever: the end is for the caller to see, OpenSSL can go on writing after it */
        BIO_set_retry_read(bio);
        return 0;
    }
    if (n > size)
        n = size;
    memcpy(data, in->data + in->from, n);
    in->from += n;
    *done = n;
    return 1;
}

/* Takes no more than there is room for: a peer that makes us answer and never reads costs a buffer, not more. */
static int bio_write(BIO *bio, const char *data, size_t size, size_t *done)
{
    struct tls *t = BIO_get_data(bio);
    struct tls_buffer *out = &t->out;
    BIO_clear_retry_flags(bio);
    size_t n = green__tls_room(t, size);
    if (!n) {
        if (!t->no_memory)
            BIO_set_retry_write(bio);
        return 0;
    }
    if (n > size)
        n = size;
    memcpy(out->data + out->to, data, n);
    out->to += n;
    *done = n;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct tls *t = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1; /* after the call: green__tls_send() */
    case BIO_CTRL_PENDING:
        return (long)(t->in.to - t->in.from);
    case BIO_CTRL_WPENDING:
        return (long)(t->out.to - t->out.from);
    default:
        return 0;
    }
}

static BIO_METHOD *method;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "green");
    if (!method)
        return;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
}

BIO *green__tls_bio(struct tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio) {
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* --- the stream below -------------------------------------------------------------------------------------------- */

static int take(struct tls_turn *turn, struct tls *t, const char *what, green_time deadline)
{
    if (!turn->taken) {
        turn->taken = true;
        return 0;
    }
    struct waiter me;
    return green__wait_in(&turn->waiters, &me, what, t, deadline); /* it is handed over: remains taken */
}

static void pass(struct tls_turn *turn)
{
    if (!green__wake_first(&turn->waiters, 0))
        turn->taken = false;
}

static void trim(struct tls *t, bool reading)
{
    if (empty(&t->in) && !reading)
        drop(&t->in);
    if (empty(&t->out))
        drop(&t->out); /* those of OpenSSL go by themselves: SSL_MODE_RELEASE_BUFFERS */
}

void green__tls_drop_buffers(struct tls *t)
{
    drop(&t->in);
    drop(&t->out);
}

void green__tls_trim(struct tls *t)
{
    trim(t, t->receiving.taken);
}

/* The last read filled the whole buffer: there is more where that came from. */
static size_t size_for_reading(const struct tls_buffer *in)
{
    return !in->size ? TLS_SMALL : in->to == in->size ? TLS_BUFFER : in->size;
}

/* One read from below, as large as the buffer; `in` is empty. It waits with a large buffer only for a while. */
static ssize_t fill(struct tls *t, green_time deadline)
{
    for (bool resting = false;;) {
        if (!resize(&t->in, size_for_reading(&t->in)))
            return -ENOMEM;
        green_time rest = resting || deadline <= GREEN_NOWAIT ? GREEN_FOREVER : green_turn_time() + REST;
        green_time until = rest < deadline ? rest : deadline;
        ssize_t n = green_stream_read(t->below, t->in.data, t->in.size, until);
        if (n != -ETIMEDOUT || until == deadline || green_turn_time() < rest || t->closed) {
            if (n > 0)
                t->in.to = (size_t)n;
            return n;
        }
        trim(t, false); /* it is this greenlet that is reading */
        resting = true;
    }
}

int green__tls_receive(struct tls *t, unsigned received, green_time deadline)
{
    ssize_t n = take(&t->receiving, t, "TLS input", deadline);
    if (n < 0)
        return (int)n;
    if (!t->closed && t->received == received && !t->input_ended) {
        bool first = !t->received;
        n = fill(t, deadline);
        if (n >= 0)
            t->received++;
        if (n == 0)
            t->input_ended = true;
        else if (n > 0 && first)
            t->not_tls = t->in.data[0] != SSL3_RT_HANDSHAKE && t->in.data[0] != SSL3_RT_ALERT;
    }
    pass(&t->receiving);
    return t->closed ? -EBADF : n < 0 ? (int)n : 0;
}

int green__tls_send(struct tls *t, green_time deadline)
{
    struct tls_buffer *out = &t->out;
    while (!empty(out)) {
        ssize_t n = take(&t->sending, t, "TLS output", deadline);
        if (n < 0)
            return (int)n;
        while (!t->closed && !empty(out)) {
            n = green_stream_write(t->below, out->data + out->from, out->to - out->from, deadline);
            if (n <= 0)
                break;
            out->from += (size_t)n;
        }
        pass(&t->sending);
        if (t->closed)
            return -EBADF;
        if (!empty(out))
            return n < 0 ? (int)n : -EIO; /* a stream that takes nothing is broken */
    }
    return 0;
}
