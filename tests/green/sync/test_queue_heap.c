/* Priority queues. */
#include "queueing.h"

struct ranked {
    int rank, number;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Case 81: the least first, and among equals the one put first. */
START_TEST(priority_takes_the_least_and_ties_are_stable)
{
    enum { COUNT = 1000 };
    static struct ranked items[COUNT];
    green_queue_t q;
    void *item;
    ck_assert_int_eq(green_queue_init_priority(&q, 0, NULL), -EINVAL);
    ck_assert_int_eq(green_queue_init_priority(&q, 0, by_rank), 0);
    for (int i = 0; i < COUNT; i++) {
        items[i] = (struct ranked){.rank = i * 7919 % 13, .number = i};
        ck_assert_int_eq(green_queue_put(&q, &items[i], GREEN_NOWAIT), 0);
    }
    struct ranked last = {.rank = -1};
    for (int i = 0; i < COUNT; i++) {
        void *seen;
        ck_assert_int_eq(green_queue_peek(&q, &seen, GREEN_NOWAIT), 0);
        ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), 0);
        ck_assert_ptr_eq(seen, item);
        struct ranked *r = item;
        ck_assert(r->rank > last.rank || (r->rank == last.rank && r->number > last.number));
        last = *r;
    }
    ck_assert_uint_eq(green_queue_len(&q), 0);
    destroy(&q);
}
END_TEST

START_TEST(a_full_priority_queue_lets_putters_in_by_their_turn)
{
    struct ranked items[] = {{5, 0}, {9, 1}, {1, 2}};
    green_queue_t q;
    void *item;
    ck_assert_int_eq(green_queue_init_priority(&q, 1, by_rank), 0);
    ck_assert_int_eq(green_queue_put(&q, &items[0], GREEN_NOWAIT), 0);
    struct party first = {.queue = &q, .item = &items[1], .deadline = soon()};
    struct party second = {.queue = &q, .item = &items[2], .deadline = soon()};
    launch(&first, puts_in);
    launch(&second, puts_in);
    yields(1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(green_queue_get(&q, &item, GREEN_NOWAIT), 0);
        ck_assert_ptr_eq(item, &items[i]);
    }
    end_of(&first);
    end_of(&second);
    destroy(&q);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {priority_takes_the_least_and_ties_are_stable, 0},
        {a_full_priority_queue_lets_putters_in_by_their_turn, 0},
    };
    return RUN_TESTS("queue heap", tests);
}
