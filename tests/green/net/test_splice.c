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

/* --- sendfile ---------------------------------------------------------------------------------------------------------- */

#define FILE_SIZE ((size_t)3 << 20)

static int numbers_file(void)
{
    char path[] = "/tmp/green-sendfile-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    FILE *f = fdopen(dup(fd), "w");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < FILE_SIZE / 8; i++)
        fprintf(f, "%07zx\n", i);
    ck_assert_int_eq(fclose(f), 0);
    return fd;
}

struct file_reader {
    int fd;
    size_t at, first; /* bytes seen; the number of the first record */
    bool good;
};

static void *check_numbers(void *arg)
{
    struct file_reader *r = arg;
    char record[9], expected[9];
    size_t done;
    r->good = true;
    for (;;) {
        for (done = 0; done < 8;) {
            ssize_t n = green_read(r->fd, record + done, 8 - done, soon());
            if (n <= 0)
                return NULL;
            done += (size_t)n;
        }
        snprintf(expected, sizeof expected, "%07zx\n", r->first + r->at / 8);
        r->good = r->good && memcmp(record, expected, 8) == 0;
        r->at += 8;
    }
}

START_TEST(a_file_is_sent)
{
    int fds[2], file = numbers_file();
    size_t done;
    if (_i == 0)
        tcp_pair(fds);
    else
        stream_pair(fds);
    struct file_reader r = {.fd = fds[1], .first = 1};
    green_t *g = spawn(check_numbers, &r);
    ck_assert_int_eq(green_sendfile(fds[0], file, 8, FILE_SIZE, &done, soon()), 0); /* more than there is */
    ck_assert_uint_eq(done, FILE_SIZE - 8);
    ck_assert_int_eq(green_sendfile(fds[0], file, (off_t)FILE_SIZE + 5, 10, &done, soon()), 0);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(green_sendfile(fds[0], file, 0, 0, NULL, soon()), 0);
    ck_assert_int_eq(green_shutdown_write(fds[0]), 0);
    finish(g);
    ck_assert(r.good);
    ck_assert_uint_eq(r.at, FILE_SIZE - 8);
    ck_assert_int_eq(close(file), 0);
    close_pair(fds);
}
END_TEST

START_TEST(a_file_that_nobody_takes)
{
    int fds[2], file = numbers_file();
    size_t done = 0;
    tcp_pair(fds);
    ck_assert_int_eq(green_sendfile(fds[0], -1, 0, 10, &done, soon()), -EBADF);
    ck_assert_int_eq(green_sendfile(-1, file, 0, 10, &done, soon()), -EBADF);
    ck_assert_int_eq(green_sendfile(fds[0], fds[1], 0, 10, &done, soon()), -ESPIPE); /* no file */
    int r = 0;
    for (int i = 0; r == 0 && i < 100; i++) /* the system's buffers may hold several such files */
        r = green_sendfile(fds[0], file, 0, FILE_SIZE, &done, GREEN_NOWAIT);
    ck_assert_int_eq(r, -EAGAIN);
    ck_assert_uint_lt(done, FILE_SIZE);
    green_time deadline = green_in_ms(20);
    for (r = 0; r == 0;) /* they may still grow a little */
        r = green_sendfile(fds[0], file, 0, FILE_SIZE, &done, deadline);
    ck_assert_int_eq(r, -ETIMEDOUT);
    ck_assert_uint_lt(done, FILE_SIZE);
    ck_assert_int_eq(green_close(fds[1]), 0);
    ck_assert_int_lt(r = green_sendfile(fds[0], file, 0, FILE_SIZE, NULL, soon()), 0);
    ck_assert(r == -EPIPE || r == -ECONNRESET);
    ck_assert_int_eq(close(file), 0);
    ck_assert_int_eq(green_close(fds[0]), 0);
}
END_TEST

/* Files that sendfile(2) itself does not read. */
START_TEST(a_file_of_proc)
{
    int fds[2], file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(file, 0);
    char text[16] = "";
    size_t done;
    stream_pair(fds);
    ck_assert_int_eq(green_sendfile(fds[0], file, 0, 5, &done, soon()), 0);
    ck_assert_uint_eq(done, 5);
    ck_assert_int_eq(green_read(fds[1], text, sizeof text, soon()), 5);
    ck_assert_str_eq(text, "Name:");
    ck_assert_int_eq(close(file), 0);
    close_pair(fds);
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
        {a_file_is_sent, 2},
        {a_file_that_nobody_takes, 0},
        {a_file_of_proc, 0},
    };
    return RUN_TESTS("splice", tests);
}
