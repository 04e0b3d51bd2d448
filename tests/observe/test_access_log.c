/* The way of lines to a file: order, many workers, rotation, full disks and readers that stopped reading. */
#include "observe/access_log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "observe/error_log.h"

static char folder[] = "/tmp/greenway-log-XXXXXX";
static char path[64], moved[64], errors[64];
static struct conf_listener listener = {.name = "web"};
static struct conf conf = {.listeners = &listener, .listener_count = 1};

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
    if (access_log_wants(tail, &e))
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

static struct conf_log_target target_of(const char *target)
{
    return (struct conf_log_target){.written = target,
                                    .kind = !strcmp(target, "-")     ? CONF_LOG_STANDARD
                                            : !strcmp(target, "off") ? CONF_LOG_OFF
                                                                     : CONF_LOG_FILE};
}

/* What the listener writes to. */
static struct access_log *open_log(const char *target)
{
    listener.logging.target = target_of(target);
    struct access_log *log = access_log_open(&conf);
    ck_assert_ptr_nonnull(log);
    return log;
}

START_TEST(lines_arrive_in_order)
{
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    struct stat st;
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
    listener.logging.target = target_of(nowhere);
    ck_assert_ptr_null(access_log_open(&conf));
    ck_assert_int_eq(count(errors, "none/access.log: No such file"), 1);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* that nobody reads: an error, not a wait */
    listener.logging.target = target_of(path);
    ck_assert_ptr_null(access_log_open(&conf));
    ck_assert_int_eq(count(errors, "\n"), 2);
}
END_TEST

/* --- several workers ---------------------------------------------------------------------------- */

#define WORKERS 4
#define LINES   1500

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
        usleep(1000); /* for the writer: reading the file again and again would only keep it from writing */
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

/* --- several places and configurations ----------------------------------------------------------------- */

START_TEST(routes_have_files_of_their_own)
{
    struct conf_route routes[] = {{.name = "own", .logging.target = target_of(moved)},
                                  {.name = "silent", .logging.target = target_of("off")},
                                  {.name = "like the listener"}};
    green_address_t client = {0};
    conf.routes = routes;
    conf.route_count = 3;
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    for (int i = 0; i < 3; i++) {
        struct access_entry e = {.listener = &listener,
                                 .route = &routes[i],
                                 .client = &client,
                                 .target = span_str(routes[i].name),
                                 .reason = ""};
        ck_assert_int_eq(access_log_wants(tail, &e) != NULL, i != 1);
        if (i != 1)
            access_log_write(tail, &e);
    }
    access_log_close(log);
    ck_assert_uint_eq(count(moved, "\n"), 1);
    ck_assert_uint_eq(count(moved, "\"target\":\"own\""), 1);
    ck_assert_uint_eq(count(path, "\n"), 1);
    ck_assert_uint_eq(count(path, "\"target\":\"like the listener\""), 1);
    conf.route_count = 0;
}
END_TEST

static size_t descriptors(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A configuration comes, another goes: what only the old one wrote to is closed once its lines are out. */
START_TEST(configurations_come_and_go)
{
    struct conf_listener other = {.name = "other", .logging.target = target_of(moved)};
    struct conf next = {.listeners = &other, .listener_count = 1};
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    write_line(tail, "/old");
    size_t before = descriptors();
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(access_log_add(log, &next), 0);
        access_log_release(log, &next);
    }
    ck_assert_int_eq(access_log_add(log, &next), 0);
    write_line(tail, "/last");
    access_log_release(log, &conf);
    access_log_flush(tail, true); /* the place goes with the last block for it */
    while (descriptors() > before)
        sched_yield();
    ck_assert_uint_eq(count(path, "/last"), 1);
    ck_assert_uint_eq(access_log_dropped(log), 0);
    write_line(tail,
               "/nowhere"); /* such a request has outlived its configuration, which is against the rules */
    ck_assert_uint_eq(access_log_dropped(log), 1);
    access_log_close(log);
}
END_TEST

START_TEST(a_configuration_that_cannot_be_opened_changes_nothing)
{
    char nowhere[96];
    snprintf(nowhere, sizeof nowhere, "%s/none/access.log", folder);
    struct conf_listener others[] = {{.name = "a", .logging.target = target_of(moved)},
                                     {.name = "b", .logging.target = target_of(nowhere)}};
    struct conf next = {.listeners = others, .listener_count = 2};
    struct access_log *log = open_log(path);
    size_t before = descriptors();
    ck_assert_int_lt(access_log_add(log, &next), 0);
    while (descriptors() > before)
        sched_yield();
    write_line(access_log_tail(log), "/kept");
    access_log_close(log);
    ck_assert_uint_eq(count(path, "/kept"), 1);
}
END_TEST

/* --- which lines --------------------------------------------------------------------------------------- */

/* How many of n requests like this one are asked for. */
static int wanted(struct access_log_tail *tail, int n, int status, int64_t took, const char *reason)
{
    static const green_address_t client;
    struct access_entry e = {.listener = &listener,
                             .client = &client,
                             .status = status,
                             .reason = reason,
                             .started = GREEN_S(1),
                             .ended = GREEN_S(1) + took};
    int yes = 0;
    while (n--)
        yes += access_log_wants(tail, &e) != NULL;
    return yes;
}

START_TEST(conditions)
{
    struct conf_log_condition when[] = {{.when = CONF_LOG_STATUS, .status = 404},
                                        {.when = CONF_LOG_STATUS, .status = 3},
                                        {.when = CONF_LOG_SLOWER, .longer_than = GREEN_MS(10)},
                                        {.when = CONF_LOG_ERROR}};
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    ck_assert_int_eq(wanted(tail, 1, 200, 0, ""), 1);
    listener.logging.when = when;
    listener.logging.when_count = 4;
    ck_assert_int_eq(wanted(tail, 1, 200, 0, ""), 0);
    ck_assert_int_eq(wanted(tail, 1, 404, 0, ""), 1);
    ck_assert_int_eq(wanted(tail, 1, 403, 0, ""), 0);
    ck_assert_int_eq(wanted(tail, 1, 301, 0, ""), 1);
    ck_assert_int_eq(wanted(tail, 1, 200, GREEN_MS(10), ""), 0);
    ck_assert_int_eq(wanted(tail, 1, 200, GREEN_MS(11), ""), 1);
    ck_assert_int_eq(wanted(tail, 1, 500, 0, ""), 1);
    ck_assert_int_eq(wanted(tail, 1, 0, 0, "client_gone"), 1);
    access_log_close(log);
    listener.logging.when_count = 0;
}
END_TEST

/* 10,000 coins with one in ten: fewer than 700 or more than 1300 come once in far more than 10^20 runs. */
START_TEST(samples)
{
    struct conf_log_condition when = {.when = CONF_LOG_STATUS, .status = 404};
    struct access_log *log = open_log(path);
    struct access_log_tail *tail = access_log_tail(log);
    listener.logging.sample = (struct conf_log_sample){.written = "1/10", .of = 10};
    int n = wanted(tail, 10000, 200, 0, "");
    ck_assert_msg(n > 700 && n < 1300, "%d of 10000", n);
    ck_assert_int_eq(wanted(tail, 1000, 502, 0, ""), 1000);
    ck_assert_int_eq(wanted(tail, 1000, 200, 0, "client_gone"), 1000);
    listener.logging.when = &when;
    listener.logging.when_count = 1;
    ck_assert_int_eq(wanted(tail, 1000, 404, 0, ""), 1000);
    n = wanted(tail, 10000, 502, 0, "");
    ck_assert_msg(n > 700 && n < 1300, "%d of 10000", n);
    access_log_close(log);
    listener.logging.when_count = 0;
    listener.logging.sample.of = 0;
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

/* --- syslog -------------------------------------------------------------------------------------------- */

static int receiver(const char *at)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    strcpy(address.sun_path, at);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static char *receive(int fd)
{
    static char text[65536];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = 0;
    return text;
}

static struct access_log *open_syslog(const char *host, int port)
{
    listener.logging.target =
        (struct conf_log_target){.written = "syslog:x", .kind = CONF_LOG_SYSLOG, .host = host, .port = port};
    struct access_log *log = access_log_open(&conf);
    ck_assert_ptr_nonnull(log);
    return log;
}

START_TEST(syslog_of_this_machine)
{
    static char target[20000];
    int fd = receiver(path);
    struct access_log *log = open_syslog(path, 0);
    struct access_log_tail *tail = access_log_tail(log);
    memset(target, 'x', sizeof target - 1);
    write_line(tail, "/one");
    write_line(tail, "/two");
    write_line(tail, target);
    access_log_flush(tail, true);
    char form[64];
    snprintf(form, sizeof form, "<190>??? ?? ??:??:?? greenway[[]%d]: {\"time*/one*}", (int)getpid());
    const char *line = receive(fd);
    ck_assert_msg(fnmatch(form, line, 0) == 0, "%s", line);
    ck_assert_ptr_null(strchr(line, '\n'));
    ck_assert_ptr_nonnull(strstr(receive(fd), "/two"));
    size_t n = strlen(receive(fd));
    ck_assert_msg(n > 8192 && n < 8400, "%zu", n);
    close(fd); /* and a new one is started */
    unlink(path);
    fd = receiver(path);
    write_line(tail, "/three");
    access_log_flush(tail, true);
    ck_assert_ptr_nonnull(strstr(receive(fd), "/three"));
    access_log_close(log);
    ck_assert_uint_eq(count(errors, "\n"), 0);
    close(fd);
}
END_TEST

START_TEST(syslog_that_comes_later)
{
    struct access_log *log = open_syslog(path, 0);
    struct access_log_tail *tail = access_log_tail(log);
    ck_assert_uint_eq(count(errors, "is not there"), 1);
    for (int i = 0; i < 3; i++)
        write_line(tail, "/early");
    access_log_flush(tail, true);
    while (access_log_dropped(log) < 3)
        sched_yield();
    int fd = receiver(path);
    write_line(tail, "/late");
    access_log_flush(tail, true);
    ck_assert_ptr_nonnull(strstr(receive(fd), "/late"));
    access_log_close(log);
    ck_assert_uint_eq(count(errors, "has lost 3 lines"), 1);
    ck_assert_uint_eq(count(errors, "\n"), 2);
    close(fd);
}
END_TEST

START_TEST(syslog_by_datagrams)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    struct access_log *log = open_syslog("127.0.0.1", ntohs(address.sin_port));
    struct access_log_tail *tail = access_log_tail(log);
    write_line(tail, "/one");
    access_log_flush(tail, true);
    char form[96];
    snprintf(form, sizeof form, "<190>1 *T*Z * greenway %d - - {\"time*/one*}", (int)getpid());
    const char *line = receive(fd);
    ck_assert_msg(fnmatch(form, line, 0) == 0, "%s", line);
    access_log_close(log);
    close(fd);
}
END_TEST

/* A daemon that was stopped: its socket fills up, the queue fills up, lines are lost, and nobody waits. */
START_TEST(syslog_that_does_not_read)
{
    char form[16];
    int fd = receiver(path);
    struct access_log *log = open_syslog(path, 0);
    struct access_log_tail *tail = access_log_tail(log);
    uint64_t lines = fill(log, tail);
    ck_assert_uint_eq(count(errors, "is stuck"), 1);
    uint64_t seen = 0;
    while (seen + access_log_dropped(log) < lines) {
        access_log_flush(tail, true);
        ck_assert_int_ge(recv(fd, form, sizeof form, MSG_TRUNC), 0);
        seen++;
    }
    access_log_close(log);
    ck_assert_uint_eq(count(errors, "has lost"), 1);
    close(fd);
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
    tcase_add_test(tc, routes_have_files_of_their_own);
    tcase_add_test(tc, configurations_come_and_go);
    tcase_add_test(tc, a_configuration_that_cannot_be_opened_changes_nothing);
    tcase_add_test(tc, conditions);
    tcase_add_test(tc, samples);
    tcase_add_test(tc, syslog_of_this_machine);
    tcase_add_test(tc, syslog_that_comes_later);
    tcase_add_test(tc, syslog_by_datagrams);
    tcase_add_test(tc, syslog_that_does_not_read);
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
