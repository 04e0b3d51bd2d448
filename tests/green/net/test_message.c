/* recv and send by flags, addresses, control data; descriptors and urgent data, which make a short read mean nothing. */
#include "support.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

struct receiving {
    int fd, flags;
    char text[64];
    ssize_t result;
};

static void *run_recv(void *arg)
{
    struct receiving *r = arg;
    r->result = green_recv(r->fd, r->text, sizeof r->text, r->flags, soon());
    return NULL;
}

static green_t *start(struct receiving *r)
{
    r->result = 12345;
    green_t *g = spawn(run_recv, r);
    yields(2);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    return g;
}

START_TEST(receive_and_send)
{
    int fds[2];
    char text[16];
    tcp_pair(fds);
    ck_assert_int_eq(green_recv(fds[0], text, sizeof text, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_recv(fds[0], text, 0, 0, soon()), 0);
    struct receiving r = {.fd = fds[0]};
    green_t *g = start(&r);
    ck_assert_int_eq(green_send(fds[1], "hello", 5, MSG_MORE, soon()), 5);
    ck_assert_int_eq(green_send(fds[1], "", 0, 0, soon()), 0);
    ck_assert_int_eq(green_send(fds[1], "!", 1, 0, soon()), 1);
    finish(g);
    ck_assert_int_ge(r.result, 5);
    ck_assert_mem_eq(r.text, "hello", 5);
    close_pair(fds);
}
END_TEST

/* Looking does not take away, and leaves what is known of the descriptor alone. */
START_TEST(peeking)
{
    int fds[2];
    char text[16];
    tcp_pair(fds);
    ck_assert_int_eq(green_send(fds[1], "hello", 5, 0, soon()), 5);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_recv(fds[0], text, sizeof text, MSG_PEEK, soon()), 5);
    ck_assert_int_eq(green_recv(fds[0], text, sizeof text, 0, GREEN_NOWAIT), 5);
    ck_assert_int_eq(green_recv(fds[0], text, sizeof text, MSG_PEEK, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_recv(fds[0], text, sizeof text, MSG_DONTWAIT, soon()), -EAGAIN);
    close_pair(fds);
}
END_TEST

/* Case 110: readers of one socket are served in the order of arrival, and no byte is lost. */
START_TEST(readers_take_turns)
{
    int fds[2];
    tcp_pair(fds);
    struct receiving r[3] = {{.fd = fds[0]}, {.fd = fds[0]}, {.fd = fds[0]}};
    green_t *g[3];
    for (int i = 0; i < 3; i++)
        g[i] = start(&r[i]);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(green_send(fds[1], "x", 1, 0, soon()), 1);
        finish(g[i]);
        ck_assert_int_eq(r[i].result, 1);
        for (int later = i + 1; later < 3; later++)
            ck_assert_int_eq(green_state(g[later]), GREEN_WAITING);
    }
    close_pair(fds);
}
END_TEST

/* Case 109: closing tells who waits; shutting down ends the input. */
START_TEST(closed_or_shut_down_meanwhile)
{
    int fds[2];
    tcp_pair(fds);
    struct receiving r = {.fd = fds[0]};
    green_t *g = start(&r);
    ck_assert_int_eq(green_shutdown(fds[0], _i == 0 ? SHUT_RD : SHUT_RDWR), 0);
    finish(g);
    ck_assert_int_eq(r.result, 0);
    ck_assert_int_eq(green_recv(fds[0], r.text, 1, 0, GREEN_NOWAIT), 0);
    if (_i == 1)
        ck_assert_int_eq(green_send(fds[0], "x", 1, 0, soon()), -EPIPE);
    close_pair(fds);

    tcp_pair(fds);
    r.fd = fds[0];
    g = start(&r);
    ck_assert_int_eq(green_close(fds[0]), 0);
    finish(g);
    ck_assert_int_eq(r.result, -EBADF);
    ck_assert_int_eq(green_recv(fds[0], r.text, 1, 0, soon()), -EBADF);
    ck_assert_int_eq(green_send(fds[0], r.text, 1, 0, soon()), -EBADF);
    ck_assert_int_eq(green_shutdown(fds[0], SHUT_RDWR), -EBADF);
    ck_assert_int_eq(green_close(fds[1]), 0);
}
END_TEST

static void *write_until_error(void *arg)
{
    struct receiving *r = arg;
    do
        r->result = green_send(r->fd, r->text, sizeof r->text, 0, soon());
    while (r->result > 0);
    return NULL;
}

START_TEST(shut_down_while_writing)
{
    int fds[2];
    stream_pair(fds);
    struct receiving r = {.fd = fds[0]};
    green_t *g = spawn(write_until_error, &r);
    yields(3);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_shutdown(fds[0], SHUT_WR), 0);
    finish(g);
    ck_assert_int_eq(r.result, -EPIPE);
    close_pair(fds);
}
END_TEST

START_TEST(datagrams_with_addresses)
{
    green_address_t address, from;
    char text[64];
    int fds[2];
    for (int i = 0; i < 2; i++) {
        fds[i] = green_socket(AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_ge(fds[i], 0);
        ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 0), 0);
        ck_assert_int_eq(bind(fds[i], &address.any, address.length), 0);
    }
    ck_assert_int_eq(green_recvfrom(fds[1], text, sizeof text, 0, &from, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_recvfrom(fds[1], text, sizeof text, 0, &from, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_local_address(fds[1], &address), 0);
    ck_assert_int_eq(green_sendto(fds[0], "one", 3, 0, &address, soon()), 3);
    ck_assert_int_eq(green_sendto(fds[0], "", 0, 0, &address, soon()), 0);
    ck_assert_int_eq(green_sendto(fds[0], "three", 5, 0, &address, soon()), 5);
    ck_assert_int_eq(green_recvfrom(fds[1], text, sizeof text, 0, &from, soon()), 3);
    ck_assert_int_eq(green_local_address(fds[0], &address), 0);
    ck_assert_int_eq(green_address_port(&from), green_address_port(&address));
    ck_assert_uint_eq(from.length, address.length);
    ck_assert_int_eq(green_recvfrom(fds[1], text, sizeof text, 0, &from, soon()),
                     0);                                                   /* empty, but not the end */
    ck_assert_int_eq(green_recvfrom(fds[1], text, 2, 0, NULL, soon()), 2); /* the rest is cut off */
    ck_assert_int_eq(green_recvfrom(fds[1], text, 2, 0, NULL, GREEN_NOWAIT), -EAGAIN);
    close_pair(fds);
}
END_TEST

/* --- descriptors -------------------------------------------------------------------------------------------------------- */

/* Sends one byte with each of `count` pipes' reading ends; text that names the pipe waits in each. */
static void send_pipes(int fd, int count)
{
    int ends[GREEN_FDS_MAX][2], fds[GREEN_FDS_MAX];
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(pipe2(ends[i], O_CLOEXEC), 0);
        ck_assert_int_eq(write(ends[i][1], &i, sizeof i), sizeof i);
        fds[i] = ends[i][0];
    }
    ck_assert_int_eq(green_send_fds(fd, "d", 1, fds, (size_t)count, soon()), 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(close(ends[i][0]), 0);
        ck_assert_int_eq(close(ends[i][1]), 0);
    }
}

START_TEST(descriptors_go_through)
{
    static const int counts[] = {1, 2, 3, GREEN_FDS_MAX};
    int pair[2], fds[GREEN_FDS_MAX];
    int wanted = counts[_i];
    char text[8];
    size_t count = GREEN_FDS_MAX;
    ck_assert_int_eq(green_socketpair(SOCK_STREAM, pair), 0);
    int before = open_descriptors();
    send_pipes(pair[0], wanted);
    ck_assert_int_eq(green_recv_fds(pair[1], text, sizeof text, fds, &count, soon()), 1);
    ck_assert_uint_eq(count, wanted);
    for (int i = 0; i < wanted; i++) {
        int number;
        ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq(read(fds[i], &number, sizeof number), sizeof number);
        ck_assert_int_eq(number, i);
        ck_assert_int_eq(green_close(fds[i]), 0);
    }
    /* more than there is room for: none stays open */
    send_pipes(pair[0], wanted);
    count = (size_t)wanted - 1;
    ck_assert_int_eq(green_recv_fds(pair[1], text, sizeof text, fds, &count, soon()), -EMSGSIZE);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(open_descriptors(), before);
    /* and none at all */
    count = 4;
    ck_assert_int_eq(green_send_fds(pair[0], "none", 4, NULL, 0, soon()), 4);
    ck_assert_int_eq(green_recv_fds(pair[1], text, sizeof text, fds, &count, soon()), 4);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(green_send_fds(pair[0], "", 0, fds, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_send_fds(pair[0], "x", 1, fds, GREEN_FDS_MAX + 1, soon()), -EINVAL);
    count = GREEN_FDS_MAX + 1;
    ck_assert_int_eq(green_recv_fds(pair[1], text, sizeof text, fds, &count, soon()), -EINVAL);
    count = 4;
    ck_assert_int_eq(green_close(pair[0]), 0);
    ck_assert_int_eq(green_recv_fds(pair[1], text, sizeof text, fds, &count, soon()), 0);
    ck_assert_int_eq(green_close(pair[1]), 0);
}
END_TEST

static ssize_t by_read(int fd, char *text, size_t size)
{
    return green_read(fd, text, size, soon());
}

static ssize_t by_readv(int fd, char *text, size_t size)
{
    struct iovec iov[] = {{text, 1}, {text + 1, size - 1}};
    return green_readv(fd, iov, 2, soon());
}

static ssize_t by_recv(int fd, char *text, size_t size)
{
    return green_recv(fd, text, size, 0, soon());
}

static ssize_t by_recvmsg(int fd, char *text, size_t size)
{
    char control[256];
    struct iovec iov = {text, size};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = green_recvmsg(fd, &message, MSG_CMSG_CLOEXEC, soon());
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); n > 0 && c; c = CMSG_NXTHDR(&message, c))
        ck_assert_int_eq(close(*(int *)(void *)CMSG_DATA(c)), 0);
    return n;
}

static ssize_t (*const ways[])(int fd, char *text, size_t size) = {by_read, by_readv, by_recv, by_recvmsg};

/* Bytes around descriptors come in pieces. All that were sent before the first read must come without another event,
 * whatever the reader calls; a reader that took the first short piece for all would wait for ever. */
START_TEST(short_reads_between_descriptors)
{
    int pair[2];
    char text[64];
    size_t got = 0;
    ck_assert_int_eq(green_socketpair(SOCK_STREAM, pair), 0);
    ck_assert_int_eq(green_wait_fd(pair[1], POLLOUT, soon()), 0);
    ck_assert_int_eq(green_read(pair[1], text, 1, green_in_ms(1)), -ETIMEDOUT); /* known to the poller now */
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(green_send(pair[0], "abc", 3, 0, soon()), 3);
        send_pipes(pair[0], 1);
    }
    ck_assert_int_eq(green_wait_fd(pair[1], POLLIN, soon()), 0);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0); /* the hub has heard of all that */
    while (got < 16) {
        ssize_t n = ways[_i](pair[1], text, sizeof text);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    ck_assert_int_eq(green_read(pair[1], text, 1, GREEN_NOWAIT), -EAGAIN);
    close_pair(pair);
}
END_TEST

/* --- urgent data -------------------------------------------------------------------------------------------------------- */

/* Reads stop at the mark. */
START_TEST(short_reads_before_urgent_data)
{
    int fds[2];
    char text[64];
    size_t got = 0;
    tcp_pair(fds);
    ck_assert_int_eq(green_read(fds[1], text, 1, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_send(fds[0], "before!", 7, MSG_OOB, soon()), 7);
    ck_assert_int_eq(green_send(fds[0], "after", 5, 0, soon()), 5);
    int waiting = 0;
    struct pollfd all = {fds[1], POLLIN, 0};
    ck_assert_int_eq(green_poll(&all, 1, soon()), 1);
    while (waiting < 11) { /* the urgent byte does not count */
        yields(1);
        ck_assert_int_eq(ioctl(fds[1], FIONREAD, &waiting), 0);
        if (waiting == 6)
            break; /* some kernels count up to the mark only */
    }
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    while (got < 11) {
        ssize_t n = ways[_i](fds[1], text + got, sizeof text - got);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    ck_assert_mem_eq(text, "beforeafter", 11);
    close_pair(fds);
}
END_TEST

START_TEST(urgent_data_by_itself)
{
    int fds[2];
    char text[8];
    tcp_pair(fds);
    ck_assert_int_eq(green_recv(fds[1], text, 1, MSG_OOB, soon()), -EINVAL); /* none was announced */
    ck_assert_int_eq(green_send(fds[0], "ab!", 3, MSG_OOB, soon()), 3);
    struct pollfd urgent = {fds[1], POLLPRI, 0};
    ck_assert_int_eq(green_poll(&urgent, 1, soon()), 1);
    ck_assert_int_eq(green_recv(fds[1], text, sizeof text, MSG_OOB, soon()), 1);
    ck_assert_int_eq(text[0], '!');
    ck_assert_int_eq(green_recv(fds[1], text, sizeof text, 0, GREEN_NOWAIT), 2);
    close_pair(fds);
}
END_TEST

/* The error queue: waiting for it does not disturb, and is not disturbed by, ordinary data. */
START_TEST(the_error_queue)
{
    int fds[2];
    char text[8];
    tcp_pair(fds);
    struct receiving r = {.fd = fds[0], .flags = MSG_ERRQUEUE};
    ck_assert_int_eq(green_recv(fds[0], text, 1, MSG_ERRQUEUE, GREEN_NOWAIT), -EAGAIN);
    green_t *g = start(&r);
    ck_assert_int_eq(green_send(fds[1], "x", 1, 0, soon()), 1);
    ck_assert_int_eq(green_recv(fds[0], text, 1, 0, soon()), 1);
    yields(2);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_close(fds[0]), 0);
    finish(g);
    ck_assert_int_eq(r.result, -EBADF);
    ck_assert_int_eq(green_close(fds[1]), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {receive_and_send, 0},
        {peeking, 0},
        {readers_take_turns, 0},
        {closed_or_shut_down_meanwhile, 2},
        {shut_down_while_writing, 0},
        {datagrams_with_addresses, 0},
        {descriptors_go_through, 4},
        {short_reads_between_descriptors, 4},
        {short_reads_before_urgent_data, 4},
        {urgent_data_by_itself, 0},
        {the_error_queue, 0},
    };
    return RUN_TESTS("message", tests);
}
