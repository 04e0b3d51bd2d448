/* Descriptors: reading, writing, accepting, connecting, splicing, and waiting for several. */
#include "generic.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>

static int fds[2] = {-1, -1};

/* --- a pair of sockets: nothing to read, or no room to write ------------------------------------------------------ */

static void begin_empty(void)
{
    stream_pair(fds);
}

static void fill_up(void)
{
    fill(fds[0]);
}

static void begin_full(void)
{
    stream_pair(fds);
    fill_up();
}

static void let_read(void)
{
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static void let_write(void)
{
    drain(fds[1]);
}

static void drain_ours(void)
{
    drain(fds[0]);
}

static void end_pair(void)
{
    close_pair(fds);
}

static char byte;
static struct iovec one_byte(void)
{
    return (struct iovec){.iov_base = &byte, .iov_len = 1};
}

static int wait_read(green_time deadline)
{
    return (int)green_read(fds[0], &byte, 1, deadline);
}

static int wait_readv(green_time deadline)
{
    struct iovec iov = one_byte();
    return (int)green_readv(fds[0], &iov, 1, deadline);
}

static int wait_write(green_time deadline)
{
    return (int)green_write(fds[0], "x", 1, deadline);
}

static int wait_writev(green_time deadline)
{
    struct iovec iov = one_byte();
    return (int)green_writev(fds[0], &iov, 1, deadline);
}

static int wait_write_all(green_time deadline)
{
    size_t done = 7;
    int r = green_write_all(fds[0], "x", 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static int wait_writev_all(green_time deadline)
{
    struct iovec iov = one_byte();
    size_t done = 7;
    int r = green_writev_all(fds[0], &iov, 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static int wait_in(green_time deadline)
{
    return green_wait_fd(fds[0], POLLIN, deadline);
}

static int wait_out(green_time deadline)
{
    return green_wait_fd(fds[0], POLLOUT, deadline);
}

/* --- several at once ---------------------------------------------------------------------------------------------- */

static int wait_poll(green_time deadline)
{
    struct pollfd set[] = {{.fd = -1}, {.fd = fds[0], .events = POLLIN}};
    return green_poll(set, 2, deadline);
}

static int wait_select(green_time deadline)
{
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fds[0], &readable);
    return green_select_fds(fds[0] + 1, &readable, NULL, NULL, deadline);
}

static int epfd = -1;

static void begin_epoll(void)
{
    struct epoll_event wish = {.events = EPOLLIN};
    begin_empty();
    epfd = epoll_create1(EPOLL_CLOEXEC);
    ck_assert_int_ge(epfd, 0);
    ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[0], &wish), 0);
}

static int wait_epoll(green_time deadline)
{
    struct epoll_event event;
    return green_epoll_wait(epfd, &event, 1, deadline);
}

static void end_epoll(void)
{
    ck_assert_int_eq(green_close(epfd), 0);
    end_pair();
}

/* --- from descriptor to descriptor -------------------------------------------------------------------------------- */

static int wait_splice_in(green_time deadline)
{
    green_pipe_t pipe;
    ck_assert_int_eq(green_pipe_open(&pipe, 4096), 0);
    int r = (int)green_splice_in(fds[0], &pipe, 1, deadline);
    ck_assert_uint_eq(pipe.held, r == 1);
    green_pipe_close(&pipe);
    return r;
}

static int wait_splice_out(green_time deadline)
{
    green_pipe_t pipe;
    ck_assert_int_eq(green_pipe_open(&pipe, 4096), 0);
    ck_assert_int_eq(write(pipe.write_end, "x", 1), 1);
    pipe.held = 1;
    int r = (int)green_splice_out(&pipe, fds[0], false, deadline);
    ck_assert_uint_eq(pipe.held, r != 1);
    green_pipe_close(&pipe);
    return r;
}

static int file = -1;

static void begin_sendfile(void)
{
    begin_full();
    file = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, "x", 1), 1);
}

static int wait_sendfile(green_time deadline)
{
    size_t done = 7;
    int r = green_sendfile(fds[0], file, 0, 1, &done, deadline);
    ck_assert_uint_eq(done, r == 0);
    return r;
}

static void end_sendfile(void)
{
    ck_assert_int_eq(green_close(file), 0);
    end_pair();
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static int listener = -1, clients[16], client_count;
static green_address_t address;

static void begin_accept(void)
{
    listener = listen_anywhere(&address);
    client_count = 0;
}

static int client(void)
{
    ck_assert_int_lt(client_count, 16);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return clients[client_count++] = fd;
}

static void let_accept(void)
{
    int r = connect(client(), &address.any, address.length);
    ck_assert(r == 0 || errno == EINPROGRESS);
}

static int wait_accept(green_time deadline)
{
    int fd = green_accept(listener, NULL, deadline);
    if (fd >= 0)
        ck_assert_int_eq(green_close(fd), 0);
    return fd;
}

static void end_connections(void)
{
    while (client_count)
        close(clients[--client_count]);
    ck_assert_int_eq(green_close(listener), 0);
    if (address.any.sa_family == AF_UNIX)
        unlink(address.un.sun_path);
}

/* A unix listener that has as many connections waiting as it wants. */
static void begin_connect(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/greenway-test-%d", (int)getpid());
    unlink(path);
    client_count = 0;
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    listener = green_listen(&address, 1, 0);
    ck_assert_int_ge(listener, 0);
    while (connect(client(), &address.any, address.length) == 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
}

static void let_connect(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
}

static void fill_backlog(void)
{
    while (connect(client(), &address.any, address.length) == 0)
        ;
}

static int wait_connect(green_time deadline)
{
    int fd = green_connect(&address, deadline);
    if (fd >= 0)
        ck_assert_int_eq(green_close(fd), 0);
    return fd;
}

static int closed_when_connected(int r, green_stream_t *stream)
{
    ck_assert((r == 0) == (stream != NULL));
    ck_assert_int_eq(green_stream_close(stream), 0);
    return r;
}

static int wait_unix_connect(green_time deadline)
{
    green_stream_t *stream = NULL;
    int r = green_unix_connect(&stream, address.un.sun_path, deadline);
    return closed_when_connected(r, stream);
}

static int wait_dial(green_time deadline)
{
    char where[sizeof address.un.sun_path + 8];
    green_stream_t *stream = NULL;
    snprintf(where, sizeof where, "unix:%s", address.un.sun_path);
    int r = green_dial(&stream, where, NULL, deadline);
    return closed_when_connected(r, stream);
}

static int wait_connect_fd(green_time deadline)
{
    int fd = green_socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    int r = green_connect_fd(fd, &address, deadline);
    ck_assert_int_eq(green_close(fd), 0);
    return r;
}

#define ROW(call, start, what, how, repeat, finally)                                                         \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = how, .again = repeat, .end = finally              \
    }
#define READS(call, what)  ROW(call, begin_empty, what, let_read, NULL, end_pair)
#define LOOKS(call, what)  ROW(call, begin_empty, what, let_read, drain_ours, end_pair)
#define WRITES(call, what) ROW(call, begin_full, what, let_write, fill_up, end_pair)

static const struct call rows[] = {
    READS("green_read", wait_read),
    READS("green_readv", wait_readv),
    WRITES("green_write", wait_write),
    WRITES("green_writev", wait_writev),
    WRITES("green_write_all", wait_write_all),
    WRITES("green_writev_all", wait_writev_all),
    LOOKS("green_wait_fd, in", wait_in),
    WRITES("green_wait_fd, out", wait_out),
    LOOKS("green_poll", wait_poll),
    LOOKS("green_select_fds", wait_select),
    ROW("green_epoll_wait", begin_epoll, wait_epoll, let_read, drain_ours, end_epoll),
    READS("green_splice_in", wait_splice_in),
    WRITES("green_splice_out", wait_splice_out),
    ROW("green_sendfile", begin_sendfile, wait_sendfile, let_write, fill_up, end_sendfile),
    ROW("green_accept", begin_accept, wait_accept, let_accept, NULL, end_connections),
    ROW("green_connect", begin_connect, wait_connect, let_connect, fill_backlog, end_connections),
    ROW("green_connect_fd", begin_connect, wait_connect_fd, let_connect, fill_backlog, end_connections),
    ROW("green_unix_connect", begin_connect, wait_unix_connect, let_connect, fill_backlog, end_connections),
    ROW("green_dial", begin_connect, wait_dial, let_connect, fill_backlog, end_connections),
};

const struct calls calls_fd = CALLS(rows);
