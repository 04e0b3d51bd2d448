/* Folders in greenlets, and the calls on files that give something else than a number. */
#include "patched.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/xattr.h>

#define MANY 400

static char folder[PATH_MAX];

static void patch_files(void)
{
    green_patch(GREEN_PATCH_DEFAULT | GREEN_PATCH_FILE);
    ck_assert_ptr_nonnull(green_hub());
    /* in memory where that is to be had: the disk may have much to do */
    strcpy(folder,
           green_real_access("/dev/shm", W_OK) == 0 ? "/dev/shm/green-XXXXXX" : "/tmp/green-patch-XXXXXX");
    ck_assert_ptr_eq(mkdtemp(folder), folder);
}

static const char *name_of(int i)
{
    static char room[PATH_MAX + 64];
    snprintf(room, sizeof room, "%s/entry-with-a-name-of-some-length-%04d", folder, i);
    return room;
}

/* To make and remove files is not what is tested. */
static void fill_folder(int count)
{
    for (int i = 0; i < count; i++) {
        int fd = green_real_open(name_of(i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(close(fd), 0);
    }
}

static void empty_folder(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(green_real_remove(name_of(i)), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static int number_of(const char *name)
{
    int i = -1;
    ck_assert_msg(sscanf(name, "entry-with-a-name-of-some-length-%d", &i) == 1, "%s", name);
    return i;
}

/* Reads on, and counts each entry; how many there were. */
static int count_entries(DIR *dir, unsigned char seen[MANY])
{
    int count = 0;
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.') {
            seen[number_of(entry->d_name)]++;
            count++;
        }
    ck_assert_int_eq(errno, 0);
    return count;
}

static void all_seen(const unsigned char seen[MANY], int times)
{
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(seen[i], times);
}

/* Each entry once, and elsewhere for many at a time. */
START_TEST(test_reading)
{
    unsigned char seen[MANY] = {0};
    patch_files();
    fill_folder(MANY);
    uint64_t before = switches();
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    ck_assert_int_eq(count_entries(dir, seen), MANY);
    ck_assert_uint_gt(switches(), before + 2);
    ck_assert_uint_lt(switches(), before + MANY / 4);
    all_seen(seen, 1);
    ck_assert_ptr_null(readdir(dir)); /* and it stays the end */
    rewinddir(dir);
    ck_assert_int_eq(count_entries(dir, seen), MANY);
    all_seen(seen, 2);
    ck_assert_int_eq(closedir(dir), 0);
    empty_folder(MANY);
    ck_assert_ptr_null(opendir(folder));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* A place is that of the entry that came last, not of what was read ahead. */
START_TEST(test_places)
{
    unsigned char seen[MANY] = {0};
    char name[256];
    patch_files();
    fill_folder(MANY);
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    long begin = telldir(dir);
    for (int i = 0; i < 150; i++)
        ck_assert_ptr_nonnull(readdir(dir));
    long middle = telldir(dir);
    const struct dirent *next = readdir(dir);
    ck_assert_ptr_nonnull(next);
    strcpy(name, next->d_name);
    for (int i = 0; i < 200; i++)
        ck_assert_ptr_nonnull(readdir(dir));
    seekdir(dir, middle);
    ck_assert_int_eq(telldir(dir), middle);
    next = readdir(dir);
    ck_assert_ptr_nonnull(next);
    ck_assert_str_eq(next->d_name, name);
    seekdir(dir, begin);
    ck_assert_int_eq(count_entries(dir, seen), MANY);
    all_seen(seen, 1);
    ck_assert_int_eq(closedir(dir), 0);
    empty_folder(MANY);
}
END_TEST

/* Whoever goes on without the patch gets the rest, and who begins without it is taken over in the middle. */
START_TEST(test_turned_off_in_between)
{
    for (int off_first = 0; off_first < 2; off_first++) {
        unsigned char seen[MANY] = {0};
        patch_files();
        fill_folder(MANY);
        DIR *dir = opendir(folder);
        int before = 0;
        if (off_first)
            green_patch(0);
        for (int i = 0; i < 100; i++) {
            const struct dirent *entry = readdir(dir);
            ck_assert_ptr_nonnull(entry);
            if (entry->d_name[0] != '.') {
                seen[number_of(entry->d_name)]++;
                before++;
            }
        }
        green_patch(off_first ? GREEN_PATCH_FILE : 0);
        ck_assert_int_eq(count_entries(dir, seen) + before, MANY);
        all_seen(seen, 1);
        ck_assert_int_eq(closedir(dir), 0);
        empty_folder(MANY);
    }
}
END_TEST

static void *read_folder(void *arg)
{
    unsigned char *seen = arg;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    ck_assert_int_eq(count_entries(dir, seen), MANY);
    ck_assert_int_eq(closedir(dir), 0);
    return NULL;
}

START_TEST(test_many_at_once)
{
    static unsigned char seen[20][MANY];
    green_t *all[20];
    patch_files();
    fill_folder(MANY);
    for (int i = 0; i < 20; i++)
        all[i] = spawn(read_folder, seen[i]);
    for (int i = 0; i < 20; i++) {
        finish(all[i]);
        all_seen(seen[i], 1);
    }
    empty_folder(MANY);
}
END_TEST

/* --- whole ---------------------------------------------------------------------------------------------------------- */

static green_t *asker;

/* Runs in the greenlet that asked, and may wait. */
static int odd(const struct dirent *entry)
{
    ck_assert_ptr_eq(green_self(), asker);
    ck_assert_int_eq(green_yield(), 0);
    return entry->d_name[0] != '.' && number_of(entry->d_name) % 2;
}

START_TEST(test_scandir)
{
    struct dirent **entries;
    patch_files();
    fill_folder(50);
    asker = green_self();
    uint64_t before = switches();
    ck_assert_int_eq(scandir(folder, &entries, odd, alphasort), 25);
    ck_assert_uint_gt(switches(), before);
    for (int i = 0; i < 25; i++) {
        ck_assert_int_eq(number_of(entries[i]->d_name), 2 * i + 1);
        free(entries[i]);
    }
    free(entries);
    int n = scandirat(AT_FDCWD, folder, &entries, NULL, NULL);
    ck_assert_int_eq(n, 52);
    while (n)
        free(entries[--n]);
    free(entries);
    empty_folder(50);
    ck_assert_int_eq(scandir(folder, &entries, NULL, alphasort), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static void *list_folder(void *arg)
{
    struct dirent **entries;
    int *error = arg;
    *error = scandir(folder, &entries, NULL, NULL) < 0 ? errno : 0;
    return NULL;
}

START_TEST(test_cancelled)
{
    int error = -1;
    patch_files();
    green_t *g = spawn(list_folder, &error);
    ck_assert_int_eq(green_cancel(g), 0);
    finish(g);
    ck_assert(error == ECANCELED || error == -1); /* or it never began */
    empty_folder(0);
}
END_TEST

/* --- files ---------------------------------------------------------------------------------------------------------- */

START_TEST(test_results_of_other_kinds)
{
    char path[sizeof folder + 32], room[PATH_MAX], byte;
    struct stat st;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    patch_files();
    errno = ENOTTY;
    ck_assert_int_eq(posix_fallocate(-1, 0, 10), EBADF);
    ck_assert_int_eq(errno, ENOTTY);
    snprintf(path, sizeof path, "%s/XXXXXX.end", folder);
    uint64_t before = switches();
    int fd = mkostemps(path, 4, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_gt(switches(), before);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_str_eq(path + strlen(path) - 4, ".end");
    ck_assert_int_eq(posix_fallocate(fd, 0, 5000), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(st.st_size, 5000);
    ck_assert_int_eq(pwritev2(fd, &iov, 1, 7, 0), 1);
    ck_assert_int_eq(preadv2(fd, &iov, 1, 5000, 0), 0);
    ck_assert_int_eq(preadv2(-1, &iov, 1, 0, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    void *map = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    before = switches();
    ck_assert_int_eq(msync(map, 5000, MS_SYNC), 0);
    ck_assert_uint_gt(switches(), before);
    ck_assert_int_eq(munmap(map, 5000), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_ptr_eq(realpath(path, room), room);
    char *same = canonicalize_file_name(path);
    ck_assert_str_eq(same, room);
    free(same);
    ck_assert_ptr_null(realpath("/nowhere/at/all", room));
    ck_assert_int_eq(errno, ENOENT);
    char *bad = mkdtemp((char[]){"/tmp/no-pattern"});
    ck_assert_ptr_null(bad);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_what_is_known_of_files)
{
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    const struct timeval days[2] = {{.tv_sec = 86400}, {.tv_sec = 172800}};
    char value[8], other[sizeof folder + 64];
    struct stat st;
    struct statfs fs;
    struct statvfs vfs;
    patch_files();
    fill_folder(1);
    const char *path = name_of(0);
    int fd = open(path, O_RDWR | O_CLOEXEC), at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(at, 0);
    uint64_t before = switches();
    ck_assert_int_eq(fchmod(fd, 0640), 0);
    ck_assert_uint_gt(switches(), before);
    ck_assert_int_eq(futimens(fd, times), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(st.st_mtime, 2000);
    ck_assert_int_eq(utimes(path, days), 0);
    ck_assert_int_eq(fchmodat(AT_FDCWD, path, 0600, 0), 0);
    ck_assert_int_eq(fchown(fd, (uid_t)-1, (gid_t)-1), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(st.st_mtime, 172800);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(statfs(folder, &fs), 0);
    ck_assert_int_eq(fstatvfs(fd, &vfs), 0);
    ck_assert_uint_eq((uint64_t)fs.f_bsize, vfs.f_bsize);
    if (fsetxattr(fd, "user.green", "leaf", 4, 0) == 0) {
        ck_assert_int_eq(getxattr(path, "user.green", value, sizeof value), 4);
        ck_assert_int_eq(memcmp(value, "leaf", 4), 0);
        ck_assert_int_eq(removexattr(path, "user.green"), 0);
        ck_assert_int_eq(lgetxattr(path, "user.green", value, sizeof value), -1);
        ck_assert_int_eq(errno, ENODATA);
    } else {
        ck_assert_int_eq(errno, EOPNOTSUPP); /* by this file system */
    }
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert_int_eq(linkat(AT_FDCWD, path, at, "other", 0), 0);
    ck_assert_int_eq(remove(other), 0);
    ck_assert_int_eq(mkfifoat(at, "other", 0600), 0);
    ck_assert_int_eq(lstat(other, &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
    ck_assert_int_eq(unlinkat(at, "other", 0), 0);
    ck_assert_int_eq(symlinkat("nowhere", at, "other"), 0);
    ck_assert_int_eq(eaccess(other, F_OK), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(remove(other), 0);
    ck_assert_int_eq(close(at), 0);
    ck_assert_int_eq(close(fd), 0);
    empty_folder(1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_reading, 0},
        {test_places, 0},
        {test_turned_off_in_between, 0},
        {test_many_at_once, 0},
        {test_scandir, 0},
        {test_cancelled, 0},
        {test_results_of_other_kinds, 0},
        {test_what_is_known_of_files, 0},
    };
    return RUN_TESTS("patch/folder", tests);
}
