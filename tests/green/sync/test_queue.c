/* Queues: order, handing over, time limits, cancellation. */
#include "queueing.h"

/* --- without waiting ------------------------------------------------------------------------------------------------ */

/* Case 69, and case 76 where there is nothing. */
START_TEST(nowait_fills_and_empties)
{
    green_queue_t q;
    void *item = &q;
    green_queue_init(&q, 1);
    uint64_t before = switches();
    ck_assert_int_eq(green_queue_peek(&q, &item, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), -EAGAIN);
    ck_assert_ptr_eq(item, &q);
    put(&q, "a");
    ck_assert(green_queue_full(&q));
    ck_assert_int_eq(green_queue_put(&q, NULL, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_queue_peek(&q, &item, GREEN_NOWAIT), 0);
    ck_assert_str_eq(item, "a");
    ck_assert_uint_eq(green_queue_len(&q), 1);
    ck_assert_str_eq(taken(&q), "a");
    ck_assert_uint_eq(green_queue_len(&q), 0);
    ck_assert_uint_eq(switches(), before);
    destroy(&q);
}
END_TEST

START_TEST(null_is_an_item)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    void *item = &q;
    ck_assert_int_eq(green_queue_put(&q, NULL, soon()), 0);
    ck_assert_int_eq(green_queue_get(&q, &item, soon()), 0);
    ck_assert_ptr_null(item);
    destroy(&q);
}
END_TEST

/* The ring wraps and grows with its head anywhere. */
START_TEST(fifo_keeps_order_while_it_grows)
{
    static char items[5000];
    green_queue_t q = GREEN_QUEUE_INIT;
    size_t in = 0, out = 0;
    void *item;
    for (size_t burst = 1; in + burst <= sizeof items; burst++) {
        for (size_t i = 0; i < burst; i++)
            ck_assert_int_eq(green_queue_put(&q, &items[in++], GREEN_NOWAIT), 0);
        for (size_t i = 0; i < burst / 2; i++) {
            ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), 0);
            ck_assert_ptr_eq(item, &items[out++]);
        }
    }
    ck_assert_uint_eq(green_queue_len(&q), in - out);
    for (; out < in; out++) {
        ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), 0);
        ck_assert_ptr_eq(item, &items[out]);
    }
    destroy(&q);
}
END_TEST

/* Case 81. */
START_TEST(lifo_takes_the_newest)
{
    static char items[100];
    green_queue_t q;
    void *item;
    green_queue_init_lifo(&q, 0);
    for (size_t i = 0; i < sizeof items; i++)
        ck_assert_int_eq(green_queue_put(&q, &items[i], GREEN_NOWAIT), 0);
    for (size_t i = sizeof items; i-- > 0;) {
        ck_assert_int_eq(green_queue_peek(&q, &item, GREEN_NOWAIT), 0);
        ck_assert_ptr_eq(item, &items[i]);
        ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), 0);
        ck_assert_ptr_eq(item, &items[i]);
    }
    destroy(&q);
}
END_TEST

/* --- waiting -------------------------------------------------------------------------------------------------------- */

/* Case 71: whoever is first to send or to receive, in full queues too. */
START_TEST(getter_first_and_putter_first)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    struct party getter = party(&q, NULL);
    launch(&getter, gets);
    yields(1);
    put(&q, "straight");
    ck_assert_uint_eq(green_queue_len(&q), 0);
    ck_assert_str_eq(end_of(&getter), "straight");
    ck_assert_int_eq(getter.result, 0);

    struct party putter = party(&q, "second");
    put(&q, "first");
    launch(&putter, puts_in);
    yields(1);
    ck_assert_int_eq(putter.result, 1);
    ck_assert_str_eq(taken(&q), "first");
    ck_assert_uint_eq(green_queue_len(&q), 1);
    end_of(&putter);
    ck_assert_int_eq(putter.result, 0);
    ck_assert_str_eq(taken(&q), "second");
    destroy(&q);
}
END_TEST

/* Case 71: blocked putters come in one by one, in their order. */
START_TEST(blocked_putters_keep_the_order)
{
    static const char *const items[] = {"1", "2", "3", "4", "5", "6"};
    struct party putters[6];
    green_queue_t q;
    green_queue_init(&q, 2);
    for (int i = 0; i < 6; i++) {
        putters[i] = party(&q, items[i]);
        launch(&putters[i], puts_in);
    }
    yields(1);
    ck_assert_uint_eq(green_queue_len(&q), 2);
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(taken(&q), items[i]);
        ck_assert_uint_le(green_queue_len(&q), 2);
    }
    ck_assert_ptr_null(taken(&q));
    for (int i = 0; i < 6; i++) {
        end_of(&putters[i]);
        ck_assert_int_eq(putters[i].result, 0);
    }
    destroy(&q);
}
END_TEST

/* Case 72: getters are served in their order, each with an item of its own. */
START_TEST(each_waiter_gets_one)
{
    static const char *const items[] = {"1", "2", "3", "4"};
    struct party getters[4];
    green_queue_t q = GREEN_QUEUE_INIT;
    for (int i = 0; i < 4; i++) {
        getters[i] = party(&q, NULL);
        launch(&getters[i], gets);
    }
    yields(1);
    for (int i = 0; i < 4; i++)
        put(&q, items[i]);
    ck_assert_uint_eq(green_queue_len(&q), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(end_of(&getters[i]), items[i]);
    destroy(&q);
}
END_TEST

/* Case 73. */
START_TEST(a_getter_that_timed_out_takes_nothing)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    void *item = NULL;
    ck_assert_int_eq(green_queue_get(&q, &item, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_queue_peek(&q, &item, green_in_ms(1)), -ETIMEDOUT);
    put(&q, "kept");
    ck_assert_str_eq(taken(&q), "kept");
    destroy(&q);

    green_queue_init(&q, 1);
    put(&q, "full");
    ck_assert_int_eq(green_queue_put(&q, &q, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_str_eq(taken(&q), "full");
    ck_assert_ptr_null(taken(&q));
    ck_assert_uint_eq(green_queue_unfinished(&q), 1);
    destroy(&q);
}
END_TEST

/* Case 75: one of two waiters dies, decided but not yet run; and with two more that had died before. */
START_TEST(a_cancelled_getter_takes_nothing)
{
    struct party getters[4];
    green_queue_t q = GREEN_QUEUE_INIT;
    for (int i = 0; i < 4; i++) {
        getters[i] = party(&q, NULL);
        launch(&getters[i], gets);
    }
    yields(1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_cancel(getters[i].greenlet), 0);
    put(&q, "for the last");
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_null(end_of(&getters[i]));
        ck_assert_int_eq(getters[i].result, -ECANCELED);
    }
    ck_assert_str_eq(end_of(&getters[3]), "for the last");
    destroy(&q);
}
END_TEST

/* Having got it, it keeps it; the cancellation is for the next call. */
START_TEST(a_getter_cancelled_after_its_item_came_keeps_it)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    struct party getter = party(&q, NULL);
    launch(&getter, gets);
    yields(1);
    put(&q, "mine");
    ck_assert_int_eq(green_cancel(getter.greenlet), 0);
    ck_assert_str_eq(end_of(&getter), "mine");
    ck_assert_int_eq(getter.result, 0);
    destroy(&q);
}
END_TEST

START_TEST(a_cancelled_putter_puts_nothing)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    put(&q, "in");
    struct party dies = party(&q, "never"), lives = party(&q, "later");
    launch(&dies, puts_in);
    launch(&lives, puts_in);
    yields(1);
    ck_assert_int_eq(green_cancel(dies.greenlet), 0);
    ck_assert_str_eq(taken(&q), "in");
    end_of(&dies);
    end_of(&lives);
    ck_assert_int_eq(dies.result, -ECANCELED);
    ck_assert_int_eq(lives.result, 0);
    ck_assert_str_eq(taken(&q), "later");
    ck_assert_ptr_null(taken(&q));
    ck_assert_uint_eq(green_queue_unfinished(&q), 2);
    destroy(&q);
}
END_TEST

/* Case 74. */
START_TEST(the_item_of_a_finished_putter_arrives)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    struct party a = party(&q, "a"), b = party(&q, "b");
    launch(&a, puts_in);
    launch(&b, puts_in);
    end_of(&a);
    ck_assert_str_eq(taken(&q), "a");
    end_of(&b);
    ck_assert_str_eq(taken(&q), "b");
    destroy(&q);
}
END_TEST

struct interrupted {
    green_queue_t *queue;
    int got, waited, joined, nowait;
};

static void *goes_on_after_cancel(void *arg)
{
    struct interrupted *i = arg;
    void *item;
    ck_assert_int_eq(green_cancel(green_self()), 0);
    i->got = green_queue_get(i->queue, &item, soon());
    i->waited = green_queue_get(i->queue, &item, soon());
    i->joined = green_queue_join(i->queue, soon());
    i->nowait = green_queue_get(i->queue, &item, GREEN_NOWAIT);
    return NULL;
}

/* Every call that would wait says so; the others go on working. */
START_TEST(cancellation_is_sticky)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    struct interrupted i = {.queue = &q};
    put(&q, "a");
    finish(spawn(goes_on_after_cancel, &i));
    ck_assert_int_eq(i.got, 0);
    ck_assert_int_eq(i.waited, -ECANCELED);
    ck_assert_int_eq(i.joined, -ECANCELED);
    ck_assert_int_eq(i.nowait, -EAGAIN);
    destroy(&q);
}
END_TEST

START_TEST(an_enclosing_timeout_ends_the_wait)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    green_timeout_t t;
    void *item;
    green_timeout_start(&t, GREEN_MS(1));
    ck_assert_int_eq(green_queue_get(&q, &item, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);
    put(&q, "a");
    ck_assert_str_eq(taken(&q), "a");
    destroy(&q);
}
END_TEST

/* Case 76. */
START_TEST(peekers_see_the_same_and_take_nothing)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    struct party one = party(&q, NULL), two = party(&q, NULL);
    launch(&one, peeks);
    launch(&two, peeks);
    yields(1);
    put(&q, "seen");
    ck_assert_str_eq(end_of(&one), "seen");
    ck_assert_str_eq(end_of(&two), "seen");
    ck_assert_uint_eq(green_queue_len(&q), 1);
    ck_assert_str_eq(taken(&q), "seen");
    destroy(&q);
}
END_TEST

/* It was woken, but the item is somebody else's by the time it runs. */
START_TEST(a_peeker_never_sees_what_has_gone)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    struct party peeker = party(&q, NULL);
    launch(&peeker, peeks);
    yields(1);
    put(&q, "gone");
    ck_assert_str_eq(taken(&q), "gone");
    yields(2);
    ck_assert_int_eq(peeker.result, 1);
    put(&q, "here");
    ck_assert_str_eq(end_of(&peeker), "here");
    ck_assert_str_eq(taken(&q), "here");
    destroy(&q);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {nowait_fills_and_empties, 0},
        {null_is_an_item, 0},
        {fifo_keeps_order_while_it_grows, 0},
        {lifo_takes_the_newest, 0},
        {getter_first_and_putter_first, 0},
        {blocked_putters_keep_the_order, 0},
        {each_waiter_gets_one, 0},
        {a_getter_that_timed_out_takes_nothing, 0},
        {a_cancelled_getter_takes_nothing, 0},
        {a_getter_cancelled_after_its_item_came_keeps_it, 0},
        {a_cancelled_putter_puts_nothing, 0},
        {the_item_of_a_finished_putter_arrives, 0},
        {cancellation_is_sticky, 0},
        {an_enclosing_timeout_ends_the_wait, 0},
        {peekers_see_the_same_and_take_nothing, 0},
        {a_peeker_never_sees_what_has_gone, 0},
    };
    return RUN_TESTS("queue", tests);
}
