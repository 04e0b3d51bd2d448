/*
 * What the tests of the tunnel share: a tunnel between two connections, whose far ends are the test's own.
 * Everything happens in one hub. Each test must leave no greenlet and no descriptor behind.
 */
#ifndef TESTS_TCP_CARRY_H
#define TESTS_TCP_CARRY_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcp/tunnel.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1 /* slower, and resident memory means nothing */
#else
#define SANITIZED 0
#endif

struct carry {
    struct tunnel *tunnel;
    struct tunnel_options options;
    int client, upstream; /* the far ends; -1 once closed */
    struct tunnel_result result;
    int ended; /* how often done() was called */
    green_park_t over;
};

static struct buffers buffers;
static int descriptors_before;

/* Far enough away that a slow machine gets there, near enough that a hang is reported as a wrong result. */
static inline green_time soon(void)
{
    return green_in_ms(30000);
}

static inline int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline void begin(void)
{
    ck_assert_ptr_nonnull(green_hub()); /* libuv keeps a descriptor or two from its first loop on */
    ck_assert_int_eq(green_hub_close(), 0);
    descriptors_before = open_descriptors();
    buffers_init(&buffers);
}

static inline void end(void)
{
    ck_assert_uint_eq(buffers.count, buffers.capacity); /* all given back */
    buffers_destroy(&buffers);
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert_int_eq(open_descriptors(), descriptors_before);
}

/* The two ends of a TCP connection over loopback; size: of its socket buffers, 0: as the system likes. */
static inline void tcp_pair(int fds[2], int size)
{
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, "127.0.0.1", 0), 0);
    int listener = green_listen(&address, 16, 0), on = 1;
    ck_assert_int_ge(listener, 0);
    if (size)
        ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    ck_assert_int_eq(green_local_address(listener, &address), 0);
    fds[0] = green_connect(&address, soon());
    ck_assert_int_ge(fds[0], 0);
    fds[1] = green_accept(listener, NULL, soon());
    ck_assert_int_ge(fds[1], 0);
    ck_assert_int_eq(setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    for (int i = 0; size && i < 2; i++) {
        ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
        ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    }
    ck_assert_int_eq(green_close(listener), 0);
}

static inline void unix_pair(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void on_end(void *arg, const struct tunnel_result *result)
{
    struct carry *c = arg;
    c->ended++;
    c->result = *result;
    green_wake(&c->over, 0);
}

/* Over connections made by the caller, by [0] the far end and by [1] ours. */
static inline void start(struct carry *c, const int client[2], const int upstream[2])
{
    c->client = client[0];
    c->upstream = upstream[0];
    c->options.buffers = &buffers;
    if (!c->options.idle)
        c->options.idle = GREEN_S(3600);
    if (!c->options.write)
        c->options.write = GREEN_S(3600);
    ck_assert_int_eq(tunnel_start(&c->tunnel, (struct wire){client[1], NULL},
                                  (struct wire){upstream[1], NULL}, span_of(NULL, 0), span_of(NULL, 0),
                                  &c->options, on_end, c),
                     0);
}

static inline void start_tcp(struct carry *c, int size)
{
    int client[2], upstream[2];
    tcp_pair(client, size);
    tcp_pair(upstream, size);
    start(c, client, upstream);
}

static inline void start_unix(struct carry *c)
{
    int client[2], upstream[2];
    unix_pair(client);
    unix_pair(upstream);
    start(c, client, upstream);
}

static inline void hang_up(int *fd)
{
    if (*fd >= 0)
        ck_assert_int_eq(green_close(*fd), 0);
    *fd = -1;
}

static inline void reset(int *fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    hang_up(fd);
}

/* Waits for the end of the tunnel, closes what is left of the far ends. */
static inline void finish(struct carry *c, const char *reason)
{
    ck_assert_int_eq(green_park(&c->over, soon()), 0);
    for (int i = 0; i < 3; i++)
        green_yield(); /* a second call of done() would come about now */
    ck_assert_int_eq(c->ended, 1);
    ck_assert_str_eq(c->result.reason, reason);
    hang_up(&c->client);
    hang_up(&c->upstream);
}

static inline void say(int fd, const char *text)
{
    ck_assert_int_eq(green_write_all(fd, text, strlen(text), NULL, soon()), 0);
}

static inline void hear(int fd, const char *text)
{
    char heard[256];
    size_t length = strlen(text), at = 0;
    ck_assert_uint_lt(length, sizeof heard);
    while (at < length) {
        ssize_t n = green_read(fd, heard + at, length - at, soon());
        ck_assert_int_gt(n, 0);
        at += (size_t)n;
    }
    heard[at] = 0;
    ck_assert_str_eq(heard, text);
}

static inline void hear_end(int fd)
{
    char byte;
    ck_assert_int_eq(green_read(fd, &byte, 1, soon()), 0);
}

static inline void hear_reset(int fd)
{
    char byte;
    ck_assert_int_eq(green_read(fd, &byte, 1, soon()), -ECONNRESET);
}

/* --- a stream of bytes that can be checked at any place ------------------------------------------------- */

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static inline uint64_t random_next(uint64_t *state)
{
    return mix(*state += 0x9e3779b97f4a7c15u);
}

/* The bytes at `from`, a multiple of 8, of the stream that is called `seed`. */
static inline void stream_bytes(uint64_t seed, uint64_t from, char *out, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = mix(seed * 0x9e3779b97f4a7c15u + from + at);
        memcpy(out + at, &word, size - at < 8 ? size - at : 8);
    }
}

struct traffic {
    int fd;
    uint64_t seed, total;
    size_t largest; /* segment; the sizes are random up to this */
    bool pauses;    /* lets everything settle between segments now and then */
    bool done;
};

/* Writes the stream in segments of random sizes, then the end. */
static inline void *send_traffic(void *arg)
{
    struct traffic *t = arg;
    uint64_t state = t->seed;
    char *block = malloc(t->largest + 8);
    ck_assert_ptr_nonnull(block);
    for (uint64_t at = 0; at < t->total;) {
        uint64_t size = 1 + random_next(&state) % t->largest;
        if (size > t->total - at)
            size = t->total - at;
        stream_bytes(t->seed, at & ~7ull, block, (size_t)(size + (at & 7)));
        ck_assert_int_eq(green_write_all(t->fd, block + (at & 7), (size_t)size, NULL, soon()), 0);
        at += size;
        for (uint64_t n = t->pauses ? random_next(&state) % 8 : 0; n; n--)
            green_yield();
    }
    free(block);
    ck_assert_int_eq(green_shutdown_write(t->fd), 0);
    t->done = true;
    return NULL;
}

/* Reads and checks it, the end included. */
static inline void *receive_traffic(void *arg)
{
    struct traffic *t = arg;
    uint64_t state = t->seed + 1, at = 0;
    char *block = malloc(t->largest), *expected = malloc(t->largest + 8);
    ck_assert(block && expected);
    for (;;) {
        size_t size = 1 + (size_t)(random_next(&state) % t->largest);
        ssize_t n = green_read(t->fd, block, size, soon());
        ck_assert_int_ge(n, 0);
        if (n == 0)
            break;
        stream_bytes(t->seed, at & ~7ull, expected, (size_t)n + (at & 7));
        ck_assert_int_eq(memcmp(block, expected + (at & 7), (size_t)n), 0);
        at += (uint64_t)n;
        for (uint64_t i = t->pauses ? random_next(&state) % 8 : 0; i; i--)
            green_yield();
    }
    ck_assert_uint_eq(at, t->total);
    free(block);
    free(expected);
    t->done = true;
    return NULL;
}

struct test {
    const TTest *test;
    int times; /* 0: once; else with _i from 0 to times - 1 */
};

static inline int run_tests(const char *name, const struct test *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, begin, end);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].times ? tests[i].times : 1);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
