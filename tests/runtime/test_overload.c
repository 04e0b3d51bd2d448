/* Levels of overload, and where the limits come from. */
#include "runtime/overload.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/error_log.h"
#include "runtime/system_usage.h"

START_TEST(levels)
{
    static const struct {
        int64_t used;
        enum overload_level before, after;
    } cases[] = {
        {0, OVERLOAD_NONE, OVERLOAD_NONE},         {799, OVERLOAD_NONE, OVERLOAD_NONE},
        {800, OVERLOAD_NONE, OVERLOAD_HURRY},      {850, OVERLOAD_NONE, OVERLOAD_SHED},
        {900, OVERLOAD_NONE, OVERLOAD_REFUSE},     {950, OVERLOAD_NONE, OVERLOAD_STOP},
        {5000, OVERLOAD_NONE, OVERLOAD_STOP},      {949, OVERLOAD_STOP, OVERLOAD_STOP},
        {900, OVERLOAD_STOP, OVERLOAD_STOP},       {899, OVERLOAD_STOP, OVERLOAD_REFUSE},
        {849, OVERLOAD_REFUSE, OVERLOAD_SHED},     {800, OVERLOAD_SHED, OVERLOAD_SHED},
        {799, OVERLOAD_SHED, OVERLOAD_HURRY},      {750, OVERLOAD_HURRY, OVERLOAD_HURRY},
        {749, OVERLOAD_HURRY, OVERLOAD_NONE},      {0, OVERLOAD_STOP, OVERLOAD_NONE},
        {INT64_MAX, OVERLOAD_NONE, OVERLOAD_STOP}, {-EMFILE, OVERLOAD_STOP, OVERLOAD_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(overload_level_of(cases[i].used, 1000, cases[i].before) == cases[i].after, "case %zu",
                      i);
    ck_assert_int_eq(overload_level_of(5, 0, OVERLOAD_NONE), OVERLOAD_NONE); /* no limit is known */
    ck_assert_int_eq(overload_level_of(INT64_MAX / 2, INT64_MAX, OVERLOAD_NONE), OVERLOAD_NONE);
}
END_TEST

START_TEST(what_is_used)
{
    int64_t before = usage_descriptors();
    int fds[10];
    ck_assert_int_ge(before, 3);
    for (int i = 0; i < 10; i++)
        ck_assert_int_ge(fds[i] = open("/dev/null", O_RDONLY), 0);
    ck_assert_int_eq(usage_descriptors(), before + 10);
    for (int i = 0; i < 10; i++)
        close(fds[i]);
    int64_t memory = usage_memory();
    const size_t more = (size_t)64 << 20;
    volatile char *block = malloc(more);
    ck_assert(block != NULL);
    for (size_t i = 0; i < more; i += 1024)
        block[i] = 1;
    ck_assert_int_ge(usage_memory(), memory + (int64_t)more / 2);
    free((void *)block);
    ck_assert_int_gt(usage_descriptor_limit(), 0);
    ck_assert_int_gt(usage_memory_limit(), 1 << 20);
}
END_TEST

static char root[] = "/tmp/greenway-groups-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s%s", root, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(groups)
{
    char path[128];
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof path, "%s/a", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    strcat(path, "/b");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(usage_group_limit(root, "/a/b"), 0);
    write_file("/a/b/memory.max", "max\n");
    write_file("/a/b/memory.high", "3000\n");
    ck_assert_int_eq(usage_group_limit(root, "/a/b"), 3000);
    write_file("/a/memory.max", "2000\n");
    ck_assert_int_eq(usage_group_limit(root, "/a/b"), 2000);
    write_file("/a/b/memory.max", "1000\n");
    ck_assert_int_eq(usage_group_limit(root, "/a/b"), 1000);
    ck_assert_int_eq(usage_group_limit(root, "/a"), 2000);
    ck_assert_int_eq(usage_group_limit(root, ""), 0);
    ck_assert_int_eq(usage_group_limit(root, "/nowhere"), 0);
    ck_assert_int_eq(usage_group_limit(root, "/a/../a"), 0); /* outside of what this process can see */
    snprintf(path, sizeof path, "rm -r %s", root);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

START_TEST(up_and_down_again)
{
    static struct overload o;
    struct conf conf = {.overload = {.on = 1, .max_memory = INT64_C(1) << 40}};
    struct rlimit limit;
    int fds[100];
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)usage_descriptors() + 100;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    overload_init(&o, &conf);
    ck_assert_int_eq(overload_level(&o), OVERLOAD_NONE);
    for (int i = 0; i < 98; i++)
        ck_assert_int_ge(fds[i] = open("/dev/null", O_RDONLY), 0);
    overload_look(&o);
    ck_assert_int_eq(overload_level(&o), OVERLOAD_STOP);
    ck_assert_int_eq(overload_level_of_gauge(&o, OVERLOAD_MEMORY), OVERLOAD_NONE);
    for (int i = OVERLOAD_HURRY; i < OVERLOAD_LEVELS; i++)
        ck_assert_uint_eq(atomic_load(&o.entered[i]), 1);
    for (int i = 0; i < 98; i++)
        close(fds[i]);
    overload_look(&o);
    ck_assert_int_eq(overload_level(&o), OVERLOAD_NONE);
    overload_exhausted(&o, -ENOBUFS); /* a worker has met a limit that nobody had seen coming */
    ck_assert_int_eq(overload_level(&o), OVERLOAD_STOP);
    overload_look(&o);
    ck_assert_int_eq(overload_level_of_gauge(&o, OVERLOAD_MEMORY), OVERLOAD_STOP);
    overload_look(&o);
    ck_assert_int_eq(overload_level(&o), OVERLOAD_NONE);
}
END_TEST

START_TEST(off)
{
    static struct overload o;
    struct conf conf = {0};
    overload_init(&o, &conf);
    overload_exhausted(&o, -EMFILE);
    ck_assert_int_eq(overload_level(&o), OVERLOAD_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overload");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, levels);
    tcase_add_test(tests, what_is_used);
    tcase_add_test(tests, groups);
    tcase_add_test(tests, up_and_down_again);
    tcase_add_test(tests, off);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
