/* Conditions: however the wait ends, the mutex is held afterwards. */
#include "support.h"

static green_condition_t condition = GREEN_CONDITION_INIT;
static green_mutex_t mutex = GREEN_MUTEX_INIT;
static int order[8], through;

struct waiting {
    int number, result;
    bool had_mutex;
};

static void *wait_for_signal(void *arg)
{
    struct waiting *w = arg;
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    w->result = 1;
    w->result = green_condition_wait(&condition, &mutex, GREEN_FOREVER);
    w->had_mutex = green_mutex_is_mine(&mutex);
    if (w->result == 0)
        order[through++] = w->number;
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    return NULL;
}

static void begin_waiting(green_t **g, struct waiting *w, int count)
{
    for (int i = 0; i < count; i++) {
        w[i] = (struct waiting){.number = i};
        g[i] = spawn(wait_for_signal, &w[i]);
    }
    yields(1);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(w[i].result, 1);
}

/* With and without the mutex in hand. */
START_TEST(signals_and_broadcasts)
{
    struct waiting w[5];
    green_t *g[5];
    bool locked = _i == 1;
    begin_waiting(g, w, 5);
    ck_assert_int_eq(green_condition_destroy(&condition), -EBUSY);
    if (locked)
        ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    green_condition_signal(&condition);
    green_condition_signal(&condition);
    yields(3);
    ck_assert_int_eq(through, locked ? 0 : 2);
    if (locked)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    yields(3);
    ck_assert_int_eq(through, 2);
    green_condition_broadcast(&condition);
    for (int i = 0; i < 5; i++) {
        finish(g[i]);
        ck_assert_int_eq(order[i], i);
        ck_assert(w[i].had_mutex);
    }
    green_condition_signal(&condition); /* nobody is there, and it is not kept */
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_condition_destroy(&condition), 0);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

START_TEST(the_mutex_is_asked_for)
{
    uint64_t before = switches();
    green_condition_init(&condition);
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, soon()), -EPERM);
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_condition_destroy(&condition), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* Case 67: cancelled while somebody holds the mutex: waits for that first, and no signal is lost. */
START_TEST(a_cancelled_wait_takes_the_mutex_back)
{
    struct waiting w[2];
    green_t *g[2];
    begin_waiting(g, w, 2);
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_cancel(g[0]), 0);
    yields(3);
    ck_assert(!green_done(g[0]));
    green_condition_signal(&condition); /* for the other one */
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    finish(g[0]);
    ck_assert_int_eq(w[0].result, -ECANCELED);
    ck_assert(w[0].had_mutex);
    finish(g[1]);
    ck_assert_int_eq(w[1].result, 0);
    ck_assert(w[1].had_mutex);
}
END_TEST

/* Signalled, then cancelled before it has the mutex: the signal is its own. */
START_TEST(a_signal_given_stays)
{
    struct waiting w[2];
    green_t *g[2];
    bool locked = _i == 1;
    begin_waiting(g, w, 2);
    if (locked)
        ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    green_condition_signal(&condition);
    ck_assert_int_eq(green_cancel(g[0]), 0);
    yields(2);
    if (locked)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    finish(g[0]);
    ck_assert_int_eq(w[0].result, 0);
    ck_assert(w[0].had_mutex);
    yields(2);
    ck_assert_int_eq(w[1].result, 1);
    ck_assert_int_eq(green_kill(g[1], soon()), 0);
    ck_assert_int_eq(w[1].result, -ECANCELED);
    ck_assert(w[1].had_mutex);
    green_release(g[1]);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

static void *hold_for_a_while(void *arg)
{
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_sleep(GREEN_MS(20)), 0);
    *(bool *)arg = true;
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    return NULL;
}

/* The deadline passes while another greenlet holds the mutex: the wait lasts until that lets it go. An enclosing
 * timeout is not swallowed either. */
START_TEST(a_timed_out_wait_takes_the_mutex_back)
{
    bool let_go = false;
    green_timeout_t outer;
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    green_t *g = spawn(hold_for_a_while, &let_go);
    yields(1);
    green_timeout_start(&outer, _i == 0 ? GREEN_FOREVER : GREEN_MS(2));
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, _i == 0 ? green_in_ms(2) : soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer) == (_i == 1));
    ck_assert(let_go);
    ck_assert(green_mutex_is_mine(&mutex));
    if (_i == 1)
        ck_assert_int_eq(green_condition_wait(&condition, &mutex, soon()), -ETIMEDOUT);
    green_timeout_stop(&outer);
    ck_assert_int_eq(green_condition_destroy(&condition), 0);
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    finish(g);
}
END_TEST

static void *never_unlock(void *arg)
{
    green_park_t me = GREEN_PARK_INIT;
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_park(&me, GREEN_FOREVER), -ECANCELED);
    return (void *)(intptr_t)green_mutex_unlock(&mutex);
}

/* Nothing can ever happen again: main is told, and whether it holds the mutex. */
START_TEST(deadlocks)
{
    ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, GREEN_FOREVER), -EDEADLK);
    ck_assert(green_mutex_is_mine(&mutex));
    green_t *g = spawn(never_unlock, NULL);
    yields(1);
    ck_assert_int_eq(green_condition_wait(&condition, &mutex, GREEN_FOREVER), -ENOLCK);
    ck_assert(!green_mutex_is_mine(&mutex));
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    ck_assert_int_eq(green_condition_destroy(&condition), 0);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}
END_TEST

static green_recursive_mutex_t recursive = GREEN_RECURSIVE_MUTEX_INIT;

static void *change_and_signal(void *arg)
{
    ck_assert_int_eq(green_recursive_mutex_lock(&recursive, soon()), 0);
    ck_assert_uint_eq(green_recursive_mutex_depth(&recursive), 1);
    green_condition_signal(&condition);
    ck_assert_int_eq(green_recursive_mutex_unlock(&recursive), 0);
    return arg;
}

START_TEST(a_recursive_mutex_comes_back_in_full_depth)
{
    ck_assert_int_eq(green_condition_wait_recursive(&condition, &recursive, soon()), -EPERM);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_recursive_mutex_lock(&recursive, soon()), 0);
    green_t *g = spawn(change_and_signal, NULL);
    ck_assert_int_eq(green_condition_wait_recursive(&condition, &recursive, soon()), 0);
    ck_assert_uint_eq(green_recursive_mutex_depth(&recursive), 3);
    ck_assert_int_eq(green_condition_wait_recursive(&condition, &recursive, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_condition_wait_recursive(&condition, &recursive, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(green_recursive_mutex_depth(&recursive), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_recursive_mutex_unlock(&recursive), 0);
    ck_assert_int_eq(green_recursive_mutex_destroy(&recursive), 0);
    finish(g);
}
END_TEST

static int stock, eaten;

static void *eat(void *arg)
{
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
        while (!stock) {
            int r = green_condition_wait(&condition, &mutex, i % 5 ? soon() : green_in(GREEN_US(20)));
            ck_assert(r == 0 || r == -ETIMEDOUT);
        }
        stock--;
        eaten++;
        if (i % 3 == 0)
            yields(1);
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    }
    return arg;
}

START_TEST(producer_and_consumers)
{
    green_t *g[10];
    for (int i = 0; i < 10; i++)
        g[i] = spawn(eat, NULL);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(green_mutex_lock(&mutex, soon()), 0);
        stock++;
        if (i % 2)
            green_condition_signal(&condition);
        else
            green_condition_broadcast(&condition);
        if (i % 7 == 0)
            yields(1);
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    }
    for (int i = 0; i < 10; i++)
        finish(g[i]);
    ck_assert_int_eq(eaten, 1000);
    ck_assert_int_eq(stock, 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {signals_and_broadcasts, 2},
        {the_mutex_is_asked_for, 0},
        {a_cancelled_wait_takes_the_mutex_back, 0},
        {a_signal_given_stays, 2},
        {a_timed_out_wait_takes_the_mutex_back, 2},
        {deadlocks, 0},
        {a_recursive_mutex_comes_back_in_full_depth, 0},
        {producer_and_consumers, 0},
    };
    return RUN_TESTS("condition", tests);
}
