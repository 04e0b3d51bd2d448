/* The error log: whole lines from any thread, to standard error or to a file that may be rotated. */
#include "observe/error_log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <green.h>

static char path[] = "/tmp/greenway-error-log-XXXXXX";
static char moved[64];

static void set_up(void)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(moved, sizeof moved, "%s.1", path);
}

static void tear_down(void)
{
    unlink(path);
    unlink(moved);
}

static const char *contents(const char *file)
{
    static char text[4 << 20];
    int fd = open(file, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    ck_assert_int_ge(n, 0);
    text[n] = 0;
    close(fd);
    return text;
}

static void standard_error_to(const char *file)
{
    int fd = open(file, O_WRONLY | O_APPEND);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

START_TEST(on_standard_error)
{
    standard_error_to(path);
    errno = EINTR;
    error_log(LOG_LEVEL_ERROR, "cannot %s %d", "count", 1);
    error_log(LOG_LEVEL_WARNING, "odd");
    error_log(LOG_LEVEL_NOTICE, "listening");
    error_log(LOG_LEVEL_INFO, "%%");
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(error_log_reopen(), 0);
    ck_assert_str_eq(contents(path),
                     "greenway: error: cannot count 1\ngreenway: warning: odd\ngreenway: listening\n"
                     "greenway: %\n");
}
END_TEST

START_TEST(control_characters_and_length)
{
    static char text[10000];
    standard_error_to(path);
    error_log(LOG_LEVEL_NOTICE, "a\nb\x1b[31m\x7f\t");
    ck_assert_str_eq(contents(path), "greenway: a\\x0ab\\x1b[31m\\x7f\\x09\n");
    for (int c = 1; c <= 'x'; c += 'x' - 1) {
        memset(text, c, sizeof text - 1);
        error_log(LOG_LEVEL_NOTICE, "%s", text);
        const char *last = contents(path);
        size_t n = strlen(last);
        ck_assert_int_eq(last[n - 1], '\n');
        ck_assert_uint_le(n, 3 * 4096);
    }
}
END_TEST

#define D "[0-9]"

START_TEST(in_a_file)
{
    ck_assert_int_eq(error_log_open(path), 0);
    error_log(LOG_LEVEL_NOTICE, "x");
    ck_assert_msg(fnmatch(D D D D "-" D D "-" D D "T" D D ":" D D ":" D D "." D D D "Z notice: x\n",
                          contents(path), 0) == 0,
                  "%s", contents(path));
    ck_assert_int_eq(rename(path, moved), 0);
    error_log(LOG_LEVEL_ERROR, "before");
    ck_assert_int_eq(error_log_reopen(), 0);
    error_log(LOG_LEVEL_ERROR, "after");
    ck_assert_ptr_nonnull(strstr(contents(moved), " error: before\n"));
    ck_assert_ptr_nonnull(strstr(contents(path), " error: after\n"));
    ck_assert_ptr_null(strstr(contents(path), "before"));
    ck_assert_int_eq(error_log_open("-"), 0);
    standard_error_to(path);
    error_log(LOG_LEVEL_NOTICE, "back");
    ck_assert_ptr_nonnull(strstr(contents(path), "greenway: back\n"));
}
END_TEST

START_TEST(file_that_cannot_be_opened)
{
    standard_error_to(path);
    ck_assert_int_eq(error_log_open("/nonexistent/error.log"), -ENOENT);
    error_log(LOG_LEVEL_NOTICE, "still here");
    ck_assert_str_eq(contents(path), "greenway: still here\n");
}
END_TEST

/* Nobody reads standard error: lines are lost, nobody waits, and the loss is told once there is room. */
START_TEST(full_pipe)
{
    int ends[2];
    char bytes[65536];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    for (int i = 0; i < 3000; i++)
        error_log(LOG_LEVEL_NOTICE, "%0100d", i);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    size_t lines = 0;
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            lines += bytes[i] == '\n';
    ck_assert_uint_lt(lines, 3000);
    error_log(LOG_LEVEL_NOTICE, "again");
    ssize_t n = read(ends[0], bytes, sizeof bytes - 1);
    ck_assert_int_gt(n, 0);
    bytes[n] = 0;
    char want[128];
    snprintf(want, sizeof want, "greenway: warning: %zu lines were lost here\ngreenway: again\n",
             3000 - lines);
    ck_assert_str_eq(bytes, want);
}
END_TEST

/* A warning for each request must not fill the disk. */
START_TEST(repetitions_are_bounded)
{
    standard_error_to(path);
    for (int i = 0; i < 5000; i++)
        error_log(LOG_LEVEL_WARNING, "again %d", i);
    error_log(LOG_LEVEL_ERROR, "of another kind");
    for (int i = 0; i < 100; i++)
        error_log(LOG_LEVEL_NOTICE, "milestone %d", i);
    const char *text = contents(path);
    size_t lines = 0, warnings = 0;
    for (const char *p = text; (p = strstr(p, "again ")); p++)
        warnings++;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    ck_assert_uint_ge(warnings, 50); /* more on a machine that takes tens of seconds for this */
    ck_assert_uint_lt(warnings, 2000);
    ck_assert_uint_ge(lines, warnings + 101);
    ck_assert_ptr_nonnull(strstr(text, "of another kind"));
    ck_assert_ptr_nonnull(strstr(text, "milestone 99"));
}
END_TEST

#define THREADS 4
#define LINES   2000

static void *another(void *arg)
{
    error_log(LOG_LEVEL_ERROR, "of another %s", (const char *)arg);
    return NULL;
}

START_TEST(copy_of_what_one_greenlet_says)
{
    char *text = NULL;
    size_t n = 0;
    FILE *copy = open_memstream(&text, &n);
    pthread_t thread;
    standard_error_to(path);
    error_log_copy(copy);
    green_t *g = green_spawn(another, (void *)"greenlet");
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_join(g, GREEN_FOREVER), 0);
    green_release(g);
    ck_assert_int_eq(pthread_create(&thread, NULL, another, (void *)"thread"), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    error_log(LOG_LEVEL_ERROR, "one\ntwo");
    error_log(LOG_LEVEL_WARNING, "three");
    for (int i = 0; i < 60; i++)
        error_log(LOG_LEVEL_ERROR, "again");
    error_log_copy(NULL);
    error_log(LOG_LEVEL_ERROR, "nobody copies this");
    ck_assert_int_eq(fclose(copy), 0);
    ck_assert_msg(!strncmp(text, "one\\x0atwo\nwarning: three\nagain\n", 32), "%s", text);
    size_t lines = 0; /* none is kept back as a repetition */
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 62);
    ck_assert_ptr_null(strstr(text, "another"));
    ck_assert_ptr_null(strstr(text, "nobody"));
    ck_assert_ptr_nonnull(strstr(contents(path), "of another greenlet"));
    free(text);
}
END_TEST

static void *chatter(void *arg)
{
    for (int i = 0; i < LINES; i++)
        error_log(LOG_LEVEL_NOTICE, "thread %d says %050d.", (int)(size_t)arg, i);
    return NULL;
}

START_TEST(many_threads)
{
    pthread_t threads[THREADS];
    ck_assert_int_eq(error_log_open(path), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, chatter, (void *)i), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(error_log_reopen(), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    size_t lines = 0;
    for (const char *p = contents(path), *end; (end = strchr(p, '\n')); p = end + 1, lines++)
        ck_assert_msg(end[-1] == '.' && end - p == 98, "%.*s", (int)(end - p), p);
    ck_assert_uint_eq(lines, THREADS * LINES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error_log");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, on_standard_error);
    tcase_add_test(tc, control_characters_and_length);
    tcase_add_test(tc, in_a_file);
    tcase_add_test(tc, file_that_cannot_be_opened);
    tcase_add_test(tc, full_pipe);
    tcase_add_test(tc, repetitions_are_bounded);
    tcase_add_test(tc, copy_of_what_one_greenlet_says);
    tcase_add_test(tc, many_threads);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
