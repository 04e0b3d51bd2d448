/* The datagram server: handlers in greenlets and in order, bounds, what goes wrong, its life. */
#include <net/datagram.h>
#include <net/message.h>
#include <sys/stat.h>

#include "support.h"

struct book {
    struct gate gate;
    int begun, ended, errors, last_error;
    bool last_error_had_sender;
    char last[64];
    int from_inside;
};

static int echo(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    ((struct book *)arg)->begun++;
    return green_datagram_send(s, d->from, d->data, d->size, soon());
}

/* Lets others run in the middle: in order or not shows here. */
static int wait_and_echo(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    struct book *book = arg;
    book->begun++;
    int r = gate_wait(&book->gate, soon());
    if (r == 0)
        r = green_datagram_send(s, d->from, d->data, d->size, soon());
    book->ended++;
    return r;
}

static int go_wrong(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    return -EPROTO;
}

static int stop_inside(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    struct book *book = arg;
    book->from_inside = green_datagram_server_stop(s, soon());
    book->ended++;
    return green_datagram_send(s, d->from, d->data, d->size, soon());
}

static int keep(green_datagram_server_t *s, const green_datagram_t *d, void *arg)
{
    struct book *book = arg;
    ck_assert_uint_lt(d->size, sizeof book->last);
    memcpy(book->last, d->data, d->size);
    ck_assert_int_eq(green_datagram_send(s, d->from, "x", 1, soon()), -EINVAL); /* it has no address */
    book->ended++;
    return 0;
}

static void note_error(green_datagram_server_t *s, const green_address_t *from, int error, void *arg)
{
    struct book *book = arg;
    book->errors++;
    book->last_error = error;
    book->last_error_had_sender = from != NULL;
}

static green_datagram_server_t *started(const char *address, green_datagram_fn fn, struct book *book,
                                        green_datagram_options_t options)
{
    green_datagram_server_t *server;
    gate_init(&book->gate);
    options.on_error = note_error;
    ck_assert_int_eq(green_datagram_server_new(&server, address, fn, book, &options), 0);
    ck_assert_int_eq(green_datagram_server_start(server, soon()), 0);
    return server;
}

static void end_server(green_datagram_server_t *server)
{
    ck_assert_int_eq(green_datagram_server_stop(server, soon()), 0);
    green_datagram_server_free(server);
}

static green_datagram_stats_t stats_of(const green_datagram_server_t *server)
{
    green_datagram_stats_t stats;
    green_datagram_server_stats(server, &stats);
    return stats;
}

/* A client whose datagrams go there. */
static int dial(const green_datagram_server_t *server)
{
    green_address_t address;
    ck_assert_int_eq(green_datagram_server_address(server, &address), 0);
    int fd = green_socket(address.any.sa_family, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &address.any, address.length), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(green_send(fd, text, strlen(text), 0, soon()), (int)strlen(text));
}

static void hear(int fd, const char *text)
{
    char buffer[100] = {0};
    ck_assert_int_eq(green_recv(fd, buffer, sizeof buffer - 1, 0, soon()), (int)strlen(text));
    ck_assert_str_eq(buffer, text);
}

static void until(const int *number, int value)
{
    green_time deadline = soon();
    while (*number < value) {
        ck_assert_int_lt(green_now(), deadline);
        ck_assert_int_eq(green_yield(), 0);
    }
}

START_TEST(answers_each_sender)
{
    struct book book = {0};
    green_datagram_server_t *server =
        started("127.0.0.1:0", echo, &book, (green_datagram_options_t){.in_order = _i == 1});
    ck_assert_int_gt(green_datagram_server_port(server), 0);
    int one = dial(server), two = dial(server);
    say(one, "first");
    say(two, "second");
    say(one, "");
    hear(two, "second");
    hear(one, "first");
    hear(one, ""); /* an empty datagram is one */
    ck_assert_uint_eq(stats_of(server).received, 3);
    ck_assert_int_eq(book.errors, 0);
    close_pair((int[]){one, two});
    end_server(server);
}
END_TEST

START_TEST(no_more_handlers_than_allowed)
{
    struct book book = {0};
    green_datagram_server_t *server =
        started("127.0.0.1:0", wait_and_echo, &book,
                (green_datagram_options_t){.handlers = _i ? 0 : 2, .in_order = _i});
    int fd = dial(server), most = _i ? 1 : 2;
    for (int i = 0; i < 4; i++)
        say(fd, (const char *[]){"0", "1", "2", "3"}[i]);
    until(&book.begun, most);
    yields(20);
    ck_assert_int_eq(book.begun, most);
    ck_assert_uint_eq(stats_of(server).active, (size_t)most);
    for (int i = 0; i < 4; i++) {
        gate_open(&book.gate);
        hear(fd, (const char *[]){"0", "1", "2", "3"}[i]);
    }
    ck_assert_int_eq(book.begun, 4);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

START_TEST(errors_of_handlers)
{
    struct book book = {0};
    green_datagram_server_t *server = started("127.0.0.1:0", go_wrong, &book, (green_datagram_options_t){0});
    int fd = dial(server);
    for (int i = 1; i <= 3; i++) {
        say(fd, "x");
        until(&book.errors, i);
    }
    ck_assert_int_eq(book.last_error, -EPROTO);
    ck_assert(book.last_error_had_sender);
    ck_assert_uint_eq(stats_of(server).failed, 3);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

START_TEST(what_is_too_large_is_dropped)
{
    struct book book = {0};
    green_datagram_server_t *server =
        started("127.0.0.1:0", echo, &book, (green_datagram_options_t){.size = 5});
    int fd = dial(server);
    say(fd, "sixsix");
    say(fd, "five5");
    hear(fd, "five5");
    ck_assert_uint_eq(stats_of(server).dropped, 1);
    ck_assert_uint_eq(stats_of(server).received, 1);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

/* Handlers may still answer while the server stops; those that do not end are cancelled. */
START_TEST(stopping)
{
    struct book book = {0};
    green_datagram_server_t *server =
        started("127.0.0.1:0", wait_and_echo, &book,
                (green_datagram_options_t){.in_order = _i, .stop_timeout = GREEN_MS(20)});
    int fd = dial(server);
    char byte;
    say(fd, "a");
    until(&book.begun, 1);
    gate_open(&book.gate);
    ck_assert_int_eq(green_datagram_server_stop(server, soon()), 0);
    hear(fd, "a");
    ck_assert(!stats_of(server).started);
    ck_assert_int_eq(green_close(fd), 0);

    ck_assert_int_eq(green_datagram_server_start(server, soon()), 0);
    fd = dial(server);
    say(fd, "b");
    until(&book.begun, 2);
    ck_assert_int_eq(green_datagram_server_stop(server, soon()), 0);
    ck_assert_int_eq(book.ended, 2);
    ck_assert_int_eq(book.errors, 0);
    ssize_t n = green_recv(fd, &byte, 1, 0, GREEN_NOWAIT); /* refused, if the kernel has told us */
    ck_assert(n == -EAGAIN || n == -ECONNREFUSED);
    ck_assert_int_eq(green_datagram_send(server, NULL, "x", 1, soon()), -EBADF);
    ck_assert_int_eq(green_close(fd), 0);
    green_datagram_server_free(server);
}
END_TEST

START_TEST(a_handler_cannot_wait_for_itself)
{
    struct book book = {0};
    green_datagram_server_t *server =
        started("127.0.0.1:0", stop_inside, &book, (green_datagram_options_t){.in_order = _i});
    int fd = dial(server);
    say(fd, "x");
    hear(fd, "x");
    ck_assert_int_eq(book.from_inside, -EDEADLK);
    ck_assert(!stats_of(server).started);
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
}
END_TEST

static void *run(void *arg)
{
    static int result;
    result = green_datagram_server_run(arg, soon());
    return &result;
}

START_TEST(run_and_free)
{
    struct book book = {0};
    green_datagram_server_t *server = started("127.0.0.1:0", echo, &book, (green_datagram_options_t){0});
    green_t *runner = spawn(run, server);
    int fd = dial(server);
    say(fd, "x");
    hear(fd, "x");
    ck_assert(!green_done(runner));
    green_datagram_server_free(server); /* whoever waits inside is told */
    finish(runner);
    ck_assert_int_eq(green_close(fd), 0);
    yields(3);
}
END_TEST

START_TEST(descriptors_and_wrong_use)
{
    struct book book = {0};
    green_datagram_server_t *server;
    green_datagram_options_t options = {.size = 100000};
    green_address_t address;
    int pair[2];
    ck_assert_int_eq(green_datagram_server_new(&server, NULL, echo, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_datagram_server_new(&server, ":0", NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_datagram_server_new(&server, ":0", echo, NULL, &options), -EINVAL);
    tcp_pair(pair);
    ck_assert_int_eq(green_datagram_server_new_fd(&server, pair[0], echo, NULL, NULL), -EINVAL);
    close_pair(pair);
    int fd = green_socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 0), 0);
    ck_assert_int_eq(bind(fd, &address.any, address.length), 0);
    ck_assert_int_eq(green_datagram_server_new_fd(&server, fd, echo, &book, NULL), 0);
    ck_assert_int_eq(green_datagram_server_start(server, soon()), 0);
    ck_assert_int_eq(green_datagram_server_start(server, soon()), 0);
    int client = dial(server);
    say(client, "x");
    hear(client, "x");
    ck_assert_int_eq(green_close(client), 0);
    ck_assert_int_eq(green_datagram_server_stop(server, soon()), 0);
    ck_assert_int_eq(green_datagram_server_start(server, soon()), -EBADF);
    ck_assert_int_eq(green_datagram_server_port(server), 0);
    green_datagram_server_free(server);
    green_datagram_server_free(NULL);
}
END_TEST

START_TEST(unix_sockets)
{
    struct book book = {0};
    char folder[] = "/tmp/green-datagram-XXXXXX", address[64];
    struct stat status;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    green_datagram_server_t *server = started(address, keep, &book, (green_datagram_options_t){0});
    ck_assert_int_eq(stat(address + 5, &status), 0);
    int fd = dial(server);
    say(fd, "hello");
    until(&book.ended, 1);
    ck_assert_str_eq(book.last, "hello");
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
    ck_assert_int_eq(stat(address + 5, &status), -1);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {answers_each_sender, 2},
        {no_more_handlers_than_allowed, 2},
        {errors_of_handlers, 0},
        {what_is_too_large_is_dropped, 0},
        {stopping, 2},
        {a_handler_cannot_wait_for_itself, 2},
        {run_and_free, 0},
        {descriptors_and_wrong_use, 0},
        {unix_sockets, 0},
    };
    return RUN_TESTS("datagram", tests);
}
