/* Reading, writing and waiting for descriptors, alone and several at a time. */
#include "support.h"

/* A greenlet that reads once. */
struct reader {
    int fd;
    ssize_t result;
    char text[64];
    int order;
    green_t *greenlet;
};

static int order_of_reading;

static void *read_once(void *arg)
{
    struct reader *r = arg;
    r->result = green_read(r->fd, r->text, sizeof r->text - 1, GREEN_FOREVER);
    r->order = order_of_reading++;
    return NULL;
}

static void start_reader(struct reader *r, int fd)
{
    *r = (struct reader){.fd = fd, .result = -1};
    r->greenlet = spawn(read_once, r);
    yields(1);
}

/* --- reading and writing
 * --------------------------------------------------------------------------------------- */

START_TEST(bytes_come_across)
{
    int fds[2];
    char buffer[64];
    tcp_pair(fds);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(green_write(fds[0], "hello", 5, soon()), 5);
        ck_assert_int_eq(green_read(fds[1], buffer, sizeof buffer, soon()), 5);
        ck_assert_int_eq(memcmp(buffer, "hello", 5), 0);
    }
    ck_assert_int_eq(green_read(fds[1], buffer, 1, green_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(green_read(fds[1], buffer, 0, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_write(fds[1], buffer, 0, soon()), 0);
    close_pair(fds);
}
END_TEST

START_TEST(vectors_come_across)
{
    int fds[2];
    char a[3], b[4];
    tcp_pair(fds);
    struct iovec out[3] = {{(char[]){"one"}, 3}, {NULL, 0}, {(char[]){"four"}, 4}};
    struct iovec in[2] = {{a, sizeof a}, {b, sizeof b}};
    ck_assert_int_eq(green_writev(fds[0], out, 3, soon()), 7);
    ck_assert_int_eq(green_readv(fds[1], in, 2, soon()), 7);
    ck_assert_int_eq(memcmp(a, "one", 3), 0);
    ck_assert_int_eq(memcmp(b, "four", 4), 0);
    close_pair(fds);
}
END_TEST

START_TEST(more_vectors_than_the_system_takes)
{
    enum { COUNT = 3000 };
    static struct iovec iov[COUNT];
    static char bytes[COUNT], buffer[COUNT];
    int fds[2];
    size_t done, at = 0;
    tcp_pair(fds);
    for (int i = 0; i < COUNT; i++) {
        bytes[i] = (char)i;
        iov[i] = (struct iovec){&bytes[i], 1};
    }
    ck_assert_int_eq(green_writev_all(fds[0], iov, COUNT, &done, soon()), 0);
    ck_assert_uint_eq(done, COUNT);
    while (at < COUNT) {
        ssize_t n = green_read(fds[1], buffer + at, COUNT - at, soon());
        ck_assert_int_gt(n, 0);
        at += (size_t)n;
    }
    ck_assert_int_eq(memcmp(bytes, buffer, COUNT), 0);
    close_pair(fds);
}
END_TEST

START_TEST(end_of_input_after_a_short_read)
{
    int fds[2];
    char buffer[64];
    tcp_pair(fds);
    ck_assert_int_eq(green_read(fds[1], buffer, 1, green_in_ms(5)), -ETIMEDOUT); /* the poller knows it */
    ck_assert_int_eq(green_write(fds[0], "bye", 3, soon()), 3);
    if (_i == 0)
        ck_assert_int_eq(green_shutdown_write(fds[0]), 0);
    ck_assert_int_eq(green_read(fds[1], buffer, sizeof buffer, soon()), 3);
    if (_i == 1)
        ck_assert_int_eq(green_shutdown_write(fds[0]), 0); /* the news comes after the short read */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_read(fds[1], buffer, sizeof buffer, soon()), 0);
    close_pair(fds);
}
END_TEST

START_TEST(half_closed_still_goes_the_other_way)
{
    int fds[2];
    char buffer[64];
    tcp_pair(fds);
    ck_assert_int_eq(green_shutdown_write(fds[0]), 0);
    ck_assert_int_eq(green_read(fds[1], buffer, sizeof buffer, soon()), 0);
    ck_assert(!green_hung_up(fds[1]));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(green_write(fds[1], "still", 5, soon()), 5);
        ck_assert_int_eq(green_read(fds[0], buffer, sizeof buffer, soon()), 5);
    }
    close_pair(fds);
}
END_TEST

START_TEST(a_closed_peer_is_an_error_not_a_signal)
{
    int fds[2], r = 0;
    tcp_pair(fds);
    ck_assert_int_eq(green_close(fds[1]), 0);
    for (int i = 0; i < 100 && r >= 0; i++)
        r = (int)green_write(fds[0], "x", 1, soon());
    ck_assert(r == -EPIPE || r == -ECONNRESET);
    fds[1] = -1;
    close_pair(fds);
}
END_TEST

START_TEST(a_reset_is_seen)
{
    int fds[2];
    char byte;
    tcp_pair(fds);
    struct linger hard = {.l_onoff = 1};
    ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    struct reader r;
    start_reader(&r, fds[0]);
    ck_assert(!green_hung_up(fds[0]));
    ck_assert_int_eq(green_close(fds[1]), 0);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, -ECONNRESET);
    ck_assert(green_hung_up(fds[0]));
    ck_assert_int_le(green_read(fds[0], &byte, 1, soon()), 0);
    fds[1] = -1;
    close_pair(fds);
    ck_assert(!green_hung_up(fds[0])); /* forgotten with the descriptor */
}
END_TEST

START_TEST(bad_descriptors)
{
    char byte = 0;
    ck_assert_int_eq(green_read(-1, &byte, 1, soon()), -EBADF);
    ck_assert_int_eq(green_write(-1, &byte, 1, soon()), -EBADF);
    ck_assert_int_eq(green_read(100000, &byte, 1, soon()), -EBADF);
    ck_assert_int_eq(green_wait_fd(100000, POLLIN, soon()), -EBADF);
    ck_assert_int_eq(green_wait_fd(0, POLLIN | POLLOUT, soon()), -EINVAL);
    ck_assert_int_eq(green_close(-1), -EBADF);
    ck_assert_int_eq(green_close(100000), -EBADF);
    ck_assert(!green_unpark(100000));
    ck_assert(!green_hung_up(-1));
    green_fd_reset(-1);
    green_park_deadline(-1, 0);
}
END_TEST

/* --- writing everything
 * ----------------------------------------------------------------------------------------- */

enum { LARGE = 10 * 1000 * 1000 };

struct slow_reader {
    int fd;
    size_t total, stop_at;
    bool good;
};

static char pattern(size_t at)
{
    return (char)(at % 251);
}

static void *read_slowly(void *arg)
{
    struct slow_reader *r = arg;
    static char buffer[30011];
    r->good = true;
    while (r->total < r->stop_at) {
        yields(3);
        ssize_t n = green_read(r->fd, buffer, sizeof buffer, soon());
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i += 997)
            r->good &= buffer[i] == pattern(r->total + (size_t)i);
        r->total += (size_t)n;
    }
    return NULL;
}

static char *large_block(void)
{
    char *block = malloc(LARGE);
    ck_assert_ptr_nonnull(block);
    for (size_t i = 0; i < LARGE; i++)
        block[i] = pattern(i);
    return block;
}

START_TEST(everything_arrives_at_a_slow_reader)
{
    int fds[2];
    size_t done = 0;
    char *block = large_block();
    tcp_pair(fds);
    struct slow_reader r = {.fd = fds[1], .stop_at = LARGE};
    green_t *g = spawn(read_slowly, &r);
    if (_i == 0) {
        ck_assert_int_eq(green_write_all(fds[0], block, LARGE, &done, soon()), 0);
    } else {
        struct iovec iov[4] = {
            {block, 1}, {block + 1, LARGE / 2}, {NULL, 0}, {block + 1 + LARGE / 2, LARGE / 2 - 1}};
        ck_assert_int_eq(green_writev_all(fds[0], iov, 4, &done, soon()), 0);
    }
    ck_assert_uint_eq(done, LARGE);
    finish(g);
    ck_assert_uint_eq(r.total, LARGE);
    ck_assert(r.good);
    free(block);
    close_pair(fds);
}
END_TEST

/* The reader takes some and then nothing: one deadline holds for all of it, and says how far it got. */
START_TEST(one_deadline_for_everything)
{
    int fds[2];
    size_t done = 0;
    char *block = large_block();
    tcp_pair(fds);
    struct slow_reader r = {.fd = fds[1], .stop_at = 100000};
    green_t *g = spawn(read_slowly, &r);
    green_time deadline = green_in_ms(300);
    if (_i == 0) {
        ck_assert_int_eq(green_write_all(fds[0], block, LARGE, &done, deadline), -ETIMEDOUT);
    } else {
        struct iovec iov = {block, LARGE};
        ck_assert_int_eq(green_writev_all(fds[0], &iov, 1, &done, deadline), -ETIMEDOUT);
        ck_assert_uint_eq(iov.iov_len, LARGE - done);
    }
    ck_assert_int_ge(green_now(), deadline);
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_lt(done, LARGE);
    finish(g);
    r.stop_at = done; /* exactly so many bytes went */
    finish(spawn(read_slowly, &r));
    ck_assert_uint_eq(r.total, done);
    ck_assert(r.good);
    ck_assert_int_eq(green_read(fds[1], block, 1, green_in_ms(5)), -ETIMEDOUT);
    free(block);
    close_pair(fds);
}
END_TEST

START_TEST(write_all_of_nothing_and_without_waiting)
{
    int fds[2];
    size_t done = 1;
    char *block = large_block();
    tcp_pair(fds);
    ck_assert_int_eq(green_write_all(fds[0], NULL, 0, &done, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(green_writev_all(fds[0], NULL, 0, &done, GREEN_NOWAIT), 0);
    uint64_t before = switches();
    ck_assert_int_eq(green_write_all(fds[0], block, LARGE, &done, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    ck_assert_uint_gt(done, 0); /* it did try */
    ck_assert_int_eq(green_write_all(fds[0], block, 0, NULL, GREEN_NOWAIT), 0);
    free(block);
    close_pair(fds);
}
END_TEST

/* --- several on one descriptor
 * ------------------------------------------------------------------------------------ */

static void *write_large(void *arg)
{
    char *block = large_block();
    size_t done;
    ck_assert_int_eq(green_write_all(*(int *)arg, block, LARGE, &done, soon()), 0);
    free(block);
    return NULL;
}

START_TEST(both_directions_at_once)
{
    int fds[2];
    struct slow_reader readers[2];
    green_t *g[4];
    tcp_pair(fds);
    for (int i = 0; i < 2; i++) {
        readers[i] = (struct slow_reader){.fd = fds[i], .stop_at = LARGE};
        g[i] = spawn(read_slowly, &readers[i]);
        g[i + 2] = spawn(write_large, &fds[i]);
    }
    for (int i = 0; i < 4; i++)
        finish(g[i]);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(readers[i].total, LARGE);
        ck_assert(readers[i].good);
    }
    close_pair(fds);
}
END_TEST

START_TEST(readers_are_served_in_order)
{
    enum { COUNT = 10 };
    int fds[2];
    struct reader readers[COUNT];
    tcp_pair(fds);
    order_of_reading = 0;
    for (int i = 0; i < COUNT; i++)
        start_reader(&readers[i], fds[0]);
    for (int i = 0; i < COUNT; i++) {
        char byte = (char)('a' + i);
        ck_assert_int_eq(green_write(fds[1], &byte, 1, soon()), 1);
        finish(readers[i].greenlet);
        ck_assert_int_eq(readers[i].result, 1);
        ck_assert_int_eq(readers[i].text[0], byte);
        ck_assert_int_eq(readers[i].order, i);
    }
    close_pair(fds);
}
END_TEST

START_TEST(strict_mode_refuses_a_second_reader)
{
    int fds[2];
    char byte;
    struct reader r;
    tcp_pair(fds);
    ck_assert(!green_strict_fds(true));
    start_reader(&r, fds[0]);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), -EBUSY);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_write(fds[0], "x", 1, soon()), 1); /* the other direction is free */
    ck_assert_int_eq(green_write(fds[1], "a", 1, soon()), 1);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 1);
    ck_assert_int_eq(green_write(fds[1], "b", 1, soon()), 1);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1); /* nobody else reads now */
    ck_assert_int_eq(byte, 'b');
    ck_assert(green_strict_fds(false));
    start_reader(&r, fds[0]);
    struct reader second;
    start_reader(&second, fds[0]);
    ck_assert_int_eq(green_write(fds[1], "c", 1, soon()), 1);
    finish(r.greenlet);
    ck_assert_int_eq(green_write(fds[1], "d", 1, soon()), 1);
    finish(second.greenlet);
    ck_assert_int_eq(second.text[0], 'd');
    close_pair(fds);
}
END_TEST

enum { MEGABYTE = 1 << 20 };

static void *produce(void *arg)
{
    static char block[7000];
    int fd = *(int *)arg;
    for (size_t sent = 0; sent < MEGABYTE;) {
        size_t size = MEGABYTE - sent < sizeof block ? MEGABYTE - sent : sizeof block;
        for (size_t i = 0; i < size; i++)
            block[i] = (char)((sent + i) * 31 >> 3);
        ck_assert_int_eq(green_write_all(fd, block, size, NULL, soon()), 0);
        sent += size;
    }
    ck_assert_int_eq(green_close(fd), 0);
    return NULL;
}

/* Case 125: a megabyte through a pipe, from one greenlet to another. */
START_TEST(a_pipe_between_greenlets)
{
    static char block[5000];
    int ends[2], wrong = 0;
    size_t got = 0;
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    green_t *producer = spawn(produce, &ends[1]);
    for (ssize_t n; (n = green_read(ends[0], block, sizeof block, soon())) != 0; got += (size_t)n) {
        ck_assert_int_gt((int)n, 0);
        for (size_t i = 0; i < (size_t)n; i++)
            wrong += block[i] != (char)((got + i) * 31 >> 3);
    }
    ck_assert_uint_eq(got, MEGABYTE);
    ck_assert_int_eq(wrong, 0);
    finish(producer);
    ck_assert_int_eq(green_close(ends[0]), 0);
}
END_TEST

struct pipe_user {
    int fd;
    ssize_t result;
};

static void *read_pipe(void *arg)
{
    struct pipe_user *u = arg;
    char byte;
    u->result = green_read(u->fd, &byte, 1, soon());
    return NULL;
}

static void *write_pipe(void *arg)
{
    struct pipe_user *u = arg;
    u->result = green_write(u->fd, "x", 1, soon());
    return NULL;
}

/* Case 125: whose own end is closed gets -EBADF; with the other end closed, the reader has come to the end and the writer
 * has nobody to write to. */
START_TEST(a_pipe_is_closed_while_one_waits)
{
    bool writes = _i & 1, own = _i & 2;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    if (writes)
        fill(ends[1]);
    struct pipe_user user = {.fd = ends[writes], .result = 7};
    green_t *g = spawn(writes ? write_pipe : read_pipe, &user);
    yields(1);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert_int_eq(green_close(own ? ends[writes] : ends[!writes]), 0);
    finish(g);
    ck_assert_int_eq((int)user.result, own ? -EBADF : writes ? -EPIPE : 0);
    ck_assert_int_eq(green_close(own ? ends[!writes] : ends[writes]), 0);
}
END_TEST

/* One event for data that feeds two: the second must not be forgotten. */
START_TEST(what_the_first_reader_leaves_is_for_the_second)
{
    int fds[2];
    struct reader a, b;
    char text[200] = {0};
    tcp_pair(fds);
    start_reader(&a, fds[0]);
    start_reader(&b, fds[0]);
    ck_assert_int_eq(green_write(fds[1], text, 100, soon()), 100);
    finish(a.greenlet);
    finish(b.greenlet);
    ck_assert_int_eq(a.result, 63);
    ck_assert_int_eq(b.result, 37);
    close_pair(fds);
}
END_TEST

/* Until somebody has been woken, and before its turn: who yields is ahead of it in the queue. */
static void until_woken(const green_t *g)
{
    while (green_state(g) == GREEN_WAITING)
        ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_state(g), GREEN_READY);
}

START_TEST(nobody_overtakes)
{
    int fds[2];
    struct reader first, second;
    char byte;
    tcp_pair(fds);
    start_reader(&first, fds[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    until_woken(first.greenlet);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, GREEN_NOWAIT), -EAGAIN); /* it is promised */
    start_reader(&second, fds[0]);
    finish(first.greenlet);
    ck_assert_int_eq(first.result, 1);
    ck_assert_int_eq(green_state(second.greenlet), GREEN_WAITING);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    finish(second.greenlet);
    ck_assert_int_eq(second.result, 1);
    close_pair(fds);
}
END_TEST

/* Woken for data that somebody took behind libgreen's back: its place is still the first. */
START_TEST(who_wakes_for_nothing_keeps_the_place)
{
    int fds[2];
    struct reader readers[3];
    char byte;
    tcp_pair(fds);
    for (int i = 0; i < 3; i++)
        start_reader(&readers[i], fds[0]);
    order_of_reading = 0;
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    until_woken(readers[0].greenlet);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    yields(20);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(write(fds[1], "y", 1), 1);
        finish(readers[i].greenlet);
        ck_assert_int_eq(readers[i].order, i);
    }
    close_pair(fds);
}
END_TEST

static void *wait_readable(void *arg)
{
    struct reader *r = arg;
    r->result = green_wait_fd(r->fd, POLLIN, GREEN_FOREVER);
    return NULL;
}

START_TEST(all_who_wait_for_readiness_are_told)
{
    int fds[2];
    char byte;
    tcp_pair(fds);
    struct reader r;
    ck_assert_int_eq(green_wait_fd(fds[0], POLLOUT, soon()), 0);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, green_in_ms(5)), -ETIMEDOUT);
    start_reader(&r, fds[0]);
    ck_assert_int_eq(green_write(fds[1], "xy", 2, soon()), 2);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0);
    finish(r.greenlet);
    ck_assert_int_eq(green_write(fds[1], "z", 1, soon()), 1);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0);
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, soon()), 0); /* it is still there */
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);                /* taken behind libgreen's back */
    ck_assert_int_eq(green_wait_fd(fds[0], POLLIN, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_write(fds[1], "z", 1, soon()), 1);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
    struct reader waiters[3];
    for (int i = 0; i < 3; i++) {
        waiters[i] = (struct reader){.fd = fds[0], .result = -1};
        waiters[i].greenlet = spawn(wait_readable, &waiters[i]);
    }
    yields(1);
    ck_assert_int_eq(green_write(fds[1], "z", 1, soon()), 1); /* one byte is news for all three */
    for (int i = 0; i < 3; i++) {
        finish(waiters[i].greenlet);
        ck_assert_int_eq(waiters[i].result, 0);
    }
    close_pair(fds);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {bytes_come_across, 0},
        {vectors_come_across, 0},
        {more_vectors_than_the_system_takes, 0},
        {end_of_input_after_a_short_read, 2},
        {half_closed_still_goes_the_other_way, 0},
        {a_closed_peer_is_an_error_not_a_signal, 0},
        {a_reset_is_seen, 0},
        {bad_descriptors, 0},
        {everything_arrives_at_a_slow_reader, 2},
        {one_deadline_for_everything, 2},
        {write_all_of_nothing_and_without_waiting, 0},
        {both_directions_at_once, 0},
        {readers_are_served_in_order, 0},
        {strict_mode_refuses_a_second_reader, 0},
        {a_pipe_between_greenlets, 0},
        {a_pipe_is_closed_while_one_waits, 4},
        {what_the_first_reader_leaves_is_for_the_second, 0},
        {nobody_overtakes, 0},
        {who_wakes_for_nothing_keeps_the_place, 0},
        {all_who_wait_for_readiness_are_told, 0},
    };
    return RUN_TESTS("fd", tests);
}
