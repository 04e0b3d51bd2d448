/* Peers and networks that do not behave: slow, silent, cut off, altered, plain text (case 113). */
#include "tls_pair.h"

#include "net/tls_state.h"

/* --- a stream that does not behave --------------------------------------------------------------------------------- */

enum after { STALLS, ENDS };

/* Wraps another stream. Reads and writes move at most `step` bytes; after `limit` bytes the input stalls or ends, and
 * the byte at `altered` arrives with other bits. */
struct odd {
    green_stream_t head;
    green_stream_t *below;
    size_t step, limit, at, altered;
    enum after after;
    unsigned char bits;
};

static ssize_t odd_read(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    struct odd *o = (struct odd *)s;
    if (o->at == o->limit) {
        if (o->after == ENDS)
            return 0;
        int r = deadline <= GREEN_NOWAIT ? -EAGAIN : green_sleep_until(deadline);
        return r < 0 ? r : -ETIMEDOUT;
    }
    size_t most = o->limit - o->at < o->step ? o->limit - o->at : o->step;
    ssize_t n = green_stream_read(o->below, buffer, size < most ? size : most, deadline);
    if (n > 0 && o->altered >= o->at && o->altered < o->at + (size_t)n)
        ((unsigned char *)buffer)[o->altered - o->at] ^= o->bits;
    if (n > 0)
        o->at += (size_t)n;
    return n;
}

static ssize_t odd_writev(green_stream_t *s, const struct iovec *iov, int count, green_time deadline)
{
    struct odd *o = (struct odd *)s;
    while (count && !iov->iov_len)
        iov++, count--;
    return count ? green_stream_write(o->below, iov->iov_base,
                                      iov->iov_len < o->step ? iov->iov_len : o->step, deadline)
                 : 0;
}

static int odd_close(green_stream_t *s)
{
    int r = green_stream_close(((struct odd *)s)->below);
    free(s);
    return r;
}

static const green_stream_type_t odd_type = {
    .name = "odd", .read = odd_read, .writev = odd_writev, .close = odd_close};

static struct odd *odd_over(green_stream_t *below)
{
    struct odd *o = calloc(1, sizeof *o);
    ck_assert_ptr_nonnull(o);
    *o = (struct odd){.head = {.type = &odd_type, .fd = -1},
                      .below = below,
                      .step = SIZE_MAX,
                      .limit = SIZE_MAX,
                      .altered = SIZE_MAX};
    return o;
}

static void close_what_is_open(struct pair *p)
{
    green_stream_close(p->client.tls);
    green_stream_close(p->server.tls);
}

START_TEST(one_byte_at_a_time)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    struct pair p = prepare_pair(client, server);
    struct odd *c = odd_over(p.client.below), *s = odd_over(p.server.below);
    c->step = s->step = 1;
    p.client.below = &c->head;
    p.server.below = &s->head;
    shake_both(&p);
    ck_assert_msg(p.client.result == 0, "%s", p.client.error);
    ck_assert_int_eq(p.server.result, 0);
    for (int i = 0; i < 10; i++) {
        send_text(p.client.tls, "some text of no importance");
        expect_text(p.server.tls, "some text of no importance");
        send_text(p.server.tls, "likewise");
        expect_text(p.client.tls, "likewise");
    }
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    expect_end(p.server.tls);
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* Cuts what one end receives after `limit` bytes, in a handshake followed by a text in each direction. */
static struct pair cut(green_tls_context_t *client, green_tls_context_t *server, bool at_client, size_t limit,
                       enum after after)
{
    struct pair p = prepare_pair(client, server);
    struct end *e = at_client ? &p.client : &p.server;
    struct odd *o = odd_over(e->below);
    o->limit = limit;
    o->after = after;
    e->below = &o->head;
    e->deadline = after == STALLS ? green_in_ms(30) : soon();
    shake_both(&p);
    return p;
}

START_TEST(cut_off_anywhere)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    bool at_client = _i;
    size_t limit = 0;
    for (int cuts = 0;; cuts++, limit += 1 + limit / 7) {
        struct pair p = cut(client, server, at_client, limit, ENDS);
        struct end *e = at_client ? &p.client : &p.server;
        if (e->result == 0) { /* it got further than the handshake */
            struct end *other = at_client ? &p.server : &p.client;
            ck_assert_int_gt(cuts, 10);
            char byte;
            if (other->result == 0)
                ck_assert_int_eq(green_stream_shutdown(green_tls_below(other->tls), soon()), 0);
            ck_assert_int_eq(green_stream_read(e->tls, &byte, 1, soon()), GREEN_ETLS_TRUNCATED);
            close_what_is_open(&p);
            break;
        }
        ck_assert_int_eq(e->result, GREEN_ETLS_TRUNCATED);
        ck_assert_str_eq(e->error, "the peer closed the connection during the handshake");
        close_what_is_open(&p);
    }
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(silence_in_each_phase)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    bool at_client = _i;
    for (size_t limit = 0;; limit = 1 + limit * 3) {
        struct pair p = cut(client, server, at_client, limit, STALLS);
        struct end *e = at_client ? &p.client : &p.server;
        int result = e->result;
        close_what_is_open(&p);
        if (limit > 10000)
            break;
        if (limit < 100) /* a ClientHello alone is longer */
            ck_assert_int_eq(result, -ETIMEDOUT);
        else
            ck_assert(result == -ETIMEDOUT || result == 0);
    }
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(cancelled_in_the_handshake)
{
    green_tls_context_t *context = _i ? client_context() : server_context();
    int fds[2];
    tcp_pair(fds);
    struct end e = {.context = context, .below = stream_over(fds[0]), .host = "localhost", .accepts = !_i};
    green_t *g = spawn(shake, &e);
    yields(3);
    ck_assert(!green_done(g));
    ck_assert_int_eq(green_cancel(g), 0);
    finish(g);
    ck_assert_int_eq(e.result, -ECANCELED);
    char buffer[4096];
    while (_i && green_read(fds[1], buffer, sizeof buffer, soon()) > 0) /* the ClientHello */
        ;
    ck_assert_int_eq(green_read(fds[1], buffer, 1, soon()), 0); /* the stream below was closed */
    ck_assert_int_eq(green_close(fds[1]), 0);
    green_tls_context_release(context);
}
END_TEST

/* --- altered ------------------------------------------------------------------------------------------------------ */

static void *echo_until_it_ends(void *arg)
{
    struct end *e = arg;
    char buffer[256];
    shake(e);
    for (ssize_t n;
         e->result == 0 && (n = green_stream_read(e->tls, buffer, sizeof buffer, e->deadline)) != 0;)
        e->result = n < 0 ? (int)n : green_stream_write_all(e->tls, buffer, (size_t)n, NULL, e->deadline);
    if (e->result == 0)
        e->result = green_stream_shutdown(e->tls, e->deadline);
    green_stream_close(e->tls);
    e->tls = NULL;
    return NULL;
}

static void *ask_and_check(void *arg)
{
    static const char question[] = "The answer to this must be exactly the same as this.";
    struct end *e = arg;
    char answer[sizeof question];
    shake(e);
    for (int i = 0; e->result == 0 && i < 3; i++) {
        e->result = green_stream_write_all(e->tls, question, sizeof question, NULL, e->deadline);
        if (e->result == 0)
            e->result = green_stream_read_all(e->tls, answer, sizeof answer, NULL, e->deadline);
        if (e->result == 0)
            ck_assert_int_eq(memcmp(answer, question, sizeof answer), 0); /* whatever was altered */
    }
    if (e->result == 0)
        e->result = green_stream_shutdown(e->tls, e->deadline);
    char byte;
    if (e->result == 0)
        e->result = (int)green_stream_read(e->tls, &byte, 1, e->deadline);
    green_stream_close(e->tls);
    e->tls = NULL;
    return NULL;
}

enum { AT_ONCE = 16 }; /* where a length became too large both ends wait: then better all together */

START_TEST(altered_bytes)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    enum green_tls_version version = _i & 1 ? GREEN_TLS_1_3 : GREEN_TLS_1_2;
    ck_assert_int_eq(green_tls_context_versions(client, version, version), 0);
    bool at_client = _i & 2;
    uint32_t random = 12345 + (uint32_t)_i;
    int unharmed = 0, noticed = 0;
    for (size_t at = 0; unharmed < AT_ONCE && at < 20000;) {
        struct pair p[AT_ONCE];
        green_t *g[2 * AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++, at += 1 + (random >> 16) % (size_t)(SANITIZED ? 60 : 12)) {
            p[i] = prepare_pair(client, server);
            struct end *e = at_client ? &p[i].client : &p[i].server;
            struct odd *o = odd_over(e->below);
            random = random * 1103515245 + 12345;
            o->altered = at;
            o->bits = (unsigned char)(1 + (random >> 16) % 255);
            e->below = &o->head;
            p[i].server.accepts = true;
            p[i].client.deadline = p[i].server.deadline = green_in_ms(500);
            g[2 * i] = spawn(echo_until_it_ends, &p[i].server);
            g[2 * i + 1] = spawn(ask_and_check, &p[i].client);
        }
        for (int i = 0; i < 2 * AT_ONCE; i++)
            finish(g[i]);
        for (int i = 0; i < AT_ONCE; i++) {
            if (p[i].client.result == 0 && p[i].server.result == 0)
                unharmed++; /* beyond what was sent, or the version in a record's head that nobody must look at */
            else
                noticed++;
        }
    }
    ck_assert_int_gt(noticed, 10);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(an_altered_record)
{
    struct pair p = usual_pair();
    char buffer[16];
    send_text(p.client.tls, "good");
    expect_text(p.server.tls, "good");
    unsigned char record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                              9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    ck_assert_int_eq(
        green_stream_write_all(green_tls_below(p.client.tls), record, sizeof record, NULL, soon()), 0);
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer, sizeof buffer, soon()), GREEN_ETLS);
    ck_assert_str_eq(green_tls_error(p.server.tls), "decryption failed or bad record mac");
    ck_assert(green_tls_readable(p.server.tls));
    ck_assert_uint_eq(green_tls_pending(p.server.tls), 0);
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer, sizeof buffer, soon()),
                     GREEN_ETLS); /* for good */
    ck_assert_int_eq(green_stream_write(p.server.tls, buffer, 1, soon()), GREEN_ETLS);
    ck_assert_int_eq(green_stream_shutdown(p.server.tls, soon()), GREEN_ETLS);
    ck_assert_int_eq(green_stream_read(p.client.tls, buffer, sizeof buffer, soon()),
                     GREEN_ETLS_ALERT); /* it is told */
    ck_assert_str_eq(green_tls_error(p.client.tls), "the peer refused: bad record mac");
    close_both(&p);
}
END_TEST

/* --- no TLS at all ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    size_t size;
    int code;
} plain[] = {
#define PLAIN(text, code)                                                                                    \
    {                                                                                                        \
        text, sizeof text - 1, code                                                                          \
    }
    PLAIN("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", GREEN_ETLS_PLAINTEXT),
    PLAIN("220 mail.example ESMTP\r\n", GREEN_ETLS_PLAINTEXT),
    PLAIN("\0\0\0\0\0\0\0\0\0\0\0\0", GREEN_ETLS_PLAINTEXT),
    PLAIN("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10xxxxxxxxxxxxxxxxxxx",
          GREEN_ETLS_PLAINTEXT),                               /* SSLv2 */
    PLAIN("\x17\x03\x03\x00\x05hello", GREEN_ETLS_PLAINTEXT),  /* data before any handshake */
    PLAIN("\x16\x03\x01\x00\x04\x01\x00\x00\x00", GREEN_ETLS), /* a ClientHello of length 0 */
    PLAIN("\x16\x03\x01\xff\xff\x01\x00\x00\x00", GREEN_ETLS), /* a record that is too long */
    PLAIN("\x16\x03\x01\x00\x04\x02\x00\x00\x00", GREEN_ETLS), /* a ServerHello for a server */
    PLAIN("\x15\x03\x01\x00\x02\x02\x28", GREEN_ETLS),         /* an alert where a ClientHello belongs */
    PLAIN("G", GREEN_ETLS_PLAINTEXT),                          /* the first byte is enough to know */
    PLAIN("\x16\x03\x01", GREEN_ETLS_TRUNCATED),
    PLAIN("", GREEN_ETLS_TRUNCATED),
#undef PLAIN
};

/* What a client sent in plain text before the handshake never comes out as if it had been protected. */
START_TEST(no_client_hello)
{
    green_tls_context_t *server = server_context();
    int fds[2];
    tcp_pair(fds);
    if (plain[_i].size)
        ck_assert_int_eq(green_write_all(fds[0], plain[_i].text, plain[_i].size, NULL, soon()), 0);
    ck_assert_int_eq(green_shutdown_write(fds[0]), 0);
    green_stream_t *tls;
    ck_assert_int_eq(green_tls_accept(&tls, server, stream_over(fds[1]), soon()), plain[_i].code);
    ck_assert_ptr_null(tls);
    ck_assert_uint_gt(strlen(green_tls_error(NULL)), 0);
    char answer[256];
    ssize_t n, total = 0;
    while ((n = green_read(fds[0], answer, sizeof answer, soon())) > 0)
        total += n;
    ck_assert_int_eq(n, 0);
    ck_assert_int_le(total, 7); /* an alert at most, then closed */
    ck_assert_int_eq(green_close(fds[0]), 0);
    green_tls_context_release(server);
}
END_TEST

START_TEST(a_server_that_speaks_first)
{
    green_tls_context_t *client = client_context();
    int fds[2];
    tcp_pair(fds);
    ck_assert_int_eq(green_write_all(fds[1], "220 ready\r\n", 11, NULL, soon()), 0);
    green_stream_t *tls;
    ck_assert_int_eq(green_tls_connect(&tls, client, stream_over(fds[0]), "localhost", soon()),
                     GREEN_ETLS_PLAINTEXT);
    ck_assert_str_eq(green_tls_error(NULL), "what the peer sent is not TLS");
    ck_assert_int_eq(green_close(fds[1]), 0);
    green_tls_context_release(client);
}
END_TEST

/* --- ends ---------------------------------------------------------------------------------------------------------- */

START_TEST(the_end_without_close_notify)
{
    struct pair p = usual_pair();
    char buffer[16];
    send_text(p.server.tls, "data");
    ck_assert_int_eq(green_stream_shutdown(green_tls_below(p.server.tls), soon()), 0);
    expect_text(p.client.tls, "data"); /* what came whole is good */
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(green_stream_read(p.client.tls, buffer, sizeof buffer, soon()),
                         GREEN_ETLS_TRUNCATED);
    ck_assert_str_eq(green_tls_error(p.client.tls), "the connection ended without close_notify");
    ck_assert(green_tls_readable(p.client.tls));
    send_text(p.client.tls, "I can still write"); /* only their direction ended */
    expect_text(p.server.tls, "I can still write");
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    expect_end(p.server.tls);
    close_both(&p);
}
END_TEST

START_TEST(closed_without_a_word)
{
    struct pair p = usual_pair();
    char byte;
    ck_assert_int_eq(green_stream_close(p.server.tls), 0);
    ck_assert_int_eq(green_stream_read(p.client.tls, &byte, 1, soon()), GREEN_ETLS_TRUNCATED);
    ck_assert_int_eq(green_stream_close(p.client.tls), 0);
}
END_TEST

/* --- key updates: a read that must write, a write that must read ---------------------------------------------------- */

/* What another implementation may do at any time; sent with the next write. */
static void update_keys(green_stream_t *s, bool both)
{
    SSL *ssl = green__tls(s)->ssl;
    ERR_clear_error();
    ck_assert_int_eq(SSL_key_update(ssl, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
}

static void *talk_and_update(void *arg)
{
    green_stream_t *s = arg;
    char text[32];
    for (int i = 0; i < 100; i++) {
        update_keys(s, i & 1);
        snprintf(text, sizeof text, "message %04d", i);
        send_text(s, text);
    }
    return NULL;
}

static void *listen_well(void *arg)
{
    green_stream_t *s = arg;
    char text[32];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "message %04d", i);
        expect_text(s, text);
    }
    return NULL;
}

START_TEST(key_updates)
{
    struct pair p = usual_pair();
    green_t *all[4] = {spawn(talk_and_update, p.client.tls), spawn(listen_well, p.server.tls),
                       spawn(talk_and_update, p.server.tls), spawn(listen_well, p.client.tls)};
    for (int i = 0; i < 4; i++)
        finish(all[i]);
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    expect_end(p.server.tls);
    close_both(&p);
}
END_TEST

/* Somebody who asks for new keys all the time and never reads the answers must not cost us memory without limit. */
START_TEST(a_flood_of_key_updates)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    int fds[2];
    stream_pair(fds);
    struct pair p = {.client = {.context = client, .below = stream_over(fds[0]), .host = "localhost"},
                     .server = {.context = server, .below = stream_over(fds[1])}};
    shake_both(&p);
    ck_assert_int_eq(p.server.result, 0);
    ssize_t r = 1;
    char buffer[8];
    int sent = 0;
    for (; r == 1 && sent < 20000; sent++) {
        update_keys(p.client.tls, true);
        ck_assert_int_eq(green_stream_write(p.client.tls, "x", 1, soon()), 1);
        r = green_stream_read(p.server.tls, buffer, sizeof buffer, sent < 50 ? soon() : green_in_ms(50));
        ck_assert_uint_le(green_tls_unsent(p.server.tls), TLS_BUFFER);
    }
    ck_assert(r == -ETIMEDOUT || r == GREEN_ETLS); /* our answers do not fit any more */
    ck_assert_int_lt(sent, 20000);
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {one_byte_at_a_time, 0},
        {cut_off_anywhere, 2},
        {silence_in_each_phase, 2},
        {cancelled_in_the_handshake, 2},
        {altered_bytes, 4},
        {an_altered_record, 0},
        {no_client_hello, sizeof plain / sizeof plain[0]},
        {a_server_that_speaks_first, 0},
        {the_end_without_close_notify, 0},
        {closed_without_a_word, 0},
        {key_updates, 0},
        {a_flood_of_key_updates, 0},
    };
    return RUN_TESTS("tls_hostile", tests);
}
