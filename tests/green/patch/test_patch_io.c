/* read(2), write(2) and their families in greenlets: what a blocking call does, without blocking. */
#include "patched.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define MUCH ((size_t)1 << 20)

START_TEST(test_names)
{
    ck_assert_uint_eq(green_patched(), 0);
    ck_assert(!green_is_patched("read"));
    green_patch(GREEN_PATCH_SLEEP);
    ck_assert(!green_is_patched("read"));
    ck_assert(green_is_patched("usleep"));
    green_patch_all();
    ck_assert(green_is_patched("read"));
    ck_assert(green_is_patched("__poll_chk"));
    ck_assert(green_is_patched("fcntl"));
    ck_assert(!green_is_patched("malloc"));
    ck_assert(!green_is_patched("rea"));
}
END_TEST

/* --- reading -------------------------------------------------------------------------------------------------------- */

START_TEST(test_read_waits_for_one)
{
    int fds[2];
    char byte = 0;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    struct later l = {fds[1], GREEN_MS(5)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1); /* natively: for ever, since nobody else would run */
    ck_assert_int_eq(byte, 'x');
    ck_assert(is_blocking(fds[0]));
    finish(writer);
    close_both(fds);
}
END_TEST

START_TEST(test_nonblocking_is_the_programs)
{
    int fds[2], on = 1, off = 0;
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM | SOCK_NONBLOCK);
    ck_assert_int_eq(read(fds[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(ioctl(fds[0], FIONBIO, &off), 0);
    struct later l = {fds[1], GREEN_MS(2)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    finish(writer);
    ck_assert_int_eq(ioctl(fds[0], FIONBIO, &on), 0);
    ck_assert_int_eq(recv(fds[0], &byte, 1, 0), -1);
    ck_assert_int_eq(errno, EAGAIN);
    close_both(fds);
}
END_TEST

/* The flag belongs to the description: it is seen through a duplicate. */
START_TEST(test_nonblocking_through_a_duplicate)
{
    int fds[2];
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    int same = dup(fds[0]);
    ck_assert_int_ge(same, 0);
    ck_assert_int_eq(write(fds[1], "ab", 2), 2);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(read(same, &byte, 1), 1);
    set_nonblocking(same);
    ck_assert_int_eq(read(fds[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(close(same), 0);
    close_both(fds);
}
END_TEST

START_TEST(test_receive_timeout)
{
    int fds[2], turns = 0;
    char byte;
    struct timeval t = {.tv_usec = 20000}, asked;
    socklen_t length = sizeof asked;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    green_t *counter = spawn(count_turns, &turns);
    green_time before = green_now();
    ck_assert_int_eq(recv(fds[0], &byte, 1, 0), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_ge(green_now() - before, GREEN_MS(19));
    ck_assert_int_gt(turns, 0);
    ck_assert_int_eq(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &asked, &length), 0);
    ck_assert_int_ge(asked.tv_usec, 20000);
    turns = -1;
    finish(counter);
    close_both(fds);
}
END_TEST

START_TEST(test_wait_all_and_peek)
{
    int fds[2];
    char text[8] = "";
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    struct later a = {fds[1], GREEN_MS(1)}, b = {fds[1], GREEN_MS(4)}, c = {fds[1], GREEN_MS(8)};
    green_t *writers[] = {spawn(write_later, &a), spawn(write_later, &b), spawn(write_later, &c)};
    ck_assert_int_eq(recv(fds[0], text, 1, MSG_PEEK), 1);
    ck_assert_int_eq(recv(fds[0], text, 3, MSG_WAITALL), 3);
    ck_assert_str_eq(text, "xxx");
    ck_assert_int_eq(recv(fds[0], text, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    for (int i = 0; i < 3; i++)
        finish(writers[i]);
    close_both(fds);
}
END_TEST

START_TEST(test_ends_of_a_wait)
{
    int fds[2];
    green_timeout_t t;
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    green_timeout_start(&t, GREEN_MS(5));
    ck_assert_int_eq(read(fds[0], &byte, 1), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);

    green_t *g = spawn(read_one, &fds[0]);
    yields(2);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert_int_eq(result_of(g), -ECANCELED);

    g = spawn(read_one, &fds[0]);
    yields(2);
    ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
    ck_assert_int_eq(result_of(g), 0);

    int other[2];
    blocking_pair(other, SOCK_STREAM);
    g = spawn(read_one, &other[0]);
    yields(2);
    ck_assert_int_eq(close(other[0]), 0);
    ck_assert_int_eq(result_of(g), -EBADF);
    ck_assert_int_eq(close(other[1]), 0);
    ck_assert_int_eq(read(other[1], &byte, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    close_both(fds);
}
END_TEST

/* Closed where no hook sees it, and the number given out again. */
START_TEST(test_closed_behind_our_back)
{
    green_patch_all();
    for (int round = 0; round < 4; round++) {
        int fds[2];
        char byte;
        blocking_pair(fds, SOCK_STREAM);
        struct later l = {fds[1], GREEN_MS(1)};
        green_t *writer = spawn(write_later, &l);
        ck_assert_int_eq(read(fds[0], &byte, 1), 1);
        finish(writer);
        ck_assert_int_eq(syscall(SYS_close, fds[0]), 0);
        ck_assert_int_eq(syscall(SYS_close, fds[1]), 0);
    }
}
END_TEST

/* --- writing -------------------------------------------------------------------------------------------------------- */

struct flow {
    int fd;
    size_t bytes, wrong;
};

static void *read_all(void *arg)
{
    struct flow *f = arg;
    char block[3000];
    ssize_t n;
    while ((n = read(f->fd, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            f->wrong += (unsigned char)block[i] != (unsigned char)(f->bytes + (size_t)i);
        f->bytes += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(f->wrong, 0);
    return NULL;
}

static char *pattern(size_t size)
{
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)i;
    return text;
}

/* A blocking write to a stream or a pipe writes everything. */
START_TEST(test_write_everything)
{
    int fds[2];
    green_patch_all();
    if (_i < 2)
        blocking_pair(fds, SOCK_STREAM);
    else
        ck_assert_int_eq(pipe(fds), 0);
    int in = 1, out = 0;
    char *text = pattern(MUCH);
    struct flow f = {.fd = fds[out]};
    green_t *reader = spawn(read_all, &f);
    if (_i % 2 == 0) {
        ck_assert_int_eq(write(fds[in], text, MUCH), MUCH);
    } else {
        struct iovec iov[100];
        for (int i = 0; i < 100; i++)
            iov[i] = (struct iovec){text + (MUCH / 100) * (size_t)i, MUCH / 100};
        ck_assert_int_eq(writev(fds[in], iov, 100), MUCH / 100 * 100);
    }
    ck_assert(is_blocking(fds[in]));
    ck_assert_int_eq(close(fds[in]), 0);
    finish(reader);
    ck_assert_uint_eq(f.bytes, _i % 2 == 0 ? MUCH : MUCH / 100 * 100);
    ck_assert_int_eq(close(fds[out]), 0);
    free(text);
}
END_TEST

START_TEST(test_send_timeout_tells_what_went)
{
    int fds[2];
    struct timeval t = {.tv_usec = 10000};
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t), 0);
    char *text = pattern(MUCH);
    ssize_t n = send(fds[1], text, MUCH, 0);
    ck_assert_int_gt(n, 0);
    ck_assert_int_lt(n, (ssize_t)MUCH);
    ck_assert_int_eq(send(fds[1], text, MUCH, 0), -1);
    ck_assert_int_eq(errno, EAGAIN);
    free(text);
    close_both(fds);
}
END_TEST

START_TEST(test_sendfile)
{
    int fds[2];
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    char *text = pattern(MUCH);
    ck_assert_uint_eq(fwrite(text, 1, MUCH, file), MUCH);
    ck_assert_int_eq(fflush(file), 0);
    struct flow f = {.fd = fds[0]};
    green_t *reader = spawn(read_all, &f);
    off_t at = 256;
    f.bytes = 0;
    ck_assert_int_eq(sendfile(fds[1], fileno(file), &at, 2 * MUCH), MUCH - 256);
    ck_assert_int_eq(at, MUCH);
    ck_assert_int_eq(lseek(fileno(file), 512, SEEK_SET), 512);
    ck_assert_int_eq(sendfile(fds[1], fileno(file), NULL, 1024), 1024);
    ck_assert_int_eq(lseek(fileno(file), 0, SEEK_CUR), 1536);
    ck_assert_int_eq(close(fds[1]), 0);
    finish(reader);
    ck_assert_uint_eq(f.bytes, MUCH - 256 + 1024);
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(text);
}
END_TEST

/* --- messages ------------------------------------------------------------------------------------------------------- */

static void *send_datagrams(void *arg)
{
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(send(*(int *)arg, &i, sizeof i, 0), sizeof i);
    return NULL;
}

/* A unix socket whose receiver's queue is full, which poll(2) does not see. */
START_TEST(test_datagrams)
{
    int fds[2];
    green_patch_all();
    blocking_pair(fds, SOCK_DGRAM);
    green_t *sender = spawn(send_datagrams, &fds[1]);
    for (int i = 0; i < 200; i++) {
        int got = -1;
        ck_assert_int_eq(recv(fds[0], &got, sizeof got, 0), sizeof got);
        ck_assert_int_eq(got, i);
    }
    finish(sender);
    close_both(fds);
}
END_TEST

START_TEST(test_many_messages)
{
    int fds[2];
    char text[4][4] = {"", "", "", ""};
    struct iovec iov[4];
    struct mmsghdr messages[4] = {0};
    green_patch_all();
    blocking_pair(fds, SOCK_DGRAM);
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){text[i], 4};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    struct later a = {fds[1], GREEN_MS(1)}, b = {fds[1], GREEN_MS(3)};
    green_t *writers[] = {spawn(write_later, &a), spawn(write_later, &b)};
    ck_assert_int_eq(recvmmsg(fds[0], messages, 2, 0, NULL), 2);
    ck_assert_uint_eq(messages[1].msg_len, 1);
    for (int i = 0; i < 2; i++)
        finish(writers[i]);
    ck_assert_int_eq(sendmmsg(fds[1], messages, 4, 0), 4);
    ck_assert_int_eq(recvmmsg(fds[0], messages, 4, MSG_WAITFORONE, NULL), 4);
    ck_assert_uint_eq(messages[3].msg_len, 4);
    close_both(fds);
}
END_TEST

static void *send_descriptor(void *arg)
{
    const int *fds = arg;
    green_sleep(GREEN_MS(2));
    send_with_descriptor(fds[1], 'd', fds[2]);
    return NULL;
}

START_TEST(test_descriptors_are_received)
{
    int fds[3], got;
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    fds[2] = eventfd(7, 0);
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    green_t *sender = spawn(send_descriptor, fds);
    ck_assert_int_eq(recvmsg(fds[0], &m, MSG_CMSG_CLOEXEC), 1);
    ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
    eventfd_t value = 0;
    ck_assert_int_eq(eventfd_read(got, &value), 0);
    ck_assert_uint_eq(value, 7);
    finish(sender);
    ck_assert_int_eq(close(got), 0);
    ck_assert_int_eq(close(fds[2]), 0);
    close_both(fds);
}
END_TEST

static void *bump(void *arg)
{
    green_sleep(GREEN_MS(2));
    ck_assert_int_eq(eventfd_write(*(int *)arg, 3), 0);
    return NULL;
}

START_TEST(test_eventfd)
{
    eventfd_t value = 0;
    green_patch_all();
    int fd = eventfd(0, EFD_CLOEXEC);
    green_t *g = spawn(bump, &fd);
    ck_assert_int_eq(eventfd_read(fd, &value), 0);
    ck_assert_uint_eq(value, 3);
    finish(g);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* --- elsewhere ------------------------------------------------------------------------------------------------------ */

static void *read_natively(void *arg)
{
    char byte = 0;
    ck_assert_int_eq(read(*(int *)arg, &byte, 1), 1);
    return NULL;
}

/* A thread without greenlets blocks as ever, and nobody else does. */
START_TEST(test_other_threads)
{
    int fds[2];
    pthread_t thread;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_natively, &fds[0]), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    close_both(fds);
}
END_TEST

static void nothing(struct green_post *node)
{
    char byte;
    (void)node;
    ck_assert_int_eq(green_real_recv(-1, &byte, 1, 0), -1);
    ck_assert_int_eq(recv(-1, &byte, 1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
}

START_TEST(test_in_the_hub)
{
    green_post_t post = {.fn = nothing};
    green_patch_all();
    green_post(green_hub(), &post);
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0);
}
END_TEST

START_TEST(test_files)
{
    char text[6] = "";
    green_patch_all();
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int fd = fileno(file);
    ck_assert_int_eq(write(fd, "hello", 5), 5);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(read(fd, text, 6), 5);
    ck_assert_int_eq(read(fd, text, 6), 0);
    fclose(file);
    fd = open("/dev/null", O_RDWR);
    ck_assert_int_eq(read(fd, text, 6), 0);
    ck_assert_int_eq(write(fd, text, 6), 6);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_names, 0},
        {test_read_waits_for_one, 0},
        {test_nonblocking_is_the_programs, 0},
        {test_nonblocking_through_a_duplicate, 0},
        {test_receive_timeout, 0},
        {test_wait_all_and_peek, 0},
        {test_ends_of_a_wait, 0},
        {test_closed_behind_our_back, 0},
        {test_write_everything, 4},
        {test_send_timeout_tells_what_went, 0},
        {test_sendfile, 0},
        {test_datagrams, 0},
        {test_many_messages, 0},
        {test_descriptors_are_received, 0},
        {test_eventfd, 0},
        {test_other_threads, 0},
        {test_in_the_hub, 0},
        {test_files, 0},
    };
    return RUN_TESTS("patch/io", tests);
}
