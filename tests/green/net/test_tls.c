/* Reading, writing, ending and closing TLS streams (case 113). */
#include "tls_pair.h"

#include <poll.h>

START_TEST(both_ways)
{
    struct pair p = usual_pair();
    ck_assert(green_stream_is_tls(p.client.tls) && green_stream_is_tls(p.server.tls));
    ck_assert_str_eq(green_tls_version(p.client.tls), "TLSv1.3");
    ck_assert_str_eq(green_tls_cipher(p.client.tls), green_tls_cipher(p.server.tls));
    ck_assert_str_eq(green_tls_error(p.client.tls), "");
    send_text(p.client.tls, "hello");
    expect_text(p.server.tls, "hello");
    send_text(p.server.tls, "good bye");
    expect_text(p.client.tls, "good bye");
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    expect_end(p.server.tls);
    expect_end(p.server.tls);                  /* and it remains the end */
    send_text(p.server.tls, "one more thing"); /* the other way is still open */
    expect_text(p.client.tls, "one more thing");
    ck_assert_int_eq(green_stream_write(p.client.tls, "x", 1, soon()), -EPIPE);
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0); /* again does no harm */
    ck_assert_int_eq(green_stream_shutdown(p.server.tls, soon()), 0);
    expect_end(p.client.tls);
    close_both(&p);
}
END_TEST

START_TEST(nothing_at_all)
{
    struct pair p = usual_pair();
    char byte;
    ck_assert_int_eq(green_stream_read(p.client.tls, &byte, 0, soon()), 0); /* nothing asked for: no wait */
    ck_assert_int_eq(p.client.tls->type->read(p.client.tls, &byte, 0, soon()), 0);
    ck_assert_int_eq(green_stream_write(p.client.tls, "", 0, soon()), 0);
    struct iovec none[3] = {{"", 0}, {NULL, 0}, {"", 0}};
    ck_assert_int_eq(p.client.tls->type->writev(p.client.tls, none, 3, soon()), 0);
    ck_assert_int_eq(p.client.tls->type->writev(p.client.tls, none, 0, soon()), 0);
    struct iovec absurd[2] = {{"", SIZE_MAX}, {"", SIZE_MAX}};
    ck_assert_int_eq(p.client.tls->type->writev(p.client.tls, absurd, 2, soon()), -EINVAL);
    ck_assert_int_eq(green_stream_read(p.server.tls, &byte, 1, GREEN_NOWAIT), -EAGAIN);
    close_both(&p);
}
END_TEST

START_TEST(pieces_go_as_one_record)
{
    struct pair p = usual_pair();
    struct iovec iov[5] = {{"he", 2}, {"", 0}, {"l", 1}, {NULL, 0}, {"lo", 2}};
    ck_assert_int_eq(green_stream_writev_all(p.client.tls, iov, 5, NULL, soon()), 0);
    char buffer[16] = {0};
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer, 1, soon()), 1);
    ck_assert_uint_eq(green_tls_pending(p.server.tls), 4); /* the record that is open has them all */
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer + 1, 15, GREEN_NOWAIT), 4);
    ck_assert_str_eq(buffer, "hello");
    close_both(&p);
}
END_TEST

/* --- a lot, in both directions at once ---------------------------------------------------------------------------- */

struct transfer {
    green_stream_t *s;
    size_t size, chunk;
    uint64_t seed;
};

static void *send_pattern(void *arg)
{
    struct transfer *x = arg;
    unsigned char *block = malloc(x->chunk);
    ck_assert_ptr_nonnull(block);
    for (size_t at = 0, n; at < x->size; at += n) {
        n = x->size - at < x->chunk ? x->size - at : x->chunk;
        for (size_t i = 0; i < n; i++)
            block[i] = pattern(x->seed + at + i);
        size_t third = n / 3;
        struct iovec iov[3] = {{block, third}, {block + third, third}, {block + 2 * third, n - 2 * third}};
        size_t done;
        ck_assert_int_eq(green_stream_writev_all(x->s, iov, 3, &done, soon()), 0);
        ck_assert_uint_eq(done, n);
    }
    free(block);
    ck_assert_int_eq(green_stream_shutdown(x->s, soon()), 0);
    return NULL;
}

static void *receive_pattern(void *arg)
{
    struct transfer *x = arg;
    unsigned char *block = malloc(x->chunk);
    ck_assert_ptr_nonnull(block);
    size_t at = 0;
    for (ssize_t n; (n = green_stream_read(x->s, block, x->chunk, soon())) != 0; at += (size_t)n) {
        ck_assert_int_gt(n, 0);
        size_t same = 0;
        while (same < (size_t)n && block[same] == pattern(x->seed + at + same))
            same++;
        ck_assert_uint_eq(same, (size_t)n);
    }
    ck_assert_uint_eq(at, x->size);
    free(block);
    return NULL;
}

static void exchange(struct pair *p, size_t size)
{
    struct transfer there = {p->client.tls, size, 100000, 1}, there_end = {p->server.tls, size, 30000, 1};
    struct transfer back = {p->server.tls, size, 7777, 2}, back_end = {p->client.tls, size, 70000, 2};
    green_t *all[4] = {spawn(send_pattern, &there), spawn(receive_pattern, &there_end),
                       spawn(send_pattern, &back), spawn(receive_pattern, &back_end)};
    for (int i = 0; i < 4; i++)
        finish(all[i]);
}

START_TEST(large_transfers_both_ways_at_once)
{
    struct pair p = usual_pair();
    exchange(&p, (size_t)rounds(8 << 20));
    close_both(&p);
}
END_TEST

START_TEST(through_small_socket_buffers)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    int fds[2];
    stream_pair(fds);
    struct pair p = {.client = {.context = client, .below = stream_over(fds[0]), .host = "localhost"},
                     .server = {.context = server, .below = stream_over(fds[1])}};
    shake_both(&p);
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_int_eq(p.server.result, 0);
    exchange(&p, (size_t)rounds(2 << 20));
    close_both(&p);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

START_TEST(tls_in_tls)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    struct pair outer = connect_pair(client, server);
    struct pair inner = {.client = {.context = client, .below = outer.client.tls, .host = "localhost"},
                         .server = {.context = server, .below = outer.server.tls}};
    shake_both(&inner);
    ck_assert_int_eq(inner.client.result, 0);
    ck_assert_int_eq(inner.server.result, 0);
    ck_assert_ptr_eq(green_tls_below(inner.client.tls), outer.client.tls);
    exchange(&inner, (size_t)rounds(2 << 20));
    close_both(&inner);
    green_tls_context_release(client);
    green_tls_context_release(server);
}
END_TEST

/* --- a reader and a writer ---------------------------------------------------------------------------------------- */

struct reading {
    green_stream_t *s;
    green_time deadline;
    ssize_t result;
    char buffer[64];
};

static void *read_once(void *arg)
{
    struct reading *r = arg;
    r->result = green_stream_read(r->s, r->buffer, sizeof r->buffer, r->deadline);
    return NULL;
}

START_TEST(write_while_a_reader_waits)
{
    struct pair p = usual_pair();
    struct reading r = {.s = p.client.tls, .deadline = soon()};
    green_t *reader = spawn(read_once, &r);
    yields(3);
    send_text(p.client.tls, "question");
    expect_text(p.server.tls, "question");
    ck_assert(!green_done(reader));
    send_text(p.server.tls, "answer");
    finish(reader);
    ck_assert_int_eq(r.result, 6);
    close_both(&p);
}
END_TEST

START_TEST(two_readers_both_get_something)
{
    struct pair p = usual_pair();
    struct reading r[2] = {{.s = p.client.tls, .deadline = soon()}, {.s = p.client.tls, .deadline = soon()}};
    green_t *readers[2] = {spawn(read_once, &r[0]), spawn(read_once, &r[1])};
    yields(3);
    send_text(p.server.tls, "one");
    finish(readers[0]);
    ck_assert_int_eq(r[0].result, 3);
    ck_assert(!green_done(readers[1]));
    send_text(p.server.tls, "three");
    finish(readers[1]);
    ck_assert_int_eq(r[1].result, 5);
    close_both(&p);
}
END_TEST

START_TEST(a_cancelled_reader_loses_nothing)
{
    struct pair p = usual_pair();
    struct reading r = {.s = p.client.tls, .deadline = soon()};
    green_t *reader = spawn(read_once, &r);
    yields(3);
    ck_assert_int_eq(green_cancel(reader), 0);
    finish(reader);
    ck_assert_int_eq(r.result, -ECANCELED);
    r = (struct reading){.s = p.client.tls, .deadline = soon()};
    reader = spawn(read_once, &r);
    yields(3);
    send_text(p.server.tls, "still here");
    finish(reader);
    ck_assert_int_eq(r.result, 10);
    close_both(&p);
}
END_TEST

START_TEST(a_read_in_time_and_too_late)
{
    struct pair p = usual_pair();
    char buffer[16];
    ck_assert_int_eq(green_stream_read(p.client.tls, buffer, sizeof buffer, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_stream_set_timeouts(p.client.tls, GREEN_MS(5), 0), 0);
    ck_assert_int_eq(green_stream_read(p.client.tls, buffer, sizeof buffer, GREEN_FOREVER), -ETIMEDOUT);
    ck_assert_int_eq(green_stream_set_timeouts(p.client.tls, 0, 0), 0);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(5));
    ck_assert_int_eq(p.client.tls->type->read(p.client.tls, buffer, sizeof buffer, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    send_text(p.server.tls, "late");
    expect_text(p.client.tls, "late");
    close_both(&p);
}
END_TEST

START_TEST(closed_under_waiting_greenlets)
{
    struct pair p = usual_pair();
    struct reading r[2] = {{.s = p.client.tls, .deadline = soon()}, {.s = p.client.tls, .deadline = soon()}};
    green_t *readers[2] = {spawn(read_once, &r[0]), spawn(read_once, &r[1])};
    yields(3);
    ck_assert_int_eq(green_stream_close(p.client.tls), 0);
    finish(readers[0]);
    finish(readers[1]);
    ck_assert_int_eq(r[0].result, -EBADF);
    ck_assert_int_eq(r[1].result, -EBADF);
    ck_assert_int_eq(green_stream_close(p.server.tls), 0);
}
END_TEST

/* --- writes that must stop ---------------------------------------------------------------------------------------- */

static const char block[100000];

/* Fills the way to a peer that does not read, until a write would wait; how many bytes were taken. */
static size_t stuff(green_stream_t *s)
{
    size_t total = 0;
    for (ssize_t n; (n = green_stream_write(s, block, sizeof block, GREEN_NOWAIT)) != -EAGAIN;) {
        ck_assert_int_gt(n, 0);
        total += (size_t)n;
    }
    ck_assert_uint_gt(green_tls_unsent(s), 0);
    return total;
}

static void expect_zeros(green_stream_t *s, size_t size)
{
    for (char buffer[5000]; size;) {
        ssize_t n = green_stream_read(s, buffer, size < sizeof buffer ? size : sizeof buffer, soon());
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(memcmp(buffer, block, (size_t)n), 0);
        size -= (size_t)n;
    }
}

static struct pair narrow_pair(void)
{
    green_tls_context_t *client = client_context(), *server = server_context();
    int fds[2];
    stream_pair(fds);
    struct pair p = {.client = {.context = client, .below = stream_over(fds[0]), .host = "localhost"},
                     .server = {.context = server, .below = stream_over(fds[1])}};
    shake_both(&p);
    ck_assert_int_eq(p.client.result, 0);
    ck_assert_int_eq(p.server.result, 0);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return p;
}

struct writing {
    green_stream_t *s;
    size_t size, done;
    green_time deadline;
    int result;
};

static void *write_zeros(void *arg)
{
    struct writing *w = arg;
    w->result = green_stream_write_all(w->s, block, w->size, &w->done, w->deadline);
    return NULL;
}

static void *finish_output(void *arg)
{
    green_stream_t *s = arg;
    ck_assert_int_eq(green_stream_write_all(s, "end", 3, NULL, soon()), 0);
    ck_assert_int_eq(green_stream_shutdown(s, soon()), 0);
    return NULL;
}

/* However a write was interrupted: what it said it took arrives, whole and in order, and the stream goes on. */
static void expect_taken(struct pair *p, size_t taken)
{
    green_t *writer = spawn(finish_output, p->client.tls);
    expect_zeros(p->server.tls, taken);
    expect_text(p->server.tls, "end");
    expect_end(p->server.tls);
    finish(writer);
    ck_assert_uint_eq(green_tls_unsent(p->client.tls), 0);
}

START_TEST(a_write_that_may_not_wait)
{
    struct pair p = narrow_pair();
    size_t taken = stuff(p.client.tls), done;
    ck_assert_int_eq(green_stream_write_all(p.client.tls, block, 10, &done, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(done, 0);
    expect_taken(&p, taken);
    close_both(&p);
}
END_TEST

START_TEST(a_write_past_its_deadline)
{
    struct pair p = narrow_pair();
    struct writing w = {.s = p.client.tls, .size = sizeof block, .deadline = green_in_ms(20)};
    size_t taken = 0;
    do {
        write_zeros(&w);
        taken += w.done;
    } while (w.result == 0);
    ck_assert_int_eq(w.result, -ETIMEDOUT);
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, green_in_ms(5)),
                     -ETIMEDOUT); /* not half done either */
    expect_taken(&p, taken);
    close_both(&p);
}
END_TEST

START_TEST(a_cancelled_write)
{
    struct pair p = narrow_pair();
    size_t taken = stuff(p.client.tls);
    struct writing w = {.s = p.client.tls, .size = sizeof block, .deadline = soon()};
    green_t *writer = spawn(write_zeros, &w);
    yields(3);
    ck_assert_int_eq(green_cancel(writer), 0);
    finish(writer);
    ck_assert_int_eq(w.result, -ECANCELED);
    expect_taken(&p, taken + w.done);
    close_both(&p);
}
END_TEST

START_TEST(closed_under_a_waiting_writer)
{
    struct pair p = narrow_pair();
    stuff(p.client.tls);
    struct writing w[2] = {{.s = p.client.tls, .size = 10, .deadline = soon()},
                           {.s = p.client.tls, .size = 10, .deadline = soon()}};
    green_t *writers[2] = {spawn(write_zeros, &w[0]), spawn(write_zeros, &w[1])};
    yields(3);
    ck_assert_int_eq(green_stream_close(p.client.tls), 0);
    for (int i = 0; i < 2; i++) {
        finish(writers[i]);
        ck_assert_int_eq(w[i].result, -EBADF);
    }
    ck_assert_int_eq(green_stream_close(p.server.tls), 0);
}
END_TEST

START_TEST(a_peer_that_is_gone)
{
    struct pair p = usual_pair();
    ck_assert_int_eq(green_stream_close(p.server.tls), 0);
    int r = 0;
    while (r >= 0)
        r = (int)green_stream_write(p.client.tls, block, sizeof block, soon());
    ck_assert(r == -EPIPE || r == -ECONNRESET);
    ck_assert_int_eq(green_stream_close(p.client.tls), 0);
}
END_TEST

/* --- what rests --------------------------------------------------------------------------------------------------- */

START_TEST(what_has_arrived_can_be_asked_for)
{
    struct pair p = usual_pair();
    char buffer[16];
    ck_assert_uint_eq(green_tls_pending(p.server.tls), 0);
    ck_assert(!green_tls_readable(p.server.tls));
    send_text(p.client.tls, "abc");
    send_text(p.client.tls, "defg");
    struct pollfd arrived = {.fd = p.server.tls->fd, .events = POLLIN};
    ck_assert_int_eq(poll(&arrived, 1, 10000), 1);
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer, 1, soon()), 1);
    ck_assert_uint_eq(green_tls_pending(p.server.tls), 2);
    ck_assert_int_eq(green_stream_read(p.server.tls, buffer, 2, GREEN_NOWAIT), 2);
    ck_assert(green_tls_readable(p.server.tls)); /* the second record came along with the first */
    ck_assert_uint_eq(green_tls_pending(p.server.tls), 4);
    expect_text(p.server.tls, "defg");
    ck_assert(!green_tls_readable(p.server.tls));
    send_text(p.client.tls, "x");
    ck_assert_int_eq(green_stream_shutdown(p.client.tls, soon()), 0);
    expect_text(p.server.tls, "x");
    ck_assert(green_tls_readable(p.server.tls)); /* the end */
    expect_end(p.server.tls);
    close_both(&p);
}
END_TEST

START_TEST(a_trimmed_connection_goes_on)
{
    struct pair p = usual_pair();
    for (int i = 0; i < 3; i++) {
        green_tls_trim(p.client.tls);
        green_tls_trim(p.server.tls);
        send_text(p.client.tls, "ping");
        green_tls_trim(p.client.tls);
        expect_text(p.server.tls, "ping");
    }
    struct reading r = {.s = p.client.tls, .deadline = soon()};
    green_t *reader = spawn(read_once, &r);
    yields(2);
    green_tls_trim(p.client.tls); /* what somebody reads into stays */
    send_text(p.server.tls, "pong");
    finish(reader);
    ck_assert_int_eq(r.result, 4);
    close_both(&p);
}
END_TEST

START_TEST(a_reader_that_waits_long)
{
    struct pair p = usual_pair();
    unsigned char *data = calloc(1, 200000);
    ck_assert_ptr_nonnull(data);
    struct writing w = {.s = p.server.tls, .size = sizeof block, .deadline = soon()};
    green_t *writer = spawn(write_zeros, &w);
    ck_assert_int_eq(green_stream_read_all(p.client.tls, data, sizeof block, NULL, soon()), 0);
    finish(writer);
    struct reading r = {.s = p.client.tls, .deadline = soon()}; /* long enough to give its buffers back */
    green_t *reader = spawn(read_once, &r);
    ck_assert_int_eq(green_sleep(GREEN_MS(1100)), 0);
    ck_assert(!green_done(reader));
    send_text(p.server.tls, "at last");
    finish(reader);
    ck_assert_int_eq(r.result, 7);
    ck_assert_int_eq(green_stream_read(p.client.tls, data, 1, green_in_ms(1200)), -ETIMEDOUT);
    free(data);
    close_both(&p);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {both_ways, 0},
        {nothing_at_all, 0},
        {pieces_go_as_one_record, 0},
        {large_transfers_both_ways_at_once, 0},
        {through_small_socket_buffers, 0},
        {tls_in_tls, 0},
        {write_while_a_reader_waits, 0},
        {two_readers_both_get_something, 0},
        {a_cancelled_reader_loses_nothing, 0},
        {a_read_in_time_and_too_late, 0},
        {closed_under_waiting_greenlets, 0},
        {a_write_that_may_not_wait, 0},
        {a_write_past_its_deadline, 0},
        {a_cancelled_write, 0},
        {closed_under_a_waiting_writer, 0},
        {a_peer_that_is_gone, 0},
        {what_has_arrived_can_be_asked_for, 0},
        {a_trimmed_connection_goes_on, 0},
        {a_reader_that_waits_long, 0},
    };
    return RUN_TESTS("tls", tests);
}
