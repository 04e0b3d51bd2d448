/* Files, locks and streams in greenlets, and splice(2): what a blocking call does, while others run. */
#include "patched.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MUCH ((size_t)300000)

static char folder[64];

static char *path_of(char room[128], const char *name)
{
    snprintf(room, 128, "%s/%s", folder, name);
    return room;
}

static void patch_files(void)
{
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_FILE);
    snprintf(folder, sizeof folder, "/tmp/green-patch-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(rmdir(folder), -1);
    ck_assert_int_eq(errno, ENOENT);
}

/* Whether a call was made elsewhere: the greenlet that waits for it switches. */
#define SWITCHES(call)                                                                                       \
    do {                                                                                                     \
        uint64_t before_ = switches();                                                                       \
        call;                                                                                                \
        ck_assert_uint_gt(switches(), before_);                                                              \
    } while (0)

START_TEST(test_reading_and_writing)
{
    char room[128], block[1000], *all = malloc(MUCH);
    struct stat st;
    size_t got = 0;
    ssize_t n;
    patch_files();
    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < MUCH; i++)
        all[i] = (char)(i * 7);
    int fd = open(path_of(room, "a"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    SWITCHES(ck_assert_int_eq(write(fd, all, MUCH), MUCH));
    SWITCHES(ck_assert_int_eq(fsync(fd), 0));
    SWITCHES(ck_assert_int_eq(fstat(fd, &st), 0));
    ck_assert_int_eq(st.st_size, MUCH);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    while ((n = read(fd, block, sizeof block)) > 0) {
        ck_assert_int_eq(memcmp(block, all + got, (size_t)n), 0);
        got += (size_t)n;
        ck_assert(n == sizeof block || got == MUCH);
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(got, MUCH);
    ck_assert_int_eq(pread(fd, block, 10, 100), 10);
    ck_assert_int_eq(memcmp(block, all + 100, 10), 0);
    ck_assert_int_eq(pread(fd, block, 10, MUCH - 4), 4);
    ck_assert_int_eq(pwrite(fd, "xyz", 3, 50), 3);
    struct iovec iov[2] = {{block, 1}, {block + 1, 2}};
    ck_assert_int_eq(preadv(fd, iov, 2, 50), 3);
    ck_assert_int_eq(memcmp(block, "xyz", 3), 0);
    ck_assert_int_eq(pread(fd, block, 1, -1), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(ftruncate(fd, 7), 0);
    ck_assert_int_eq(stat(room, &st), 0);
    ck_assert_int_eq(st.st_size, 7);
    ck_assert_int_eq(close(fd), 0);
    SWITCHES(ck_assert_int_eq(unlink(room), 0));
    ck_assert_int_eq(open(room, O_RDONLY), -1);
    ck_assert_int_eq(errno, ENOENT);
    remove_folder();
    free(all);
}
END_TEST

START_TEST(test_names)
{
    char a[128], b[128], target[8];
    struct stat st;
    patch_files();
    ck_assert_int_eq(mkdir(path_of(a, "d"), 0700), 0);
    ck_assert_int_eq(rename(a, path_of(b, "e")), 0);
    ck_assert_int_eq(access(b, F_OK), 0);
    ck_assert_int_eq(access(a, F_OK), -1);
    ck_assert_int_eq(symlink("e", a), 0);
    ck_assert_int_eq(readlink(a, target, sizeof target), 1);
    ck_assert_int_eq(lstat(a, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_assert_int_eq(stat(a, &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    ck_assert_int_eq(unlink(a), 0);
    ck_assert_int_eq(rmdir(b), 0);
    remove_folder();
    ck_assert(green_is_patched("open64"));
    green_patch_all();
    ck_assert(green_is_patched("fsync")); /* that adds families */
    green_patch(GREEN_PATCH_DEFAULT);
    ck_assert(!green_is_patched("fsync"));
}
END_TEST

static int lock_with(int fd, int kind)
{
    struct flock whole = {.l_type = F_WRLCK};
    return kind == 0 ? flock(fd, LOCK_EX) : fcntl(fd, F_OFD_SETLKW, &whole);
}

struct locking {
    int fd, kind;
};

static void *lock_then_unlock(void *arg)
{
    const struct locking *l = arg;
    struct flock whole = {.l_type = F_UNLCK};
    ck_assert_int_eq(lock_with(l->fd, l->kind), 0);
    ck_assert_int_eq(l->kind == 0 ? flock(l->fd, LOCK_UN) : fcntl(l->fd, F_OFD_SETLK, &whole), 0);
    return NULL;
}

/* Of one file by two descriptors: natively, the second would keep the thread for ever. */
START_TEST(test_locks)
{
    char room[128];
    patch_files();
    int a = open(path_of(room, "a"), O_RDWR | O_CREAT, 0600), b = open(room, O_RDWR);
    ck_assert_int_ge(a, 0);
    ck_assert_int_ge(b, 0);
    for (int kind = 0; kind < 2; kind++) {
        struct locking second = {b, kind};
        struct flock whole = {.l_type = F_UNLCK};
        ck_assert_int_eq(lock_with(a, kind), 0);
        green_t *waiter = spawn(lock_then_unlock, &second);
        usleep(2000);
        ck_assert(!green_done(waiter));
        ck_assert_int_eq(kind == 0 ? flock(a, LOCK_UN) : fcntl(a, F_OFD_SETLK, &whole), 0);
        finish(waiter);
    }
    ck_assert_int_eq(lock_with(a, 0), 0);
    ck_assert_int_eq(flock(b, LOCK_EX | LOCK_NB), -1);
    ck_assert_int_eq(errno, EWOULDBLOCK);
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(5));
    ck_assert_int_eq(flock(b, LOCK_EX), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    green_timeout_stop(&t);
    ck_assert_int_eq(close(a), 0);
    ck_assert_int_eq(close(b), 0);
    ck_assert_int_eq(unlink(room), 0);
    remove_folder();
}
END_TEST

static void *many_writes(void *arg)
{
    char room[128], name[32];
    snprintf(name, sizeof name, "f%d", *(int *)arg);
    int fd = open(path_of(room, name), O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(write(fd, &i, sizeof i), sizeof i);
    for (int i = 0, got; i < 20; i++) {
        ck_assert_int_eq(pread(fd, &got, sizeof got, i * (off_t)sizeof got), sizeof got);
        ck_assert_int_eq(got, i);
    }
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(unlink(room), 0);
    return NULL;
}

START_TEST(test_many)
{
    green_t *all[30];
    int numbers[30];
    patch_files();
    for (int i = 0; i < 30; i++) {
        numbers[i] = i;
        all[i] = spawn(many_writes, &numbers[i]);
    }
    for (int i = 0; i < 30; i++)
        finish(all[i]);
    remove_folder();
}
END_TEST

/* --- splice --------------------------------------------------------------------------------------------------------- */

static void *splice_all(void *arg)
{
    const int *fds = arg;
    ssize_t n;
    while ((n = splice(fds[0], NULL, fds[1], NULL, 65536, SPLICE_F_MOVE)) > 0)
        ;
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(close(fds[1]), 0);
    return NULL;
}

static void *write_much(void *arg)
{
    char block[1000];
    for (size_t done = 0; done < MUCH; done += sizeof block) {
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = (char)((done + i) % 251);
        ck_assert_int_eq(write(*(int *)arg, block, sizeof block), sizeof block);
    }
    ck_assert_int_eq(close(*(int *)arg), 0);
    return NULL;
}

/* A socket into a pipe, the pipe into another socket, and everybody has to wait for everybody. */
START_TEST(test_splice)
{
    int in[2], middle[2], out[2];
    char block[777];
    green_patch_all();
    blocking_pair(in, SOCK_STREAM);
    blocking_pair(out, SOCK_STREAM);
    ck_assert_int_eq(pipe(middle), 0);
    int first[2] = {in[1], middle[1]}, second[2] = {middle[0], out[0]};
    green_t *all[3] = {spawn(splice_all, first), spawn(splice_all, second), spawn(write_much, &in[0])};
    size_t got = 0;
    for (ssize_t n; (n = read(out[1], block, sizeof block)) != 0; got += (size_t)n) {
        ck_assert_int_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
            ck_assert_int_eq((unsigned char)block[i], (got + (size_t)i) % 251);
    }
    ck_assert_uint_eq(got, MUCH);
    for (int i = 0; i < 3; i++)
        finish(all[i]);
    ck_assert_int_eq(close(in[1]), 0);
    ck_assert_int_eq(close(middle[0]), 0);
    ck_assert_int_eq(close(out[1]), 0);
}
END_TEST

START_TEST(test_tee_and_vmsplice)
{
    int a[2], b[2];
    char text[8] = "";
    green_patch_all();
    ck_assert_int_eq(pipe(a), 0);
    ck_assert_int_eq(pipe(b), 0);
    struct later l = {a[1], GREEN_MS(2)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(tee(a[0], b[1], 10, 0), 1);
    finish(writer);
    ck_assert_int_eq(read(b[0], text, 8), 1);
    ck_assert_int_eq(read(a[0], text, 8), 1);
    struct iovec iov = {(char[]){'a', 'b', 'c'}, 3};
    ck_assert_int_eq(vmsplice(a[1], &iov, 1, 0), 3);
    ck_assert_int_eq(read(a[0], text, 8), 3);
    ck_assert_int_eq(memcmp(text, "abc", 3), 0);
    ck_assert_int_eq(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK), -1);
    ck_assert_int_eq(errno, EAGAIN);
    close_both(a);
    close_both(b);
}
END_TEST

/* --- streams -------------------------------------------------------------------------------------------------------- */

static void *print_lines(void *arg)
{
    FILE *f = fdopen(*(int *)arg, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 20000; i++)
        ck_assert_int_gt(fprintf(f, "line %d\n", i), 0);
    ck_assert_int_eq(fclose(f), 0);
    return NULL;
}

/* More than buffers hold, so that both sides have to wait in the middle of a call. */
START_TEST(test_streams)
{
    int fds[2];
    char line[64], expected[64];
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_STDIO);
    blocking_pair(fds, SOCK_STREAM);
    green_t *printer = spawn(print_lines, &fds[1]);
    FILE *f = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fileno(f), fds[0]);
    for (int i = 0; i < 20000; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        snprintf(expected, sizeof expected, "line %d\n", i);
        ck_assert_str_eq(line, expected);
    }
    ck_assert_ptr_null(fgets(line, sizeof line, f));
    ck_assert(feof(f));
    finish(printer);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
    ck_assert_ptr_null(fdopen(fds[0], "r"));
    ck_assert_int_eq(errno, EBADF);
    int end = open("/dev/null", O_RDONLY);
    ck_assert_ptr_null(fdopen(end, "w"));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(close(end), 0);
}
END_TEST

START_TEST(test_timeout_in_a_stream)
{
    int fds[2];
    char line[64];
    green_timeout_t t;
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_STDIO);
    ck_assert_ptr_nonnull(green_hub());
    blocking_pair(fds, SOCK_STREAM);
    FILE *f = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(write(fds[1], "half a ", 7), 7);
    green_timeout_start(&t, GREEN_MS(5));
    ck_assert_ptr_null(fgets(line, sizeof line, f));
    ck_assert(ferror(f));
    ck_assert_int_eq(errno, ETIMEDOUT);
    green_timeout_stop(&t);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_reading_and_writing, 0},
        {test_names, 0},
        {test_locks, 0},
        {test_many, 0},
        {test_splice, 0},
        {test_tee_and_vmsplice, 0},
        {test_streams, 0},
        {test_timeout_in_a_stream, 0},
    };
    return RUN_TESTS("patch/file", tests);
}
