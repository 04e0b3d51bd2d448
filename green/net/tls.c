/* A stream over TLS: reading, writing, shutting down, closing. */
#include "tls_state.h"

#include <stdlib.h>
#include <string.h>

/* Pieces smaller than this are put together so that each does not become a record of its own. */
#define GATHER ((size_t)4096)

/* After such a pause records begin small again. */
#define REST GREEN_S(1)

/* --- life -------------------------------------------------------------------------------------------------------- */

int green__tls_new(struct tls **out, green_tls_context_t *context, green_stream_t *below)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->stream = (green_stream_t){.type = &green__tls_type, .fd = below->fd};
    t->context = green_tls_context_retain(context);
    t->tickets = context->tickets ? green_tls_tickets_retain(context->tickets) : NULL;
    ERR_clear_error();
    t->ssl = SSL_new(context->ctx);
    BIO *bio = t->ssl ? green__tls_bio(t) : NULL;
    ERR_clear_error();
    if (!bio) {
        green__tls_free(t);
        return -ENOMEM;
    }
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    t->below = below;
    *out = t;
    return 0;
}

void green__tls_free(struct tls *t)
{
    ERR_clear_error();
    if (t->ssl &&
        !t->failed) /* else OpenSSL takes a missing close_notify for a reason not to resume the session */
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    SSL_SESSION_free(t->session);
    ERR_clear_error();
    green_tls_context_release(t->context);
    green_tls_tickets_release(t->tickets);
    green__tls_drop_buffers(t);
    free(t->error);
    free(t->rejected);
    free(t->host);
    free(t->server_name);
    free(t->alpn);
    free(t);
}

static int enter(struct tls *t)
{
    green_hub_t *hub = green_hub();
    if (UNLIKELY(!hub))
        return -ENOMEM;
    int r = t->closed ? -EBADF : hub->current ? green__interruption(hub->current) : 0;
    if (r == 0)
        t->users++;
    return r;
}

static void leave(struct tls *t)
{
    if (--t->users == 0 && t->closed)
        green__tls_free(t);
}

static int tls_close(green_stream_t *s)
{
    struct tls *t = green__tls(s);
    t->closed = true;
    green__wake_all(&t->receiving.waiters, -EBADF);
    green__wake_all(&t->sending.waiters, -EBADF);
    int r = green_stream_close(t->below);
    t->below = NULL;
    if (!t->users)
        green__tls_free(t);
    return r;
}

/* --- calls into OpenSSL and what they ask for -------------------------------------------------------------------- */

enum tls_outcome green__tls_outcome(struct tls *t, int r)
{
    switch (r > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r)) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_INPUT;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_OUTPUT;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        green__tls_fail(t);
        return TLS_FAILED;
    }
}

/* TLS has something to say for itself, an alert or an answer, but it is not what the caller is here for: if it cannot
 * leave now, or fails to, the next one who must write does it, or sees why not. */
static void send_by_the_way(struct tls *t)
{
    if (t->out.from != t->out.to && !t->sending.taken && green__tls_send(t, GREEN_NOWAIT) < 0)
        return;
}

int green__tls_obey(struct tls *t, enum tls_outcome outcome, unsigned received, green_time deadline)
{
    switch (outcome) {
    case TLS_WANTS_OUTPUT:
        return green__tls_send(t, deadline);
    case TLS_WANTS_INPUT:
        if (t->input_ended) {
            green__tls_truncated(t);
            return GREEN_ETLS_TRUNCATED;
        }
        send_by_the_way(t);
        return green__tls_receive(t, received, deadline);
    case TLS_FAILED:
        send_by_the_way(t); /* the alert */
        return t->closed ? -EBADF : t->failed;
    case TLS_NO_MEMORY:
        return -ENOMEM;
    default:
        return 0;
    }
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Decrypts what has arrived, up to `size` bytes; why it stopped. */
static enum tls_outcome decrypt(struct tls *t, char *buffer, size_t size, size_t *done)
{
    if (t->failed)
        return TLS_FAILED;
    do {
        size_t n = 0;
        green__tls_forget_errors();
        int r = SSL_read_ex(t->ssl, buffer + *done, size - *done, &n);
        enum tls_outcome outcome = green__tls_outcome(t, r);
        if (outcome != TLS_DONE)
            return outcome;
        *done += n;
    } while (*done < size && (t->in.from != t->in.to || SSL_pending(t->ssl)));
    return TLS_DONE;
}

/* Nothing has arrived, and nothing is known that a read would have to tell: OpenSSL need not be asked. */
static bool drained(const struct tls *t)
{
    return t->in.from == t->in.to && !t->failed && !t->input_ended && !SSL_has_pending(t->ssl) &&
           !(SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN);
}

static ssize_t read_some(struct tls *t, char *buffer, size_t size, green_time deadline)
{
    for (bool ask = !drained(t);; ask = true) {
        size_t done = 0;
        unsigned received = t->received;
        enum tls_outcome outcome = ask ? decrypt(t, buffer, size, &done) : TLS_WANTS_INPUT;
        if (done) { /* if it stopped for an error, that is for the next call */
            send_by_the_way(t);
            return (ssize_t)done;
        }
        if (outcome == TLS_ENDED)
            return 0;
        int r = green__tls_obey(t, outcome, received, deadline);
        if (r < 0)
            return r;
    }
}

static ssize_t tls_read(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    struct tls *t = green__tls(s);
    if (!size)
        return 0;
    int r = enter(t);
    if (r < 0)
        return r;
    ssize_t n = read_some(t, buffer, size, deadline);
    leave(t);
    return n;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* The caller's data, of which `at` bytes of the first piece are gone. */
struct pieces {
    const struct iovec *iov;
    int count;
    size_t at, left; /* left: in all of them */
};

static size_t piece_length(struct pieces *p)
{
    while (p->at == p->iov->iov_len) {
        p->iov++;
        p->count--;
        p->at = 0;
    }
    return p->iov->iov_len - p->at;
}

static void advance(struct pieces *p, size_t n)
{
    p->left -= n;
    while (n) {
        size_t length = piece_length(p), part = length < n ? length : n;
        p->at += part;
        n -= part;
    }
}

/* One record of `size` bytes at `data`, for which there is room. */
static enum tls_outcome write_record(struct tls *t, const void *data, size_t size, size_t *done)
{
    *done = 0;
    green__tls_forget_errors();
    int r = SSL_write_ex(t->ssl, data, size, done);
    return green__tls_outcome(t, r);
}

/* One record made of several small pieces. Not inline: only who needs the space on the stack pays for it. */
static __attribute__((noinline)) enum tls_outcome write_gathered(struct tls *t, const struct pieces *pieces,
                                                                 size_t size, size_t *done)
{
    unsigned char data[GATHER];
    struct pieces p = *pieces;
    for (size_t at = 0; at < size;) {
        size_t part = piece_length(&p);
        if (part > size - at)
            part = size - at;
        memcpy(data + at, (const char *)p.iov->iov_base + p.at, part);
        advance(&p, part);
        at += part;
    }
    return write_record(t, data, size, done);
}

/* A peer can decrypt a record only when it has all of it, and a connection that has just begun, or has rested, sends no
 * more than a few segments before it must wait for word of them: such begin with small records. */
static size_t record_limit(struct tls *t)
{
    green_time now = green_turn_time();
    if (now - t->wrote > REST)
        t->flowed = 0;
    t->wrote = now;
    return t->flowed < TLS_FIRST_BYTES ? TLS_FIRST_RECORD : TLS_RECORD;
}

/* Encrypts as much as there is room for; why it stopped. A record is only begun when it fits as a whole, so it never
 * is left half written, and the caller is not bound to come back with the same bytes. */
static enum tls_outcome encrypt(struct tls *t, struct pieces *p)
{
    while (p->left) {
        size_t length = piece_length(p), done;
        bool gather = length < GATHER && length < p->left;
        size_t most = record_limit(t), size = gather ? p->left : length;
        if (gather && most > GATHER)
            most = GATHER;
        if (size > most)
            size = most;
        size_t room = green__tls_room(t, p->left + TLS_RECORD_EXTRA);
        if (t->no_memory) {
            t->no_memory = false;
            return TLS_NO_MEMORY;
        }
        if (room < size + TLS_RECORD_EXTRA)
            return TLS_WANTS_OUTPUT;
        enum tls_outcome outcome = gather
                                       ? write_gathered(t, p, size, &done)
                                       : write_record(t, (const char *)p->iov->iov_base + p->at, size, &done);
        if (outcome != TLS_DONE)
            return outcome;
        advance(p, done);
        t->flowed += done;
    }
    return TLS_DONE;
}

/* Did the call fail only because it could not wait any longer? */
static bool interrupted(int r)
{
    return r == -ETIMEDOUT || r == -ECANCELED || r == -EAGAIN || r == -EPERM || r == -EDEADLK;
}

static ssize_t write_some(struct tls *t, struct pieces *p, green_time deadline)
{
    size_t size = p->left;
    for (;;) {
        int r = t->failed ? t->failed : t->shut ? -EPIPE : green__tls_send(t, deadline);
        if (r < 0)
            return r; /* what was there before must go first */
        unsigned received = t->received;
        enum tls_outcome outcome = encrypt(t, p);
        size_t taken = size - p->left;
        if (taken || outcome == TLS_DONE) {
            r = green__tls_send(t, deadline);
            return r < 0 && !(taken && interrupted(r)) ? r : (ssize_t)taken;
        }
        r = green__tls_obey(t, outcome, received, deadline);
        if (r < 0)
            return r;
    }
}

static ssize_t tls_writev(green_stream_t *s, const struct iovec *iov, int count, green_time deadline)
{
    struct tls *t = green__tls(s);
    struct pieces p = {.iov = iov, .count = count};
    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(p.left, iov[i].iov_len, &p.left) || p.left > SSIZE_MAX)
            return -EINVAL;
    int r = enter(t);
    if (r < 0)
        return r;
    ssize_t n = write_some(t, &p, deadline);
    leave(t);
    return n;
}

int green_tls_flush(green_stream_t *s, green_time deadline)
{
    struct tls *t = green__tls(s);
    int r = t ? enter(t) : -EINVAL;
    if (r < 0)
        return r;
    r = t->failed ? t->failed : green__tls_send(t, deadline);
    leave(t);
    return r;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* close_notify; while a message of the handshake kind is half read, that comes first. */
static enum tls_outcome say_end(struct tls *t)
{
    ERR_clear_error();
    if (SSL_in_init(t->ssl)) {
        enum tls_outcome outcome = green__tls_outcome(t, SSL_do_handshake(t->ssl));
        if (outcome != TLS_DONE)
            return outcome;
        ERR_clear_error();
    }
    int r = SSL_shutdown(t->ssl);
    return r >= 0 ? TLS_DONE : green__tls_outcome(t, r);
}

static int shut(struct tls *t, green_time deadline)
{
    while (!t->shut) {
        int r = t->failed ? t->failed : green__tls_send(t, deadline);
        if (r < 0)
            return r;
        if (t->shut)
            break; /* somebody else did while we waited */
        unsigned received = t->received;
        enum tls_outcome outcome = say_end(t);
        if (outcome == TLS_DONE)
            t->shut = true;
        r = green__tls_obey(t, outcome, received, deadline);
        if (r < 0)
            return r;
    }
    return green__tls_send(t, deadline);
}

static int tls_shutdown(green_stream_t *s, green_time deadline)
{
    struct tls *t = green__tls(s);
    int r = enter(t);
    if (r < 0)
        return r;
    r = shut(t, deadline);
    leave(t);
    return r;
}

const green_stream_type_t green__tls_type = {
    .name = "tls", .read = tls_read, .writev = tls_writev, .shutdown = tls_shutdown, .close = tls_close};
