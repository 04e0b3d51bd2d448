/* Messages over sockets: of a stream, of datagrams, with descriptors. */
#include "generic.h"

#include <sys/uio.h>

static int fds[2] = {-1, -1};

static void begin_stream(void)
{
    stream_pair(fds);
}

static void begin_datagrams(void)
{
    ck_assert_int_eq(green_socketpair(SOCK_DGRAM, fds), 0);
}

static void fill_up(void)
{
    fill(fds[0]);
}

static void begin_full_stream(void)
{
    begin_stream();
    fill_up();
}

static void begin_full_datagrams(void)
{
    begin_datagrams();
    fill_up();
}

static void let_receive(void)
{
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static void let_send(void)
{
    drain(fds[1]);
}

static void end_pair(void)
{
    close_pair(fds);
}

static char byte;

static int wait_recv(green_time deadline)
{
    return (int)green_recv(fds[0], &byte, 1, 0, deadline);
}

static int wait_recvfrom(green_time deadline)
{
    green_address_t from;
    return (int)green_recvfrom(fds[0], &byte, 1, 0, &from, deadline);
}

static int wait_recvmsg(green_time deadline)
{
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return (int)green_recvmsg(fds[0], &message, 0, deadline);
}

static int wait_recv_fds(green_time deadline)
{
    int got[1];
    size_t count = 1;
    return (int)green_recv_fds(fds[0], &byte, 1, got, &count, deadline);
}

static int wait_recv_packets(green_time deadline)
{
    green_packet_t packet = {.data = &byte, .size = 1};
    return green_recv_packets(fds[0], &packet, 1, deadline);
}

static int wait_send_packets(green_time deadline)
{
    green_packet_t packet = {.data = &byte, .size = 1};
    return green_send_packets(fds[0], &packet, 1, NULL, deadline);
}

static int wait_send(green_time deadline)
{
    return (int)green_send(fds[0], "x", 1, 0, deadline);
}

static int wait_sendto(green_time deadline)
{
    return (int)green_sendto(fds[0], "x", 1, 0, NULL, deadline);
}

static int wait_sendmsg(green_time deadline)
{
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return (int)green_sendmsg(fds[0], &message, 0, deadline);
}

static int wait_send_fds(green_time deadline)
{
    int sent = STDERR_FILENO;
    return (int)green_send_fds(fds[0], "x", 1, &sent, 1, deadline);
}

#define RECEIVES(call, start, what)                                                                          \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = let_receive, .end = end_pair                      \
    }
#define SENDS(call, start, what)                                                                             \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = let_send, .again = fill_up, .end = end_pair       \
    }

static const struct call rows[] = {
    RECEIVES("green_recv", begin_stream, wait_recv),
    RECEIVES("green_recv, datagram", begin_datagrams, wait_recv),
    RECEIVES("green_recvfrom", begin_datagrams, wait_recvfrom),
    RECEIVES("green_recvmsg", begin_stream, wait_recvmsg),
    RECEIVES("green_recv_fds", begin_stream, wait_recv_fds),
    RECEIVES("green_recv_packets", begin_datagrams, wait_recv_packets),
    SENDS("green_send_packets", begin_full_datagrams, wait_send_packets),
    SENDS("green_send", begin_full_stream, wait_send),
    SENDS("green_sendto", begin_full_datagrams, wait_sendto),
    SENDS("green_sendmsg", begin_full_stream, wait_sendmsg),
    SENDS("green_send_fds", begin_full_stream, wait_send_fds),
};

const struct calls calls_message = CALLS(rows);
