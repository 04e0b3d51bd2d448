/* The way of lines to a file: order, many workers, rotation, full disks and readers that stopped reading. */
#include "observe/access_log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/error_log.h"

static char folder[] = "/tmp/greenway-log-XXXXXX";
static char path[64], moved[64], errors[64];
static struct conf_listener listener = {.name = "web"};

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/access.log", folder);
    snprintf(moved, sizeof moved, "%s/access.log.1", folder);
    snprintf(errors, sizeof errors, "%s/error.log", folder);
    ck_assert_int_eq(error_log_open(errors), 0);
}

static void tear_down(void)
{
    unlink(path);
    unlink(moved);
    unlink(errors);
    rmdir(folder);
}

/* Writes the line "/TARGET". */
static void write_line(struct access_log_tail *tail, const char *target)
{
    static const green_address_t client; /* unknown */
    struct access_entry e = {.listener = &listener,
                             .client = &client,
                             .method = SPAN("GET"),
                             .target = span_str(target),
                             .minor = 1,
                             .status = 200,
                             .reason = "",
                             .started = GREEN_S(1),
                             .ended = GREEN_S(1)};
    access_log_write(tail, &e);
}

/* The whole file; the caller frees it. No assertions that hold: waiting calls this in a loop. */
static char *contents(const char *file, size_t *size)
{
    struct stat st;
    int fd = open(file, O_RDONLY);
    char *text;
    if (fd < 0 || fstat(fd, &st) < 0 || !(text = malloc((size_t)st.st_size + 1)) ||
        read(fd, text, (size_t)st.st_size) != st.st_size)
        ck_abort_msg("cannot read %s", file);
    close(fd);
    text[st.st_size] = 0;
    *size = (size_t)st.st_size;
    return text;
}

static size_t count(const char *file, const char *what)
{
    size_t found = 0, size, length = strlen(what);
    char *text = contents(file, &size), *p = text;
    for (; (p = memmem(p, size - (size_t)(p - text), what, length)); p += length)
        found++;
    free(text);
    return found;
}

/* The log's thread gets there; how soon is not our business. */
static void wait_for(const char *file, const char *what)
{
    while (count(file, what) < 1)
        sched_yield();
}

static struct access_log *open_log(const char *target)
{
    struct access_log *log = access_log_open(target, CONF_LOG_JSON);
    ck_assert_ptr_nonnull(log);
    return log;
}

START_TEST(lines_arrive_in_order)
{
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    struct stat st;
    ck_assert(access_log_wanted(tail));
    for (int i = 0; i < 5000; i++) {
        char target[32];
        snprintf(target, sizeof target, "/%d/", i);
        write_line(tail, target);
    }
    access_log_close(log); /* writes out what the tail still holds */
    size_t size;
    char *text = contents(path, &size), *p = text;
    for (int i = 0; i < 5000; i++) {
        char want[32];
        snprintf(want, sizeof want, "\"/%d/\"", i);
        char *end = strchr(p, '\n');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        ck_assert_msg(p[0] == '{' && end[-1] == '}' && strstr(p, want), "%s not in: %s", want, p);
        p = end + 1;
    }
    ck_assert_int_eq(*p, 0);
    free(text);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777 & ~0640, 0);
    ck_assert_int_eq(count(errors, "\n"), 0);
}
END_TEST

START_TEST(flush_without_hurry_keeps_young_lines)
{
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    write_line(tail, "/young");
    access_log_flush(tail, true);
    access_log_flush(tail, true); /* nothing to do */
    wait_for(path, "\n");
    access_log_close(log);
    ck_assert_int_eq(count(path, "/young"), 1);
}
END_TEST

START_TEST(off_ignores_everything)
{
    struct access_log *log = open_log("off");
    struct access_log_tail *tail = access_log_tail(log);
    ck_assert(!access_log_wanted(tail));
    write_line(tail, "/x");
    access_log_flush(tail, true);
    ck_assert_int_eq(access_log_reopen(log), 0);
    ck_assert_int_eq(access_log_dropped(log), 0);
    access_log_close(log);
}
END_TEST

START_TEST(standard_output)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
    struct access_log *log = open_log("-");
    write_line(access_log_tail(log), "/x");
    ck_assert_int_eq(access_log_reopen(log), 0);
    access_log_close(log);
    ck_assert_int_eq(count(path, "/x"), 1);
    ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0); /* it is not ours to close */
}
END_TEST

START_TEST(cannot_be_opened)
{
    char nowhere[96];
    snprintf(nowhere, sizeof nowhere, "%s/none/access.log", folder);
    ck_assert_ptr_null(access_log_open(nowhere, CONF_LOG_JSON));
    ck_assert_int_eq(count(errors, "none/access.log: No such file"), 1);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* that nobody reads: an error, not a wait */
    ck_assert_ptr_null(access_log_open(path, CONF_LOG_JSON));
    ck_assert_int_eq(count(errors, "\n"), 2);
}
END_TEST

/* --- several workers ---------------------------------------------------------------------------- */

#define WORKERS 4
#define LINES   5000

static void *work(void *arg)
{
    struct access_log_tail *tail = arg;
    for (int i = 0; i < LINES; i++) {
        write_line(tail, "/line");
        if (i % 100 == 0)
            access_log_flush(tail, i % 200 == 0);
    }
    access_log_flush(tail, true);
    return NULL;
}

START_TEST(workers_and_rotation)
{
    pthread_t threads[WORKERS];
    ck_assert_ptr_nonnull(green_hub()); /* as the main thread of the proxy has one */
    struct access_log *log = open_log(path);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, access_log_tail(log)), 0);
    for (int i = 0; i < 10; i++) { /* under full traffic */
        ck_assert_int_eq(access_log_reopen(log), 0);
        ck_assert_uint_le(access_log_dropped(log), WORKERS * LINES);
    }
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(access_log_reopen(log), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    struct access_log_tail *tail = access_log_tail(log);
    uint64_t lines = WORKERS * LINES;
    do { /* while too much waits for the file, such a line may be dropped like any other */
        write_line(tail, "/after");
        access_log_flush(tail, true);
        lines++;
        sched_yield();
    } while (count(path, "/after") < 1);
    uint64_t dropped = access_log_dropped(log);
    access_log_close(log);
    ck_assert_uint_eq(count(path, "}\n") + count(moved, "}\n") + dropped, lines);
    ck_assert_uint_eq(count(path, "}\n"), count(path, "{\"time")); /* every line is whole */
    ck_assert_uint_eq(count(moved, "}\n"), count(moved, "{\"time"));
}
END_TEST

START_TEST(reopening_that_fails_keeps_the_old_file)
{
    struct access_log *log = open_log(path);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(access_log_reopen(log), -EISDIR);
    write_line(access_log_tail(log), "/kept");
    access_log_close(log);
    ck_assert_int_eq(count(moved, "/kept"), 1);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* --- trouble ------------------------------------------------------------------------------------ */

START_TEST(full_disk)
{
    struct access_log *log = open_log("/dev/full");
    struct access_log_tail *tail = access_log_tail(log);
    for (int i = 0; i < 10; i++) {
        write_line(tail, "/lost");
        access_log_flush(tail, true);
    }
    while (access_log_dropped(log) < 10)
        sched_yield();
    ck_assert_int_eq(count(errors, "No space left on device"), 1);
    access_log_close(log);
    ck_assert_int_eq(count(errors, "has lost 10 lines"), 1);
    ck_assert_int_eq(count(errors, "\n"), 2);
}
END_TEST

/* A disk that was full in mid-line and has room again: what comes then starts on a line of its own. */
START_TEST(full_disk_with_room_again)
{
    static char target[8192];
    struct rlimit all, little;
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    memset(target, 'x', sizeof target - 1);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
    little = (struct rlimit){.rlim_cur = 20000, .rlim_max = all.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    for (int i = 0; i < 4; i++) /* two fit, the third is torn */
        write_line(tail, target);
    access_log_flush(tail, true);
    while (access_log_dropped(log) < 2)
        sched_yield();
    wait_for(errors, "\n");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
    ck_assert_int_eq(count(errors, "File too large"), 1);
    write_line(tail, "/whole");
    access_log_close(log);
    ck_assert_uint_eq(count(path, "}\n"), 3);
    ck_assert_uint_eq(count(path, "xxx\n{\"time"), 1); /* the torn one, and then the whole one */
    ck_assert_uint_eq(count(path, "/whole"), 1);
    ck_assert_uint_eq(count(errors, "has lost 2 lines"), 1);
}
END_TEST

/* Writes until lines are dropped: every block waits for the pipe. Returns how many lines there were. */
static uint64_t fill(struct access_log *log, struct access_log_tail *tail)
{
    static char target[8192];
    uint64_t lines = 0;
    memset(target, 'x', sizeof target - 1);
    for (; access_log_dropped(log) < 100; lines++)
        write_line(tail, target);
    return lines;
}

START_TEST(stuck_pipe_that_goes_on)
{
    char bytes[65536], last = 0;
    uint64_t seen = 0;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    uint64_t lines = fill(log, tail);
    ck_assert_int_eq(count(errors, "is stuck"), 1);
    ck_assert_int_eq(fcntl(reader, F_SETFL, 0), 0);
    while (seen + access_log_dropped(log) < lines) {
        ssize_t n = read(reader, bytes, sizeof bytes);
        ck_assert_int_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
            seen += bytes[i] == '\n';
        last = bytes[n - 1];
        access_log_flush(tail, true);
    }
    ck_assert_uint_eq(seen + access_log_dropped(log), lines);
    ck_assert_int_eq(last, '\n');
    write_line(tail, "/again");
    access_log_close(log);
    ssize_t n = read(reader, bytes, sizeof bytes - 1);
    ck_assert_int_gt(n, 0);
    bytes[n] = 0;
    ck_assert_ptr_nonnull(strstr(bytes, "\"/again\""));
    ck_assert_int_eq(count(errors, "has lost"), 1);
    close(reader);
}
END_TEST

START_TEST(closing_does_not_wait_for_ever)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct access_log *log = open_log(path);
    fill(log, access_log_tail(log));
    access_log_close(log);
    ck_assert_int_eq(count(errors, "what waits for it is lost"), 1);
    close(reader);
}
END_TEST

static atomic_bool enough;

static void *work_on(void *arg)
{
    struct access_log_tail *tail = arg;
    while (!atomic_load(&enough)) {
        write_line(tail, "/late");
        access_log_flush(tail, true);
    }
    return NULL;
}

/* The process exits with its workers as they are: what they handed over before is in the file. */
START_TEST(finishing_under_traffic)
{
    pthread_t thread;
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    ck_assert_ptr_nonnull(green_hub());
    write_line(tail, "/before");
    access_log_flush(tail, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, work_on, access_log_tail(log)), 0);
    access_log_finish(log);
    ck_assert_uint_eq(count(path, "/before"), 1);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    access_log_close(log); /* may still follow */
}
END_TEST

START_TEST(reader_that_is_gone)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    close(reader);
    write_line(tail, "/x"); /* and no SIGPIPE */
    access_log_flush(tail, true);
    while (access_log_dropped(log) < 1)
        sched_yield();
    access_log_close(log);
    ck_assert_int_eq(count(errors, "Broken pipe"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_log");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, lines_arrive_in_order);
    tcase_add_test(tc, flush_without_hurry_keeps_young_lines);
    tcase_add_test(tc, off_ignores_everything);
    tcase_add_test(tc, standard_output);
    tcase_add_test(tc, cannot_be_opened);
    tcase_add_test(tc, workers_and_rotation);
    tcase_add_test(tc, reopening_that_fails_keeps_the_old_file);
    tcase_add_test(tc, full_disk);
    tcase_add_test(tc, full_disk_with_room_again);
    tcase_add_test(tc, stuck_pipe_that_goes_on);
    tcase_add_test(tc, closing_does_not_wait_for_ever);
    tcase_add_test(tc, finishing_under_traffic);
    tcase_add_test(tc, reader_that_is_gone);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
