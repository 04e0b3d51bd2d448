/* Signals as something to wait for. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

static green_signals_t *open_signals(const int *numbers, size_t count)
{
    green_signals_t *s;
    ck_assert_int_eq(green_signals_open(&s, numbers, count), 0);
    return s;
}

START_TEST(come_in_the_order_of_arrival)
{
    const int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP};
    green_signals_t *s = open_signals(numbers, 3);
    ck_assert_int_eq(green_signals_wait(s, GREEN_NOWAIT), -EAGAIN);
    for (int i = 2; i >= 0; i--) {
        raise(numbers[i]);
        ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0); /* the hub notes it while nobody waits */
    }
    for (int i = 2; i >= 0; i--)
        ck_assert_int_eq(green_signals_wait(s, soon()), numbers[i]);
    ck_assert_int_eq(green_signals_wait(s, green_in_ms(5)), -ETIMEDOUT);
    green_signals_close(s);
}
END_TEST

static void *wait_for_signal(void *arg)
{
    return (void *)(intptr_t)green_signals_wait(arg, GREEN_FOREVER);
}

START_TEST(a_signal_wakes_who_waits)
{
    const int number = SIGUSR1;
    void *result;
    green_signals_t *s = open_signals(&number, 1);
    for (int i = 0; i < 3; i++) {
        green_t *g = green_spawn(wait_for_signal, s);
        ck_assert_ptr_nonnull(g);
        ck_assert_int_eq(green_yield(), 0);
        ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
        ck_assert_int_eq(green_get(g, &result, soon()), 0);
        ck_assert_int_eq((int)(intptr_t)result, SIGUSR1);
        green_release(g);
    }
    green_signals_close(s);
}
END_TEST

START_TEST(main_may_wait_for_ever)
{
    const int number = SIGALRM;
    green_signals_t *s = open_signals(&number, 1);
    alarm(1);
    ck_assert_int_eq(green_signals_wait(s, GREEN_FOREVER), SIGALRM); /* no deadlock */
    green_signals_close(s);
}
END_TEST

START_TEST(one_waiter_at_a_time)
{
    const int number = SIGUSR1;
    green_signals_t *s = open_signals(&number, 1);
    green_t *g = green_spawn(wait_for_signal, s);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert_int_eq(green_signals_wait(s, soon()), -EBUSY);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    raise(SIGUSR1);
    ck_assert_int_eq(green_signals_wait(s, soon()), SIGUSR1);
    green_signals_close(s);
}
END_TEST

START_TEST(a_flood_of_one_does_not_hide_another)
{
    const int numbers[] = {SIGHUP, SIGTERM};
    green_signals_t *s = open_signals(numbers, 2);
    int seen_hangup = 0;
    for (int i = 0; i < 200; i++) {
        raise(SIGHUP);
        if (i % 10 == 0)
            ck_assert_int_eq(green_sleep(GREEN_US(100)), 0);
    }
    ck_assert_int_eq(green_sleep(GREEN_MS(2)), 0);
    raise(SIGTERM);
    int number;
    while ((number = green_signals_wait(s, soon())) == SIGHUP)
        seen_hangup++;
    ck_assert_int_eq(number, SIGTERM);
    ck_assert_int_eq(seen_hangup, 1); /* all of them, folded */
    green_signals_close(s);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    green_signals_t *s;
    int many[17], number = SIGKILL;
    for (int i = 0; i < 17; i++)
        many[i] = SIGUSR1;
    int before = open_descriptors();
    ck_assert_int_eq(green_signals_open(&s, many, 0), -EINVAL);
    ck_assert_int_eq(green_signals_open(&s, many, 17), -EINVAL);
    ck_assert_int_eq(green_signals_open(&s, &number, 1), -EINVAL);
    number = 12345;
    ck_assert_int_eq(green_signals_open(&s, &number, 1), -EINVAL);
    many[1] = SIGKILL; /* the first one was caught already */
    ck_assert_int_eq(green_signals_open(&s, many, 2), -EINVAL);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_le(open_descriptors(), before + 10);
    struct sigaction action;
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
    ck_assert_ptr_eq((void *)action.sa_handler, (void *)SIG_DFL);
}
END_TEST

START_TEST(closing_gives_the_default_back)
{
    const int numbers[] = {SIGUSR1, SIGUSR2};
    struct sigaction action;
    green_signals_t *s = open_signals(numbers, 2);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
    ck_assert_ptr_ne((void *)action.sa_handler, (void *)SIG_DFL);
    green_signals_close(s);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sigaction(numbers[i], NULL, &action), 0);
        ck_assert_ptr_eq((void *)action.sa_handler, (void *)SIG_DFL);
    }
    s = open_signals(numbers, 2); /* and again */
    raise(SIGUSR2);
    ck_assert_int_eq(green_signals_wait(s, soon()), SIGUSR2);
    green_signals_close(s);
}
END_TEST

START_TEST(a_broken_pipe_is_ignored)
{
    struct sigaction action;
    ck_assert_ptr_nonnull(green_hub());
    ck_assert_int_eq(sigaction(SIGPIPE, NULL, &action), 0);
    ck_assert_ptr_eq((void *)action.sa_handler, (void *)SIG_IGN);
}
END_TEST

/* --- a greenlet for each: case 127 ---------------------------------------------------------------------------------- */

struct heard {
    int number, begun, ended;
    green_signal_handler_t *cancels; /* itself */
};

static void hear(int number, void *arg)
{
    struct heard *h = arg;
    h->number = number;
    h->begun++;
    green_signal_cancel(h->cancels);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0); /* it may wait */
    h->ended++;
}

static void until_ended(struct heard *h, int count)
{
    while (h->ended < count)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}

START_TEST(a_handler_may_wait)
{
    struct heard heard = {0}, other = {0};
    green_signal_handler_t *first, *second;
    ck_assert_int_eq(green_on_signal(&first, SIGALRM, hear, &heard), 0);
    ck_assert_int_eq(green_on_signal(&second, SIGALRM, hear, &other), 0);
    for (int i = 1; i <= 3; i++) {
        raise(SIGALRM);
        until_ended(&heard, i);
        until_ended(&other, i);
    }
    ck_assert_int_eq(heard.number, SIGALRM);
    ck_assert_int_eq(heard.begun, 3);
    green_signal_cancel(first);
    raise(SIGALRM);
    until_ended(&other, 4);
    ck_assert_int_eq(heard.begun, 3);
    green_signal_cancel(second);
    green_signal_cancel(NULL);
    struct sigaction action;
    ck_assert_int_eq(sigaction(SIGALRM, NULL, &action), 0);
    ck_assert_ptr_eq((void *)action.sa_handler, (void *)SIG_DFL);
}
END_TEST

START_TEST(a_handler_may_cancel_itself)
{
    struct heard heard = {0};
    ck_assert_int_eq(green_on_signal(&heard.cancels, SIGUSR1, hear, &heard), 0);
    raise(SIGUSR1);
    until_ended(&heard, 1);
    yields(2);
}
END_TEST

START_TEST(a_handler_is_beside_those_who_wait)
{
    const int number = SIGUSR2;
    struct heard heard = {0};
    green_signal_handler_t *handler;
    green_signals_t *s = open_signals(&number, 1);
    ck_assert_int_eq(green_on_signal(&handler, SIGUSR2, hear, &heard), 0);
    raise(SIGUSR2);
    ck_assert_int_eq(green_signals_wait(s, soon()), SIGUSR2);
    until_ended(&heard, 1);
    green_signal_cancel(handler);
    raise(SIGUSR2);
    ck_assert_int_eq(green_signals_wait(s, soon()), SIGUSR2);
    ck_assert_int_eq(heard.begun, 1);
    green_signals_close(s);
}
END_TEST

static void wait_with_only_a_handler(void)
{
    green_signal_handler_t *handler;
    struct heard heard = {0};
    green_park_t nobody = GREEN_PARK_INIT;
    if (green_on_signal(&handler, SIGUSR1, hear, &heard) < 0)
        _exit(1);
    _exit(green_park(&nobody, GREEN_FOREVER) == -EDEADLK ? 7 : 2);
}

START_TEST(a_handler_does_not_hold_the_hub)
{
    char text[4096];
    ck_assert_int_eq(WEXITSTATUS(in_child(wait_with_only_a_handler, text, sizeof text)), 7);
    ck_assert_ptr_nonnull(strstr(text, "deadlock"));
}
END_TEST

START_TEST(no_handler_for_nonsense)
{
    green_signal_handler_t *handler;
    ck_assert_int_eq(green_on_signal(&handler, SIGKILL, hear, NULL), -EINVAL);
    ck_assert_int_eq(green_on_signal(&handler, 12345, hear, NULL), -EINVAL);
    ck_assert_int_eq(green_on_signal(&handler, SIGUSR1, NULL, NULL), -EINVAL);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {come_in_the_order_of_arrival, 0},
        {a_signal_wakes_who_waits, 0},
        {main_may_wait_for_ever, 0},
        {one_waiter_at_a_time, 0},
        {a_flood_of_one_does_not_hide_another, 0},
        {nonsense_is_refused, 0},
        {closing_gives_the_default_back, 0},
        {a_broken_pipe_is_ignored, 0},
        {a_handler_may_wait, 0},
        {a_handler_may_cancel_itself, 0},
        {a_handler_is_beside_those_who_wait, 0},
        {a_handler_does_not_hold_the_hub, 0},
        {no_handler_for_nonsense, 0},
    };
    return RUN_TESTS("signal", tests);
}
