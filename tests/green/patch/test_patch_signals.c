/* Handlers of signals: what the program sees of them, and that the main thread's call ends whoever has its turn. */
#include "patched.h"

#include <signal.h>

static volatile sig_atomic_t handled, got;

static void count(int signal)
{
    handled++;
    got = signal;
}

static void count_other(int signal)
{
    handled += 100;
    got = signal;
}

static void count_with_info(int signal, siginfo_t *info, void *context)
{
    handled++;
    got = info->si_signo == signal && context && info->si_pid == getpid() ? signal : -1;
}

/* --- what the program sees ------------------------------------------------------------------------------------------ */

START_TEST(test_handlers_are_the_programs)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART}, before;
    green_patch_all();
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
    ck_assert(before.sa_handler == SIG_DFL);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(handled, 1);
    ck_assert_int_eq(got, SIGUSR1);
    action = (struct sigaction){.sa_sigaction = count_with_info, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaddset(&action.sa_mask, SIGUSR2);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
    ck_assert(before.sa_handler == count);
    ck_assert_int_eq(before.sa_flags & (SA_RESTART | SA_SIGINFO), SA_RESTART);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(handled, 2);
    ck_assert_int_eq(got, SIGUSR1);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &before), 0);
    ck_assert(before.sa_sigaction == count_with_info);
    ck_assert_int_eq(before.sa_flags & (SA_RESTART | SA_SIGINFO | SA_NODEFER), SA_SIGINFO | SA_NODEFER);
    ck_assert_int_eq(sigismember(&before.sa_mask, SIGUSR2), 1);
    ck_assert(signal(SIGUSR1, count_other) == (sighandler_t)(uintptr_t)count_with_info);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(handled, 102);
    ck_assert(signal(SIGUSR1, SIG_IGN) == count_other);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(handled, 102);
    ck_assert(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    action = (struct sigaction){.sa_handler = count, .sa_flags = SA_RESETHAND};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(handled, 103);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &before), 0);
    ck_assert(before.sa_handler == SIG_DFL);
    green_patch(0); /* one that was made before still runs */
    ck_assert(signal(SIGUSR1, count) == SIG_DFL);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(handled, 104);
}
END_TEST

START_TEST(test_mistakes)
{
    struct sigaction action = {.sa_handler = count}, before;
    green_patch_all();
    for (int i = 0; i < 4; i++) {
        int number = (int[]){SIGKILL, 0, -1, 1000}[i];
        ck_assert_int_eq(sigaction(number, &action, &before), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert(signal(number, count) == SIG_ERR);
        ck_assert_int_eq(errno, EINVAL);
    }
}
END_TEST

/* --- the call of the main thread ------------------------------------------------------------------------------------ */

/* Handlers run in this greenlet's turn, when the hub is not waiting at all. */
static void *raise_and_go_on(void *arg)
{
    ck_assert_int_eq(raise(SIGUSR1), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(green_yield(), 0);
    if (arg)
        ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

static void handle_with(int flags)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

START_TEST(test_main_is_interrupted)
{
    int fds[2];
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    for (int i = 0; i < 4; i++) {
        handle_with(i % 2 ? SA_RESTART : 0);
        green_t *g = spawn(raise_and_go_on, i == 3 ? &fds[1] : NULL);
        if (i < 2) {
            ck_assert_int_eq(poll(&p, 1, -1), -1); /* always */
            ck_assert_int_eq(errno, EINTR);
        } else if (i == 2) {
            ck_assert_int_eq(read(fds[0], &byte, 1), -1);
            ck_assert_int_eq(errno, EINTR);
        } else {
            ck_assert_int_eq(read(fds[0], &byte, 1), 1);
        }
        finish(g);
        ck_assert_int_eq(handled, i + 1);
    }
    close_both(fds);
}
END_TEST

/* A signal that came before the call does not end it, and one that is not the main thread's matter ends nothing. */
START_TEST(test_only_while_it_waits)
{
    int fds[2];
    char byte;
    green_patch_all();
    blocking_pair(fds, SOCK_STREAM);
    handle_with(0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    struct later l = {fds[1], GREEN_MS(5)};
    green_t *writer = spawn(write_later, &l);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    finish(writer);
    green_t *g = spawn(raise_and_go_on, NULL);
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0); /* libgreen's own */
    finish(g);
    ck_assert_int_eq(handled, 2);
    close_both(fds);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {test_handlers_are_the_programs, 0},
        {test_mistakes, 0},
        {test_main_is_interrupted, 0},
        {test_only_while_it_waits, 0},
    };
    return RUN_TESTS("patch/signals", tests);
}
