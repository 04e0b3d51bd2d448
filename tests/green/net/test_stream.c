/* Streams: every kind over a descriptor behaves the same; bounds for each call; what a type of one's own is asked. */
#include "support.h"

static void close_both(green_stream_t *s[2])
{
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(green_stream_close(s[i]), 0);
}

static void over(green_stream_t *s[2], int fds[2])
{
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(green_stream_open(&s[i], fds[i]), 0);
}

enum { PAIR, TCP, PIPE, KINDS };

/* What is written to s[1] is read from s[0]. */
static void make(int kind, green_stream_t *s[2])
{
    static const char *const names[] = {"unix", "tcp", "pipe"};
    int fds[2];
    if (kind == PAIR) {
        ck_assert_int_eq(green_stream_pair(s), 0);
    } else if (kind == TCP) {
        tcp_pair(fds);
        over(s, fds);
    } else {
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0); /* blocking: to be put right */
        over(s, fds);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(s[i]->type->name, names[kind]);
        ck_assert_int_ne(fcntl(s[i]->fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_ne(fcntl(s[i]->fd, F_GETFD) & FD_CLOEXEC, 0);
    }
}

START_TEST(bytes_go_through_until_the_end)
{
    green_stream_t *s[2];
    char text[64];
    make(_i, s);
    ck_assert_int_eq(green_stream_write(s[1], "hello", 5, soon()), 5);
    ck_assert_int_eq(green_stream_write(s[1], "x", 0, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_stream_read(s[0], text, 0, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, soon()), 5);
    ck_assert_mem_eq(text, "hello", 5);
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_stream_shutdown(s[1], soon()), 0);
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, soon()), 0);
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, soon()), 0);
    ck_assert_int_lt(green_stream_write(s[1], "x", 1, soon()), 0); /* -EPIPE, or -EBADF of a pipe */
    if (_i == PIPE)
        ck_assert_int_eq(green_stream_shutdown(s[0], soon()), -EOPNOTSUPP);
    close_both(s);
}
END_TEST

/* --- everything, or how far it got ----------------------------------------------------------------------------------- */

#define LARGE (10u << 20)

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) * 7);
}

struct sending {
    green_stream_t *stream;
    bool vectors;
    int result;
    size_t done;
};

static void *send_large(void *arg)
{
    struct sending *job = arg;
    unsigned char *bytes = malloc(LARGE);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = pattern(i);
    struct iovec iov[] = {{bytes, 0},
                          {bytes, 1},
                          {bytes + 1, LARGE / 2},
                          {NULL, 0},
                          {bytes + 1 + LARGE / 2, LARGE - LARGE / 2 - 1}};
    if (job->vectors)
        job->result = green_stream_writev_all(job->stream, iov, 5, &job->done, soon());
    else
        job->result = green_stream_write_all(job->stream, bytes, LARGE, &job->done, soon());
    free(bytes);
    ck_assert_int_eq(green_stream_close(job->stream), 0);
    return NULL;
}

/* Cases 106, 108: ten megabytes to a reader that takes its time, exact to the byte. */
START_TEST(large_and_exact)
{
    green_stream_t *s[2];
    unsigned char block[30011];
    make(_i % KINDS, s);
    struct sending job = {.stream = s[1], .vectors = _i >= KINDS};
    green_t *g = spawn(send_large, &job);
    size_t at = 0, done;
    int r;
    do {
        r = green_stream_read_all(s[0], block, sizeof block, &done, soon());
        size_t same = 0; /* a check of every byte by itself would take minutes */
        while (same < done && block[same] == pattern(at + same))
            same++;
        ck_assert_uint_eq(same, done);
        at += done;
        yields(1);
    } while (r == 0);
    ck_assert_int_eq(r, -ENODATA);
    ck_assert_uint_eq(at, LARGE);
    finish(g);
    ck_assert_int_eq(job.result, 0);
    ck_assert_uint_eq(job.done, LARGE);
    ck_assert_int_eq(green_stream_close(s[0]), 0);
}
END_TEST

static void *drain_slowly(void *arg)
{
    green_stream_t *s = arg;
    char block[512];
    while (green_stream_read(s, block, sizeof block, GREEN_FOREVER) > 0)
        if (green_sleep(GREEN_MS(1)) < 0)
            break;
    return NULL;
}

/* Case 106: one deadline over all parts, though the peer takes some all the time; and how many bytes went. */
START_TEST(one_deadline_for_all)
{
    green_stream_t *s[2];
    make(_i, s);
    char *bytes = calloc(1, LARGE);
    ck_assert_ptr_nonnull(bytes);
    green_t *g = spawn(drain_slowly, s[0]);
    green_time began = green_now();
    size_t done = 0;
    ck_assert_int_eq(green_stream_write_all(s[1], bytes, LARGE, &done, green_in_ms(100)), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - began, GREEN_MS(100));
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_lt(done, LARGE);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    free(bytes);
    close_both(s);
}
END_TEST

/* Case 107: nothing to write is no error; without waiting there is one attempt, and its count is told. */
START_TEST(without_waiting_as_much_as_fits)
{
    green_stream_t *s[2];
    size_t done = 7;
    make(_i, s);
    char *bytes = calloc(1, LARGE);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(green_stream_write_all(s[1], bytes, 0, &done, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(green_stream_write_all(s[1], bytes, LARGE, &done, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_lt(done, LARGE);
    free(bytes);
    close_both(s);
}
END_TEST

START_TEST(ended_before_all_came)
{
    green_stream_t *s[2];
    char text[16];
    size_t done = 0;
    make(_i, s);
    ck_assert_int_eq(green_stream_write_all(s[1], "abc", 3, NULL, soon()), 0);
    ck_assert_int_eq(green_stream_shutdown(s[1], soon()), 0);
    ck_assert_int_eq(green_stream_read_all(s[0], text, 4, &done, soon()), -ENODATA);
    ck_assert_uint_eq(done, 3);
    ck_assert_mem_eq(text, "abc", 3);
    ck_assert_int_eq(green_stream_read_all(s[0], text, 0, &done, soon()), 0);
    ck_assert_uint_eq(done, 0);
    close_both(s);
}
END_TEST

/* --- bounds, closing, cancelling --------------------------------------------------------------------------------------- */

START_TEST(bounds_for_each_call)
{
    green_stream_t *s[2];
    char text[16];
    make(_i, s);
    ck_assert_int_eq(green_stream_set_timeouts(s[0], -1, 0), -EINVAL);
    ck_assert_int_eq(green_stream_set_timeouts(s[0], 0, -1), -EINVAL);
    ck_assert_int_eq(green_stream_set_timeouts(s[0], GREEN_MS(20), 0), 0);
    ck_assert_int_eq(green_stream_set_timeouts(s[1], 0, GREEN_MS(20)), 0);
    green_time began = green_now();
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, GREEN_FOREVER), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - began, GREEN_MS(20));
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, GREEN_NOWAIT), -EAGAIN);
    fill(s[1]->fd);
    began = green_now();
    ck_assert_int_eq(green_stream_write_all(s[1], text, sizeof text, NULL, GREEN_FOREVER), -ETIMEDOUT);
    ck_assert_int_ge(green_now() - began, GREEN_MS(20));
    ck_assert_int_eq(green_stream_set_timeouts(s[0], GREEN_S(1000), 0), 0);
    drain(s[0]->fd);
    began = green_now();
    ck_assert_int_eq(green_stream_read(s[0], text, sizeof text, green_in_ms(20)), -ETIMEDOUT);
    ck_assert_int_lt(green_now() - began, GREEN_S(500)); /* the earlier of the two counts */
    close_both(s);
}
END_TEST

struct call {
    green_stream_t *stream;
    bool writes;
    char bytes[100];
    ssize_t result;
};

static void *wait_in_call(void *arg)
{
    struct call *c = arg;
    c->result = c->writes ? green_stream_write_all(c->stream, c->bytes, sizeof c->bytes, NULL, GREEN_FOREVER)
                          : green_stream_read_all(c->stream, c->bytes, sizeof c->bytes, NULL, GREEN_FOREVER);
    return NULL;
}

/* Cases 97, 109: whoever waits is told, and does not touch what is gone. */
START_TEST(closed_while_somebody_waits)
{
    green_stream_t *s[2];
    make(_i, s);
    fill(s[1]->fd);
    drain(s[0]->fd);
    fill(s[1]->fd);
    struct call writing = {.stream = s[1], .writes = true, .result = 1};
    green_t *writer = spawn(wait_in_call, &writing);
    yields(2);
    ck_assert_int_eq(green_state(writer), GREEN_WAITING);
    ck_assert_int_eq(green_stream_close(s[1]), 0);
    finish(writer);
    ck_assert_int_eq(writing.result, -EBADF);
    drain(s[0]->fd);
    ck_assert_int_eq(green_stream_close(s[0]), 0);

    make(_i, s);
    struct call reading = {.stream = s[0], .result = 1};
    green_t *reader = spawn(wait_in_call, &reading);
    yields(2);
    ck_assert_int_eq(green_state(reader), GREEN_WAITING);
    ck_assert_int_eq(green_stream_close(s[0]), 0);
    finish(reader);
    ck_assert_int_eq(reading.result, -EBADF);
    ck_assert_int_eq(green_stream_close(s[1]), 0);
}
END_TEST

START_TEST(cancelled_while_waiting)
{
    green_stream_t *s[2];
    make(_i, s);
    struct call reading = {.stream = s[0], .result = 1};
    green_t *reader = spawn(wait_in_call, &reading);
    yields(2);
    ck_assert_int_eq(green_kill(reader, soon()), 0);
    green_release(reader);
    ck_assert_int_eq(reading.result, -ECANCELED);
    char text[4]; /* and the next one is served */
    ck_assert_int_eq(green_stream_write(s[1], "next", 4, soon()), 4);
    ck_assert_int_eq(green_stream_read_all(s[0], text, 4, NULL, soon()), 0);
    close_both(s);
}
END_TEST

/* --- opening --------------------------------------------------------------------------------------------------------- */

START_TEST(what_is_no_stream)
{
    green_stream_t *s = (green_stream_t *)1;
    ck_assert_int_eq(green_stream_open(&s, -1), -EBADF);
    ck_assert_ptr_null(s);
    int fd = green_socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_stream_open(&s, fd), -EPROTOTYPE);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* closed all the same */
    ck_assert_int_eq(green_stream_open(&s, fd), -EBADF);
    ck_assert_int_eq(green_stream_close(NULL), 0);
}
END_TEST

START_TEST(giving_up_the_descriptor)
{
    green_stream_t *s[2];
    make(TCP, s);
    int fd = green_stream_detach(s[0]);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(green_stream_write_all(s[1], "abc", 3, NULL, soon()), 0);
    char text[8];
    ck_assert_int_eq(green_read(fd, text, sizeof text, soon()), 3);
    ck_assert_int_eq(green_close(fd), 0);
    ck_assert_int_eq(green_stream_close(s[1]), 0);
}
END_TEST

/* --- a type of one's own ------------------------------------------------------------------------------------------------ */

struct own {
    green_stream_t base;
    int reads, writes, closes;
};

static ssize_t own_read(green_stream_t *s, void *buffer, size_t size, green_time deadline)
{
    ((struct own *)s)->reads++;
    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(deadline, GREEN_NOWAIT);
    *(char *)buffer = 'x';
    return 1;
}

static ssize_t own_writev(green_stream_t *s, const struct iovec *iov, int count, green_time deadline)
{
    ((struct own *)s)->writes++;
    ck_assert_int_gt(count, 0);
    ck_assert_uint_gt(iov->iov_len, 0);
    ck_assert_int_eq(deadline, GREEN_NOWAIT);
    return ((struct own *)s)->writes < 3 ? 2 : 0; /* two bytes, two bytes, then it gives up */
}

static int own_close(green_stream_t *s)
{
    return ++((struct own *)s)->closes;
}

START_TEST(another_kind_of_stream)
{
    static const green_stream_type_t type = {"own", own_read, own_writev, NULL, own_close};
    struct own own = {.base = {.type = &type, .fd = -1}};
    green_stream_t *s = &own.base;
    char text[4];
    size_t done;
    ck_assert_int_eq(green_stream_read_all(s, text, 4, NULL, GREEN_NOWAIT), 0);
    ck_assert_mem_eq(text, "xxxx", 4);
    ck_assert_int_eq(own.reads, 4);
    struct iovec iov[] = {{text, 0}, {text, 1}, {text, 4}, {text, 1}};
    ck_assert_int_eq(green_stream_writev_all(s, iov, 4, &done, GREEN_NOWAIT), -EIO);
    ck_assert_uint_eq(done, 4);
    ck_assert_int_eq(green_stream_shutdown(s, GREEN_NOWAIT), -EOPNOTSUPP);
    ck_assert_int_eq(green_stream_detach(s), -EOPNOTSUPP);
    ck_assert_int_eq(green_stream_close(s), 1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {bytes_go_through_until_the_end, KINDS},
        {large_and_exact, 2 * KINDS},
        {one_deadline_for_all, KINDS},
        {without_waiting_as_much_as_fits, KINDS},
        {ended_before_all_came, KINDS},
        {bounds_for_each_call, KINDS},
        {closed_while_somebody_waits, KINDS},
        {cancelled_while_waiting, KINDS},
        {what_is_no_stream, 0},
        {giving_up_the_descriptor, 0},
        {another_kind_of_stream, 0},
    };
    return RUN_TESTS("stream", tests);
}
