/*
 * What the tests of libgreen share. Each test runs in a process of its own (Check forks), starts without a
 * hub and must leave nothing behind: the fixture closes the hub, which fails while a greenlet is alive, and
 * counts descriptors.
 */
#ifndef TESTS_GREEN_SUPPORT_H
#define TESTS_GREEN_SUPPORT_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <green.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/internal.h"

#if defined(GREEN_ASAN) || defined(GREEN_TSAN)
#define SANITIZED                                                                                            \
    1 /* address space and resident memory mean nothing, crashes are reported by somebody else */
#else
#define SANITIZED 0
#endif

/* Far enough away that a slow machine gets there, near enough that a hang is reported as a wrong result. */
static inline green_time soon(void)
{
    return green_in_ms(30000);
}

/* Fewer rounds where each costs many times more: sanitizers, or Valgrind by GREEN_TEST_DIVISOR. */
static inline int rounds(int n)
{
    const char *text = getenv("GREEN_TEST_DIVISOR");
    int divisor = text ? atoi(text) : SANITIZED ? 20 : 1;
    return n / (divisor > 0 ? divisor : 1) + 1;
}

/* Whether resident memory is that of the program, not of a tool around it. */
static inline bool memory_is_real(void)
{
    return !SANITIZED && !getenv("GREEN_TEST_DIVISOR");
}

static inline uint64_t switches(void)
{
    green_stats_t stats;
    green_hub_stats(&stats);
    return stats.switches;
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

/* Resident memory in KiB. */
static inline long resident(void)
{
    long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &ignored, &pages), 2);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- greenlets --------------------------------------------------------------------------------------------------- */

static inline green_t *spawn(green_fn fn, void *arg)
{
    green_t *g = green_spawn(fn, arg);
    ck_assert_ptr_nonnull(g);
    return g;
}

static inline void finish(green_t *g)
{
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert(green_done(g));
    green_release(g);
}

static inline void yields(int n)
{
    while (n-- > 0)
        ck_assert_int_eq(green_yield(), 0);
}

/* --- a gate: the smallest thing that greenlets can wait for
 * ----------------------------------------------------- */

struct gate {
    struct list waiters;
    int tokens;
};

struct gate_waiter {
    green_park_t park;
    struct list link;
};

static inline void gate_init(struct gate *gate)
{
    list_init(&gate->waiters);
    gate->tokens = 0;
}

static inline int gate_wait(struct gate *gate, green_time deadline)
{
    if (gate->tokens) {
        gate->tokens--;
        return 0;
    }
    struct gate_waiter me = {.park = GREEN_PARK_INIT};
    list_push(&gate->waiters, &me.link);
    int r = green_park(&me.park, deadline);
    list_remove(&me.link);
    return r;
}

/* Lets one through. */
static inline void gate_open(struct gate *gate)
{
    for (struct list *node; (node = list_pop(&gate->waiters));)
        if (green_wake(&CONTAINER_OF(node, struct gate_waiter, link)->park, 0))
            return;
    gate->tokens++;
}

/* What a waiting greenlet came to. */
struct outcome {
    struct gate gate;
    int result;
    int runs;
    bool finished;
};

static inline void *wait_at_gate(void *arg)
{
    struct outcome *o = arg;
    o->runs++;
    o->result = gate_wait(&o->gate, GREEN_FOREVER);
    o->finished = true;
    return NULL;
}

/* --- descriptors
 * ------------------------------------------------------------------------------------------------- */

static inline void set_nonblocking(int fd)
{
    ck_assert_int_ge(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* Two ends of a stream with small buffers. */
static inline void stream_pair(int fds[2])
{
    int size = 4096;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

static inline void close_pair(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            ck_assert_int_eq(green_close(fds[i]), 0);
}

/* Writes until no more fits, behind libgreen's back; returns how many bytes. */
static inline size_t fill(int fd)
{
    char block[1024] = {0};
    size_t total = 0;
    for (ssize_t n; (n = write(fd, block, sizeof block)) > 0;)
        total += (size_t)n;
    for (ssize_t n; (n = write(fd, block, 1)) > 0;)
        total += (size_t)n;
    ck_assert_int_eq(errno, EAGAIN);
    return total;
}

static inline void drain(int fd)
{
    char block[4096];
    while (read(fd, block, sizeof block) > 0)
        ;
}

static inline int listen_anywhere(green_address_t *address)
{
    ck_assert_int_eq(green_address_parse(address, "127.0.0.1", 0), 0);
    int fd = green_listen(address, 64, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_local_address(fd, address), 0);
    return fd;
}

/* The two ends of a TCP connection over loopback. */
static inline void tcp_pair(int fds[2])
{
    green_address_t address;
    int listener = listen_anywhere(&address);
    fds[0] = green_connect(&address, soon());
    ck_assert_int_ge(fds[0], 0);
    fds[1] = green_accept(listener, NULL, soon());
    ck_assert_int_ge(fds[1], 0);
    ck_assert_int_eq(green_close(listener), 0);
}

/* --- a process that is expected to die
 * --------------------------------------------------------------------------- */

/* Runs fn in a child; what it wrote to standard error goes to `text`. The status of waitpid(2). */
static inline int in_child(void (*fn)(void), char *text, size_t size)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t n; length < size - 1 && (n = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)n;
    for (size_t i = 0; i < length; i++)
        if (!text[i])
            text[i] = '?';
    text[length] = 0;
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* --- the runner
 * --------------------------------------------------------------------------------------------------- */

static int descriptors_before;

static inline void begin(void)
{
    ck_assert_ptr_nonnull(green_hub()); /* libuv keeps a descriptor or two from its first loop on */
    ck_assert_int_eq(green_hub_close(), 0);
    descriptors_before = open_descriptors();
}

static inline void end(void)
{
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert_int_eq(open_descriptors(), descriptors_before);
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
    tcase_set_timeout(tcase, 50);
    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].times ? tests[i].times : 1);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_TESTS(name, tests) run_tests(name, tests, sizeof(tests) / sizeof(tests)[0])

#endif
