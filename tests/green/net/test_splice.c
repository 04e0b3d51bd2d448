/* Bytes through a pipe in the kernel, both ways. */
#include "support.h"

#include <sys/mman.h>

START_TEST(a_pipe_is_opened_and_closed)
{
    green_pipe_t pipe;
    int before = open_descriptors();
    ck_assert_int_eq(green_pipe_open(&pipe, 16384), 0);
    ck_assert_uint_ge(pipe.capacity, 16384);
    ck_assert_uint_eq(pipe.held, 0);
    ck_assert_int_eq(open_descriptors(), before + 2);
    green_pipe_close(&pipe);
    ck_assert_int_eq(green_pipe_open(&pipe, SIZE_MAX), 0); /* a wish that cannot come true */
    ck_assert_uint_gt(pipe.capacity, 0);
    green_pipe_close(&pipe);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_few_bytes)
{
    int in[2], out[2];
    char buffer[64];
    green_pipe_t pipe;
    tcp_pair(in);
    tcp_pair(out);
    ck_assert_int_eq(green_pipe_open(&pipe, 65536), 0);
    ck_assert_int_eq(green_splice_out(&pipe, out[0], false, soon()), -EINVAL); /* it holds nothing */
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(green_write(in[0], "hello", 5, soon()), 5);
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, soon()), 5);
    ck_assert_uint_eq(pipe.held, 5);
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, soon()), -ENOBUFS); /* first out, then in */
    ck_assert_int_eq(green_splice_out(&pipe, out[0], false, soon()), 5);
    ck_assert_uint_eq(pipe.held, 0);
    ck_assert_int_eq(green_read(out[1], buffer, sizeof buffer, soon()), 5);
    ck_assert_int_eq(memcmp(buffer, "hello", 5), 0);
    ck_assert_int_eq(green_write(in[0], "0123456789", 10, soon()), 10);
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 4, soon()), 4); /* no more than asked for */
    ck_assert_int_eq(green_splice_out(&pipe, out[0], true, soon()), 4);
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, soon()), 6);
    ck_assert_int_eq(green_splice_out(&pipe, out[0], false, soon()), 6);
    ck_assert_int_eq(green_shutdown_write(in[0]), 0);
    ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, soon()), 0);
    green_pipe_close(&pipe);
    close_pair(in);
    close_pair(out);
}
END_TEST

enum { LARGE = 10 * 1000 * 1000 };

static char pattern(size_t at)
{
    return (char)(at % 251);
}

static void *send_large(void *arg)
{
    int fd = *(int *)arg;
    char *block = malloc(LARGE);
    ck_assert_ptr_nonnull(block);
    for (size_t i = 0; i < LARGE; i++)
        block[i] = pattern(i);
    ck_assert_int_eq(green_write_all(fd, block, LARGE, NULL, soon()), 0);
    ck_assert_int_eq(green_shutdown_write(fd), 0);
    free(block);
    return NULL;
}

struct relay {
    int from, to;
};

static void *relay(void *arg)
{
    struct relay *r = arg;
    green_pipe_t pipe;
    ssize_t n;
    ck_assert_int_eq(green_pipe_open(&pipe, 65536), 0);
    while ((n = green_splice_in(r->from, &pipe, 1 << 20, soon())) > 0)
        while (pipe.held)
            ck_assert_int_gt(green_splice_out(&pipe, r->to, false, soon()), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(green_shutdown_write(r->to), 0);
    green_pipe_close(&pipe);
    return NULL;
}

static void *receive_large(void *arg)
{
    int fd = *(int *)arg;
    static char buffer[40000];
    size_t at = 0;
    ssize_t n;
    bool good = true;
    while ((n = green_read(fd, buffer, at / 100000 % 2 ? sizeof buffer : 1000, soon())) > 0) {
        for (ssize_t i = 0; i < n; i += 499)
            good &= buffer[i] == pattern(at + (size_t)i);
        at += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(at, LARGE);
    ck_assert(good);
    return NULL;
}

/* client <-> relay <-> server, both ways at the same time, with back pressure. */
START_TEST(much_both_ways)
{
    int client[2], server[2];
    tcp_pair(client);
    tcp_pair(server);
    struct relay there = {client[1], server[0]}, back = {server[0], client[1]};
    green_t *g[] = {
        spawn(send_large, &client[0]), spawn(receive_large, &client[0]), spawn(relay, &there),
        spawn(relay, &back),           spawn(send_large, &server[1]),    spawn(receive_large, &server[1]),
    };
    for (size_t i = 0; i < sizeof g / sizeof g[0]; i++) {
        ck_assert_int_eq(green_join(g[i], soon()), 0);
        green_release(g[i]);
    }
    close_pair(client);
    close_pair(server);
}
END_TEST

/* Many small segments fill a pipe by pages, long before by bytes. */
START_TEST(many_small_segments)
{
    int in[2], out[2];
    char byte;
    green_pipe_t pipe;
    size_t got = 0;
    tcp_pair(in);
    tcp_pair(out);
    ck_assert_int_eq(green_pipe_open(&pipe, 4096), 0);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(green_write(in[0], "x", 1, soon()), 1);
    ck_assert_int_eq(green_shutdown_write(in[0]), 0);
    ssize_t n;
    while ((n = green_splice_in(in[1], &pipe, 65536, soon())) > 0)
        while (pipe.held)
            ck_assert_int_gt(green_splice_out(&pipe, out[0], false, soon()), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(green_shutdown_write(out[0]), 0);
    while (green_read(out[1], &byte, 1, soon()) == 1)
        got++;
    ck_assert_uint_eq(got, 500);
    green_pipe_close(&pipe);
    close_pair(in);
    close_pair(out);
}
END_TEST

START_TEST(the_other_side_is_gone)
{
    int in[2], out[2];
    green_pipe_t pipe;
    ssize_t n = 0;
    tcp_pair(in);
    tcp_pair(out);
    ck_assert_int_eq(green_pipe_open(&pipe, 65536), 0);
    ck_assert_int_eq(green_close(out[1]), 0);
    out[1] = -1;
    for (int i = 0; i < 100 && n >= 0; i++) {
        ck_assert_int_eq(green_write(in[0], "x", 1, soon()), 1);
        ck_assert_int_eq(green_splice_in(in[1], &pipe, 100, soon()), 1);
        n = green_splice_out(&pipe, out[0], false, soon());
    }
    ck_assert(n == -EPIPE || n == -ECONNRESET);
    green_pipe_close(&pipe);
    close_pair(in);
    close_pair(out);
}
END_TEST

START_TEST(files_go_out_and_some_things_do_not)
{
    int out[2];
    char buffer[64];
    green_pipe_t pipe;
    tcp_pair(out);
    ck_assert_int_eq(green_pipe_open(&pipe, 65536), 0);
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "from a file", 11), 11);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(green_splice_in(fd, &pipe, 100, soon()), 11);
    ck_assert_int_eq(green_splice_out(&pipe, out[0], false, soon()), 11);
    ck_assert_int_eq(green_read(out[1], buffer, sizeof buffer, soon()), 11);
    ck_assert_int_eq(memcmp(buffer, "from a file", 11), 0);
    ck_assert_int_eq(green_splice_in(fd, &pipe, 100, soon()), 0);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_splice_in(fd, &pipe, 100, soon()), -EBADF);
    fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_lt(green_splice_in(fd, &pipe, 100, soon()), 0); /* a directory has no bytes */
    ck_assert_int_eq(green_close(fd), 0);
    green_pipe_close(&pipe);
    close_pair(out);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_pipe_is_opened_and_closed, 0},
        {a_few_bytes, 0},
        {much_both_ways, 0},
        {many_small_segments, 0},
        {the_other_side_is_gone, 0},
        {files_go_out_and_some_things_do_not, 0},
    };
    return RUN_TESTS("splice", tests);
}
