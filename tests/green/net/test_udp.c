/* UDP sockets, and many datagrams at once. */
#include "support.h"

static int bound(green_address_t *address, const char *host)
{
    ck_assert_int_eq(green_address_parse(address, host, 0), 0);
    int fd = green_udp_bind(address, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_local_address(fd, address), 0);
    return fd;
}

#define COUNT 100 /* more than fit into one system call */
#define ROOM  16

struct mail {
    char bytes[COUNT][ROOM];
    green_packet_t packets[COUNT];
};

static void make_room(struct mail *m, size_t room)
{
    memset(m, 'x', sizeof *m);
    for (size_t i = 0; i < COUNT; i++)
        m->packets[i] = (green_packet_t){.data = m->bytes[i], .size = room};
}

static void write_mail(struct mail *m, const green_address_t *to)
{
    make_room(m, 0);
    for (size_t i = 0; i < COUNT; i++) {
        m->packets[i].size = (size_t)snprintf(m->bytes[i], ROOM, "%zu", i);
        if (to)
            m->packets[i].peer = *to;
    }
}

static void *send_mail(void *arg)
{
    int *fds = arg;
    struct mail m;
    size_t done = 0;
    write_mail(&m, NULL);
    ck_assert_int_eq(green_send_packets(fds[0], m.packets, COUNT, &done, soon()), 0);
    ck_assert_uint_eq(done, COUNT);
    return NULL;
}

static green_t *spawn_sender(int fds[2])
{
    green_t *g;
    green_attr_t attr = {.stack_size = 256 * 1024};
    ck_assert_int_eq(green_spawn_ex(&g, &attr, send_mail, fds), 0);
    return g;
}

/* In order, each with its length; the sender waits for room (unix datagrams are never dropped). */
START_TEST(a_batch)
{
    static struct mail got;
    int fds[2];
    ck_assert_int_eq(green_socketpair(SOCK_DGRAM, fds), 0);
    green_t *g = spawn_sender(fds);
    for (size_t at = 0; at < COUNT;) {
        char expected[ROOM];
        make_room(&got, ROOM);
        int n = green_recv_packets(fds[1], got.packets, COUNT, soon());
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++, at++) {
            int length = snprintf(expected, sizeof expected, "%zu", at);
            ck_assert_uint_eq(got.packets[i].received, length);
            ck_assert_mem_eq(got.bytes[i], expected, (size_t)length);
            ck_assert(!got.packets[i].truncated);
        }
    }
    finish(g);
    ck_assert_int_eq(green_recv_packets(fds[1], got.packets, COUNT, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_recv_packets(fds[1], got.packets, COUNT, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_recv_packets(fds[1], got.packets, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_send_packets(fds[1], got.packets, 0, NULL, soon()), 0);
    close_pair(fds);
}
END_TEST

START_TEST(with_addresses)
{
    static struct mail sent, got;
    green_address_t here, there;
    char text[GREEN_ADDRESS_TEXT], expected[GREEN_ADDRESS_TEXT];
    int a = bound(&here, "127.0.0.1"), b = bound(&there, "127.0.0.1");
    size_t done;
    write_mail(&sent, &there);
    sent.packets[1].size = 0; /* empty ones are datagrams too */
    ck_assert_int_eq(green_send_packets(a, sent.packets, 5, &done, soon()), 0);
    ck_assert_uint_eq(done, 5);
    make_room(&got, 0);
    got.packets[0].size = got.packets[1].size = ROOM;
    ck_assert_int_eq(green_wait_fd(b, POLLIN, soon()), 0);
    int n = green_recv_packets(b, got.packets, 3, soon()); /* loopback delivers in the call that sends */
    ck_assert_int_eq(n, 3);
    ck_assert_uint_eq(got.packets[0].received, 1);
    ck_assert_uint_eq(got.packets[1].received, 0);
    ck_assert(!got.packets[1].truncated);
    ck_assert(got.packets[2].truncated); /* there was no room for it */
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(green_address_text(&got.packets[i].peer, true, text),
                         green_address_text(&here, true, expected));
    got.packets[0].size = ROOM;
    ck_assert_int_eq(green_recv_packets(b, got.packets, 1, GREEN_NOWAIT), 1);
    ck_assert_int_eq(got.bytes[0][0], '3');
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(b), 0);
}
END_TEST

/* The first that fails ends it, and the count says which. */
START_TEST(one_of_them_cannot_go)
{
    static struct mail sent;
    static char huge[70000];
    green_address_t there;
    int b = bound(&there, "127.0.0.1"), a = green_udp_connect(&there, NULL);
    size_t done = 99;
    ck_assert_int_ge(a, 0);
    write_mail(&sent, NULL);
    sent.packets[7] = (green_packet_t){.data = huge, .size = sizeof huge};
    ck_assert_int_eq(green_send_packets(a, sent.packets, COUNT, &done, soon()), -EMSGSIZE);
    ck_assert_uint_eq(done, 7);
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(b), 0);
}
END_TEST

START_TEST(connected)
{
    green_address_t there, source, from;
    char text[GREEN_ADDRESS_TEXT], bytes[8];
    int b = bound(&there, "127.0.0.1");
    ck_assert_int_eq(green_address_parse(&source, "127.0.0.9", 0), 0);
    int a = green_udp_connect(&there, &source), stranger = bound(&from, "127.0.0.1");
    ck_assert_int_ge(a, 0);
    ck_assert_int_eq(green_send(a, "hi", 2, 0, soon()), 2);
    ck_assert_int_eq(green_recvfrom(b, bytes, sizeof bytes, 0, &from, soon()), 2);
    ck_assert_str_eq(green_address_text(&from, false, text), "127.0.0.9");
    ck_assert_int_eq(green_sendto(stranger, "no", 2, 0, &from, soon()), 2); /* is not let in */
    ck_assert_int_eq(green_sendto(b, "yes", 3, 0, &from, soon()), 3);
    ck_assert_int_eq(green_recv(a, bytes, sizeof bytes, 0, soon()), 3);
    ck_assert_int_eq(green_close(b), 0);
    ck_assert_int_eq(green_send(a, "hi", 2, 0, soon()),
                     2); /* nobody is there any more; the next call is told */
    ck_assert_int_eq(green_recv(a, bytes, sizeof bytes, 0, soon()), -ECONNREFUSED);
    ck_assert_int_eq(green_recv(a, bytes, sizeof bytes, 0, green_in_ms(5)), -ETIMEDOUT); /* once */
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(stranger), 0);
}
END_TEST

START_TEST(what_cannot_be)
{
    green_address_t taken, other;
    int fd = bound(&taken, "127.0.0.1"), before = open_descriptors();
    ck_assert_int_eq(green_udp_bind(&taken, 0), -EADDRINUSE);
    ck_assert_int_eq(green_address_parse(&other, "192.0.2.1", 0), 0);
    ck_assert_int_eq(green_udp_bind(&other, 0), -EADDRNOTAVAIL);
    ck_assert_int_eq(green_udp_connect(&taken, &other), -EADDRNOTAVAIL);
    ck_assert_int_eq(green_address_parse(&other, "::1", 0), 0);
    ck_assert_int_lt(green_udp_connect(&taken, &other), 0); /* of two families */
    ck_assert_int_eq(open_descriptors(), before);
    ck_assert_int_eq(green_close(fd), 0);
}
END_TEST

START_TEST(one_port_shared)
{
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 0), 0);
    int a = green_udp_bind(&address, GREEN_REUSEPORT);
    ck_assert_int_ge(a, 0);
    ck_assert_int_eq(green_local_address(a, &address), 0);
    int b = green_udp_bind(&address, GREEN_REUSEPORT);
    ck_assert_int_ge(b, 0);
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(b), 0);
    ck_assert_int_eq(green_address_parse(&address, "::", 0), 0);
    a = green_udp_bind(&address, GREEN_V6ONLY);
    if (a == -EAFNOSUPPORT)
        return; /* a machine without IPv6 */
    ck_assert_int_ge(a, 0);
    ck_assert_int_eq(green_local_address(a, &address), 0);
    green_address_t four;
    ck_assert_int_eq(green_address_parse(&four, "0.0.0.0", green_address_port(&address)), 0);
    b = green_udp_bind(&four, 0);
    ck_assert_int_ge(b, 0);
    ck_assert_int_eq(green_close(a), 0);
    ck_assert_int_eq(green_close(b), 0);
}
END_TEST

struct receiving {
    int fd, result;
};

static void *receive_one(void *arg)
{
    struct receiving *r = arg;
    char bytes[8];
    green_packet_t d = {.data = bytes, .size = sizeof bytes};
    r->result = green_recv_packets(r->fd, &d, 1, GREEN_FOREVER);
    return NULL;
}

/* Several who wait: in turn; one who is killed takes nothing; closing tells the rest. */
START_TEST(those_who_wait)
{
    int fds[2];
    ck_assert_int_eq(green_socketpair(SOCK_DGRAM, fds), 0);
    struct receiving r[4];
    green_t *g[4];
    for (int i = 0; i < 4; i++) {
        r[i] = (struct receiving){.fd = fds[1], .result = 12345};
        g[i] = spawn(receive_one, &r[i]);
    }
    yields(2);
    ck_assert_int_eq(green_kill(g[0], soon()), 0);
    ck_assert_int_eq(r[0].result, -ECANCELED);
    green_release(g[0]);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(green_send(fds[0], "x", 1, 0, soon()), 1);
        finish(g[i]);
        ck_assert_int_eq(r[i].result, 1);
    }
    ck_assert_int_eq(green_state(g[3]), GREEN_WAITING);
    ck_assert_int_eq(green_close(fds[1]), 0);
    finish(g[3]);
    ck_assert_int_eq(r[3].result, -EBADF);
    ck_assert_int_eq(green_close(fds[0]), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_batch, 0},        {with_addresses, 0},  {one_of_them_cannot_go, 0}, {connected, 0},
        {what_cannot_be, 0}, {one_port_shared, 0}, {those_who_wait, 0},
    };
    return RUN_TESTS("udp", tests);
}
