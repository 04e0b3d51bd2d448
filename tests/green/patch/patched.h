/* What the tests of libgreen-patch share: they call nothing but libc in their greenlets. */
#ifndef TESTS_GREEN_PATCH_PATCHED_H
#define TESTS_GREEN_PATCH_PATCHED_H

#include <patch.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/un.h>

#include "support.h"

/* Whether others ran while a call waited: they count. */
static inline void *count_turns(void *arg)
{
    int *turns = arg;
    while (*turns >= 0 && green_sleep(GREEN_US(200)) == 0)
        *turns += *turns >= 0;
    return NULL;
}

/* Two ends of a blocking stream with small buffers. */
static inline void blocking_pair(int fds[2], int type)
{
    int size = 4096;
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

static inline void close_both(const int fds[2])
{
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}

static inline bool is_blocking(int fd)
{
    return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* One byte, later, on a descriptor. */
struct later {
    int fd;
    int64_t after;
};

static inline void *write_later(void *arg)
{
    struct later *l = arg;
    green_sleep(l->after);
    ck_assert_int_eq(write(l->fd, "x", 1), 1);
    return NULL;
}

/* A greenlet that reads one byte from a descriptor, and what became of that: 1, 0 at the end, or -errno. */
static inline void *read_one(void *arg)
{
    char byte;
    ssize_t n = read(*(int *)arg, &byte, 1);
    return (void *)(intptr_t)(n < 0 ? -errno : n);
}

static inline int result_of(green_t *g)
{
    void *result = NULL;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    green_release(g);
    return (int)(intptr_t)result;
}

/* A byte with a descriptor beside it, over a unix socket. */
static inline void send_with_descriptor(int to, char byte, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.room = {0}};
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&m) = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(to, &m, 0), 1);
}

static inline void listen_blocking(int *fd, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(*fd, 0);
    ck_assert_int_eq(bind(*fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(*fd, 16), 0);
    ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)address, &length), 0);
}

#endif
