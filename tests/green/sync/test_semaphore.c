/* Semaphores: tokens are neither lost nor made up, and go to those who came first. */
#include "support.h"

static green_semaphore_t sem = GREEN_SEMAPHORE_INIT(0);

struct taker {
    int result;
    bool finished;
};

static int order[8], taken;

static void *take(void *arg)
{
    struct taker *t = arg;
    t->result = green_semaphore_acquire(&sem, GREEN_FOREVER);
    t->finished = true;
    return NULL;
}

static void *take_in_order(void *arg)
{
    ck_assert_int_eq(green_semaphore_acquire(&sem, soon()), 0);
    order[taken++] = (int)(intptr_t)arg;
    return NULL;
}

START_TEST(counting)
{
    uint64_t before = switches();
    ck_assert_int_eq(green_semaphore_init(&sem, -1), -EINVAL);
    ck_assert_int_eq(green_semaphore_init_bounded(&sem, 0, 0), -EINVAL);
    ck_assert_int_eq(green_semaphore_init_bounded(&sem, 3, 2), -EINVAL);
    ck_assert_int_eq(green_semaphore_init(&sem, 2), 0);
    ck_assert_int_eq(green_semaphore_acquire(&sem, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_semaphore_count(&sem), 1);
    ck_assert_int_eq(green_semaphore_try_acquire(&sem), 0);
    ck_assert_int_eq(green_semaphore_try_acquire(&sem), -EAGAIN);
    ck_assert_int_eq(green_semaphore_acquire(&sem, GREEN_NOWAIT), -EAGAIN);
    for (int i = 1; i < 10; i++)
        ck_assert_int_eq(green_semaphore_release(&sem), i);
    ck_assert_int_eq(green_semaphore_init(&sem, INT_MAX), 0);
    ck_assert_int_eq(green_semaphore_release(&sem), -EOVERFLOW);
    ck_assert_int_eq(green_semaphore_count(&sem), INT_MAX);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* Case 58: a wait that ends without a token has taken none. */
START_TEST(a_timed_out_acquire_takes_nothing)
{
    struct taker killed = {0};
    green_timeout_t outer;
    ck_assert_int_eq(green_semaphore_acquire(&sem, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_semaphore_count(&sem), 0);
    green_timeout_start(&outer, GREEN_MS(5));
    ck_assert_int_eq(green_semaphore_acquire(&sem, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    green_t *g = spawn(take, &killed);
    yields(1);
    ck_assert_int_eq(green_semaphore_destroy(&sem), -EBUSY);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(killed.result, -ECANCELED);
    green_release(g);
    ck_assert_int_eq(green_semaphore_destroy(&sem), 0);
    ck_assert_int_eq(green_semaphore_release(&sem), 1);
    ck_assert_int_eq(green_semaphore_acquire(&sem, green_in_ms(1)), 0);
}
END_TEST

static int called[2];

static void call_first(green_link_t *link)
{
    called[0]++;
}

static void call_second(green_link_t *link)
{
    called[1]++;
}

/* Cases 59 and 60: each release is told to the links of that time; a link on a semaphore with tokens is called. */
START_TEST(links_are_told)
{
    green_link_t a, b;
    green_rawlink(&sem.waitable, &a, call_first);
    ck_assert_int_eq(green_semaphore_destroy(&sem), -EBUSY);
    ck_assert_int_eq(green_semaphore_release(&sem), 1);
    green_rawlink(&sem.waitable, &b, call_second);
    ck_assert_int_eq(green_semaphore_release(&sem), 2);
    yields(1);
    ck_assert_int_eq(called[0], 1);
    ck_assert_int_eq(called[1], 1);
    green_rawlink(&sem.waitable, &a, call_first);
    yields(1);
    ck_assert_int_eq(called[0], 2);
}
END_TEST

static bool stop;
static long rounds_alone;

static void *release_and_take_again(void *arg)
{
    while (!stop) {
        ck_assert_int_eq(green_semaphore_acquire(&sem, soon()), 0);
        if (*(int *)arg)
            yields(1);
        ck_assert_int_ge(green_semaphore_release(&sem), 0);
        ck_assert_int_lt(++rounds_alone, 100000);
    }
    return NULL;
}

/* Case 61: somebody who always releases and takes again does not keep the others out. */
START_TEST(a_greedy_loop_starves_nobody)
{
    struct taker t = {0};
    int yields_inside = _i;
    ck_assert_int_eq(green_semaphore_init(&sem, 1), 0);
    ck_assert_int_eq(green_semaphore_acquire(&sem, soon()), 0);
    green_t *greedy = spawn(release_and_take_again, &yields_inside);
    yields(1);
    green_t *g = spawn(take, &t);
    yields(1);
    ck_assert_int_ge(green_semaphore_release(&sem), 0);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_eq(t.result, 0);
    stop = true;
    ck_assert_int_ge(green_semaphore_release(&sem), 0);
    finish(greedy);
    green_release(g);
    ck_assert_int_eq(green_semaphore_count(&sem), 1);
}
END_TEST

START_TEST(first_come_first_served)
{
    green_t *g[5];
    for (int i = 0; i < 5; i++)
        g[i] = spawn(take_in_order, (void *)(intptr_t)i);
    yields(1);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(green_semaphore_release(&sem), 0);
        ck_assert_int_eq(green_semaphore_try_acquire(&sem), -EAGAIN); /* it is not ours any more */
    }
    for (int i = 0; i < 5; i++) {
        finish(g[i]);
        ck_assert_int_eq(order[i], i);
    }
}
END_TEST

/* Case 62: cancelled after the token was handed over: it has it. Cancelled before: the next one gets it. */
START_TEST(a_token_handed_over_stays)
{
    struct taker first = {0}, second = {0};
    bool handed_over_first = _i == 0;
    green_t *a = spawn(take, &first), *b = spawn(take, &second);
    yields(1);
    if (handed_over_first)
        ck_assert_int_eq(green_semaphore_release(&sem), 0);
    ck_assert_int_eq(green_cancel(a), 0);
    if (!handed_over_first)
        ck_assert_int_eq(green_semaphore_release(&sem), 0);
    finish(a);
    ck_assert_int_eq(first.result, handed_over_first ? 0 : -ECANCELED);
    yields(1);
    ck_assert(second.finished == !handed_over_first);
    if (handed_over_first)
        ck_assert_int_eq(green_semaphore_release(&sem), 0);
    finish(b);
    ck_assert_int_eq(second.result, 0);
    ck_assert_int_eq(green_semaphore_count(&sem), 0);
}
END_TEST

/* Case 63. */
START_TEST(a_bounded_one_takes_back_only_its_own)
{
    green_semaphore_t bounded = GREEN_SEMAPHORE_INIT_BOUNDED(2, 2);
    ck_assert_int_eq(green_semaphore_release(&bounded), -EOVERFLOW);
    ck_assert_int_eq(green_semaphore_count(&bounded), 2);
    ck_assert_int_eq(green_semaphore_try_acquire(&bounded), 0);
    ck_assert_int_eq(green_semaphore_release(&bounded), 2);
    ck_assert_int_eq(green_semaphore_release(&bounded), -EOVERFLOW);
    ck_assert_int_eq(green_semaphore_init_bounded(&bounded, 0, 1), 0);
    ck_assert_int_eq(green_semaphore_release(&bounded), 1);
    ck_assert_int_eq(green_semaphore_release(&bounded), -EOVERFLOW);
}
END_TEST

static void *release_it(void *arg)
{
    ck_assert_int_eq(green_semaphore_release(&sem), 1);
    return NULL;
}

/* Waiting for several takes no token. */
START_TEST(waited_for_among_others)
{
    green_event_t event = GREEN_EVENT_INIT;
    green_waitable_t *both[] = {&event.waitable, &sem.waitable};
    green_t *g = spawn(release_it, NULL);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    ck_assert_int_eq(green_semaphore_count(&sem), 1);
    ck_assert_int_eq(green_semaphore_try_acquire(&sem), 0);
    ck_assert_int_eq(green_wait_any(both, 2, green_in_ms(1)), -ETIMEDOUT);
    finish(g);
}
END_TEST

static int inside, most_inside;

static void *go_in_and_out(void *arg)
{
    for (int i = 0; i < 20; i++) {
        int r = green_semaphore_acquire(&sem, i % 3 ? soon() : green_in(GREEN_US(50)));
        if (r == -ETIMEDOUT)
            continue;
        ck_assert_int_eq(r, 0);
        if (++inside > most_inside)
            most_inside = inside;
        ck_assert_int_eq(i % 4 ? green_yield() : green_sleep(GREEN_US(20)), 0);
        inside--;
        ck_assert_int_ge(green_semaphore_release(&sem), 0);
    }
    return NULL;
}

START_TEST(never_more_than_there_are_tokens)
{
    green_t *g[50];
    ck_assert_int_eq(green_semaphore_init_bounded(&sem, 3, 3), 0);
    for (int i = 0; i < 50; i++)
        g[i] = spawn(go_in_and_out, NULL);
    for (int i = 0; i < 50; i++)
        finish(g[i]);
    ck_assert_int_eq(most_inside, 3);
    ck_assert_int_eq(inside, 0);
    ck_assert_int_eq(green_semaphore_count(&sem), 3);
    ck_assert_int_eq(green_semaphore_destroy(&sem), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {counting, 0},
        {a_timed_out_acquire_takes_nothing, 0},
        {links_are_told, 0},
        {a_greedy_loop_starves_nobody, 2},
        {first_come_first_served, 0},
        {a_token_handed_over_stays, 2},
        {a_bounded_one_takes_back_only_its_own, 0},
        {waited_for_among_others, 0},
        {never_more_than_there_are_tokens, 0},
    };
    return RUN_TESTS("semaphore", tests);
}
