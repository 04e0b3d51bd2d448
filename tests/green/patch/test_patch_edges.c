/* Where patched programs go wrong if anything does: numbers that mean something else, forks, signals. */
#include "patched.h"

#include <semaphore.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* --- descriptors ---------------------------------------------------------------------------------------------------- */

START_TEST(test_close_ends_a_read)
{
    int fds[2];
    green_patch_all();
    for (int round = 0; round < 3; round++) {
        blocking_pair(fds, SOCK_STREAM);
        green_t *reader = spawn(read_one, &fds[0]);
        yields(2);
        ck_assert_int_eq(close(fds[0]), 0);
        ck_assert_int_eq(result_of(reader), -EBADF);
        ck_assert_int_eq(close(fds[1]), 0);
    }
}
END_TEST

static void *remake(void *arg)
{
    int *fds = arg;
    close_both(fds);
    blocking_pair(fds, SOCK_STREAM);
    return NULL;
}

/* The same numbers, by this thread, by another, and by system calls that no hook sees. */
START_TEST(test_number_is_reused)
{
    int fds[2], before[2];
    char byte;
    pthread_t thread;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    for (int round = 0; round < 12; round++) {
        struct later l = {fds[1], GREEN_MS(1)};
        green_t *writer = spawn(write_later, &l);
        ck_assert_int_eq(read(fds[0], &byte, 1), 1);
        finish(writer);
        memcpy(before, fds, sizeof before);
        if (round % 3 == 0) {
            remake(fds);
        } else if (round % 3 == 1) {
            ck_assert_int_eq(pthread_create(&thread, NULL, remake, fds), 0);
            ck_assert_int_eq(pthread_join(thread, NULL), 0);
        } else {
            ck_assert_int_eq(syscall(SYS_close, fds[0]), 0);
            ck_assert_int_eq(syscall(SYS_close, fds[1]), 0);
            blocking_pair(fds, SOCK_STREAM);
        }
        ck_assert_int_eq(fds[0], before[0]);
        ck_assert_int_eq(fds[1], before[1]);
    }
    close_both(fds);
}
END_TEST

/* What no hook has made is looked at anew each time. */
START_TEST(test_numbers_never_seen)
{
    int fds[2];
    char byte;
    green_patch_all();
    for (int round = 0; round < 4; round++) {
        ck_assert_int_eq(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fds), 0);
        struct later l = {fds[1], GREEN_MS(1)};
        green_t *writer = spawn(write_later, &l);
        ck_assert_int_eq(read(fds[0], &byte, 1), 1);
        finish(writer);
        ck_assert_int_eq(syscall(SYS_close, fds[0]), 0);
        ck_assert_int_eq(syscall(SYS_close, fds[1]), 0);
    }
}
END_TEST

START_TEST(test_duplicates)
{
    int fds[2], others[2];
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    blocking_pair(others, SOCK_STREAM);
    green_t *reader = spawn(read_one, &fds[0]);
    yields(2);
    ck_assert_int_eq(dup2(others[0], fds[0]), fds[0]); /* what it waits for is gone */
    ck_assert_int_eq(result_of(reader), -EBADF);
    struct later l = {others[1], GREEN_MS(1)};
    for (int i = 0; i < 3; i++) {
        green_t *writer = spawn(write_later, &l);
        ck_assert_int_eq(read(i % 2 ? others[0] : fds[0], &byte, 1), 1);
        finish(writer);
    }
    close_both(fds);
    close_both(others);
}
END_TEST

/* Descriptors among the bytes end a read early, though more is there and no event will tell of it. */
START_TEST(test_bytes_behind_descriptors)
{
    int fds[2];
    char text[8] = "";
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    struct later l = {fds[1], GREEN_MS(1)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(read(fds[0], text, sizeof text), 1); /* it is watched from now on */
    finish(writer);
    ck_assert_int_eq(write(fds[1], "a", 1), 1);
    send_with_descriptor(fds[1], 'b', fds[1]);
    ck_assert_int_eq(write(fds[1], "c", 1), 1);
    ssize_t got = 0;
    while (got < 3) {
        ssize_t n = read(fds[0], text + got, sizeof text - (size_t)got);
        ck_assert_int_gt(n, 0);
        got += n;
    }
    ck_assert_int_eq(memcmp(text, "abc", 3), 0);
    close_both(fds);
}
END_TEST

/* --- children ------------------------------------------------------------------------------------------------------- */

static void wait_for(pid_t pid, int expected)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), expected);
}

static void *in_the_child(void *arg)
{
    int fds[2];
    char byte = 0;
    (void)arg;
    if (pipe(fds) < 0)
        _exit(2);
    struct later l = {fds[1], GREEN_MS(1)};
    green_t *writer = green_spawn(write_later, &l);
    if (!writer || read(fds[0], &byte, 1) != 1 || byte != 'x' || green_join(writer, soon()) < 0)
        _exit(3);
    _exit(4);
}

static void *forks(void *arg)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        in_the_child(arg);
    wait_for(pid, 4);
    return NULL;
}

/* The child has the greenlet that forked, and descriptors of its own; what the parent waits for goes on. */
START_TEST(test_fork)
{
    int fds[2];
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    green_t *reader = spawn(read_one, &fds[0]);
    yields(2);
    forks(NULL);                /* by the main greenlet */
    finish(spawn(forks, NULL)); /* and by another */
    ck_assert_int_eq(write(fds[1], "y", 1), 1);
    ck_assert_int_eq(result_of(reader), 1);
    close_both(fds);
}
END_TEST

/* The child of vfork runs in our memory: what it closes stays open here, and who waits for it goes on waiting. */
START_TEST(test_vfork)
{
    int fds[2], others[2];
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    blocking_pair(others, SOCK_STREAM);
    green_t *reader = spawn(read_one, &fds[0]);
    yields(2);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    pid_t pid = vfork();
#pragma GCC diagnostic pop
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(fds[0]);
        dup2(others[0], fds[1]);
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
        _exit(6);
    }
    wait_for(pid, 5);
    ck_assert(!green_done(reader));
    ck_assert_int_eq(write(fds[1], "y", 1), 1);
    ck_assert_int_eq(result_of(reader), 1);
    close_both(fds);
    close_both(others);
}
END_TEST

/* --- signals -------------------------------------------------------------------------------------------------------- */

static sem_t semaphore;
static pthread_t main_thread;
static atomic_bool over;
static atomic_int handled;

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

static void post_semaphore(int signal)
{
    (void)signal;
    int saved = errno;
    sem_post(&semaphore);
    errno = saved;
}

static void handle(void (*fn)(int), int flags)
{
    struct sigaction action = {.sa_handler = fn, .sa_flags = flags};
    main_thread = pthread_self();
    over = false;
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

/* A thread of the system, without a hub: signals until it is told that it was enough. */
static void *keep_signalling(void *arg)
{
    (void)arg;
    while (!over) {
        ck_assert_int_eq(pthread_kill(main_thread, SIGUSR1), 0);
        usleep(5000);
    }
    return NULL;
}

START_TEST(test_sem_post_in_a_handler)
{
    pthread_t thread;
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_SYNC);
    ck_assert_int_eq(sem_init(&semaphore, 0, 0), 0);
    handle(post_semaphore, SA_RESTART);
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_signalling, NULL), 0);
    while (sem_wait(&semaphore) < 0)
        ck_assert_int_eq(errno, EINTR);
    over = true;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* As signal(7) has it: read is restarted if the handler wants that, poll never. */
START_TEST(test_restart)
{
    pthread_t thread;
    int fds[2];
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    ck_assert_ptr_nonnull(green_hub());
    handle(on_signal, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_signalling, NULL), 0);
    ck_assert_int_eq(read(fds[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EINTR);
    handle(on_signal, SA_RESTART);
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, -1), -1);
    ck_assert_int_eq(errno, EINTR);
    struct later l = {fds[1], GREEN_MS(30)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    finish(writer);
    over = true;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_gt(handled, 0);
    close_both(fds);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_close_ends_a_read, 0},
        {test_number_is_reused, 0},
        {test_numbers_never_seen, 0},
        {test_duplicates, 0},
        {test_bytes_behind_descriptors, 0},
        {test_fork, 0},
        {test_vfork, 0},
        {test_sem_post_in_a_handler, 0},
        {test_restart, 0},
    };
    return RUN_TESTS("patch/edges", tests);
}
