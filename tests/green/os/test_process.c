/* Child processes: started, waited for, killed. The children are /bin/sh and this program itself. */
#include "children.h"

#include <pthread.h>
#include <sys/resource.h>

/* --- this program as a child ------------------------------------------------------------------------------------ */

static const char *self_path(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    ck_assert_int_gt((int)n, 0);
    path[n] = 0;
    return path;
}

/* Every open descriptor, with a mark if it does not block. */
static int report_descriptors(void)
{
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0)
            printf("%d%s ", fd, flags & O_NONBLOCK ? "!" : "");
    }
    return 0;
}

/* The signals that are blocked and, with a minus, those that are ignored. */
static int report_signals(void)
{
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int n = 1; n < NSIG; n++) {
        struct sigaction action;
        if (sigismember(&mask, n) == 1)
            printf("%d ", n);
        if (sigaction(n, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf("-%d ", n);
    }
    return 0;
}

static int report_identity(void)
{
    gid_t groups[8];
    int count = getgroups(8, groups);
    mode_t mask = umask(0);
    printf("%d %d %d %03o %d %d", (int)getuid(), (int)getgid(), count, (unsigned)mask, getsid(0) == getpid(),
           getpgrp() == getpid());
    return 0;
}

static int be_child(const char *what)
{
    return strcmp(what, "descriptors") == 0 ? report_descriptors()
           : strcmp(what, "signals") == 0   ? report_signals()
           : strcmp(what, "identity") == 0  ? report_identity()
                                            : 99;
}

static void capture_self(const char *what, green_process_options_t o, char *text, size_t size)
{
    const char *argv[] = {self_path(), what, NULL};
    o.argv = argv;
    capture(&o, text, size);
}

/* --- ends ------------------------------------------------------------------------------------------------------- */

/* Case 121. */
START_TEST(ends_with_a_code_or_by_a_signal)
{
    green_process_t *p = start_shell("exit 7");
    int status = end_of(p);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(end_of(p), status); /* as often as one asks */
    ck_assert_int_eq(green_process_poll(p, &status), 0);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert(green_ready(green_process_waitable(p)));
    green_process_close(p);
    p = start_shell("kill -TERM $$");
    status = end_of(p);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
    green_process_close(p);
    green_process_close(NULL);
    no_children_left();
}
END_TEST

START_TEST(is_polled_and_killed)
{
    int status = -1;
    green_process_t *p = start_shell("exec sleep 1000");
    ck_assert_int_eq(green_process_poll(p, &status), -EAGAIN);
    ck_assert_int_eq(green_process_wait(p, &status, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_process_wait(p, &status, green_in_ms(10)), -ETIMEDOUT);
    ck_assert(!green_ready(green_process_waitable(p)));
    ck_assert_int_eq(kill(green_process_pid(p), 0), 0);
    ck_assert_int_eq(green_process_kill(p, 12345), -EINVAL);
    ck_assert_int_eq(green_process_kill(p, -1), -EINVAL);
    ck_assert_int_eq(green_process_kill(p, SIGKILL), 0);
    status = end_of(p);
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
    ck_assert_int_eq(green_process_kill(p, SIGKILL), 0); /* nobody is hit */
    green_process_close(p);
    no_children_left();
}
END_TEST

static void *wait_for_it(void *arg)
{
    int status, r = green_process_wait(arg, &status, soon());
    return (void *)(intptr_t)(r < 0 ? r : WEXITSTATUS(status));
}

START_TEST(several_wait_for_one)
{
    green_process_t *p =
        start(&(green_process_options_t){.shell = "read line; exit 5", .in = {GREEN_STDIO_PIPE, 0}});
    green_t *waiters[3];
    for (int i = 0; i < 3; i++)
        waiters[i] = spawn(wait_for_it, p);
    yields(2);
    ck_assert_int_eq(green_kill(waiters[0], soon()), 0); /* one gives up: the others do not notice */
    ck_assert_int_eq(green_process_close_fd(p, 0), 0);
    green_release(waiters[0]);
    for (int i = 1; i < 3; i++) {
        void *code;
        ck_assert_int_eq(green_get(waiters[i], &code, soon()), 0);
        ck_assert_int_eq((int)(intptr_t)code, 5);
        green_release(waiters[i]);
    }
    green_process_close(p);
}
END_TEST

/* Case 121. */
START_TEST(is_something_to_wait_for)
{
    green_process_t *slow = start_shell("exec sleep 1000"), *quick = start_shell("exit 1");
    green_waitable_t *both[] = {green_process_waitable(slow), green_process_waitable(quick)};
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    ck_assert_int_eq(green_process_kill(slow, SIGINT), 0);
    ck_assert_int_eq(green_wait_all(both, 2, soon()), 0);
    green_process_close(slow);
    green_process_close(quick);
    no_children_left();
}
END_TEST

static void *wait_until_closed(void *arg)
{
    return (void *)(intptr_t)green_process_wait(arg, NULL, soon());
}

START_TEST(closing_while_it_runs_leaves_it_running)
{
    char text[32];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    green_process_t *p = start(&(green_process_options_t){
        .shell = "read line; echo done", .in = {GREEN_STDIO_PIPE, 0}, .out = {GREEN_STDIO_FD, ends[1]}});
    pid_t pid = green_process_pid(p);
    int in = green_process_take_fd(p, 0);
    ck_assert_int_ge(in, 0);
    ck_assert_int_eq(green_process_fd(p, 0), -EBADF);
    green_t *waiter = spawn(wait_until_closed, p);
    yields(2);
    green_process_close(p);
    void *result;
    ck_assert_int_eq(green_get(waiter, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -EBADF);
    green_release(waiter);
    ck_assert_int_eq(green_write_all(in, "go\n", 3, NULL, soon()), 0);
    ck_assert_int_eq((int)read(ends[0], text, sizeof text), 5);
    while (kill(pid, 0) == 0) /* and reaps it when it ends */
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    no_children_left();
    green_close(in);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(the_hub_may_close_first)
{
    green_process_t *p = start_shell("exec sleep 1000"), *q = start_shell("exec sleep 1000");
    pid_t pids[] = {green_process_pid(p), green_process_pid(q)};
    green_process_close(q);
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert_int_eq(green_process_wait(p, NULL, soon()), -ECHILD);
    green_process_close(p);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    }
}
END_TEST

START_TEST(somebody_else_may_reap_it)
{
    int status;
    green_process_t *p = start_shell("exit 3");
    ck_assert_int_eq(waitpid(green_process_pid(p), &status, 0), green_process_pid(p));
    ck_assert_int_eq(green_process_wait(p, &status, soon()), -ECHILD);
    ck_assert_int_eq(green_process_kill(p, SIGKILL), 0);
    green_process_close(p);
}
END_TEST

/* --- starting --------------------------------------------------------------------------------------------------- */

/* Case 121. */
START_TEST(what_cannot_start_leaves_nothing_behind)
{
    const char *missing[] = {"no-such-program-anywhere", NULL}, *folder[] = {"/", NULL},
               *plain[] = {"/etc/passwd", NULL}, *good[] = {"true", NULL};
    const int closed = 987;
    const struct {
        green_process_options_t options;
        int result;
    } cases[] = {
        {{.argv = missing}, -ENOENT},
        {{.argv = folder}, -EACCES},
        {{.argv = plain}, -EACCES},
        {{.argv = good, .cwd = "/no/such/folder"}, -ENOENT},
        {{.argv = good, .file = "/no/such/file"}, -ENOENT},
        {{0}, -EINVAL},
        {{.argv = good, .shell = "true"}, -EINVAL},
        {{.argv = (const char *const[]){NULL}}, -EINVAL},
        {{.argv = good, .in = {GREEN_STDIO_STDOUT, 0}}, -EINVAL},
        {{.argv = good, .in = {(enum green_stdio)77, 0}}, -EINVAL},
        {{.argv = good, .in = {GREEN_STDIO_FD, closed}}, -EBADF},
        {{.argv = good, .in = {GREEN_STDIO_FD, -1}}, -EBADF},
        {{.argv = good, .pass_fds = &closed, .pass_count = 1}, -EBADF},
        {{.argv = good, .pass_fds = (const int[]){1}, .pass_count = 1}, -EINVAL},
        {{.argv = good, .set_group = true, .group = 1}, -EPERM},
    };
    ck_assert_ptr_nonnull(green_hub());
    int before = open_descriptors();
    for (int round = 0; round < 7; round++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            green_process_t *p = NULL;
            green_process_options_t o = cases[i].options;
            if (o.in.kind == GREEN_STDIO_INHERIT)
                o.in.kind = GREEN_STDIO_PIPE;
            o.out.kind = o.err.kind = GREEN_STDIO_PIPE;
            ck_assert_msg(green_process_spawn(&p, &o) == cases[i].result, "case %zu", i);
            ck_assert_ptr_null(p);
            ck_assert_int_eq(open_descriptors(), before);
            no_children_left();
        }
}
END_TEST

START_TEST(out_of_descriptors)
{
    green_process_t *p;
    struct rlimit before, few;
    const green_process_options_t o = {.shell = "true",
                                       .in = {GREEN_STDIO_PIPE, 0},
                                       .out = {GREEN_STDIO_PIPE, 0},
                                       .err = {GREEN_STDIO_NULL, 0}};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_ptr_nonnull(green_hub());
    int count = open_descriptors();
    int lowest = dup(0);
    close(lowest);
    for (int spare = 0; spare < 6; spare++) {
        few = (struct rlimit){(rlim_t)(lowest + spare), before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        int r = green_process_spawn(&p, &o);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (r == 0) {
            end_of(p);
            green_process_close(p);
            ck_assert_int_eq(spare, 5);
        } else {
            ck_assert_int_eq(r, -EMFILE);
        }
        ck_assert_int_eq(open_descriptors(), count);
    }
    no_children_left();
}
END_TEST

START_TEST(options_reach_the_child)
{
    char text[256], expected[64];
    capture(&(green_process_options_t){.shell = "pwd", .cwd = "/usr"}, text, sizeof text);
    ck_assert_str_eq(text, "/usr");
    const char *env[] = {"GREETING=hello", NULL},
               *argv[] = {"odd name", "-c", "echo $0 $GREETING $HOME", NULL};
    capture(&(green_process_options_t){.argv = argv, .file = "sh", .env = env}, text, sizeof text);
    ck_assert_str_eq(text, "odd name hello");
    setenv("GREETING", "ours", 1);
    capture(&(green_process_options_t){.shell = "echo $GREETING"}, text, sizeof text);
    ck_assert_str_eq(text, "ours");
    mode_t mask = umask(0);
    umask(mask);
    capture_self("identity", (green_process_options_t){0}, text, sizeof text);
    snprintf(expected, sizeof expected, "%d %d %d %03o 0 0", (int)getuid(), (int)getgid(), getgroups(0, NULL),
             (unsigned)mask);
    ck_assert_str_eq(text, expected);
    capture_self("identity", (green_process_options_t){.new_session = true, .set_umask = true, .umask = 0137},
                 text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, " 137 1 1"));
    capture_self("identity", (green_process_options_t){.set_group = true}, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, " 0 1"));
}
END_TEST

START_TEST(becomes_another_user)
{
    char text[64];
    const gid_t groups[] = {1234, 2345};
    green_process_options_t o = {
        .set_user = true, .uid = 65534, .gid = 65533, .groups = groups, .group_count = 2};
    if (getuid() != 0) {
        green_process_t *p;
        o.shell = "true";
        ck_assert_int_eq(green_process_spawn(&p, &o), -EPERM);
        return;
    }
    /* This program may lie where that user cannot read: the shell says who it is. */
    o.shell = "echo $(id -u) $(id -g) $(id -G)";
    o.cwd = "/";
    capture(&o, text, sizeof text);
    ck_assert_str_eq(text, "65534 65533 65533 1234 2345");
    ck_assert_int_eq((int)getuid(), 0);
}
END_TEST

/* Case 123: its standard descriptors block although our ends do not, and nothing else is open but what was passed. */
START_TEST(has_exactly_the_descriptors_meant)
{
    char text[256], expected[64];
    int ends[2], extra[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe(extra), 0); /* not close-on-exec, and not passed */
    const int pass[] = {ends[1], ends[0], ends[1]};
    green_process_options_t o = {.in = {GREEN_STDIO_PIPE, 0}, .err = {GREEN_STDIO_STDOUT, 0}};
    capture_self("descriptors", o, text, sizeof text);
    ck_assert_str_eq(text, "0 1 2 ");
    o.pass_fds = pass;
    o.pass_count = 3;
    capture_self("descriptors", o, text, sizeof text);
    snprintf(expected, sizeof expected, "0 1 2 %d %d ", ends[0], ends[1]);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC); /* ours are as they were */
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(extra[i]);
    }
}
END_TEST

/* The descriptors that become 0, 1 and 2 may be 0, 1 and 2 in another order. */
START_TEST(standard_descriptors_may_change_places)
{
    int status, ends[2];
    char text[64];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    int saved[3];
    for (int n = 0; n < 3; n++)
        saved[n] = fcntl(n, F_DUPFD_CLOEXEC, 3);
    dup2(ends[1], 0); /* our stdin writes, our stdout reads */
    dup2(ends[0], 1);
    int r = green_run_process(&(green_process_options_t){.shell = "read word; echo $word >&2; echo again",
                                                         .in = {GREEN_STDIO_FD, 1},
                                                         .out = {GREEN_STDIO_FD, 0},
                                                         .err = {GREEN_STDIO_FD, 0}},
                              &status, GREEN_NOWAIT); /* too early: killed, and not waited for ever */
    ck_assert(r == -EAGAIN || r == 0);
    ck_assert_int_eq((int)write(ends[1], "word\n", 5), 5);
    r = green_run_process(&(green_process_options_t){.shell = "read word; echo $word >&2; echo again",
                                                     .in = {GREEN_STDIO_FD, 1},
                                                     .out = {GREEN_STDIO_FD, 0},
                                                     .err = {GREEN_STDIO_FD, 0}},
                          &status, soon());
    for (int n = 0; n < 3; n++) {
        dup2(saved[n], n);
        close(saved[n]);
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(status, 0);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    ck_assert_int_eq((int)n, 11);
    text[n] = 0;
    ck_assert_str_eq(text, "word\nagain\n");
    close(ends[0]);
    close(ends[1]);
    no_children_left();
}
END_TEST

START_TEST(works_when_ours_are_closed)
{
    int status, r;
    green_communication_t c = {.input = "abc", .input_size = 3};
    int saved[3];
    ck_assert_ptr_nonnull(green_hub()); /* or it would take their numbers */
    for (int n = 0; n < 3; n++) {
        saved[n] = fcntl(n, F_DUPFD_CLOEXEC, 3);
        close(n);
    }
    r = green_capture(
        &(green_process_options_t){.shell = "cat; echo error >&2", .err = {GREEN_STDIO_PIPE, 0}}, &c, &status,
        soon());
    for (int n = 0; n < 3; n++) {
        dup2(saved[n], n);
        close(saved[n]);
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(c.out, "abc");
    ck_assert_str_eq(c.err, "error\n");
    green_communication_free(&c);
}
END_TEST

static void ignore_this(int number)
{
    (void)number;
}

START_TEST(signals_are_as_at_the_beginning)
{
    char text[256];
    sigset_t blocked, before;
    struct sigaction action;
    for (int n = 1; n < NSIG; n++) /* what we were started with */
        if (sigaction(n, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            signal(n, SIG_DFL);
    signal(SIGPIPE, SIG_IGN); /* as libgreen has it */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, ignore_this);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    capture_self("signals", (green_process_options_t){0}, text, sizeof text);
    ck_assert_str_eq(text, "-1 ");
    capture_self("signals", (green_process_options_t){.default_signals = true}, text, sizeof text);
    ck_assert_str_eq(text, "");
    sigset_t now;
    sigprocmask(SIG_SETMASK, &before, &now);
    ck_assert_int_eq(sigismember(&now, SIGTERM), 1); /* ours is as it was */
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 0);
}
END_TEST

/* --- many ----------------------------------------------------------------------------------------------------------- */

static void *run_one(void *arg)
{
    char text[32], command[32], expected[32];
    snprintf(expected, sizeof expected, "%d", *(int *)arg);
    snprintf(command, sizeof command, "echo %d", *(int *)arg);
    capture(&(green_process_options_t){.shell = command}, text, sizeof text);
    ck_assert_str_eq(text, expected);
    return NULL;
}

START_TEST(many_at_a_time)
{
    enum { COUNT = 30 };
    green_t *greenlets[COUNT];
    int numbers[COUNT], before = open_descriptors();
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        greenlets[i] = spawn(run_one, &numbers[i]);
    }
    for (int i = 0; i < COUNT; i++)
        finish(greenlets[i]);
    ck_assert_int_le(open_descriptors(), before + 8);
    no_children_left();
}
END_TEST

/* Nobody's hub closes before all have finished: TSan does not hear libuv close descriptors, and takes those of the same
 * number for the same. */
static pthread_barrier_t all_ran;

static void *in_a_thread(void *arg)
{
    for (int i = 0; i < 3; i++)
        run_one(arg);
    pthread_barrier_wait(&all_ran);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

/* Case 124: any thread's hub can have children, at the same time as others. */
START_TEST(in_any_thread)
{
    enum { COUNT = 4 };
    pthread_t threads[COUNT];
    int numbers[COUNT];
    ck_assert_int_eq(pthread_barrier_init(&all_ran, NULL, COUNT), 0);
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, in_a_thread, &numbers[i]), 0);
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&all_ran);
}
END_TEST

static void *meddle(void *arg)
{
    int status;
    ck_assert_int_eq(green_process_poll(arg, &status), -EXDEV);
    ck_assert_int_eq(green_process_wait(arg, &status, soon()), -EXDEV);
    ck_assert_int_eq(green_process_kill(arg, SIGTERM), -EXDEV);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(belongs_to_its_thread)
{
    pthread_t thread;
    green_process_t *p = start_shell("exec sleep 1000");
    ck_assert_int_eq(pthread_create(&thread, NULL, meddle, p), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(green_process_kill(p, SIGTERM), 0);
    ck_assert_int_eq(WTERMSIG(end_of(p)), SIGTERM);
    green_process_close(p);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_child(argv[1]);
    const struct test tests[] = {
        {ends_with_a_code_or_by_a_signal, 0},
        {is_polled_and_killed, 0},
        {several_wait_for_one, 0},
        {is_something_to_wait_for, 0},
        {closing_while_it_runs_leaves_it_running, 0},
        {the_hub_may_close_first, 0},
        {somebody_else_may_reap_it, 0},
        {what_cannot_start_leaves_nothing_behind, 0},
        {out_of_descriptors, 0},
        {options_reach_the_child, 0},
        {becomes_another_user, 0},
        {has_exactly_the_descriptors_meant, 0},
        {standard_descriptors_may_change_places, 0},
        {works_when_ours_are_closed, 0},
        {signals_are_as_at_the_beginning, 0},
        {many_at_a_time, 0},
        {in_any_thread, 0},
        {belongs_to_its_thread, 0},
    };
    return RUN_TESTS("process", tests);
}
