/* Sockets: addresses as text, connecting, listening, accepting; no call leaves a descriptor behind. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

/* --- addresses
 * ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *host;
    int port, family;
    const char *with_port, *without; /* NULL: not an address */
} addresses[] = {
    {"127.0.0.1", 80, AF_INET, "127.0.0.1:80", "127.0.0.1"},
    {"0.0.0.0", 0, AF_INET, "0.0.0.0:0", "0.0.0.0"},
    {"255.255.255.255", 65535, AF_INET, "255.255.255.255:65535", "255.255.255.255"},
    {"1.20.100.9", 8080, AF_INET, "1.20.100.9:8080", "1.20.100.9"},
    {"::1", 443, AF_INET6, "[::1]:443", "::1"},
    {"[::1]", 443, AF_INET6, "[::1]:443", "::1"},
    {"::", 1, AF_INET6, "[::]:1", "::"},
    {"2001:DB8::0:1", 5, AF_INET6, "[2001:db8::1]:5", "2001:db8::1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535, AF_INET6,
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"::ffff:1.2.3.4", 5, AF_INET6, "[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4"},
    {"/run/x.sock", 0, AF_UNIX, "unix:/run/x.sock", "unix:/run/x.sock"},
    {"/run/x.sock", -1, AF_UNIX, "unix:/run/x.sock", "unix:/run/x.sock"}, /* a path has no port */
    {"127.0.0.1", -1, 0, NULL, NULL},
    {"127.0.0.1", 65536, 0, NULL, NULL},
    {"", 80, 0, NULL, NULL},
    {"localhost", 80, 0, NULL, NULL},
    {"127.1", 80, 0, NULL, NULL},
    {"127.0.0.1 ", 80, 0, NULL, NULL},
    {"0x7f.0.0.1", 80, 0, NULL, NULL},
    {"1.2.3.256", 80, 0, NULL, NULL},
    {"[127.0.0.1]", 80, 0, NULL, NULL},
    {"[::1", 80, 0, NULL, NULL},
    {"::1]", 80, 0, NULL, NULL},
    {"[]", 80, 0, NULL, NULL},
    {"[", 80, 0, NULL, NULL},
    {"::1%", 80, 0, NULL, NULL},
    {"fe80::1%nosuchinterface", 80, 0, NULL, NULL},
    {"fe80::1%0", 80, 0, NULL, NULL},
    {"1:2:3:4:5:6:7:8:9", 80, 0, NULL, NULL},
    {"11111111111111111111111111111111111111111111111111111111111111111111111111111111", 80, 0, NULL, NULL},
};

START_TEST(address_text_both_ways)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT];
    int r = green_address_parse(&address, addresses[_i].host, addresses[_i].port);
    if (!addresses[_i].with_port) {
        ck_assert_int_eq(r, -EINVAL);
        return;
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(address.any.sa_family, addresses[_i].family);
    ck_assert_int_eq(green_address_port(&address), addresses[_i].family == AF_UNIX ? 0 : addresses[_i].port);
    ck_assert_ptr_eq(green_address_text(&address, true, text), text);
    ck_assert_str_eq(text, addresses[_i].with_port);
    ck_assert_str_eq(green_address_text(&address, false, text), addresses[_i].without);
}
END_TEST

START_TEST(every_byte_of_an_address_is_written)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT], expected[GREEN_ADDRESS_TEXT];
    for (int n = 0; n < 65536; n += n < 300 ? 1 : 251) {
        snprintf(expected, sizeof expected, "%d.%d.%d.%d", n % 256, 255 - n % 256, n / 256, n % 7);
        ck_assert_int_eq(green_address_parse(&address, expected, n), 0);
        ck_assert_str_eq(green_address_text(&address, false, text), expected);
        size_t length = strlen(expected);
        snprintf(expected + length, sizeof expected - length, ":%d", n);
        ck_assert_str_eq(green_address_text(&address, true, text), expected);
    }
}
END_TEST

START_TEST(unusual_addresses)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT], path[200];
    ck_assert_int_eq(green_address_parse(&address, "fe80::1%7", 80), 0);
    ck_assert_uint_eq(address.in6.sin6_scope_id, 7);
    ck_assert_int_eq(green_address_parse(&address, "[fe80::1%lo]", 80), 0);
    ck_assert_uint_gt(address.in6.sin6_scope_id, 0);
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[107] = 0; /* the longest there is */
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    ck_assert_str_eq(green_address_text(&address, true, text) + 5, path);
    path[107] = 'p';
    path[108] = 0;
    ck_assert_int_eq(green_address_parse(&address, path, 0), -EINVAL);
    memset(&address, 'x',
           sizeof address); /* a unix socket without a name: nothing behind the family is its own */
    address.un.sun_family = AF_UNIX;
    address.length = sizeof address.un.sun_family;
    ck_assert_str_eq(green_address_text(&address, true, text), "unix:");
    address = (green_address_t){.length = 0};
    ck_assert_str_eq(green_address_text(&address, true, text), "unknown");
    ck_assert_int_eq(green_address_port(&address), 0);
}
END_TEST

/* --- connecting
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(connect_and_accept)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    green_address_t address, here, there, peer;
    ck_assert_int_eq(green_address_parse(&address, hosts[_i], 0), 0);
    int listener = green_listen(&address, 16, _i ? GREEN_V6ONLY : 0);
    if (_i == 1 && (listener == -EADDRNOTAVAIL || listener == -EAFNOSUPPORT))
        return; /* a machine without IPv6 */
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(green_local_address(listener, &address), 0);
    ck_assert_int_gt(green_address_port(&address), 0);
    int client = green_connect(&address, soon());
    ck_assert_int_ge(client, 0);
    int server = green_accept(listener, &peer, soon());
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(green_local_address(client, &here), 0);
    ck_assert_int_eq(green_peer_address(client, &there), 0);
    ck_assert_int_eq(green_address_port(&here), green_address_port(&peer));
    ck_assert_int_eq(green_address_port(&there), green_address_port(&address));
    ck_assert_uint_eq(peer.length, address.length);
    int on = 0;
    socklen_t length = sizeof on;
    ck_assert_int_eq(getsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
    ck_assert_int_ne(on, 0);
    int fds[] = {listener, client, server};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ne(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq(green_close(fds[i]), 0);
    }
    ck_assert_int_eq(green_local_address(listener, &here), -EBADF);
    ck_assert_int_eq(green_peer_address(listener, &here), -EBADF);
}
END_TEST

START_TEST(unix_sockets)
{
    char path[] = "/tmp/green-socket-XXXXXX", text[GREEN_ADDRESS_TEXT];
    green_address_t address, peer;
    ck_assert_ptr_nonnull(mkdtemp(path));
    char name[64];
    snprintf(name, sizeof name, "%s/s", path);
    ck_assert_int_eq(green_address_parse(&address, name, 0), 0);
    ck_assert_int_eq(green_connect(&address, soon()), -ENOENT);
    int listener = green_listen(&address, 16, GREEN_REUSEPORT);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(green_listen(&address, 16, 0), -EADDRINUSE);
    int client = green_connect(&address, soon());
    ck_assert_int_ge(client, 0);
    int server = green_accept(listener, &peer, soon());
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(peer.any.sa_family, AF_UNIX);
    ck_assert_str_eq(green_address_text(&peer, true, text), "unix:");
    ck_assert_int_eq(green_write(client, "x", 1, soon()), 1);
    ck_assert_int_eq(green_read(server, text, sizeof text, soon()), 1);
    ck_assert_int_eq(green_close(listener), 0);
    ck_assert_int_eq(green_connect(&address, soon()), -ECONNREFUSED);
    ck_assert_int_eq(green_close(client), 0);
    ck_assert_int_eq(green_close(server), 0);
    unlink(name);
    rmdir(path);
}
END_TEST

START_TEST(refused)
{
    green_address_t address;
    int listener = listen_anywhere(&address);
    ck_assert_int_eq(green_close(listener), 0);
    int before = open_descriptors();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_connect(&address, soon()), -ECONNREFUSED);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* A listener that answers no more: its queue is full, and the system drops what comes. */
struct full_listener {
    green_address_t address;
    int fd, fillers[8], count;
};

static void fill_listener(struct full_listener *f)
{
    ck_assert_int_eq(green_address_parse(&f->address, "127.0.0.1", 0), 0);
    f->fd = green_listen(&f->address, 0, 0);
    ck_assert_int_ge(f->fd, 0);
    ck_assert_int_eq(green_local_address(f->fd, &f->address), 0);
    for (f->count = 0; f->count < 8; f->count++) {
        int fd = green_connect(&f->address, green_in_ms(100));
        if (fd < 0) {
            ck_assert_int_eq(fd, -ETIMEDOUT);
            return;
        }
        f->fillers[f->count] = fd;
    }
    ck_abort_msg("the listener's queue is never full");
}

static void empty_listener(struct full_listener *f)
{
    for (int i = 0; i < f->count; i++)
        ck_assert_int_eq(green_close(f->fillers[i]), 0);
    ck_assert_int_eq(green_close(f->fd), 0);
}

static void *connect_forever(void *arg)
{
    struct full_listener *f = arg;
    return (void *)(intptr_t)green_connect(&f->address, GREEN_FOREVER);
}

START_TEST(connecting_can_be_given_up)
{
    struct full_listener f;
    fill_listener(&f);
    int before = open_descriptors();
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(green_connect(&f.address, deadline), -ETIMEDOUT);
    ck_assert_int_ge(green_now(), deadline);
    ck_assert_int_eq(green_connect(&f.address, GREEN_NOWAIT), -EAGAIN);
    green_timeout_t outer;
    green_timeout_start(&outer, GREEN_MS(20));
    ck_assert_int_eq(green_connect(&f.address, GREEN_FOREVER), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    ck_assert_int_eq(green_connect(&f.address, GREEN_FOREVER), -ETIMEDOUT); /* does not even begin */
    green_timeout_stop(&outer);
    void *result;
    green_t *g = spawn(connect_forever, &f);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(open_descriptors(), before + 1);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -ECANCELED);
    green_release(g);
    ck_assert_int_eq(open_descriptors(), before);
    empty_listener(&f);
}
END_TEST

START_TEST(impossible_sockets)
{
    green_address_t address;
    ck_assert_ptr_nonnull(green_hub());
    int before = open_descriptors();
    ck_assert_int_lt(green_socket(-1, SOCK_STREAM, 0), 0);
    ck_assert_int_eq(green_address_parse(&address, "192.0.2.1", 80), 0); /* nobody's, least of all ours */
    ck_assert_int_eq(green_listen(&address, 1, 0), -EADDRNOTAVAIL);
    ck_assert_int_eq(green_address_parse(&address, "/nowhere/at/all", 0), 0);
    ck_assert_int_eq(green_listen(&address, 1, 0), -ENOENT);
    ck_assert_int_eq(green_shutdown_write(-1), -EBADF);
    ck_assert_int_eq(open_descriptors(), before);
    int fd = green_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_shutdown_write(fd), -ENOTCONN);
    ck_assert_int_eq(green_accept(fd, NULL, soon()), -EINVAL);
    ck_assert_int_eq(green_close(fd), 0);
}
END_TEST

/* --- accepting
 * ----------------------------------------------------------------------------------------------------- */

START_TEST(shared_ports)
{
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 0), 0);
    int a = green_listen(&address, 16, GREEN_REUSEPORT);
    ck_assert_int_ge(a, 0);
    ck_assert_int_eq(green_local_address(a, &address), 0);
    int b = green_listen(&address, 16, GREEN_REUSEPORT);
    ck_assert_int_ge(b, 0);
    ck_assert_int_eq(green_listen(&address, 16, 0), -EADDRINUSE);
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(b), 0);
}
END_TEST

struct acceptor {
    int listener, accepted;
};

static void *accept_many(void *arg)
{
    struct acceptor *a = arg;
    for (;;) {
        int fd = green_accept(a->listener, NULL, GREEN_FOREVER);
        if (fd < 0)
            return (void *)(intptr_t)fd;
        a->accepted++;
        ck_assert_int_eq(green_close(fd), 0);
    }
}

START_TEST(no_connection_is_forgotten)
{
    enum { ACCEPTORS = 4, CONNECTIONS = 50 };
    green_address_t address;
    int listener = listen_anywhere(&address), total = 0;
    struct acceptor acceptors[ACCEPTORS];
    green_t *g[ACCEPTORS];
    for (int i = 0; i < ACCEPTORS; i++) {
        acceptors[i] = (struct acceptor){.listener = listener};
        g[i] = spawn(accept_many, &acceptors[i]);
    }
    ck_assert_int_eq(green_yield(), 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(fd, &address.any, address.length), 0); /* several before the hub looks */
        close(fd);
        if (i % 7 == 0)
            ck_assert_int_eq(green_sleep(GREEN_US(100)), 0);
    }
    green_time give_up = soon();
    while (total < CONNECTIONS && green_now() < give_up) {
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
        total = 0;
        for (int i = 0; i < ACCEPTORS; i++)
            total += acceptors[i].accepted;
    }
    ck_assert_int_eq(total, CONNECTIONS);
    ck_assert_int_eq(green_close(listener), 0);
    for (int i = 0; i < ACCEPTORS; i++) {
        void *result;
        ck_assert_int_eq(green_get(g[i], &result, soon()), 0);
        ck_assert_int_eq((int)(intptr_t)result, -EBADF);
        green_release(g[i]);
    }
}
END_TEST

static void *read_into(void *arg)
{
    char byte;
    return (void *)(intptr_t)green_read(*(int *)arg, &byte, 1, GREEN_FOREVER);
}

START_TEST(shutdown_ends_the_peers_input)
{
    int fds[2];
    void *result;
    tcp_pair(fds);
    green_t *g = spawn(read_into, &fds[1]);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_shutdown_write(fds[0]), 0);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, 0);
    green_release(g);
    close_pair(fds);
}
END_TEST

static void *echo(void *arg)
{
    int fd = *(int *)arg;
    char buffer[4096];
    ssize_t n;
    while ((n = green_read(fd, buffer, sizeof buffer, soon())) > 0)
        ck_assert_int_eq(green_write_all(fd, buffer, (size_t)n, NULL, soon()), 0);
    ck_assert_int_eq(n, 0);
    return NULL;
}

START_TEST(many_connections_at_once)
{
    enum { COUNT = 100 };
    int pairs[COUNT][2];
    green_t *g[COUNT];
    char buffer[16];
    for (int i = 0; i < COUNT; i++) {
        tcp_pair(pairs[i]);
        g[i] = spawn(echo, &pairs[i][1]);
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++)
            ck_assert_int_eq(green_write(pairs[i][0], &i, sizeof i, soon()), (int)sizeof i);
        for (int i = 0; i < COUNT; i++) {
            ck_assert_int_eq(green_read(pairs[i][0], buffer, sizeof buffer, soon()), (int)sizeof i);
            ck_assert_int_eq(memcmp(buffer, &i, sizeof i), 0);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(green_shutdown_write(pairs[i][0]), 0);
        finish(g[i]);
        close_pair(pairs[i]);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {address_text_both_ways, sizeof addresses / sizeof addresses[0]},
        {every_byte_of_an_address_is_written, 0},
        {unusual_addresses, 0},
        {connect_and_accept, 2},
        {unix_sockets, 0},
        {refused, 0},
        {connecting_can_be_given_up, 0},
        {impossible_sockets, 0},
        {shared_ports, 0},
        {no_connection_is_forgotten, 0},
        {shutdown_ends_the_peers_input, 0},
        {many_connections_at_once, 0},
    };
    return RUN_TESTS("socket", tests);
}
