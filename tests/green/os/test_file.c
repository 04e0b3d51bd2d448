/* Files through the pool of threads: the calls, and what closing and cancelling mean for those under way. */
#include "support.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

/* --- a folder of one's own ------------------------------------------------------------------------------ */

static char folder[64], names[4][128];

static void make_folder(void)
{
    strcpy(folder, "/tmp/green-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "%s/%c", folder, "abcd"[i]);
}

static int entries(void)
{
    char **list;
    int count = green_file_list(folder, &list, 1000, soon());
    ck_assert_int_ge(count, 0);
    free(list);
    return count;
}

static void remove_folder(void)
{
    char **list;
    int count = green_file_list(folder, &list, 1000, soon());
    ck_assert_int_ge(count, 0);
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, list[i]);
        ck_assert_int_eq(green_file_unlink(path, soon()), 0);
    }
    free(list);
    ck_assert_int_eq(green_file_rmdir(folder, soon()), 0);
}

/* --- the calls ------------------------------------------------------------------------------------------ */

START_TEST(descriptors)
{
    make_folder();
    char buffer[16] = "";
    struct stat st;
    int fd = green_file_open(names[0], O_RDWR | O_CREAT | O_EXCL, 0600, soon());
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(green_file_write(fd, "hello world", 11, soon()), 11);
    ck_assert_int_eq(green_file_pwrite(fd, "W", 1, 6, soon()), 1);
    ck_assert_int_eq(green_file_pread(fd, buffer, 5, 6, soon()), 5);
    ck_assert_str_eq(buffer, "World");
    ck_assert_int_eq(green_file_read(fd, buffer, sizeof buffer, soon()), 0);
    ck_assert_int_eq(green_file_fsync(fd, soon()), 0);
    ck_assert_int_eq(green_file_fdatasync(fd, soon()), 0);
    ck_assert_int_eq(green_file_ftruncate(fd, 5, soon()), 0);
    ck_assert_int_eq(green_file_fstat(fd, &st, soon()), 0);
    ck_assert_int_eq(st.st_size, 5);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(green_file_close(fd), 0);
    ck_assert_int_eq(green_file_close(fd), -EBADF);
    ck_assert_int_eq(green_file_read(fd, buffer, 1, soon()), -EBADF);
    ck_assert_int_eq(green_file_open(names[0], O_RDWR | O_CREAT | O_EXCL, 0600, soon()), -EEXIST);
    remove_folder();
}
END_TEST

START_TEST(names_of_files)
{
    make_folder();
    struct stat st;
    ck_assert_int_eq(green_file_stat(names[0], &st, soon()), -ENOENT);
    ck_assert_int_eq(green_file_save(names[0], "x", 1, 0640, soon()), 0);
    ck_assert_int_eq(green_file_stat(names[0], &st, soon()), 0);
    ck_assert_int_eq(green_file_rename(names[0], names[1], soon()), 0);
    ck_assert_int_eq(green_file_stat(names[0], &st, soon()), -ENOENT);
    ck_assert_int_eq(green_file_mkdir(names[2], 0700, soon()), 0);
    ck_assert_int_eq(green_file_mkdir(names[2], 0700, soon()), -EEXIST);
    ck_assert_int_eq(green_file_unlink(names[0], soon()), -ENOENT);
    ck_assert_int_eq(green_file_rmdir(names[1], soon()), -ENOTDIR);

    char **list;
    ck_assert_int_eq(green_file_list(folder, &list, 2, soon()), 2);
    bool b_first = strcmp(list[0], "b") == 0;
    ck_assert_str_eq(list[b_first ? 0 : 1], "b");
    ck_assert_str_eq(list[b_first ? 1 : 0], "c");
    ck_assert_ptr_null(list[2]);
    free(list);
    ck_assert_int_eq(green_file_list(folder, &list, 1, soon()), -EOVERFLOW);
    ck_assert_ptr_null(list);
    ck_assert_int_eq(green_file_list(names[0], &list, 1, soon()), -ENOENT);
    ck_assert_int_eq(green_file_list(names[2], &list, 0, soon()), 0);
    ck_assert_ptr_null(list[0]);
    free(list);
    ck_assert_int_eq(green_file_rmdir(names[2], soon()), 0);
    remove_folder();
}
END_TEST

START_TEST(many_names)
{
    enum { COUNT = 700 };
    make_folder();
    for (int i = 0; i < COUNT; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/a-rather-long-name-of-a-file-%d", folder, i);
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        close(fd);
    }
    char **list;
    bool seen[COUNT] = {false};
    ck_assert_int_eq(green_file_list(folder, &list, COUNT, soon()), COUNT);
    for (int i = 0; i < COUNT; i++) {
        int number = -1;
        ck_assert_int_eq(sscanf(list[i], "a-rather-long-name-of-a-file-%d", &number), 1);
        ck_assert(number >= 0 && number < COUNT && !seen[number]);
        seen[number] = true;
    }
    free(list);
    remove_folder();
}
END_TEST

/* --- whole files ---------------------------------------------------------------------------------------- */

START_TEST(load_and_save)
{
    enum { LARGE = 300000 };
    make_folder();
    char *large = malloc(LARGE), *data;
    size_t size;
    struct stat st;
    ck_assert_ptr_nonnull(large);
    for (int i = 0; i < LARGE; i++)
        large[i] = (char)(i * 7);
    mode_t mask = umask(077);
    ck_assert_int_eq(green_file_save(names[0], large, LARGE, 0644, soon()), 0);
    umask(mask);
    ck_assert_int_eq(green_file_stat(names[0], &st, soon()), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0644);
    ck_assert_int_eq(green_file_load(names[0], &data, &size, LARGE, soon()), 0);
    ck_assert_uint_eq(size, LARGE);
    ck_assert_mem_eq(data, large, LARGE);
    ck_assert_int_eq(data[LARGE], 0);
    free(data);
    ck_assert_int_eq(green_file_load(names[0], &data, &size, LARGE - 1, soon()), -EFBIG);
    ck_assert_ptr_null(data);

    ck_assert_int_eq(green_file_save(names[0], "", 0, 0600, soon()), 0); /* replaced */
    ck_assert_int_eq(green_file_load(names[0], &data, &size, 0, soon()), 0);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(data, "");
    free(data);
    ck_assert_int_eq(entries(), 1);
    free(large);
    remove_folder();
}
END_TEST

START_TEST(load_what_has_no_size)
{
    char *data;
    size_t size;
    ck_assert_int_eq(green_file_load("/proc/self/maps", &data, &size, 1 << 24, soon()), 0);
    ck_assert_uint_gt(size, 4096);
    ck_assert_uint_eq(strlen(data), size);
    free(data);
    ck_assert_int_eq(green_file_load("/proc/self/maps", &data, &size, 100, soon()), -EFBIG);
    ck_assert_int_eq(green_file_load("/proc/self", &data, &size, 100, soon()), -EISDIR);
    ck_assert_int_eq(green_file_load("/dev/zero", &data, &size, 100000, soon()), -EFBIG);
}
END_TEST

START_TEST(a_failed_save_leaves_nothing)
{
    make_folder();
    char path[256];
    ck_assert_int_eq(green_file_mkdir(names[0], 0700, soon()), 0);
    ck_assert_int_eq(green_file_save(names[0], "x", 1, 0600, soon()), -EISDIR);
    ck_assert_int_eq(entries(), 1);
    snprintf(path, sizeof path, "%s/missing/file", folder);
    ck_assert_int_eq(green_file_save(path, "x", 1, 0600, soon()), -ENOENT);
    ck_assert_int_eq(green_file_rmdir(names[0], soon()), 0);
    remove_folder();
}
END_TEST

/* --- under way ------------------------------------------------------------------------------------------ */

/* A call that lasts as long as one likes, and of which one can see that it has begun: writing more to a pipe than it
 * holds, which nobody should do otherwise. */
enum { BLOCK = 4 * 65536 };
static char block[BLOCK];

struct writing {
    int fd;
    ssize_t result;
    green_time deadline;
};

static void *write_it(void *arg)
{
    struct writing *w = arg;
    w->result = green_file_write(w->fd, block, sizeof block, w->deadline);
    return NULL;
}

static green_t *begin_writing(struct writing *w, const int ends[2])
{
    int held;
    *w = (struct writing){.fd = ends[1], .deadline = soon()};
    green_t *g = spawn(write_it, w);
    do {
        ck_assert_int_eq(green_yield(), 0);
        ck_assert_int_eq(ioctl(ends[0], FIONREAD, &held), 0);
    } while (held < fcntl(ends[0], F_GETPIPE_SZ));
    return g;
}

static void read_blocks(int fd, int count)
{
    char buffer[4096];
    for (ssize_t left = (ssize_t)count * BLOCK; left;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        ck_assert_int_gt(n, 0);
        left -= n;
    }
}

START_TEST(closed_while_it_is_written)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct writing one, two = {.fd = ends[1], .deadline = soon()};
    green_t *a = begin_writing(&one, ends), *b = spawn(write_it, &two);
    yields(3);
    ck_assert_int_eq(green_file_close(ends[1]), 0);
    ck_assert_int_eq(green_file_close(ends[1]), -EBADF);
    ck_assert_int_eq(green_file_write(ends[1], "x", 1, soon()), -EBADF);
    ck_assert_int_ge(fcntl(ends[1], F_GETFD), 0); /* the number cannot be anybody else's yet */
    read_blocks(ends[0], 1);
    struct stat st;
    ck_assert_int_eq(green_file_stat("/", &st, soon()), 0); /* other files are none of its business */
    char rest[4096];
    while (green_read(ends[0], rest, sizeof rest, soon()) > 0) /* the other one may have begun, too */
        ;
    finish(a);
    finish(b);
    ck_assert_int_eq(one.result, BLOCK);
    ck_assert(two.result == BLOCK || two.result == -EBADF);
    ck_assert_int_eq(fcntl(ends[1], F_GETFD), -1);
    ck_assert_int_eq(green_close(ends[0]), 0);
}
END_TEST

/* A call that waits for a thread must not hit what gets its number next. */
START_TEST(closed_before_it_was_begun)
{
    int ends[2], others[2], held;
    ck_assert_int_eq(green_threads_resize(green_threads_file(), 1), 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(others, O_CLOEXEC), 0);
    struct writing running, waiting = {.fd = others[1], .deadline = soon()};
    green_t *a = begin_writing(&running, ends), *b = spawn(write_it, &waiting);
    yields(2);
    ck_assert_int_eq(green_file_close(others[1]), 0);
    int replacement[2];
    ck_assert_int_eq(pipe2(replacement, O_CLOEXEC), 0);
    ck_assert_int_eq(replacement[0], others[1]);
    ck_assert_int_eq(dup2(replacement[1], others[1]), others[1]);
    read_blocks(ends[0], 1);
    finish(a);
    finish(b);
    ck_assert_int_eq(running.result, BLOCK);
    ck_assert_int_eq(waiting.result, -EBADF);
    ck_assert_int_eq(green_file_write(others[1], "x", 1, soon()), -EPIPE);
    ck_assert_int_eq(ioctl(others[0], FIONREAD, &held), 0);
    ck_assert_int_eq(held, 0);
    close(others[0]);
    close(others[1]);
    close(replacement[1]);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(cancelled_and_out_of_time)
{
    int ends[2];
    ck_assert_int_eq(green_threads_resize(green_threads_file(), 1), 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct writing running, waiting = {.fd = ends[1], .deadline = soon()}, late = waiting;
    late.deadline = green_in_ms(1);
    green_t *a = begin_writing(&running, ends), *b = spawn(write_it, &waiting), *c = spawn(write_it, &late);
    yields(1);
    green_cancel(a);
    ck_assert_int_eq(green_kill(b, soon()), 0);
    ck_assert_int_eq(waiting.result, -ECANCELED);
    finish(c);
    ck_assert_int_eq(late.result, -ETIMEDOUT);
    read_blocks(ends[0], 1);
    finish(a);
    ck_assert_int_eq(running.result, BLOCK); /* what it came to is not lost */
    green_release(b);
    ck_assert_int_eq(green_file_write(ends[1], "x", 1, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_file_open("/", O_RDONLY, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_file_close(ends[1]), 0);
    ck_assert_int_eq(close(ends[0]), 0);
}
END_TEST

static int use_files_after_fork(int fd)
{
    char *data, buffer[4];
    size_t size;
    alarm(30);
    if (green_file_close(fd) < 0) /* nothing runs on it here */
        return 1;
    fd = green_file_open("/proc/self/stat", O_RDONLY, 0, soon());
    if (fd < 0 || green_file_read(fd, buffer, 4, soon()) != 4 || green_file_close(fd) < 0)
        return 2;
    if (green_file_load("/proc/self/stat", &data, &size, 100000, soon()) < 0)
        return 3;
    free(data);
    return 0;
}

START_TEST(fork_while_one_runs)
{
    int ends[2], status;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct writing running;
    green_t *g = begin_writing(&running, ends);
    ck_assert_int_eq(green_file_close(ends[1]), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(use_files_after_fork(ends[1]));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    read_blocks(ends[0], 1);
    finish(g);
    ck_assert_int_eq(running.result, BLOCK);
    ck_assert_int_eq(fcntl(ends[1], F_GETFD), -1);
    ck_assert_int_eq(close(ends[0]), 0);
}
END_TEST

#ifdef GREEN_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0"; /* the child starts threads of its own */
}
#endif

int main(void)
{
    const struct test tests[] = {
        {descriptors, 0},
        {names_of_files, 0},
        {many_names, 0},
        {load_and_save, 0},
        {load_what_has_no_size, 0},
        {a_failed_save_leaves_nothing, 0},
        {closed_while_it_is_written, 0},
        {closed_before_it_was_begun, 0},
        {cancelled_and_out_of_time, 0},
        {fork_while_one_runs, 0},
    };
    return RUN_TESTS("file", tests);
}
