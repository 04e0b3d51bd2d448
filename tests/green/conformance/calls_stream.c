/* Streams over sockets and pipes, and buffers over streams. One greenlet reads, one writes. */
#include "generic.h"

static int peer = -1;
static green_stream_t *stream;

static void open_over(int fds[2])
{
    ck_assert_int_eq(green_stream_open(&stream, fds[0]), 0);
    peer = fds[1];
    set_nonblocking(peer);
}

static void begin_unix(void)
{
    int fds[2];
    stream_pair(fds);
    open_over(fds);
}

static void begin_tcp(void)
{
    int fds[2];
    tcp_pair(fds);
    open_over(fds);
}

static void begin_pipe_in(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    open_over(fds);
}

static void begin_pipe_out(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    open_over((int[]){fds[1], fds[0]});
}

/* What is on its way over TCP may still make room once: until that is over. */
static void fill_up(void)
{
    while (fill(stream->fd))
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}

static void begin_full_unix(void)
{
    begin_unix();
    fill_up();
}

static void begin_full_tcp(void)
{
    begin_tcp();
    fill_up();
}

static void begin_full_pipe(void)
{
    begin_pipe_out();
    fill_up();
}

static void let_read(void)
{
    ck_assert_int_eq(write(peer, "x", 1), 1);
}

static void let_write(void)
{
    drain(peer);
}

static void end_stream(void)
{
    ck_assert_int_eq(green_stream_close(stream), 0);
    ck_assert_int_eq(green_close(peer), 0);
}

static char byte;

static int wait_read(green_time deadline)
{
    return (int)green_stream_read(stream, &byte, 1, deadline);
}

static int wait_read_all(green_time deadline)
{
    size_t done = 7;
    int r = green_stream_read_all(stream, &byte, 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static int wait_write(green_time deadline)
{
    return (int)green_stream_write(stream, "x", 1, deadline);
}

static int wait_writev(green_time deadline)
{
    return (int)green_stream_writev(stream, &(struct iovec){.iov_base = "x", .iov_len = 1}, 1, deadline);
}

static int wait_write_all(green_time deadline)
{
    size_t done = 7;
    int r = green_stream_write_all(stream, "x", 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static int wait_writev_all(green_time deadline)
{
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    size_t done = 7;
    int r = green_stream_writev_all(stream, &iov, 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

/* --- buffered ----------------------------------------------------------------------------------------------------- */

static green_bufio_t buffered;

static void begin_buffered(void)
{
    begin_unix();
    green_bufio_init(&buffered, stream, 64);
}

static void begin_full_buffered(void)
{
    begin_full_unix();
    green_bufio_init(&buffered, stream, 64);
}

static void let_line(void)
{
    ck_assert_int_eq(write(peer, "\n", 1), 1);
}

static void end_buffered(void)
{
    green_bufio_destroy(&buffered);
    end_stream();
}

static int wait_bufio_read(green_time deadline)
{
    return (int)green_bufio_read(&buffered, &byte, 1, deadline);
}

static int wait_read_exact(green_time deadline)
{
    size_t done = 7;
    int r = green_bufio_read_exact(&buffered, &byte, 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static int wait_read_until(green_time deadline)
{
    char *out;
    return (int)green_bufio_read_until(&buffered, &out, "\n", 1, 10, deadline);
}

static int wait_read_line(green_time deadline)
{
    char *line;
    return (int)green_bufio_read_line(&buffered, &line, 10, deadline);
}

static int wait_peek(green_time deadline)
{
    char *out;
    int r = (int)green_bufio_peek(&buffered, &out, 1, deadline);
    if (r > 0)
        ck_assert_int_eq(green_bufio_skip(&buffered, (size_t)r), 0);
    return r;
}

/* More than the buffer holds. */
static int wait_bufio_write(green_time deadline)
{
    char block[100] = {0};
    size_t done = 7;
    int r = green_bufio_write(&buffered, block, sizeof block, &done, deadline);
    ck_assert_uint_eq(done, r == 0 ? sizeof block : done);
    return r;
}

static int wait_flush(green_time deadline)
{
    if (!green_bufio_unsent(&buffered))
        ck_assert_int_eq(green_bufio_write(&buffered, "x", 1, NULL, GREEN_NOWAIT), 0);
    return green_bufio_flush(&buffered, deadline);
}

#define BUFFERED(call, start, what, how, repeat)                                                             \
    {                                                                                                        \
        .name = call, .flags = CALL_ALONE, .begin = start, .wait = what, .let = how, .again = repeat,        \
        .end = end_buffered                                                                                  \
    }
#define READS(call, start, what)                                                                             \
    {                                                                                                        \
        .name = call, .flags = CALL_ALONE, .begin = start, .wait = what, .let = let_read, .end = end_stream  \
    }
#define WRITES(call, start, what)                                                                            \
    {                                                                                                        \
        .name = call, .flags = CALL_ALONE, .begin = start, .wait = what, .let = let_write, .again = fill_up, \
        .end = end_stream                                                                                    \
    }

static const struct call rows[] = {
    READS("green_stream_read, unix", begin_unix, wait_read),
    READS("green_stream_read, tcp", begin_tcp, wait_read),
    READS("green_stream_read, pipe", begin_pipe_in, wait_read),
    READS("green_stream_read_all, unix", begin_unix, wait_read_all),
    READS("green_stream_read_all, tcp", begin_tcp, wait_read_all),
    READS("green_stream_read_all, pipe", begin_pipe_in, wait_read_all),
    WRITES("green_stream_write, unix", begin_full_unix, wait_write),
    WRITES("green_stream_write, tcp", begin_full_tcp, wait_write),
    WRITES("green_stream_write, pipe", begin_full_pipe, wait_write),
    WRITES("green_stream_writev, unix", begin_full_unix, wait_writev),
    WRITES("green_stream_writev, tcp", begin_full_tcp, wait_writev),
    WRITES("green_stream_writev, pipe", begin_full_pipe, wait_writev),
    WRITES("green_stream_write_all, unix", begin_full_unix, wait_write_all),
    WRITES("green_stream_write_all, tcp", begin_full_tcp, wait_write_all),
    WRITES("green_stream_write_all, pipe", begin_full_pipe, wait_write_all),
    WRITES("green_stream_writev_all, unix", begin_full_unix, wait_writev_all),
    WRITES("green_stream_writev_all, tcp", begin_full_tcp, wait_writev_all),
    WRITES("green_stream_writev_all, pipe", begin_full_pipe, wait_writev_all),
    BUFFERED("green_bufio_read", begin_buffered, wait_bufio_read, let_line, NULL),
    BUFFERED("green_bufio_read_exact", begin_buffered, wait_read_exact, let_line, NULL),
    BUFFERED("green_bufio_read_until", begin_buffered, wait_read_until, let_line, NULL),
    BUFFERED("green_bufio_read_line", begin_buffered, wait_read_line, let_line, NULL),
    BUFFERED("green_bufio_peek", begin_buffered, wait_peek, let_line, NULL),
    BUFFERED("green_bufio_write", begin_full_buffered, wait_bufio_write, let_write, fill_up),
    BUFFERED("green_bufio_flush", begin_full_buffered, wait_flush, let_write, fill_up),
};

const struct calls calls_stream = CALLS(rows);
