/* Waiting for children of whatever origin. */
#include "support.h"

#include <signal.h>

/* A child that lives until its pipe is closed, and ends with this code. */
struct child {
    pid_t pid;
    int end; /* close it and the child ends */
};

static struct child fork_child(int code)
{
    int ends[2];
    char nothing;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct child child = {.pid = fork(), .end = ends[1]};
    ck_assert_int_ge(child.pid, 0);
    if (child.pid == 0) {
        close(ends[1]);
        while (read(ends[0], &nothing, 1) > 0)
            ;
        _exit(code);
    }
    close(ends[0]);
    return child;
}

static void *close_end(void *arg)
{
    struct child *child = arg;
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0);
    close(child->end);
    return NULL;
}

START_TEST(one_child)
{
    int status;
    struct child child = fork_child(6);
    ck_assert_int_eq(green_waitpid(child.pid, &status, WNOHANG, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_waitpid(child.pid, &status, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_waitpid(child.pid, &status, 0, green_in_ms(5)), -ETIMEDOUT);
    green_t *g = spawn(close_end, &child);
    ck_assert_int_eq(green_waitpid(child.pid, &status, 0, soon()), child.pid);
    ck_assert_int_eq(WEXITSTATUS(status), 6);
    ck_assert_int_eq(green_waitpid(child.pid, &status, 0, soon()), -ECHILD);
    finish(g);
}
END_TEST

START_TEST(nobodys_child)
{
    int status;
    ck_assert_int_eq(green_waitpid(-1, &status, 0, soon()), -ECHILD);
    ck_assert_int_eq(green_waitpid(0, &status, 0, soon()), -ECHILD);
    ck_assert_int_eq(green_waitpid(1, &status, 0, soon()), -ECHILD);
    ck_assert_int_eq(green_waitpid(getpid(), NULL, 0, soon()), -ECHILD);
    ck_assert_int_eq(green_waitpid(-1, &status, WUNTRACED, soon()), -EINVAL);
}
END_TEST

START_TEST(any_of_several)
{
    struct child children[3] = {fork_child(1), fork_child(2), fork_child(3)};
    const int order[] = {2, 1, 0}; /* the later ones have inherited the earlier ones' pipes */
    ck_assert_int_eq(green_waitpid(-1, NULL, WNOHANG, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_waitpid(-1, NULL, 0, green_in_ms(150)), -ETIMEDOUT); /* more than one look */
    for (int i = 0; i < 3; i++) {
        int status;
        green_t *g = spawn(close_end, &children[order[i]]);
        ck_assert_int_eq(green_waitpid(i ? -1 : 0, &status, 0, soon()), children[order[i]].pid);
        ck_assert_int_eq(WEXITSTATUS(status), order[i] + 1);
        finish(g);
    }
    ck_assert_int_eq(green_waitpid(-1, NULL, 0, soon()), -ECHILD);
}
END_TEST

struct wait_outcome {
    pid_t result;
    int status;
};

static void *wait_any_child(void *arg)
{
    struct wait_outcome *o = arg;
    o->result = green_waitpid(-1, &o->status, 0, GREEN_FOREVER);
    return NULL;
}

START_TEST(one_that_is_started_meanwhile)
{
    struct child first = fork_child(1);
    struct wait_outcome outcome = {0};
    green_t *g = spawn(wait_any_child, &outcome);
    yields(3);
    struct child second = fork_child(2);
    close(second.end);
    finish(g);
    ck_assert_int_eq(outcome.result, second.pid);
    g = spawn(wait_any_child, &outcome);
    yields(3);
    ck_assert_int_eq(green_kill(g, soon()), 0); /* and the wait can be cancelled */
    ck_assert_int_eq(outcome.result, -ECANCELED);
    green_release(g);
    close(first.end);
    ck_assert_int_eq(green_waitpid(first.pid, NULL, 0, soon()), first.pid);
}
END_TEST

static volatile sig_atomic_t children_ended;

static void count_child(int number)
{
    (void)number;
    children_ended++;
}

/* Case 126: the application's handler for SIGCHLD stays its own. */
START_TEST(the_applications_handler_is_called)
{
    struct sigaction action = {.sa_handler = count_child}, present;
    ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
    struct child child = fork_child(0);
    int status;
    green_t *g = spawn(close_end, &child);
    ck_assert_int_eq(green_waitpid(child.pid, NULL, 0, soon()), child.pid);
    finish(g);
    ck_assert_int_eq(children_ended, 1);
    ck_assert_int_eq(green_run_process(&(green_process_options_t){.shell = "true"}, &status, soon()), 0);
    ck_assert_int_eq(children_ended, 2);
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &present), 0);
    ck_assert_ptr_eq((void *)present.sa_handler, (void *)count_child);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {one_child, 0},
        {nobodys_child, 0},
        {any_of_several, 0},
        {one_that_is_started_meanwhile, 0},
        {the_applications_handler_is_called, 0},
    };
    return RUN_TESTS("waitpid", tests);
}
