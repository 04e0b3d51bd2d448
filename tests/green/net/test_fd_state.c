/* What is remembered of descriptors: closing, reused numbers, kinds of descriptors, parking. */
#include "support.h"

#include <sys/mman.h>

/* A greenlet that reads once. */
struct reader {
    int fd;
    ssize_t result;
    char text[64];
    green_t *greenlet;
};

static void *read_once(void *arg)
{
    struct reader *r = arg;
    r->result = green_read(r->fd, r->text, sizeof r->text - 1, GREEN_FOREVER);
    return NULL;
}

static void start_reader(struct reader *r, int fd)
{
    *r = (struct reader){.fd = fd, .result = -1};
    r->greenlet = spawn(read_once, r);
    yields(1);
}

static void *wait_readable(void *arg)
{
    struct reader *r = arg;
    r->result = green_wait_fd(r->fd, POLLIN, GREEN_FOREVER);
    return NULL;
}

/* Until somebody has been woken, and before its turn: who yields is ahead of it in the queue. */
static void until_woken(const green_t *g)
{
    while (green_state(g) == GREEN_WAITING)
        ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_state(g), GREEN_READY);
}

/* --- closing
 * ------------------------------------------------------------------------------------------------------- */

static void *write_one(void *arg)
{
    struct reader *r = arg;
    r->result = green_write(r->fd, "x", 1, GREEN_FOREVER);
    return NULL;
}

START_TEST(close_wakes_all_who_wait)
{
    int fds[2];
    struct reader readers[3];
    stream_pair(fds);
    fill(fds[0]);
    start_reader(&readers[0], fds[0]);
    readers[1] = (struct reader){.fd = fds[0], .greenlet = spawn(write_one, &readers[1])};
    readers[2] = (struct reader){.fd = fds[0], .greenlet = spawn(wait_readable, &readers[2])};
    yields(1);
    ck_assert_int_eq(green_close(fds[0]), 0);
    for (int i = 0; i < 3; i++) {
        finish(readers[i].greenlet);
        ck_assert_int_eq(readers[i].result, -EBADF);
    }
    fds[0] = -1;
    close_pair(fds);
}
END_TEST

START_TEST(a_reused_number_is_not_read_by_mistake)
{
    int fds[2], other[2];
    struct reader r;
    char buffer[64];
    tcp_pair(fds);
    stream_pair(other);
    ck_assert_int_eq(write(other[1], "secret", 6), 6);
    start_reader(&r, fds[0]);
    ck_assert_int_eq(write(fds[1], "mine", 4), 4);
    until_woken(r.greenlet);
    ck_assert_int_eq(green_close(fds[0]), 0);
    ck_assert_int_eq(dup3(other[0], fds[0], O_CLOEXEC), fds[0]); /* the number is somebody else's now */
    finish(r.greenlet);
    ck_assert_int_eq(r.result, -EBADF);
    ck_assert_int_eq(green_read(fds[0], buffer, sizeof buffer, soon()), 6);
    close_pair(fds);
    close_pair(other);
}
END_TEST

START_TEST(a_reused_number_starts_afresh)
{
    for (int i = 0; i < 50; i++) {
        int fds[2];
        char byte;
        if (i % 2)
            tcp_pair(fds);
        else
            stream_pair(fds);
        ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in(GREEN_US(100))), -ETIMEDOUT);
        ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
        ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
        close_pair(fds);
    }
}
END_TEST

START_TEST(a_replaced_description_is_learned_by_reset)
{
    int fds[2], other[2];
    char byte;
    stream_pair(fds);
    stream_pair(other);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(dup2(other[0], fds[0]), fds[0]);
    green_fd_reset(fds[0]);
    struct reader r;
    start_reader(&r, fds[0]);
    ck_assert_int_eq(write(other[1], "x", 1), 1);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 1);
    green_fd_reset(fds[0]); /* without any replacement: it must go on working */
    start_reader(&r, fds[0]);
    ck_assert_int_eq(write(other[1], "y", 1), 1);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 1);
    close_pair(fds);
    close_pair(other);
}
END_TEST

/* A duplicate keeps the description in the poller's set: its events are nobody's. */
START_TEST(events_of_a_closed_descriptor_are_dropped)
{
    int fds[2], fresh[2];
    char byte;
    stream_pair(fds);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(2)), -ETIMEDOUT);
    int duplicate = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
    ck_assert_int_ge(duplicate, 0);
    ck_assert_int_eq(green_close(fds[0]), 0);
    stream_pair(fresh);
    struct reader r;
    start_reader(&r, fresh[0]);
    close(fds[1]); /* wakes the poller for the old one */
    ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
    ck_assert_int_eq(green_state(r.greenlet), GREEN_WAITING);
    ck_assert(!green_hung_up(fresh[0]));
    ck_assert_int_eq(write(fresh[1], "yy", 2), 2);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 2);
    close(duplicate);
    close_pair(fresh);
}
END_TEST

/* --- other kinds of descriptors
 * -------------------------------------------------------------------------------------- */

/* Case 116. */
START_TEST(regular_files_never_wait)
{
    char buffer[64];
    int fd = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_write_all(fd, "0123456789", 10, NULL, soon()), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(green_read(fd, buffer, 4, soon()), 4);
    ck_assert_int_eq(green_read(fd, buffer, sizeof buffer, soon()), 6);
    ck_assert_int_eq(green_read(fd, buffer, sizeof buffer, soon()), 0);
    ck_assert_int_eq(green_wait_fd(fd, POLLIN, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_wait_fd(fd, POLLOUT, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_close(fd), 0);
}
END_TEST

static void count_call(void *arg, int status);

/* A write that is cut short says nothing about a regular file: the next one must not wait for an event. */
START_TEST(a_short_write_to_a_file_is_no_reason_to_wait)
{
    char block[8192] = {0};
    int calls = 0;
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 4096), 0);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    ck_assert_int_eq(lseek(fd, 4000, SEEK_SET), 4000);
    ssize_t n = green_write(fd, block, sizeof block, soon());
    ck_assert(n == 96 || n == -EPERM);
    ck_assert_int_eq(green_write(fd, block, sizeof block, soon()), -EPERM);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(green_write(fd, block, 10, soon()), 10);
    ck_assert_int_eq(green_park_readable(fd, count_call, &calls, GREEN_FOREVER), 0); /* always readable */
    yields(2);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(green_close(fd), 0);
}
END_TEST

START_TEST(several_datagrams)
{
    int fds[2];
    char buffer[64];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(green_read(fds[0], buffer, sizeof buffer, green_in_ms(2)), -ETIMEDOUT);
        for (int i = 1; i <= 5; i++) /* one event for all of them; each read is short */
            ck_assert_int_eq(green_write(fds[1], "datagram", (size_t)i, soon()), i);
        for (int i = 1; i <= 5; i++)
            ck_assert_int_eq(green_read(fds[0], buffer, sizeof buffer, soon()), i);
    }
    close_pair(fds);
}
END_TEST

START_TEST(pipes)
{
    int fds[2];
    char buffer[64];
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    struct reader r;
    start_reader(&r, fds[0]);
    ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 1);
    fill(fds[1]);
    struct reader w = {.fd = fds[1]};
    w.greenlet = spawn(write_one, &w);
    yields(1);
    drain(fds[0]);
    finish(w.greenlet);
    ck_assert_int_eq(w.result, 1);
    ck_assert_int_eq(green_read(fds[0], buffer, sizeof buffer, soon()), 1);
    start_reader(&r, fds[0]);
    ck_assert_int_eq(green_close(fds[1]), 0);
    finish(r.greenlet);
    ck_assert_int_eq(r.result, 0);
    fds[1] = -1;
    close_pair(fds);
}
END_TEST

START_TEST(a_broken_pipe_wakes_its_writer)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    fill(fds[1]);
    struct reader w = {.fd = fds[1]};
    w.greenlet = spawn(write_one, &w);
    yields(1);
    ck_assert_int_eq(green_close(fds[0]), 0);
    finish(w.greenlet);
    ck_assert_int_eq(w.result, -EPIPE);
    fds[0] = -1;
    close_pair(fds);
}
END_TEST

/* --- parking
 * ------------------------------------------------------------------------------------------------------- */

static int last_status;

static void count_call(void *arg, int status)
{
    ck_assert_int_eq(green_state(green_self()), GREEN_RUNNING);
    last_status = status;
    ++*(int *)arg;
}

static size_t parked_now(void)
{
    green_stats_t stats;
    green_hub_stats(&stats);
    return stats.parked;
}

static void until_called(const int *calls)
{
    green_time give_up = soon();
    while (!*calls && green_now() < give_up)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(*calls, 1);
    ck_assert_uint_eq(parked_now(), 0);
}

START_TEST(data_starts_a_greenlet)
{
    int fds[2], calls = 0;
    char byte;
    tcp_pair(fds);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), 0);
    ck_assert_uint_eq(parked_now(), 1);
    ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
    ck_assert_int_eq(calls, 0);
    green_stats_t stats;
    green_hub_stats(&stats);
    ck_assert_uint_eq(stats.greenlets, 1); /* nobody but main */
    ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
    until_called(&calls);
    ck_assert_int_eq(last_status, 0);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, GREEN_NOWAIT), 1);
    ck_assert(!green_unpark(fds[0]));
    close_pair(fds);
}
END_TEST

START_TEST(data_that_is_there_already_starts_one)
{
    int fds[2], calls = 0;
    char byte;
    tcp_pair(fds);
    if (_i == 1)
        ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(green_write(fds[1], "xy", 2, soon()), 2);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1); /* one of two */
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), 0);
    until_called(&calls);
    ck_assert_int_eq(last_status, 0);
    close_pair(fds);
}
END_TEST

/* A read that got all it asked for may have left nothing: no greenlet for that. */
START_TEST(no_greenlet_for_nothing)
{
    int fds[2], calls = 0;
    char byte;
    tcp_pair(fds);
    for (int i = 0; i < 3; i++) {
        struct reader r;
        start_reader(&r, fds[0]);
        ck_assert_int_eq(green_write(fds[1], "xy", 2, soon()), 2);
        finish(r.greenlet);
        ck_assert_int_eq(green_write(fds[1], "z", 1, soon()), 1);
        ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
        ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), 0);
        ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0);
        ck_assert_int_eq(calls, 0);
        ck_assert(green_unpark(fds[0]));
    }
    close_pair(fds);
}
END_TEST

START_TEST(hanging_up_starts_one)
{
    int fds[2], calls = 0;
    char byte;
    tcp_pair(fds);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_close(fds[1]), 0);
    until_called(&calls);
    ck_assert_int_eq(last_status, 0);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 0);
    fds[1] = -1;
    close_pair(fds);
}
END_TEST

START_TEST(a_parked_deadline_passes)
{
    int fds[2], calls = 0;
    tcp_pair(fds);
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, deadline), 0);
    until_called(&calls);
    ck_assert_int_ge(green_now(), deadline);
    ck_assert_int_eq(last_status, -ETIMEDOUT);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, green_in_ms(-1)), 0); /* long past */
    calls = 0;
    until_called(&calls);
    ck_assert_int_eq(last_status, -ETIMEDOUT);
    close_pair(fds);
}
END_TEST

START_TEST(a_parked_deadline_moves)
{
    int fds[2], calls = 0;
    tcp_pair(fds);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, green_in_ms(10)), 0);
    green_park_deadline(fds[0], green_in_ms(60000));
    ck_assert_int_eq(green_sleep(GREEN_MS(30)), 0);
    ck_assert_int_eq(calls, 0);
    green_park_deadline(fds[0], green_in_ms(10));
    until_called(&calls);
    ck_assert_int_eq(last_status, -ETIMEDOUT);
    close_pair(fds);
}
END_TEST

START_TEST(unparked_is_not_called)
{
    int fds[2], calls = 0;
    char byte;
    tcp_pair(fds);
    ck_assert(!green_unpark(fds[0]));
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, green_in_ms(10)), 0);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), -EBUSY);
    ck_assert(green_unpark(fds[0]));
    ck_assert(!green_unpark(fds[0]));
    ck_assert_uint_eq(parked_now(), 0);
    ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
    ck_assert_int_eq(green_sleep(GREEN_MS(20)), 0);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, GREEN_FOREVER), 0); /* and again */
    ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
    until_called(&calls);
    close_pair(fds);
}
END_TEST

START_TEST(close_drops_what_is_parked)
{
    int fds[2], calls = 0;
    tcp_pair(fds);
    ck_assert_int_eq(green_park_readable(fds[0], count_call, &calls, green_in_ms(10)), 0);
    ck_assert_int_eq(green_write(fds[1], "x", 1, soon()), 1);
    ck_assert_int_eq(green_close(fds[0]), 0);
    ck_assert_uint_eq(parked_now(), 0);
    ck_assert_int_eq(green_sleep(GREEN_MS(20)), 0);
    ck_assert_int_eq(calls, 0);
    fds[0] = -1;
    close_pair(fds);
}
END_TEST

START_TEST(bad_descriptors_do_not_park)
{
    int calls = 0;
    ck_assert_int_eq(green_park_readable(-1, count_call, &calls, GREEN_FOREVER), -EBADF);
    ck_assert_int_eq(green_park_readable(1000, count_call, &calls, GREEN_FOREVER), -EBADF);
    ck_assert_uint_eq(parked_now(), 0);
    ck_assert_int_eq(calls, 0);
}
END_TEST

/* What a parked connection costs in this process: a record and an entry among the timers, no stack. */
START_TEST(thousands_are_parked_for_little)
{
    int count = 4000, calls = 0;
    int(*pairs)[2] = calloc((size_t)count, sizeof *pairs);
    int made = 0;
    while (made < count &&
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs[made]) == 0)
        made++; /* as many as the limit on descriptors allows */
    ck_assert_int_gt(made, 400);
    made -= 20;
    for (int i = 0; i < 20; i++)
        close_pair(pairs[made + i]);
    long before = resident();
    for (int i = 0; i < made; i++)
        ck_assert_int_eq(green_park_readable(pairs[i][0], count_call, &calls, green_in_ms(60000)), 0);
    ck_assert_uint_eq(parked_now(), (size_t)made);
    yields(1);
    if (memory_is_real())
        ck_assert_int_lt(resident() - before, (long)made * 512 / 1024 + 256);
    for (int i = 0; i < made; i++)
        ck_assert_int_eq(write(pairs[i][1], "x", 1), 1);
    green_time give_up = soon();
    while (calls < made && green_now() < give_up)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(calls, made);
    ck_assert_uint_eq(parked_now(), 0);
    for (int i = 0; i < made; i++)
        close_pair(pairs[i]);
    free(pairs);
}
END_TEST

struct late {
    int fds[2];
    green_time deadline;
    ssize_t result;
    green_t *greenlet;
};

static void *read_in_time(void *arg)
{
    struct late *l = arg;
    char byte;
    l->result = green_read(l->fds[0], &byte, 1, l->deadline);
    return NULL;
}

/* The thread did not run for a while, as on a machine that is busy: whatever came in time is there, however much. */
START_TEST(data_that_came_in_time_beats_the_deadline)
{
    enum { MANY = 600 };
    struct late *all = calloc(MANY, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (int i = 0; i < MANY; i++)
        stream_pair(all[i].fds);
    green_time deadline = green_in_ms(300);
    for (int i = 0; i < MANY; i++) {
        all[i].deadline = deadline;
        all[i].greenlet = spawn(read_in_time, &all[i]);
    }
    yields(2);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(write(all[i].fds[1], "x", 1), 1);
    bool in_time = green_now() < deadline; /* on a very slow machine it is not */
    while (green_now() <= deadline + GREEN_MS(10))
        usleep(10000);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(green_join(all[i].greenlet, GREEN_FOREVER), 0);
        green_release(all[i].greenlet);
        if (in_time)
            ck_assert_int_eq(all[i].result, 1);
        ck_assert_int_eq(green_close(all[i].fds[0]), 0);
        close(all[i].fds[1]);
    }
    free(all);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {close_wakes_all_who_wait, 0},
        {a_reused_number_is_not_read_by_mistake, 0},
        {a_reused_number_starts_afresh, 0},
        {a_replaced_description_is_learned_by_reset, 0},
        {events_of_a_closed_descriptor_are_dropped, 0},
        {regular_files_never_wait, 0},
        {a_short_write_to_a_file_is_no_reason_to_wait, 0},
        {several_datagrams, 0},
        {pipes, 0},
        {a_broken_pipe_wakes_its_writer, 0},
        {data_starts_a_greenlet, 0},
        {data_that_is_there_already_starts_one, 2},
        {no_greenlet_for_nothing, 0},
        {hanging_up_starts_one, 0},
        {a_parked_deadline_passes, 0},
        {a_parked_deadline_moves, 0},
        {unparked_is_not_called, 0},
        {close_drops_what_is_parked, 0},
        {bad_descriptors_do_not_park, 0},
        {thousands_are_parked_for_little, 0},
        {data_that_came_in_time_beats_the_deadline, 0},
    };
    return RUN_TESTS("fd_state", tests);
}
