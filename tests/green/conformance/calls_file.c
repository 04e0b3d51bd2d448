/* Files: all threads for files are held up, so that each call has to wait for one. */
#include <dirent.h>

#include "held_pool.h"

static char folder[64], path[80], other[80];
static int fd = -1;
static struct stat status;

static void begin_file(void)
{
    begin_pool_of_process(green_threads_file());
    snprintf(folder, sizeof folder, "/tmp/greenway-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
}

static void end_file(void)
{
    end_pool_of_process();
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else is left in it */
}

static int wait_open(green_time deadline)
{
    int opened = green_file_open(path, O_RDONLY, 0, deadline);
    if (opened >= 0)
        close(opened);
    return opened;
}

static int wait_read(green_time deadline)
{
    char byte;
    return (int)green_file_read(fd, &byte, 1, deadline);
}

static int wait_write(green_time deadline)
{
    return (int)green_file_write(fd, "x", 1, deadline);
}

static int wait_pread(green_time deadline)
{
    char byte;
    return (int)green_file_pread(fd, &byte, 1, 0, deadline);
}

static int wait_pwrite(green_time deadline)
{
    return (int)green_file_pwrite(fd, "x", 1, 0, deadline);
}

static int wait_fsync(green_time deadline)
{
    return green_file_fsync(fd, deadline);
}

static int wait_fdatasync(green_time deadline)
{
    return green_file_fdatasync(fd, deadline);
}

static int wait_ftruncate(green_time deadline)
{
    return green_file_ftruncate(fd, 0, deadline);
}

static int wait_fstat(green_time deadline)
{
    return green_file_fstat(fd, &status, deadline);
}

static int wait_stat(green_time deadline)
{
    return green_file_stat(path, &status, deadline);
}

static int wait_rename(green_time deadline)
{
    return green_file_rename(path, path, deadline);
}

/* Those that make or remove something do so under a name of each call's own. */
static const char *own_name(char name[96])
{
    static int calls;
    snprintf(name, 96, "%s%d", other, calls++);
    return name;
}

static int wait_unlink(green_time deadline)
{
    char name[96];
    ck_assert_int_eq(link(path, own_name(name)), 0);
    int r = green_file_unlink(name, deadline);
    ck_assert_int_eq(unlink(name), r < 0 ? 0 : -1);
    return r;
}

static int wait_mkdir(green_time deadline)
{
    char name[96];
    int r = green_file_mkdir(own_name(name), 0700, deadline);
    ck_assert_int_eq(rmdir(name), r < 0 ? -1 : 0);
    return r;
}

static int wait_rmdir(green_time deadline)
{
    char name[96];
    ck_assert_int_eq(mkdir(own_name(name), 0700), 0);
    int r = green_file_rmdir(name, deadline);
    ck_assert_int_eq(rmdir(name), r < 0 ? 0 : -1);
    return r;
}

static int wait_list(green_time deadline)
{
    char **names = NULL;
    int r = green_file_list(folder, &names, 10, deadline);
    free(names);
    return r;
}

static int wait_load(green_time deadline)
{
    char *data = NULL;
    size_t size;
    int r = green_file_load(path, &data, &size, 10, deadline);
    free(data);
    return r;
}

static int wait_save(green_time deadline)
{
    return green_file_save(path, "x", 1, 0600, deadline);
}

#define ROW(what)                                                                                            \
    {                                                                                                        \
        .name = "green_file_" #what, .begin = begin_file, .wait = wait_##what, .let = let_job,               \
        .again = again_job, .end = end_file                                                                  \
    }

static const struct call rows[] = {
    ROW(open),      ROW(read),      ROW(write), ROW(pread), ROW(pwrite), ROW(fsync),
    ROW(fdatasync), ROW(ftruncate), ROW(fstat), ROW(stat),  ROW(rename), ROW(unlink),
    ROW(mkdir),     ROW(rmdir),     ROW(list),  ROW(load),  ROW(save),
};

const struct calls calls_file = CALLS(rows);
