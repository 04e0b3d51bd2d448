/* Children and signals. The children read a pipe that we hold: a line, or its end, lets one of them end. */
#include "generic.h"

#include <signal.h>

static int line[2] = {-1, -1};
static green_process_t *process;

static void open_line(void)
{
    ck_assert_int_eq(pipe2(line, O_CLOEXEC), 0);
}

static void close_line(void)
{
    close(line[0]);
    close(line[1]);
}

static void let_line(void)
{
    ck_assert_int_eq(write(line[1], "\n", 1), 1);
}

static green_process_options_t reader(void)
{
    static const char *const argv[] = {"sh", "-c", "read x", NULL};
    return (green_process_options_t){.argv = argv, .in = {.kind = GREEN_STDIO_FD, .fd = line[0]}};
}

static void begin_process(void)
{
    open_line();
    green_process_options_t o = reader();
    o.out.kind = GREEN_STDIO_PIPE;
    ck_assert_int_eq(green_process_spawn(&process, &o), 0);
}

static int wait_process(green_time deadline)
{
    int status = -1, r = green_process_wait(process, &status, deadline);
    ck_assert_int_eq(status, r == 0 ? 0 : -1);
    return r;
}

static int wait_communicate(green_time deadline)
{
    static green_communication_t c;
    int r = green_process_communicate(process, &c, deadline);
    if (r == 0)
        green_communication_free(&c);
    return r;
}

static void end_process(void)
{
    let_line();
    ck_assert_int_eq(green_process_wait(process, NULL, soon()), 0);
    green_process_close(process);
    close_line();
}

static int wait_run(green_time deadline)
{
    green_process_options_t o = reader();
    return green_run_process(&o, NULL, deadline);
}

static int wait_capture(green_time deadline)
{
    green_process_options_t o = reader();
    green_communication_t c = {0};
    int r = green_capture(&o, &c, NULL, deadline);
    green_communication_free(&c);
    return r;
}

static void end_run(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    close_line();
}

/* --- children of whatever origin ---------------------------------------------------------------------------------- */

#define CHILDREN 12

static void begin_children(void)
{
    open_line();
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            char byte;
            close(line[1]);
            _exit(read(line[0], &byte, 1) >= 0 ? 0 : 1);
        }
    }
}

static int wait_waitpid(green_time deadline)
{
    int status = -1;
    pid_t pid = green_waitpid(-1, &status, 0, deadline);
    ck_assert_int_eq(status, pid > 0 ? 0 : -1);
    return pid;
}

static void end_children(void)
{
    close_line();
    while (waitpid(-1, NULL, 0) > 0)
        ;
    ck_assert_int_eq(errno, ECHILD);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static green_signals_t *signals;

static void begin_signals(void)
{
    ck_assert_int_eq(green_signals_open(&signals, (int[]){SIGUSR1}, 1), 0);
}

static void let_signal(void)
{
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
}

static int wait_signal(green_time deadline)
{
    int r = green_signals_wait(signals, deadline);
    ck_assert(r < 0 || r == SIGUSR1);
    return r;
}

static void end_signals(void)
{
    green_signals_close(signals);
}

#define REAPS "the child that it has started is killed, and its end is waited for"

static const struct call rows[] = {
    {.name = "green_process_wait",
     .flags = CALL_LAST,
     .begin = begin_process,
     .wait = wait_process,
     .let = let_line,
     .end = end_process},
    {.name = "green_process_communicate",
     .flags = CALL_LAST | CALL_ALONE,
     .begin = begin_process,
     .wait = wait_communicate,
     .let = let_line,
     .end = end_process},
    {.name = "green_run_process",
     .flags = CALL_OWN,
     .begin = open_line,
     .wait = wait_run,
     .let = let_line,
     .end = end_run,
     .not_for[1] = REAPS},
    {.name = "green_capture",
     .flags = CALL_OWN,
     .begin = open_line,
     .wait = wait_capture,
     .let = let_line,
     .end = end_run,
     .not_for[1] = REAPS},
    {.name = "green_waitpid",
     .begin = begin_children,
     .wait = wait_waitpid,
     .let = let_line,
     .end = end_children},
    {.name = "green_signals_wait",
     .flags = CALL_ALONE,
     .begin = begin_signals,
     .wait = wait_signal,
     .let = let_signal,
     .end = end_signals},
};

const struct calls calls_os = CALLS(rows);
