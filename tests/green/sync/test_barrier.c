/* Barriers: rounds, and how they break. */
#include "support.h"

static green_barrier_t barrier = GREEN_BARRIER_INIT(3);

static void *come(void *arg)
{
    *(int *)arg = green_barrier_wait(&barrier, GREEN_FOREVER);
    return NULL;
}

static green_t *send_one(int *result)
{
    *result = -1;
    green_t *g = spawn(come, result);
    yields(1);
    return g;
}

START_TEST(one_of_each_round_is_told)
{
    for (int round = 0; round < 3; round++) {
        int results[2];
        green_t *g[] = {send_one(&results[0]), send_one(&results[1])};
        ck_assert_uint_eq(green_barrier_waiting(&barrier), 2);
        ck_assert_int_eq(green_barrier_destroy(&barrier), -EBUSY);
        ck_assert_int_eq(green_barrier_wait(&barrier, GREEN_NOWAIT), GREEN_BARRIER_SERIAL);
        ck_assert_uint_eq(green_barrier_waiting(&barrier), 0);
        for (int i = 0; i < 2; i++) {
            finish(g[i]);
            ck_assert_int_eq(results[i], 0);
        }
    }
    ck_assert_int_eq(green_barrier_wait(&barrier, GREEN_NOWAIT), -EAGAIN); /* does not count as having come */
    ck_assert(!green_barrier_broken(&barrier));
    ck_assert_uint_eq(green_barrier_waiting(&barrier), 0);
    ck_assert_int_eq(green_barrier_init(&barrier, 0), -EINVAL);
    ck_assert_int_eq(green_barrier_init(&barrier, 1), 0);
    ck_assert_int_eq(green_barrier_wait(&barrier, GREEN_NOWAIT), GREEN_BARRIER_SERIAL);
    ck_assert_int_eq(green_barrier_wait(&(green_barrier_t){0}, GREEN_NOWAIT), -EINVAL);
    ck_assert_int_eq(green_barrier_destroy(&barrier), 0);
}
END_TEST

/* One times out (own deadline or enclosing timeout) or is killed: the others do not wait in vain. */
START_TEST(who_gives_up_breaks_it)
{
    int waiting, killed = 0;
    green_timeout_t outer;
    green_t *g = send_one(&waiting);
    green_timeout_start(&outer, _i == 1 ? GREEN_MS(2) : GREEN_FOREVER);
    if (_i == 2) {
        green_t *k = send_one(&killed);
        ck_assert_int_eq(green_kill(k, soon()), 0);
        green_release(k);
        ck_assert_int_eq(killed, -ECANCELED);
    } else {
        ck_assert_int_eq(green_barrier_wait(&barrier, _i == 0 ? green_in_ms(2) : soon()), -ETIMEDOUT);
    }
    green_timeout_stop(&outer);
    finish(g);
    ck_assert_int_eq(waiting, -EPIPE);
    ck_assert(green_barrier_broken(&barrier));
    ck_assert_uint_eq(green_barrier_waiting(&barrier), 0);
    ck_assert_int_eq(green_barrier_wait(&barrier, soon()), -EPIPE);
    green_barrier_reset(&barrier);
    ck_assert(!green_barrier_broken(&barrier));
    ck_assert_int_eq(green_barrier_wait(&barrier, GREEN_NOWAIT), -EAGAIN);
}
END_TEST

START_TEST(aborted_and_reset)
{
    int before, after[2];
    bool aborts = _i == 0;
    green_t *g = send_one(&before);
    if (aborts)
        green_barrier_abort(&barrier);
    green_barrier_reset(&barrier);
    green_t *h[] = {send_one(&after[0]),
                    send_one(&after[1])}; /* a new round, while the old one is still leaving */
    finish(g);
    ck_assert_int_eq(before, -EPIPE);
    ck_assert_uint_eq(green_barrier_waiting(&barrier), 2);
    ck_assert_int_eq(green_barrier_wait(&barrier, soon()), GREEN_BARRIER_SERIAL);
    for (int i = 0; i < 2; i++) {
        finish(h[i]);
        ck_assert_int_eq(after[i], 0);
    }
}
END_TEST

/* Cancelled, but not run yet, when the last one comes: all have come, the round is complete. */
START_TEST(a_complete_round_stands)
{
    int results[2];
    green_t *g[] = {send_one(&results[0]), send_one(&results[1])};
    bool before = _i == 0;
    if (before)
        ck_assert_int_eq(green_cancel(g[0]), 0);
    ck_assert_int_eq(green_barrier_wait(&barrier, soon()), GREEN_BARRIER_SERIAL);
    if (!before)
        ck_assert_int_eq(green_cancel(g[0]), 0);
    for (int i = 0; i < 2; i++) {
        finish(g[i]);
        ck_assert_int_eq(results[i], 0);
    }
    ck_assert(!green_barrier_broken(&barrier));
    ck_assert_int_eq(green_barrier_destroy(&barrier), 0);
}
END_TEST

static int arrived[4];

static void *march(void *arg)
{
    int me = (int)(intptr_t)arg, serial = 0;
    for (int i = 0; i < 100; i++) {
        arrived[me]++;
        if ((i + me) % 3 == 0)
            yields(me);
        int r = green_barrier_wait(&barrier, soon());
        ck_assert_int_ge(r, 0);
        serial += r;
        for (int j = 0; j < 4; j++)
            ck_assert(arrived[j] == i + 1 || arrived[j] == i + 2);
    }
    return (void *)(intptr_t)serial;
}

START_TEST(in_step)
{
    green_t *g[4];
    int serials = 0;
    ck_assert_int_eq(green_barrier_init(&barrier, 4), 0);
    for (int i = 0; i < 4; i++)
        g[i] = spawn(march, (void *)(intptr_t)i);
    for (int i = 0; i < 4; i++) {
        void *result;
        ck_assert_int_eq(green_get(g[i], &result, soon()), 0);
        serials += (int)(intptr_t)result;
        green_release(g[i]);
    }
    ck_assert_int_eq(serials, 100);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {one_of_each_round_is_told, 0},
        {who_gives_up_breaks_it, 3},
        {aborted_and_reset, 2},
        {a_complete_round_stands, 2},
        {in_step, 0},
    };
    return RUN_TESTS("barrier", tests);
}
