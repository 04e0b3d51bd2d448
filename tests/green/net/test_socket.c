/* Sockets: connecting, listening, accepting; no call leaves a descriptor behind. */
#include "support.h"

#include <netinet/tcp.h>

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

/* Only what nobody has open is removed, and only a socket. */
START_TEST(stale_socket_files)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    char folder[] = "/tmp/green-socket-XXXXXX", name[64];
    green_address_t address, elsewhere;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(name, sizeof name, "%s/s", folder);
    ck_assert_int_eq(green_address_parse(&address, name, 0), 0);
    ck_assert_int_eq(green_remove_stale_socket(&address, types[_i]), -ENOENT);
    int fd = socket(AF_UNIX, types[_i], 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, &address.any, address.length), 0);
    ck_assert(types[_i] != SOCK_STREAM || listen(fd, 1) == 0);
    ck_assert_int_eq(green_remove_stale_socket(&address, types[_i]), -EADDRINUSE);
    ck_assert_int_eq(close(fd), 0);
    int before = open_descriptors();
    ck_assert_int_eq(green_remove_stale_socket(&address, types[_i]), 0);
    ck_assert_int_eq(access(name, F_OK), -1);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    ck_assert_int_eq(green_remove_stale_socket(&address, types[_i]), -ENOTSOCK);
    ck_assert_int_eq(open_descriptors(), before);
    ck_assert_int_eq(green_address_parse(&elsewhere, "127.0.0.1", 80), 0);
    ck_assert_int_eq(green_remove_stale_socket(&elsewhere, types[_i]), -EINVAL);
    ck_assert_int_eq(rmdir(name), 0);
    ck_assert_int_eq(rmdir(folder), 0);
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

/* --- connecting what exists -------------------------------------------------------------------------------------------- */

/* Case 111: an attempt that was given up goes on; waiting again learns what became of it. */
START_TEST(connecting_a_descriptor)
{
    struct full_listener f;
    fill_listener(&f);
    int fd = green_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_wait_fd(fd, POLLIN, soon()), 0); /* hung up as long as it is not connected */
    ck_assert_int_eq(green_connect_fd(fd, &f.address, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_connect_fd(fd, &f.address, green_in_ms(10)), -ETIMEDOUT);
    for (int i = 0; i <= f.count; i++) { /* make room */
        int peer = green_accept(f.fd, NULL, i < f.count ? soon() : GREEN_NOWAIT);
        if (peer >= 0)
            ck_assert_int_eq(green_close(peer), 0);
    }
    ck_assert_int_eq(green_connect_fd(fd, &f.address, soon()), 0);
    ck_assert_int_eq(green_connect_fd(fd, &f.address, soon()), -EISCONN);
    ck_assert(!green_hung_up(fd));
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_connect_fd(fd, &f.address, soon()), -EBADF);
    empty_listener(&f);
}
END_TEST

struct connecting {
    int fd, result;
    const green_address_t *address;
};

static void *run_connect_fd(void *arg)
{
    struct connecting *c = arg;
    c->result = green_connect_fd(c->fd, c->address, soon());
    return NULL;
}

/* The peer has answered and gone before anybody looks: not a byte of that is lost, the end included. */
START_TEST(all_over_before_the_second_look)
{
    green_address_t address;
    char text[16];
    int listener = listen_anywhere(&address), fd = green_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(green_connect_fd(fd, &address, GREEN_NOWAIT), -EAGAIN);
    struct pollfd watched = {fd, POLLIN, 0};
    int peer = green_accept(listener, NULL, soon());
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(green_poll(&watched, 1, green_in_ms(1)), -ETIMEDOUT); /* the poller knows it */
    ck_assert_int_eq(green_write(peer, "answer", 6, soon()), 6);
    ck_assert_int_eq(green_close(peer), 0);
    watched.events = POLLRDHUP;
    ck_assert_int_eq(green_poll(&watched, 1, soon()), 1);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0); /* the hub hears of all that */
    ck_assert_int_eq(green_connect_fd(fd, &address, soon()), 0);
    ck_assert_int_eq(green_read(fd, text, sizeof text, soon()), 6);
    ck_assert_int_eq(green_read(fd, text, sizeof text, soon()), 0);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_close(listener), 0);
}
END_TEST

/* Case 97: closed while it connects. */
START_TEST(closed_while_it_connects)
{
    struct full_listener f;
    fill_listener(&f);
    struct connecting c = {.fd = green_socket(AF_INET, SOCK_STREAM, 0), .address = &f.address};
    green_t *g = spawn(run_connect_fd, &c);
    yields(2);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_close(c.fd), 0);
    finish(g);
    ck_assert_int_eq(c.result, -EBADF);
    empty_listener(&f);
}
END_TEST

START_TEST(refused_twice_then_welcome)
{
    green_address_t address;
    int listener = listen_anywhere(&address);
    ck_assert_int_eq(green_close(listener), 0);
    int fd = green_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(green_connect_fd(fd, &address, soon()), -ECONNREFUSED);
    ck_assert_int_eq(green_connect_fd(fd, &address, soon()), -ECONNREFUSED);
    listener = green_listen(&address, 16, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(green_connect_fd(fd, &address, soon()), 0);
    int peer = green_accept(listener, NULL, soon());
    ck_assert_int_ge(peer, 0);
    char byte;
    ck_assert_int_eq(green_write(peer, "x", 1, soon()), 1);
    ck_assert_int_eq(green_read(fd, &byte, 1, soon()), 1);
    int fds[] = {listener, fd, peer};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_close(fds[i]), 0);
}
END_TEST

static void *connect_soon(void *arg)
{
    return (void *)(intptr_t)green_connect(arg, soon());
}

/* A unix listener whose backlog is full does not refuse: one waits until there is room. */
START_TEST(unix_listener_with_a_full_backlog)
{
    enum { FILLERS = 3, WAITERS = 4 };
    char path[] = "/tmp/green-socket-XXXXXX", name[64];
    green_address_t address;
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(name, sizeof name, "%s/s", path);
    ck_assert_int_eq(green_address_parse(&address, name, 0), 0);
    int listener = green_listen(&address, FILLERS - 1, 0), fillers[FILLERS];
    ck_assert_int_ge(listener, 0);
    for (int i = 0; i < FILLERS; i++)
        ck_assert_int_ge(fillers[i] = green_connect(&address, soon()), 0);
    ck_assert_int_eq(green_connect(&address, GREEN_NOWAIT), -EAGAIN);
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(green_connect(&address, deadline), -ETIMEDOUT);
    ck_assert_int_ge(green_now(), deadline);
    green_t *killed = spawn(connect_soon, &address), *waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = spawn(connect_soon, &address);
    yields(2);
    ck_assert_int_eq(green_kill(killed, soon()), 0);
    green_release(killed);
    for (int i = 0; i < FILLERS + WAITERS; i++) {
        int fd = green_accept(listener, NULL, soon());
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(green_close(fd), 0);
    }
    for (int i = 0; i < WAITERS; i++) {
        void *fd;
        ck_assert_int_eq(green_get(waiters[i], &fd, soon()), 0);
        ck_assert_int_ge((intptr_t)fd, 0);
        ck_assert_int_eq(green_close((int)(intptr_t)fd), 0);
        green_release(waiters[i]);
    }
    for (int i = 0; i < FILLERS; i++)
        ck_assert_int_eq(green_close(fillers[i]), 0);
    ck_assert_int_eq(green_close(listener), 0);
    unlink(name);
    rmdir(path);
}
END_TEST

START_TEST(socket_pairs)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    int fds[2], type;
    socklen_t length = sizeof type;
    char text[8];
    ck_assert_int_eq(green_socketpair(types[_i], fds), 0);
    ck_assert_int_eq(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &type, &length), 0);
    ck_assert_int_eq(type, types[_i]);
    ck_assert_int_eq(green_read(fds[0], text, sizeof text, green_in_ms(1)), -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_write(fds[1], "abc", 3, soon()), 3);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0);
    for (int left = 9; left > 0;) { /* records or not: all of it, without waiting for more news */
        ssize_t n = green_read(fds[0], text, sizeof text, soon());
        ck_assert_int_gt(n, 0);
        left -= (int)n;
    }
    ck_assert_int_eq(green_socketpair(-1, fds), -EINVAL);
    close_pair(fds);
}
END_TEST

/* Several records of an accepted connection wait at once: a short read is the end of one of them only. */
START_TEST(accepted_connections_of_records)
{
    char path[] = "/tmp/green-socket-XXXXXX", name[64], text[64];
    green_address_t address;
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(name, sizeof name, "%s/s", path);
    ck_assert_int_eq(green_address_parse(&address, name, 0), 0);
    int listener = green_socket(AF_UNIX, SOCK_SEQPACKET, 0),
        client = green_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    ck_assert_int_eq(bind(listener, &address.any, address.length), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    if (_i == 1)
        green_fd_reset(listener); /* nothing is known of it */
    ck_assert_int_eq(green_connect_fd(client, &address, soon()), 0);
    int server = green_accept(listener, NULL, soon());
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(green_read(server, text, sizeof text, green_in_ms(1)), -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_write(client, "abc", 3, soon()), 3);
    ck_assert_int_eq(green_wait_fd(server, POLLIN, soon()), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_read(server, text, sizeof text, soon()), 3);
    int fds[] = {listener, client, server};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_close(fds[i]), 0);
    unlink(name);
    rmdir(path);
}
END_TEST

START_TEST(shutting_down_a_listener_wakes_who_accepts)
{
    green_address_t address;
    int listener = listen_anywhere(&address);
    struct acceptor a = {.listener = listener};
    green_t *g = spawn(accept_many, &a);
    yields(2);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_shutdown(listener, SHUT_RDWR), 0);
    void *result;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, -EINVAL);
    green_release(g);
    ck_assert_int_eq(green_close(listener), 0);
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
        {connect_and_accept, 2},
        {unix_sockets, 0},
        {stale_socket_files, 2},
        {refused, 0},
        {connecting_can_be_given_up, 0},
        {connecting_a_descriptor, 0},
        {all_over_before_the_second_look, 0},
        {closed_while_it_connects, 0},
        {refused_twice_then_welcome, 0},
        {unix_listener_with_a_full_backlog, 0},
        {socket_pairs, 3},
        {accepted_connections_of_records, 2},
        {shutting_down_a_listener_wakes_who_accepts, 0},
        {impossible_sockets, 0},
        {shared_ports, 0},
        {no_connection_is_forgotten, 0},
        {shutdown_ends_the_peers_input, 0},
        {many_connections_at_once, 0},
    };
    return RUN_TESTS("socket", tests);
}
