/* Opening beneath a folder: what can be reached and what cannot, by openat2(2) and by steps alike. */
#include "../http/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/beneath.h"

static char root[] = "/tmp/greenway-beneath-XXXXXX";
static int folder;

static void make(const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(strcpy(root, "/tmp/greenway-beneath-XXXXXX")));
    folder = beneath_folder(root, false);
    ck_assert_int_ge(folder, 0);
    ck_assert_int_eq(mkdirat(folder, "sub", 0700), 0);
    make("file", "f");
    make("sub/file", "s");
    ck_assert_int_eq(symlinkat("sub/file", folder, "inside"), 0);
    ck_assert_int_eq(symlinkat("../sub/file", folder, "sub/around"), 0);
    ck_assert_int_eq(symlinkat("../../etc/passwd", folder, "sub/outside"), 0);
    ck_assert_int_eq(symlinkat("/etc/passwd", folder, "absolute"), 0);
    ck_assert_int_eq(symlinkat("..", folder, "up"), 0);
    ck_assert_int_eq(symlinkat("circle", folder, "circle"), 0);
    ck_assert_int_eq(symlinkat("/proc/self/root", folder, "magic"), 0);
    ck_assert_int_eq(mkfifoat(folder, "fifo", 0600), 0);
}

static int take_away(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is, (void)type, (void)at;
    return remove(path);
}

static void tear_down(void)
{
    close(folder);
    nftw(root, take_away, 16, FTW_DEPTH | FTW_PHYS);
}

/* 0 if the name leads to a file with this text (or to whatever it is, without one); else the error. */
static int opens(int fd, const char *text)
{
    char got[8] = "";

    if (fd < 0)
        return fd;
    if (text) {
        ck_assert_int_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
        ck_assert_str_eq(got, text);
    }
    close(fd);
    return 0;
}

static int plainly(const char *name, const char *text)
{
    return opens(beneath_open(folder, name, false), text);
}

static int by_steps(const char *name, const char *text)
{
    return opens(beneath_open_by_steps(folder, name), text);
}

START_TEST(what_is_there)
{
    ck_assert_int_eq(plainly("file", "f"), 0);
    ck_assert_int_eq(plainly("sub/file", "s"), 0);
    ck_assert_int_eq(plainly("sub", NULL), 0);
    ck_assert_int_eq(plainly("", NULL), 0);
    ck_assert_int_eq(plainly("none", NULL), -ENOENT);
    ck_assert_int_eq(plainly("file/below", NULL), -ENOTDIR);
    ck_assert_int_eq(by_steps("file", "f"), 0);
    ck_assert_int_eq(by_steps("sub/file", "s"), 0);
    ck_assert_int_eq(by_steps("sub", NULL), 0);
    ck_assert_int_eq(by_steps("", NULL), 0);
    ck_assert_int_eq(by_steps("none", NULL), -ENOENT);
    ck_assert_int_eq(by_steps("file/below", NULL), -ENOTDIR);
}
END_TEST

START_TEST(links_that_stay_inside)
{
    if (plainly("inside", "s") == -ELOOP)
        return; /* this kernel has no openat2(2) */
    ck_assert_int_eq(plainly("inside", "s"), 0);
    ck_assert_int_eq(plainly("sub/around", "s"), 0);
    ck_assert_int_eq(plainly("circle", NULL), -ELOOP);
}
END_TEST

START_TEST(ways_out)
{
    static const char *const names[] = {
        "sub/outside",
        "absolute",
        "up/etc/passwd",
        "../etc/passwd",
        "sub/../../etc/passwd",
        "/etc/passwd",
        "magic/etc",
        "..",
        "up",
        "sub/../..",
        "circle",
        "circle/file",
        "up/../file",
        "magic/../etc/passwd",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_msg(plainly(names[i], NULL) < 0, "%s", names[i]);
        ck_assert_msg(by_steps(names[i], NULL) < 0, "%s by steps", names[i]);
    }
}
END_TEST

START_TEST(by_steps_no_link_is_followed)
{
    ck_assert_int_lt(by_steps("inside", NULL), 0);
    ck_assert_int_lt(by_steps("sub/around", NULL), 0);
}
END_TEST

/* Nobody writes to it: without O_NONBLOCK this would never return. */
START_TEST(a_fifo_holds_nobody)
{
    ck_assert_int_eq(plainly("fifo", NULL), 0);
    ck_assert_int_eq(by_steps("fifo", NULL), 0);
}
END_TEST

START_TEST(long_names)
{
    char name[600];

    memset(name, 'a', sizeof(name));
    memcpy(name, "sub/", 4);
    name[sizeof(name) - 1] = 0;
    ck_assert_int_eq(plainly(name, NULL), -ENAMETOOLONG);
    ck_assert_int_eq(by_steps(name, NULL), -ENAMETOOLONG);
}
END_TEST

START_TEST(no_descriptor_is_left)
{
    int before = dup(0);

    close(before);
    (void)by_steps("sub/file", "s");
    (void)by_steps("sub/none", NULL);
    (void)by_steps("sub/../file", NULL);
    (void)by_steps("sub//file", NULL);
    (void)plainly("sub/outside", NULL);
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

START_TEST(at_hand_or_not)
{
    ck_assert_int_eq(plainly("sub/file", "s"), 0);
    int r = opens(beneath_open(folder, "sub/file", true), "s"); /* walked just now */
    ck_assert_msg(r == 0 || r == -EAGAIN, "%d", r);
    ck_assert_int_lt(opens(beneath_open(folder, "up/etc/passwd", true), NULL), 0);
    r = beneath_folder("/nowhere/at/all", true);
    ck_assert_msg(r == -ENOENT || r == -EAGAIN, "%d", r);
    ck_assert_int_eq(beneath_folder("/nowhere/at/all", false), -ENOENT);
    ck_assert_int_eq(beneath_folder("/etc/passwd", false), -ENOTDIR);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("beneath");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_there);
    tcase_add_test(tests, links_that_stay_inside);
    tcase_add_test(tests, ways_out);
    tcase_add_test(tests, by_steps_no_link_is_followed);
    tcase_add_test(tests, a_fifo_holds_nobody);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, no_descriptor_is_left);
    tcase_add_test(tests, at_hand_or_not);
    return run_suite(tests, "files/beneath");
}
