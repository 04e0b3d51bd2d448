/* Where stream servers listen: forms of addresses, descriptors, unix sockets, TLS. */
#include <sys/stat.h>

#include "serving.h"
#include "tls_pair.h"

/* --- where it listens -------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *dial; /* NULL: it must be refused, with: */
    int error;
} addresses[] = {
    {"127.0.0.1:0", "127.0.0.1", 0},
    {":0", "127.0.0.1", 0},
    {"*:0", "127.0.0.1", 0},
    {"localhost:0", NULL, 1}, /* either family */
    {"", NULL, -EINVAL},
    {"127.0.0.1", NULL, -EINVAL},
    {"127.0.0.1:", NULL, -EINVAL},
    {"127.0.0.1:http", NULL, -EINVAL},
    {"127.0.0.1:65536", NULL, -EINVAL},
    {"127.0.0.1:-1", NULL, -EINVAL},
    {"127.0.0.1:000080", NULL, -EINVAL},
    {"::1:80", NULL, -EINVAL},
    {"[::1:80", NULL, -EINVAL},
    {"[nonsense]:80", NULL, -EINVAL},
    {"8.8.8.8:0", NULL, -EADDRNOTAVAIL},
    {"unix:", NULL, -EINVAL},
    {"unix:relative", NULL, -EINVAL},
    {"unix:/no/such/folder/socket", NULL, -ENOENT},
};

START_TEST(address_forms)
{
    struct book book = {0};
    green_server_t *server = make(addresses[_i].text, echo, &book, (green_server_options_t){0});
    int r = green_server_start(server, soon());
    if (addresses[_i].error < 0) {
        ck_assert_int_eq(r, addresses[_i].error);
    } else {
        ck_assert_int_eq(r, 0);
        green_address_t address;
        ck_assert_int_eq(green_server_address(server, &address), 0);
        if (addresses[_i].dial)
            ck_assert_int_eq(green_address_parse(&address, addresses[_i].dial, green_server_port(server)), 0);
        int fd = green_connect(&address, soon());
        ck_assert_int_ge(fd, 0);
        assert_echo(fd, "hello");
        ck_assert_int_eq(green_close(fd), 0);
    }
    end_server(server);
}
END_TEST

START_TEST(every_address_of_the_sixth_version)
{
    struct book book = {0};
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    green_server_t *server = make("[::]:0", echo, &book, (green_server_options_t){0});
    int r = green_server_start(server, soon());
    if (probe < 0) {
        ck_assert_int_eq(r, -EAFNOSUPPORT);
    } else {
        ck_assert_int_eq(close(probe), 0);
        ck_assert_int_eq(r, 0);
        green_address_t address;
        ck_assert_int_eq(green_address_parse(&address, "::1", green_server_port(server)), 0);
        int fd = green_connect(&address, soon());
        if (fd != -EADDRNOTAVAIL) { /* a machine without the loopback address */
            ck_assert_int_ge(fd, 0);
            assert_echo(fd, "hello");
            ck_assert_int_eq(green_close(fd), 0);
        }
    }
    end_server(server);
}
END_TEST

START_TEST(a_port_in_use)
{
    struct book book = {0}, other = {0};
    char address[64];
    green_server_t *server = started(echo, &book, (green_server_options_t){.reuseport = _i == 1});
    snprintf(address, sizeof address, "127.0.0.1:%d", green_server_port(server));
    green_server_t *second = make(address, echo, &other, (green_server_options_t){.reuseport = _i == 1});
    ck_assert_int_eq(green_server_start(second, soon()), _i == 1 ? 0 : -EADDRINUSE);
    end_server(second);
    end_server(server);
}
END_TEST

START_TEST(a_descriptor_given)
{
    struct book book = {0};
    green_address_t address;
    green_server_t *server;
    int fd = listen_anywhere(&address);
    ck_assert_int_eq(green_server_new_fd(&server, fd, echo, &book, NULL), 0);
    int early = green_connect(&address, soon()); /* it listens already, but nobody accepts */
    ck_assert_int_ge(early, 0);
    yields(20);
    ck_assert_uint_eq(stats_of(server).accepted, 0);
    ck_assert_int_eq(green_server_port(server), green_address_port(&address));
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    assert_echo(early, "hello");
    ck_assert_int_eq(green_close(early), 0);
    ck_assert_int_eq(green_server_stop(server, soon()), 0);
    ck_assert_int_eq(green_server_start(server, soon()), -EBADF); /* it is gone */
    green_server_free(server);
}
END_TEST

START_TEST(descriptors_that_do_not_listen)
{
    green_server_t *server;
    int ends[2], fds[2];
    ck_assert_int_eq(green_server_new_fd(&server, -1, echo, NULL, NULL), -EBADF);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(green_server_new_fd(&server, ends[0], echo, NULL, NULL), -ENOTSOCK);
    tcp_pair(fds);
    ck_assert_int_eq(green_server_new_fd(&server, fds[0], echo, NULL, NULL), -EINVAL);
    close_pair(fds);
    close_pair(ends);
    ck_assert_int_eq(green_server_new(&server, NULL, echo, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_server_new(&server, ":0", NULL, NULL, NULL), -EINVAL);
    green_server_options_t options = {.stop_timeout = -1};
    ck_assert_int_eq(green_server_new(&server, ":0", echo, NULL, &options), -EINVAL);
}
END_TEST

/* --- unix sockets ------------------------------------------------------------------------------------------------ */

static char folder[64], socket_address[96];

static const char *new_socket_path(void)
{
    strcpy(folder, "/tmp/green-server-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(socket_address, sizeof socket_address, "unix:%s/socket", folder);
    return socket_address + 5;
}

START_TEST(a_socket_file_comes_and_goes)
{
    struct book book = {0}, other = {0};
    const char *path = new_socket_path();
    struct stat status;
    green_server_t *server = make(socket_address, echo, &book, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert(S_ISSOCK(status.st_mode));
    int fd = dial(server);
    assert_echo(fd, "hello");
    /* Somebody serves here: a second one keeps its hands off. */
    green_server_t *second = make(socket_address, echo, &other, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(second, soon()), -EADDRINUSE);
    green_server_free(second);
    yields(3); /* the look that it had must not hurt */
    assert_echo(fd, "goes on");
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
    ck_assert_int_eq(stat(path, &status), -1);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_stale_socket_file_is_replaced)
{
    struct book book = {0};
    const char *path = new_socket_path();
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    int dead = green_listen(&address, 1, 0);
    ck_assert_int_ge(dead, 0);
    ck_assert_int_eq(green_close(dead), 0); /* the file stays */
    green_server_t *server = make(socket_address, echo, &book, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    int fd = dial(server);
    assert_echo(fd, "hello");
    ck_assert_int_eq(green_close(fd), 0);
    end_server(server);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(other_files_are_not_touched)
{
    struct book book = {0};
    const char *path = new_socket_path();
    struct stat status;
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fclose(f), 0);
    green_server_t *server = make(socket_address, echo, &book, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(server, soon()), -EADDRINUSE);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    green_server_free(server);
    ck_assert_int_eq(unlink(path), 0);

    /* A successor that took the path over keeps it when we stop. */
    server = make(socket_address, echo, &book, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(server, soon()), 0);
    ck_assert_int_eq(unlink(path), 0);
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    int successor = green_listen(&address, 1, 0);
    ck_assert_int_ge(successor, 0);
    end_server(server);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(green_close(successor), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_path_that_is_too_long)
{
    struct book book = {0};
    char address[200] = "unix:/";
    memset(address + 6, 'x', sizeof address - 7);
    green_server_t *server = make(address, echo, &book, (green_server_options_t){0});
    ck_assert_int_eq(green_server_start(server, soon()), -ENAMETOOLONG);
    green_server_free(server);
}
END_TEST

/* --- TLS --------------------------------------------------------------------------------------------------------- */

START_TEST(handlers_get_tls_streams)
{
    struct book book = {0};
    green_tls_context_t *context = server_context(), *client = client_context();
    green_server_t *server = started(echo, &book, (green_server_options_t){.tls = context});
    green_tls_context_release(context); /* the server has its own reference */
    green_stream_t *below = stream_over(dial(server)), *tls;
    ck_assert_int_eq(green_tls_connect(&tls, client, below, "localhost", soon()), 0);
    send_text(tls, "hello");
    expect_text(tls, "hello");
    ck_assert_int_eq(green_stream_shutdown(tls, soon()), 0);
    until(&book.ended, 1);
    ck_assert_int_eq(green_stream_close(tls), 0);
    ck_assert_int_eq(book.errors, 0);
    green_tls_context_release(client);
    end_server(server);
}
END_TEST

/* One who speaks no TLS, and one who never says a word: reported, closed, and nobody else is hurt. */
START_TEST(handshakes_that_fail)
{
    struct book book = {0};
    char buffer[256];
    green_tls_context_t *context = server_context();
    green_server_t *server =
        started(echo, &book, (green_server_options_t){.tls = context, .handshake_timeout = GREEN_MS(20)});
    green_tls_context_release(context);
    int plain = dial(server), silent = dial(server);
    ck_assert_int_eq(green_write_all(plain, "GET / HTTP/1.1\r\n\r\n", 18, NULL, soon()), 0);
    ssize_t n;
    while ((n = green_read(plain, buffer, sizeof buffer, soon())) > 0) /* an alert, maybe */
        ;
    ck_assert(n == 0 || n == -ECONNRESET);
    ck_assert_int_eq(green_close(plain), 0);
    assert_closed(silent);
    ck_assert_int_eq(book.errors, 2);
    ck_assert_int_eq(book.last_error, -ETIMEDOUT);
    ck_assert(book.last_error_had_peer);
    ck_assert_uint_eq(stats_of(server).failed, 2);
    ck_assert_int_eq(book.begun, 0);
    end_server(server);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {handlers_get_tls_streams, 0},
        {handshakes_that_fail, 0},
        {address_forms, sizeof addresses / sizeof addresses[0]},
        {every_address_of_the_sixth_version, 0},
        {a_port_in_use, 2},
        {a_descriptor_given, 0},
        {descriptors_that_do_not_listen, 0},
        {a_socket_file_comes_and_goes, 0},
        {a_stale_socket_file_is_replaced, 0},
        {other_files_are_not_touched, 0},
        {a_path_that_is_too_long, 0},
    };
    return RUN_TESTS("server_address", tests);
}
