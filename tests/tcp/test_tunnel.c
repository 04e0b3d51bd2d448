/* How a tunnel begins, carries, waits and ends, one situation at a time. test_tunnel_stress.c is about
 * amounts. */
#include "carry.h"

#include <fcntl.h>

/* --- bytes
 * ---------------------------------------------------------------------------------------------------------
 */

START_TEST(bytes_pass_both_ways)
{
    struct carry c = {0};
    if (_i)
        start_unix(&c);
    else
        start_tcp(&c, 0);
    green_time before = green_turn_time();
    say(c.client, "hello");
    hear(c.upstream, "hello");
    say(c.upstream, "you too");
    hear(c.client, "you too");
    say(c.client, "again");
    hear(c.upstream, "again");
    hang_up(&c.client);
    hear_end(c.upstream);
    hang_up(&c.upstream);
    finish(&c, "");
    ck_assert_uint_eq(c.result.from_client, 10);
    ck_assert_uint_eq(c.result.from_upstream, 7);
    ck_assert_int_ge(c.result.first_byte, before);
    ck_assert_int_le(c.result.first_byte, green_now());
}
END_TEST

START_TEST(the_server_may_speak_first)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    say(c.upstream, "220 ready");
    hear(c.client, "220 ready");
    hang_up(&c.upstream);
    hear_end(c.client);
    hang_up(&c.client);
    finish(&c, "");
    ck_assert_uint_eq(c.result.from_client, 0);
}
END_TEST

START_TEST(bytes_that_came_before_the_tunnel_are_seen)
{
    struct carry c = {0};
    int client[2], upstream[2];
    tcp_pair(client, 0);
    tcp_pair(upstream, 0);
    say(client[0], "early");
    say(upstream[0], "bird");
    green_shutdown_write(upstream[0]);
    char byte; /* the hub knows the descriptors already, and that they had nothing */
    ck_assert_int_eq(green_read(client[1], &byte, 1, soon()), 1);
    start(&c, client, upstream);
    hear(c.upstream, "arly");
    hear(c.client, "bird");
    hear_end(c.client);
    hang_up(&c.client);
    hear_end(c.upstream);
    finish(&c, "");
}
END_TEST

START_TEST(early_bytes_go_first)
{
    struct carry c = {.options = {&buffers, GREEN_S(60), GREEN_S(60), 0}};
    int client[2], upstream[2];
    tcp_pair(client, 0);
    tcp_pair(upstream, 0);
    c.client = client[0], c.upstream = upstream[0];
    char request[] = "GET ", response[] = "HTTP";
    ck_assert_int_eq(tunnel_start(&c.tunnel, (struct wire){client[1], NULL}, (struct wire){upstream[1], NULL},
                                  span_str(request), span_str(response), &c.options, on_end, &c),
                     0);
    memset(request, 'x', sizeof request); /* they were copied */
    memset(response, 'x', sizeof response);
    say(c.client, "/");
    say(c.upstream, "/1.1");
    hear(c.upstream, "GET /");
    hear(c.client, "HTTP/1.1");
    hang_up(&c.client);
    hear_end(c.upstream);
    hang_up(&c.upstream);
    finish(&c, "");
    ck_assert_uint_eq(c.result.from_client, 5);
    ck_assert_uint_eq(c.result.from_upstream, 8);
    ck_assert_int_ne(c.result.first_byte, 0);
}
END_TEST

START_TEST(early_bytes_may_be_more_than_the_socket_takes)
{
    struct carry c = {.options = {&buffers, GREEN_S(60), GREEN_S(60), 0}};
    int client[2], upstream[2];
    tcp_pair(client, 0);
    tcp_pair(upstream, 0);
    c.client = client[0], c.upstream = upstream[0];
    size_t size = 12 << 20;
    char *up = malloc(size), *down = malloc(size);
    ck_assert(up && down);
    stream_bytes(1, 0, up, size);
    stream_bytes(2, 0, down, size);
    ck_assert_int_eq(tunnel_start(&c.tunnel, (struct wire){client[1], NULL}, (struct wire){upstream[1], NULL},
                                  span_of(up, size), span_of(down, size), &c.options, on_end, &c),
                     0);
    free(up);
    free(down);
    if (_i) { /* nobody reads: it can be given up all the same */
        green_yield();
        tunnel_abort(c.tunnel);
        finish(&c, "shutdown");
        return;
    }
    struct traffic at_upstream = {.fd = c.upstream, .seed = 1, .total = size, .largest = 50000};
    struct traffic at_client = {.fd = c.client, .seed = 2, .total = size, .largest = 50000};
    green_shutdown_write(c.client);
    green_shutdown_write(c.upstream);
    green_t *reader = green_spawn(receive_traffic, &at_client);
    receive_traffic(&at_upstream);
    ck_assert_int_eq(green_join(reader, soon()), 0);
    green_release(reader);
    finish(&c, "");
    ck_assert_uint_eq(c.result.from_client, size);
    ck_assert_uint_eq(c.result.from_upstream, size);
}
END_TEST

/* --- ends and resets ------------------------------------------------------------------------------------ */

/* Loop tests go through both directions: here `a` ends, resets or stalls first. */
static int *near(struct carry *c, int i)
{
    return i % 2 ? &c->upstream : &c->client;
}

static int *far(struct carry *c, int i)
{
    return i % 2 ? &c->client : &c->upstream;
}

static const char *reset_of(int i)
{
    return i % 2 ? "upstream_reset" : "client_reset";
}

START_TEST(half_an_end_leaves_the_other_direction_open)
{
    struct carry c = {0};
    if (_i < 2)
        start_tcp(&c, 0);
    else
        start_unix(&c);
    int *a = near(&c, _i), *b = far(&c, _i);
    say(*a, "question");
    green_shutdown_write(*a);
    hear(*b, "question");
    hear_end(*b);
    for (int n = 0; n < 3; n++) {
        say(*b, "answer");
        hear(*a, "answer");
    }
    ck_assert_int_eq(c.ended, 0);
    hang_up(b);
    hear_end(*a);
    finish(&c, "");
}
END_TEST

START_TEST(the_end_comes_after_all_bytes)
{
    struct carry c = {0};
    start_tcp(&c, 8192);
    struct traffic out = {.fd = *near(&c, _i), .seed = 3, .total = 2 << 20, .largest = 100000};
    struct traffic in = {.fd = *far(&c, _i), .seed = 3, .total = 2 << 20, .largest = 3000};
    green_t *sender = green_spawn(send_traffic, &out);
    receive_traffic(&in);
    green_release(sender);
    hang_up(far(&c, _i));
    hear_end(*near(&c, _i));
    finish(&c, "");
}
END_TEST

START_TEST(a_reset_is_passed_on_as_a_reset)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    int *a = near(&c, _i), *b = far(&c, _i);
    say(*a, "so far");
    hear(*b, "so far");
    if (_i >= 2) { /* also when the other direction has ended */
        green_shutdown_write(*b);
        hear_end(*a);
    }
    reset(a);
    hear_reset(*b);
    finish(&c, reset_of(_i));
}
END_TEST

/* Fills the way from `from` until nothing more goes in for a while; how many bytes that was. */
static size_t stuff(int from)
{
    static char block[16384];
    size_t total = 0, done;
    while (green_write_all(from, block, sizeof block, &done, green_in_ms(200)) == 0)
        total += done;
    return total + done;
}

START_TEST(a_reset_reaches_a_writer_that_is_stuck)
{
    struct carry c = {0};
    start_tcp(&c, 8192);
    int *a = near(&c, _i), *b = far(&c, _i);
    stuff(*a);
    reset(b);
    char byte;
    ssize_t n = green_read(*a, &byte, 1, soon());
    ck_assert_int_eq(n, -ECONNRESET);
    finish(&c, reset_of(_i + 1));
}
END_TEST

START_TEST(last_words_before_a_reset_are_delivered)
{
    struct carry c = {0};
    start_tcp(&c, 8192);
    int *a = near(&c, _i), *b = far(&c, _i);
    stuff(*a);
    say(*b, "too large");
    reset(b);
    hear(*a, "too large");
    hear_reset(*a);
    finish(&c, reset_of(_i + 1));
}
END_TEST

static size_t parked(void)
{
    green_stats_t stats;
    green_hub_stats(&stats);
    return stats.parked;
}

START_TEST(what_was_passed_on_properly_survives_a_late_write_to_a_closed_peer)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    int *a = near(&c, _i), *b = far(&c, _i);
    struct traffic out = {.fd = *b, .seed = 5, .total = 1 << 20, .largest = 100000};
    send_traffic(&out);
    while (parked() != 1) /* all has been passed on, the end too; most of it waits in the tunnel's socket */
        green_sleep(GREEN_MS(1));
    hang_up(b); /* and now it does not listen any more either */
    while (!c.ended && green_write_all(*a, "are you there?", 14, NULL, soon()) == 0)
        green_sleep(GREEN_MS(1));
    struct traffic in = {.fd = *a, .seed = 5, .total = 1 << 20, .largest = 100000};
    receive_traffic(&in);
    finish(&c, reset_of(_i + 1));
}
END_TEST

START_TEST(a_peer_that_listens_no_more_ends_the_tunnel)
{
    struct carry c = {0};
    start_unix(&c);
    ck_assert_int_eq(shutdown(*far(&c, _i), SHUT_RD), 0); /* it has not hung up: only writing shows it */
    say(*near(&c, _i), "anybody?");
    finish(&c, reset_of(_i + 1));
}
END_TEST

/* --- memory and time ------------------------------------------------------------------------------------ */

START_TEST(a_slow_reader_holds_the_sender_back)
{
    struct carry c = {0};
    start_tcp(&c, 16384);
    int a = *near(&c, _i), b = *far(&c, _i);
    size_t sent = stuff(a);
    ck_assert_uint_lt(sent, (4 << 20)); /* four socket buffers and a pipe */
    static char block[16384];
    green_shutdown_write(a);
    size_t received = 0;
    for (ssize_t n; (n = green_read(b, block, sizeof block, soon())) != 0; received += (size_t)n)
        ck_assert_int_gt(n, 0);
    ck_assert_uint_eq(received, sent);
    hang_up(far(&c, _i));
    finish(&c, "");
    ck_assert_int_eq(c.result.first_byte != 0, _i == 1);
}
END_TEST

/* Bytes in one direction now and then keep the whole tunnel alive; then it ends. If the machine itself paused
 * for as long as the timeout, an early end is right. */
START_TEST(idle_means_both_directions)
{
    struct carry c = {.options.idle = GREEN_MS(500)};
    start_tcp(&c, 0);
    int a = *near(&c, _i), b = *far(&c, _i);
    green_time begun = green_now(), last = begun, longest = 0;
    while (last < begun + GREEN_MS(1600) && !c.ended) {
        if (green_write_all(a, "x", 1, NULL, soon()) == 0)
            green_sleep(GREEN_MS(50));
        green_time now = green_now();
        longest = now - last > longest ? now - last : longest;
        last = now;
        char block[100];
        if (green_read(b, block, sizeof block, GREEN_NOWAIT) <= 0 && longest < GREEN_MS(400))
            ck_abort_msg("nothing came");
    }
    if (longest < GREEN_MS(400))
        ck_assert_int_eq(c.ended, 0);
    finish(&c, "idle_timeout");
    ck_assert_uint_ge(c.result.from_client + c.result.from_upstream, 1);
}
END_TEST

START_TEST(an_idle_tunnel_ends_in_order)
{
    struct carry c = {.options.idle = GREEN_MS(50)};
    start_tcp(&c, 0);
    green_time begun = green_turn_time();
    hear_end(c.client);
    hear_end(c.upstream);
    ck_assert_int_ge(green_turn_time() - begun, GREEN_MS(50));
    finish(&c, "idle_timeout");
    ck_assert_int_eq(c.result.first_byte, 0);
}
END_TEST

/* However busy it is, or however silent. */
START_TEST(a_tunnel_may_not_live_for_ever)
{
    struct carry c = {.options.idle = GREEN_S(60), .options.life = GREEN_MS(300)};
    start_tcp(&c, 0);
    green_time begun = green_turn_time();
    char byte = 'x';
    while (_i && !c.ended && green_write_all(c.client, &byte, 1, NULL, soon()) == 0 &&
           green_read(c.upstream, &byte, 1, soon()) == 1)
        ;
    finish(&c, "tunnel_timeout");
    ck_assert_int_ge(green_turn_time() - begun, GREEN_MS(300));
    ck_assert(!_i || c.result.from_client > 0);
}
END_TEST

static void *drain(void *arg)
{
    const int *fd = arg;
    static char block[65536];
    while (green_read(*fd, block, sizeof block, soon()) > 0)
        ;
    return NULL;
}

/* A source that always has more never comes to rest. */
START_TEST(nor_while_it_streams)
{
    struct carry c = {.options.idle = GREEN_S(60), .options.life = GREEN_MS(300)};
    start_tcp(&c, 0);
    green_t *reader = green_spawn(drain, &c.upstream);
    static char block[65536];
    while (green_write_all(c.client, block, sizeof block, NULL, soon()) == 0)
        ;
    finish(&c, "tunnel_timeout");
    ck_assert_int_eq(green_join(reader, soon()), 0);
    green_release(reader);
}
END_TEST

START_TEST(a_half_closed_tunnel_may_not_idle_for_ever)
{
    struct carry c = {.options.idle = GREEN_MS(50)};
    start_tcp(&c, 0);
    green_shutdown_write(*near(&c, _i));
    hear_end(*far(&c, _i));
    hear_end(*near(&c, _i));
    finish(&c, "idle_timeout");
}
END_TEST

START_TEST(a_peer_that_takes_nothing_is_cut_off)
{
    struct carry c = {.options.write = GREEN_MS(100)};
    start_tcp(&c, 8192);
    int a = *near(&c, _i);
    static char block[65536];
    int r = 0;
    while (r == 0)
        r = green_write_all(a, block, sizeof block, NULL, soon());
    ck_assert(r == -ECONNRESET || r == -EPIPE); /* bytes were lost: not an end that looks like a good one */
    finish(&c, "write_timeout");
}
END_TEST

/* --- giving up
 * ----------------------------------------------------------------------------------------------------------
 */

START_TEST(an_idle_tunnel_can_be_aborted)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    if (_i == 1)
        say(c.client, "news"); /* its greenlet is about to run, or has run */
    for (int n = 0; n < _i; n++)
        green_yield();
    tunnel_abort(c.tunnel);
    tunnel_abort(c.tunnel);
    finish(&c, "shutdown");
}
END_TEST

START_TEST(a_half_closed_tunnel_can_be_aborted)
{
    struct carry c = {0};
    start_tcp(&c, 0);
    green_shutdown_write(*near(&c, _i));
    hear_end(*far(&c, _i));
    tunnel_abort(c.tunnel);
    finish(&c, "shutdown");
}
END_TEST

/* One direction is stuck in a write, or both are (4 and 5), or the other has ended (2 and 3). */
START_TEST(a_stuck_tunnel_can_be_aborted)
{
    struct carry c = {0};
    start_tcp(&c, 8192);
    if (_i == 2 || _i == 3) {
        green_shutdown_write(*far(&c, _i));
        hear_end(*near(&c, _i));
    }
    stuff(*near(&c, _i));
    if (_i >= 4)
        stuff(*far(&c, _i));
    tunnel_abort(c.tunnel);
    ck_assert_int_eq(green_park(&c.over, soon()), 0);
    static char block[65536];
    ssize_t n;
    while ((n = green_read(*far(&c, _i), block, sizeof block, soon())) > 0)
        ;
    ck_assert_int_eq(n, -ECONNRESET); /* cut off in the middle: not an end that looks like a good one */
    finish(&c, "shutdown");
}
END_TEST

static void abort_in_done(void *arg, const struct tunnel_result *result)
{
    struct carry *c = arg;
    tunnel_abort(c->tunnel);
    on_end(arg, result);
}

START_TEST(an_abort_at_the_end_changes_nothing)
{
    struct carry c = {.options = {&buffers, GREEN_S(60), GREEN_S(60), 0}};
    int client[2], upstream[2];
    tcp_pair(client, 0);
    tcp_pair(upstream, 0);
    c.client = client[0], c.upstream = upstream[0];
    ck_assert_int_eq(tunnel_start(&c.tunnel, (struct wire){client[1], NULL}, (struct wire){upstream[1], NULL},
                                  span_str(""), span_str(""), &c.options, abort_in_done, &c),
                     0);
    hang_up(&c.client);
    hang_up(&c.upstream);
    finish(&c, "");
}
END_TEST

/* --- failing to begin ----------------------------------------------------------------------------------- */

static void must_not_be_called(void *arg, const struct tunnel_result *result)
{
    ck_abort_msg("done() of a tunnel that never was");
}

START_TEST(a_start_that_fails_leaves_the_sockets_alone)
{
    struct tunnel_options options = {&buffers, GREEN_S(60), GREEN_S(60), 0};
    struct tunnel *tunnel;
    int client[2], other[2], upstream = open("/", O_RDONLY | O_PATH | O_CLOEXEC); /* cannot be polled */
    ck_assert_int_ge(upstream, 0);
    tcp_pair(client, 0);
    if (_i) { /* the first direction is under way when the second fails */
        char byte;
        ck_assert_int_eq(green_read(client[1], &byte, 1, green_in_ms(1)), -ETIMEDOUT);
        say(client[0], "x");
        green_sleep(GREEN_MS(1));
    }
    tcp_pair(other, 0);
    ck_assert_int_lt(tunnel_start(&tunnel, (struct wire){client[1], NULL}, (struct wire){upstream, NULL},
                                  span_str(""), span_str(""), &options, must_not_be_called, NULL),
                     0);
    for (int n = 0; n < 10; n++)
        green_yield();
    say(client[1], "still mine");
    hear(client[0], "still mine");
    hang_up(&client[0]);
    hang_up(&client[1]);
    hang_up(&other[0]);
    hang_up(&other[1]);
    close(upstream);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {bytes_pass_both_ways, 2},
        {the_server_may_speak_first, 0},
        {bytes_that_came_before_the_tunnel_are_seen, 0},
        {early_bytes_go_first, 0},
        {early_bytes_may_be_more_than_the_socket_takes, 2},
        {half_an_end_leaves_the_other_direction_open, 4},
        {the_end_comes_after_all_bytes, 2},
        {a_reset_is_passed_on_as_a_reset, 4},
        {a_reset_reaches_a_writer_that_is_stuck, 2},
        {last_words_before_a_reset_are_delivered, 2},
        {what_was_passed_on_properly_survives_a_late_write_to_a_closed_peer, 2},
        {a_peer_that_listens_no_more_ends_the_tunnel, 2},
        {a_slow_reader_holds_the_sender_back, 2},
        {idle_means_both_directions, 2},
        {an_idle_tunnel_ends_in_order, 0},
        {a_tunnel_may_not_live_for_ever, 2},
        {nor_while_it_streams, 0},
        {a_half_closed_tunnel_may_not_idle_for_ever, 2},
        {a_peer_that_takes_nothing_is_cut_off, 2},
        {an_idle_tunnel_can_be_aborted, 8},
        {a_half_closed_tunnel_can_be_aborted, 2},
        {a_stuck_tunnel_can_be_aborted, 6},
        {an_abort_at_the_end_changes_nothing, 0},
        {a_start_that_fails_leaves_the_sockets_alone, 2},
    };
    return run_tests("tcp/tunnel", tests, sizeof tests / sizeof tests[0]);
}
