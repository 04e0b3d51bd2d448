/* Running out of memory at every single allocation: one line says so, and nothing leaks or stays open. */
#include "loading.h"

#include <fcntl.h>
#include <unistd.h>

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);

static long left = -1; /* allocations until one fails; -1: none does */

void *__wrap_calloc(size_t count, size_t size)
{
    if (left == 0)
        return NULL;
    if (left > 0)
        left--;
    return __real_calloc(count, size);
}

static int lowest_free_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    close(fd);
    return fd;
}

/* Loads with the nth allocation failing, until all succeed; returns how many there were. */
static long fail_each(const char *path, bool good)
{
    int fd = lowest_free_fd();

    for (long n = 0; n < 10000; n++) {
        struct conf_errors errors = {0};

        left = n;
        struct conf *conf = conf_load(path, &errors);
        bool failed = left == 0 && errors.no_memory;

        left = -1;
        ck_assert_int_eq(lowest_free_fd(), fd);
        if (!failed) {
            ck_assert_int_eq(conf != NULL, good);
            conf_free(conf);
            conf_errors_free(&errors);
            return n;
        }
        char *found = findings(&errors);

        ck_assert_ptr_null(conf);
        ck_assert_uint_gt(errors.errors, 0);
        ck_assert_ptr_nonnull(strstr(found, "out of memory\n"));
        free(found);
        conf_errors_free(&errors);
    }
    ck_abort_msg("it never succeeds");
    return 0;
}

START_TEST(every_allocation_may_fail)
{
    char folder[] = "/tmp/greenway-conf-XXXXXX";
    FILE *out;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_ptr_nonnull(out = fopen("good.ini", "w"));
    fputs("[greenway]\ninclude = r*.ini\n[listener web]\nbind = :80\nupstream = u\n[upstream u]\nserver = "
          "a:1\n",
          out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(out = fopen("routes.ini", "w"));
    for (int i = 0; i < 300; i++)
        fprintf(out, "[route r%d]\nhost = h%d\nupstream = u\n", i, i);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(out = fopen("bad.ini", "w"));
    for (int i = 0; i < 300; i++)
        fprintf(out, "[route r%d]\nupstrem = u\nmax_body = x\n", i);
    ck_assert_int_eq(fclose(out), 0);

    ck_assert_int_gt(fail_each("good.ini", true), 10);
    ck_assert_int_gt(fail_each("bad.ini", false), 10);
    ck_assert_int_eq(unlink("good.ini") | unlink("routes.ini") | unlink("bad.ini") | rmdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/memory");
    TCase *tests = tcase_create("memory");

    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
