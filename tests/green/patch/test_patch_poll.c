/*
 * poll(2) of sockets that the program reads without waiting: what such a read says of what is left is kept, and what the
 * hub's poller tells is the answer. Whatever happens in between, poll must neither miss anything nor wait for ever.
 */
#include "patched.h"

#include <sys/syscall.h>

#define PATIENCE 30000 /* ms */

static void pair(int fds[2], int family)
{
    struct sockaddr_in address;
    if (family == AF_UNIX) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        return;
    }
    int listener;
    listen_blocking(&listener, &address);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fds[1], (struct sockaddr *)&address, sizeof address), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(fds[0], 0);
    ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(close(listener), 0);
}

static short polled(int fd, short events, int timeout)
{
    struct pollfd p = {.fd = fd, .events = events, .revents = -1};
    int n = poll(&p, 1, timeout);
    ck_assert_int_ge(n, 0);
    ck_assert_int_eq(n, p.revents != 0);
    return p.revents;
}

static ssize_t read_somehow(int way, int fd, char *buffer, size_t size)
{
    struct iovec iov[2] = {{.iov_base = buffer, .iov_len = size / 2},
                           {.iov_base = buffer + size / 2, .iov_len = size - size / 2}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
    switch (way % 6) {
    case 0:
        return recv(fd, buffer, size, 0);
    case 1:
        return recv(fd, buffer, size, MSG_DONTWAIT);
    case 2:
        return read(fd, buffer, size);
    case 3:
        return recvmsg(fd, &message, 0);
    case 4:
        return readv(fd, iov, 2);
    default:
        return recvfrom(fd, buffer, size, MSG_NOSIGNAL, NULL, NULL);
    }
}

/* From now on it is known that there is nothing to read. */
static void empty(int fds[2], size_t size)
{
    char bytes[512] = {0};
    ck_assert_uint_lt(size, sizeof bytes);
    ck_assert_int_eq(write(fds[1], bytes, size), (ssize_t)size);
    ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof bytes, 0), (ssize_t)size);
}

/* --- bytes that come at any moment ---------------------------------------------------------------------------------- */

struct writing {
    int fd;
    size_t total;
};

static void *write_pieces(void *arg)
{
    const struct writing *w = arg;
    unsigned random = 7;
    char bytes[300];
    for (size_t sent = 0; sent < w->total;) {
        random = random * 1103515245 + 12345;
        size_t size = random / 65536 % sizeof bytes + 1;
        if (size > w->total - sent)
            size = w->total - sent;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)((sent + i) * 31 >> 3);
        ssize_t n = write(w->fd, bytes, size);
        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            ck_assert_int_eq(polled(w->fd, POLLOUT, PATIENCE), POLLOUT);
            continue;
        }
        sent += (size_t)n;
        if (random & 0x100000)
            ck_assert_int_eq(random & 0x200000 ? green_yield() : green_sleep(GREEN_US(50)), 0);
    }
    ck_assert_int_eq(shutdown(w->fd, SHUT_WR), 0);
    return NULL;
}

static void read_pieces(int fd, size_t total)
{
    unsigned random = 3;
    char bytes[400];
    size_t got = 0;
    for (;;) {
        random = random * 1103515245 + 12345;
        ck_assert(polled(fd, random & 0x10000 ? POLLIN : POLLIN | POLLERR, PATIENCE) & POLLIN);
        ssize_t n = read_somehow((int)(random >> 20), fd, bytes, random / 256 % (sizeof bytes - 2) + 2);
        ck_assert_int_ge(n, 0);
        if (n == 0)
            break;
        for (size_t i = 0; i < (size_t)n; i++)
            ck_assert_int_eq(bytes[i], (char)((got + i) * 31 >> 3));
        got += (size_t)n;
        if (random & 0x400000)
            ck_assert_int_eq(green_yield(), 0);
    }
    ck_assert_uint_eq(got, total);
    ck_assert(polled(fd, POLLIN, PATIENCE) & POLLIN); /* and ever after */
}

static void nothing_is_missed(int family)
{
    int fds[2];
    green_patch_all();
    pair(fds, family);
    struct writing w = {fds[1], 100000};
    green_t *writer = spawn(write_pieces, &w);
    read_pieces(fds[0], w.total);
    finish(writer);
    close_both(fds);
}

START_TEST(test_nothing_is_missed_unix)
{
    nothing_is_missed(AF_UNIX);
}
END_TEST

START_TEST(test_nothing_is_missed_tcp)
{
    nothing_is_missed(AF_INET);
}
END_TEST

static void between_reading_and_polling(int family)
{
    int fds[2];
    char bytes[16];
    green_patch_all();
    pair(fds, family);
    for (int way = 0; way < 6; way++) {
        empty(fds, 5);
        ck_assert_int_eq(write(fds[1], "late", 4), 4);
        ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
        ck_assert_int_eq(read_somehow(way, fds[0], bytes, sizeof bytes), 4);
        ck_assert_int_eq(polled(fds[0], POLLIN, 1), 0);
        ck_assert_int_eq(read_somehow(way, fds[0], bytes, sizeof bytes), -1);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(polled(fds[0], POLLIN, 1), 0);
        ck_assert_int_eq(polled(fds[0], POLLOUT, PATIENCE), POLLOUT);
        ck_assert_int_eq(polled(fds[0], POLLIN | POLLOUT, PATIENCE), POLLOUT);
    }
    empty(fds, 5);
    ck_assert_int_eq(close(fds[1]), 0);
    ck_assert(polled(fds[0], POLLIN, PATIENCE) & POLLIN);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof bytes, 0), 0);
    ck_assert(polled(fds[0], POLLIN, PATIENCE) & POLLIN);
    if (family == AF_UNIX) /* of TCP, one direction has ended */
        ck_assert_int_eq(polled(fds[0], 0, PATIENCE), POLLHUP);
    ck_assert_int_eq(close(fds[0]), 0);
}

START_TEST(test_between_reading_and_polling_unix)
{
    between_reading_and_polling(AF_UNIX);
}
END_TEST

START_TEST(test_between_reading_and_polling_tcp)
{
    between_reading_and_polling(AF_INET);
}
END_TEST

/* --- what makes a short read mean something else -------------------------------------------------------------------- */

/* A read ends where a descriptor came along, though bytes are behind it. */
START_TEST(test_descriptors_on_the_way)
{
    int fds[2];
    char bytes[16];
    green_patch_all();
    pair(fds, AF_UNIX);
    empty(fds, 5);
    send_with_descriptor(fds[1], 'a', fds[0]);
    ck_assert_int_eq(write(fds[1], "more", 4), 4);
    ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
    ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 1);
    ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
    ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 4);
    close_both(fds);
}
END_TEST

START_TEST(test_low_water_mark)
{
    int fds[2], mark = 10;
    char bytes[16];
    green_patch_all();
    pair(fds, AF_INET);
    empty(fds, 5);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark), 0);
    ck_assert_int_eq(write(fds[1], "few", 3), 3);
    ck_assert_int_eq(polled(fds[0], POLLIN, 5), 0);
    mark = 1;
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark), 0);
    ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
    ck_assert_int_eq(recv(fds[0], bytes, sizeof bytes, 0), 3);
    close_both(fds);
}
END_TEST

/* The mark of urgent data ends a read. */
START_TEST(test_urgent)
{
    int fds[2];
    char bytes[16];
    green_patch_all();
    pair(fds, AF_INET);
    empty(fds, 5);
    ck_assert_int_eq(send(fds[1], "ab!", 3, MSG_OOB), 3);
    ck_assert_int_eq(send(fds[1], "cd", 2, 0), 2);
    ck_assert(polled(fds[0], POLLIN | POLLPRI, PATIENCE) != 0);
    for (int got = 0; got < 4;) {
        ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE) & POLLIN, POLLIN);
        ssize_t n = recv(fds[0], bytes, sizeof bytes, 0);
        ck_assert_int_gt(n, 0);
        got += (int)n;
    }
    close_both(fds);
}
END_TEST

/* --- numbers that come to mean something else ----------------------------------------------------------------------- */

START_TEST(test_number_used_again)
{
    int fds[2], others[2];
    green_patch_all();
    for (int how = 0; how < 3; how++) {
        pair(fds, AF_UNIX);
        pair(others, AF_UNIX);
        empty(fds, 5);
        ck_assert_int_eq(polled(fds[0], POLLIN, 1), 0);
        ck_assert_int_eq(write(others[1], "x", 1), 1);
        if (how == 0) {
            ck_assert_int_eq(dup2(others[0], fds[0]), fds[0]);
        } else { /* unseen, and seen or unseen again */
            ck_assert_int_eq(syscall(SYS_close, fds[0]), 0);
            int again = how == 1 ? dup(others[0]) : fcntl(others[0], F_DUPFD, fds[0]);
            ck_assert_int_eq(again, fds[0]);
        }
        ck_assert_int_eq(polled(fds[0], POLLIN, PATIENCE), POLLIN);
        close_both(fds);
        close_both(others);
    }
}
END_TEST

static void *take_one(void *arg)
{
    const int *fd = arg;
    char byte;
    do
        ck_assert_int_eq(polled(*fd, POLLIN, PATIENCE), POLLIN);
    while (recv(*fd, &byte, 1, 0) < 0 && errno == EAGAIN);
    return NULL;
}

/* All are told, and those who find nothing wait again. */
START_TEST(test_many_poll_one)
{
    int fds[2];
    green_t *all[10];
    green_patch_all();
    pair(fds, AF_UNIX);
    for (int i = 0; i < 10; i++)
        all[i] = spawn(take_one, &fds[0]);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(green_sleep(GREEN_US(500)), 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
    }
    for (int i = 0; i < 10; i++)
        finish(all[i]);
    close_both(fds);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_nothing_is_missed_unix, 0},
        {test_nothing_is_missed_tcp, 0},
        {test_between_reading_and_polling_unix, 0},
        {test_between_reading_and_polling_tcp, 0},
        {test_descriptors_on_the_way, 0},
        {test_low_water_mark, 0},
        {test_urgent, 0},
        {test_number_used_again, 0},
        {test_many_poll_one, 0},
    };
    return RUN_TESTS("patch/poll", tests);
}
