/* The stream server: its life, its end, its bounds, what goes wrong in handlers and with accept(2). */
#include <sys/resource.h>

#include "serving.h"

/* --- life (case 117) --------------------------------------------------------------------------------------------- */

START_TEST(serves_several_at_once)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int fds[20];
    ck_assert_int_gt(green_server_port(server), 0);
    for (int i = 0; i < 20; i++)
        fds[i] = dial(server);
    for (int i = 19; i >= 0; i--)
        assert_echo(fds[i], "hello");
    ck_assert_uint_eq(stats_of(server).active, 20);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(green_shutdown_write(fds[i]), 0);
        assert_closed(fds[i]);
    }
    until_active(server, 0);
    ck_assert_uint_eq(stats_of(server).accepted, 20);
    ck_assert_uint_eq(stats_of(server).failed, 0);
    ck_assert_int_eq(book.ended, 20);
    end_server(server);
}
END_TEST

START_TEST(made_but_not_started_it_does_not_listen)
{
    struct book book = {0};
    green_server_t *server = make("127.0.0.1:0", echo, &book, (green_server_options_t){0});
    green_address_t address;
    ck_assert_int_eq(green_server_address(server, &address), -EBADF);
    ck_assert_int_eq(green_server_port(server), 0);
    ck_assert(!stats_of(server).started);
    ck_assert_int_eq(green_server_pause(server), -EINVAL);
    ck_assert_int_eq(green_server_resume(server), -EINVAL);
    ck_assert_int_eq(green_server_stop(server, GREEN_NOWAIT), 0);
    green_server_free(server);
    green_server_free(NULL);
}
END_TEST

START_TEST(starting_twice_is_starting_once)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int port = green_server_port(server);
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    ck_assert_int_eq(green_server_port(server), port);
    end_server(server);
}
END_TEST

START_TEST(after_a_stop_the_port_is_free_and_start_takes_it_again)
{
    struct book book = {0};
    char address[64];
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    snprintf(address, sizeof address, "127.0.0.1:%d", green_server_port(server));
    int fd = dial(server);
    assert_echo(fd, "x");
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);

    green_address_t gone;
    ck_assert_int_eq(green_address_parse(&gone, "127.0.0.1", atoi(strchr(address, ':') + 1)), 0);
    ck_assert_int_eq(green_connect(&gone, soon()), -ECONNREFUSED);

    server = make(address, echo, &book, (green_server_options_t){0});
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_server_start(server, soon()), 0);
        fd = dial(server);
        assert_echo(fd, "again");
        ck_assert_int_eq(green_close(fd), 0);
        ck_assert_int_eq(green_server_stop(server, soon()), 0);
    }
    green_server_free(server);
}
END_TEST

START_TEST(paused_it_leaves_connections_in_the_queue)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int before = dial(server);
    assert_echo(before, "before");
    ck_assert_int_eq(green_server_pause(server), 0);
    ck_assert_int_eq(green_server_pause(server), 0);
    ck_assert(stats_of(server).paused);
    int fd = dial(server);
    yields(50);
    ck_assert_uint_eq(stats_of(server).accepted, 1);
    assert_echo(before, "goes on");
    ck_assert_int_eq(green_server_resume(server), 0);
    ck_assert_int_eq(green_server_resume(server), 0);
    ck_assert(!stats_of(server).paused);
    assert_echo(fd, "late");
    ck_assert_int_eq(green_server_pause(server), 0); /* and at once again: two acceptors meet */
    ck_assert_int_eq(green_server_resume(server), 0);
    int third = dial(server);
    assert_echo(third, "third");
    close_pair((int[]){before, fd});
    ck_assert_int_eq(green_close(third), 0);
    end_server(server);
}
END_TEST

START_TEST(run_serves_until_it_is_stopped)
{
    struct book book = {0};
    green_server_t *server = make("127.0.0.1:0", echo, &book, (green_server_options_t){0});
    if (_i) /* run after start */
        ck_assert_int_eq(green_server_start(server, soon()), 0);
    green_t *runner = spawn(run, server);
    yields(3);
    int fd = dial(server);
    assert_echo(fd, "x");
    ck_assert(!green_done(runner));
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    void *result;
    ck_assert_int_eq(green_get(runner, &result, soon()), 0);
    ck_assert_int_eq(*(int *)result, 0);
    green_release(runner);
    ck_assert_int_eq(green_server_run(server, green_in_ms(5)), -ETIMEDOUT); /* it goes on */
    ck_assert(stats_of(server).started);
    end_server(server);
}
END_TEST

/* --- stopping ---------------------------------------------------------------------------------------------------- */

START_TEST(stop_lets_handlers_finish)
{
    struct book book = {0};
    green_server_t *server =
        started(wait_inside, &book, (green_server_options_t){.stop_timeout = GREEN_S(30)});
    int fd = dial(server);
    until(&book.begun, 1);
    gate_open(&book.gate);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    ck_assert_int_eq(book.ended, 1);
    ck_assert_int_eq(book.errors, 0);
    assert_closed(fd);
    green_server_free(server);
}
END_TEST

START_TEST(stop_cancels_those_that_do_not)
{
    struct book book = {0};
    green_server_t *server =
        started(wait_inside, &book, (green_server_options_t){.stop_timeout = GREEN_MS(10)});
    int fds[3] = {dial(server), dial(server), dial(server)};
    until(&book.begun, 3);
    green_time before = green_now();
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    ck_assert_int_ge(green_now() - before, GREEN_MS(10));
    ck_assert_int_eq(book.ended, 3);
    ck_assert_int_eq(book.errors, 0); /* being cancelled is not going wrong */
    for (int i = 0; i < 3; i++)
        assert_closed(fds[i]);
    green_server_free(server);
}
END_TEST

static int stubborn(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    struct book *book = arg;
    book->begun++;
    green_shield();
    int r = gate_wait(&book->gate, soon());
    green_unshield();
    book->ended++;
    return r;
}

/* A deadline before the grace is over, or none at all: cancelled, and the call says that they still live. */
START_TEST(stop_says_when_its_deadline_came_first)
{
    struct book book = {0};
    green_server_t *server = started(stubborn, &book, (green_server_options_t){.stop_timeout = GREEN_MS(5)});
    int fd = dial(server);
    until(&book.begun, 1);
    ck_assert_int_eq(green_server_stop(server, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_server_stop(server, green_in_ms(20)), -ETIMEDOUT);
    ck_assert_uint_eq(stats_of(server).active, 1);
    gate_open(&book.gate);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    assert_closed(fd);
    green_server_free(server);
}
END_TEST

static void *stop(void *arg)
{
    static int result;
    result = green_server_stop(arg, soon());
    return &result;
}

START_TEST(a_cancelled_stop_has_cancelled_the_handlers)
{
    struct book book = {0};
    green_server_t *server =
        started(wait_inside, &book, (green_server_options_t){.stop_timeout = GREEN_S(30)});
    int fd = dial(server);
    until(&book.begun, 1);
    green_t *stopper = spawn(stop, server);
    yields(3);
    ck_assert_int_eq(green_kill(stopper, soon()), 0);
    green_release(stopper);
    assert_closed(fd);
    end_server(server);
}
END_TEST

static int stop_inside(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    struct book *book = arg;
    book->from_inside = green_server_stop(book->server, soon());
    return 0;
}

START_TEST(a_handler_cannot_wait_for_itself)
{
    struct book book = {0};
    green_server_t *server = started(stop_inside, &book, (green_server_options_t){0});
    assert_closed(dial(server));
    ck_assert_int_eq(book.from_inside, -EDEADLK);
    ck_assert(!stats_of(server).started);
    end_server(server);
}
END_TEST

static int free_inside(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    green_server_free(((struct book *)arg)->server);
    return 0;
}

START_TEST(freed_by_its_own_handler)
{
    struct book book = {0};
    green_server_t *server = started(free_inside, &book, (green_server_options_t){0});
    assert_closed(dial(server));
    yields(3);
    (void)server;
}
END_TEST

START_TEST(close_and_free_leave_handlers_alone)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int fd = dial(server);
    assert_echo(fd, "x");
    green_server_close(server);
    green_server_close(server);
    green_server_free(server);
    assert_echo(fd, "still there");
    ck_assert_int_eq(green_shutdown_write(fd), 0);
    assert_closed(fd);
}
END_TEST

/* Accepted, but its greenlet has not had a turn: the connection is closed all the same. */
START_TEST(handlers_that_never_ran)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int fd = dial(server);
    green_time deadline = soon();
    while (!stats_of(server).accepted) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_yield(), 0);
    }
    ck_assert_int_eq(green_server_stop(server, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    green_server_free(server);
    assert_closed(fd);
}
END_TEST

/* --- errors (case 118) ------------------------------------------------------------------------------------------- */

START_TEST(an_error_in_a_handler_closes_its_connection_only)
{
    struct book book = {0};
    green_server_t *server = started(go_wrong, &book, (green_server_options_t){0});
    for (int i = 1; i <= 3; i++) {
        assert_closed(dial(server));
        ck_assert_int_eq(book.errors, i);
        ck_assert_int_eq(book.last_error, -EPROTO);
        ck_assert(book.last_error_had_peer);
    }
    ck_assert_uint_eq(stats_of(server).failed, 3);
    end_server(server);
}
END_TEST

/* Leaves `spare` descriptors above those that are open. */
static void limit_descriptors(int spare, struct rlimit *old)
{
    int highest = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(highest, 0);
    ck_assert_int_eq(close(highest), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, old), 0);
    struct rlimit limit = {.rlim_cur = (rlim_t)(highest + spare), .rlim_max = old->rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(a_passing_shortage_of_descriptors_loses_nobody)
{
    struct book book = {0};
    struct rlimit old;
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    limit_descriptors(1, &old);
    int fd = dial(server);
    until(&book.errors, 1);
    ck_assert_int_eq(book.last_error, -EMFILE);
    ck_assert(!book.last_error_had_peer);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_echo(fd, "at last");
    ck_assert_uint_eq(stats_of(server).turned_away, 0);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

START_TEST(a_lasting_one_turns_connections_away)
{
    struct book book = {0};
    struct rlimit old;
    char buffer[16];
    green_server_t *server = started(echo, &book, (green_server_options_t){.busy = "busy\n"});
    ck_assert_int_eq(green_server_pause(server), 0);
    limit_descriptors(2, &old);
    int fds[2] = {dial(server), dial(server)};
    ck_assert_int_eq(green_server_resume(server), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_read(fds[i], buffer, sizeof buffer, soon()), 5);
        ck_assert_int_eq(memcmp(buffer, "busy\n", 5), 0);
        assert_closed(fds[i]);
    }
    ck_assert_uint_eq(stats_of(server).turned_away, 2);
    ck_assert_int_ge(book.errors, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    int fd = dial(server); /* and all is well again */
    assert_echo(fd, "x");
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

START_TEST(a_listener_closed_behind_its_back_ends_it)
{
    struct book book = {0};
    green_server_t *server = started(echo, &book, (green_server_options_t){0});
    int fd = dial(server), listener = -1;
    assert_echo(fd, "x");
    for (int i = 3; i < 100 && listener < 0; i++) {
        int listens = 0;
        socklen_t length = sizeof listens;
        if (getsockopt(i, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens)
            listener = i;
    }
    green_t *runner = spawn(run, server);
    yields(3);
    ck_assert_int_eq(green_close(listener), 0);
    void *result;
    ck_assert_int_eq(green_get(runner, &result, soon()), 0);
    ck_assert_int_eq(*(int *)result, -EBADF);
    ck_assert_int_eq(book.last_error, -EBADF);
    green_release(runner);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

/* --- bounds (case 119) ------------------------------------------------------------------------------------------- */

START_TEST(when_full_it_stops_accepting_until_one_ends)
{
    struct book book = {0};
    green_server_t *server = started(wait_inside, &book, (green_server_options_t){.connections = 2});
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial(server);
    until(&book.begun, 2);
    yields(50);
    ck_assert_int_eq(book.begun, 2);
    ck_assert_uint_eq(stats_of(server).accepted, 2);
    gate_open(&book.gate);
    until(&book.begun, 3);
    ck_assert_int_eq(book.ended, 1);
    yields(50);
    ck_assert_uint_eq(stats_of(server).active, 2);
    for (int i = 0; i < 3; i++)
        gate_open(&book.gate);
    until(&book.ended, 4);
    for (int i = 0; i < 4; i++)
        assert_closed(fds[i]);
    end_server(server);
}
END_TEST

START_TEST(a_full_server_can_be_stopped_and_paused)
{
    struct book book = {0};
    green_server_t *server =
        started(wait_inside, &book, (green_server_options_t){.connections = 1, .stop_timeout = GREEN_MS(1)});
    int fds[2] = {dial(server), dial(server)};
    until(&book.begun, 1);
    yields(10);
    ck_assert_int_eq(green_server_pause(server), 0);
    gate_open(&book.gate);
    until_active(server, 0);
    yields(10);
    ck_assert_int_eq(book.begun, 1);
    ck_assert_int_eq(green_server_resume(server), 0);
    until(&book.begun, 2);
    close_pair(fds);
    end_server(server);
}
END_TEST

static int count(green_stream_t *stream, const green_address_t *peer, void *arg)
{
    ((struct book *)arg)->begun++;
    return 0;
}

/* So many connections wait that accepting could go on for long: others have their turn in between. */
START_TEST(accepting_is_fair)
{
    struct book book = {0};
    green_server_t *server = started(count, &book, (green_server_options_t){.accepts = 4});
    int fds[40];
    ck_assert_int_eq(green_server_pause(server), 0);
    yields(3);
    for (int i = 0; i < 40; i++)
        fds[i] = dial(server);
    ck_assert_int_eq(green_server_resume(server), 0);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_uint_eq(stats_of(server).accepted, 4);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_uint_le(stats_of(server).accepted, 8);
    until(&book.begun, 40);
    for (int i = 0; i < 40; i++)
        assert_closed(fds[i]);
    end_server(server);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {serves_several_at_once, 0},
        {made_but_not_started_it_does_not_listen, 0},
        {starting_twice_is_starting_once, 0},
        {after_a_stop_the_port_is_free_and_start_takes_it_again, 0},
        {paused_it_leaves_connections_in_the_queue, 0},
        {run_serves_until_it_is_stopped, 2},
        {stop_lets_handlers_finish, 0},
        {stop_cancels_those_that_do_not, 0},
        {stop_says_when_its_deadline_came_first, 0},
        {a_cancelled_stop_has_cancelled_the_handlers, 0},
        {a_handler_cannot_wait_for_itself, 0},
        {freed_by_its_own_handler, 0},
        {close_and_free_leave_handlers_alone, 0},
        {handlers_that_never_ran, 0},
        {an_error_in_a_handler_closes_its_connection_only, 0},
        {a_passing_shortage_of_descriptors_loses_nobody, 0},
        {a_lasting_one_turns_connections_away, 0},
        {a_listener_closed_behind_its_back_ends_it, 0},
        {when_full_it_stops_accepting_until_one_ends, 0},
        {a_full_server_can_be_stopped_and_paused, 0},
        {accepting_is_fair, 0},
    };
    return RUN_TESTS("server", tests);
}
