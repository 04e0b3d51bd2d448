/* Queues across threads: every item once, in order, whatever happens to those who wait. */
#include "threads.h"

static green_shared_queue_t queue = GREEN_SHARED_QUEUE_INIT(0);
static pthread_barrier_t all_done;
static char letters[100];

static int result_of(green_t *g)
{
    void *result;
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    green_release(g);
    return (int)(intptr_t)result;
}

struct call {
    void *item;
    int result;
    green_time deadline;
};

static void *put_one(void *arg)
{
    struct call *c = arg;
    c->result = green_shared_queue_put(&queue, c->item, c->deadline);
    return (void *)(intptr_t)c->result;
}

static void *get_one(void *arg)
{
    struct call *c = arg;
    c->result = green_shared_queue_get(&queue, &c->item, c->deadline);
    return (void *)(intptr_t)c->result;
}

#define CALL(what)                                                                                           \
    {                                                                                                        \
        .item = (what), .result = 1, .deadline = GREEN_FOREVER                                               \
    }

START_TEST(without_waiting)
{
    uint64_t before = switches();
    void *item = letters;
    size_t capacity = _i == 0 ? 0 : 100;
    green_shared_queue_init(&queue, capacity);
    ck_assert_int_eq(green_shared_queue_try_get(&queue, &item), -EAGAIN);
    ck_assert_int_eq(green_shared_queue_get(&queue, &item, GREEN_NOWAIT), -EAGAIN);
    ck_assert_ptr_eq(item, letters);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(i % 2 ? green_shared_queue_try_put(&queue, &letters[i])
                                   : green_shared_queue_put(&queue, &letters[i], GREEN_NOWAIT),
                             0);
        ck_assert_uint_eq(green_shared_queue_len(&queue), 100);
        if (capacity) {
            ck_assert_int_eq(green_shared_queue_try_put(&queue, NULL), -EAGAIN);
            ck_assert_int_eq(green_shared_queue_put(&queue, NULL, GREEN_NOWAIT), -EAGAIN);
        }
        for (int i = 0; i < 100; i++) {
            ck_assert_int_eq(i % 2 ? green_shared_queue_try_get(&queue, &item)
                                   : green_shared_queue_get(&queue, &item, GREEN_NOWAIT),
                             0);
            ck_assert_ptr_eq(item, &letters[i]);
        }
    }
    ck_assert_int_eq(green_shared_queue_try_put(&queue, NULL), 0); /* NULL is an item like others */
    green_shared_queue_close(&queue);
    green_shared_queue_close(&queue);
    ck_assert_int_eq(green_shared_queue_try_put(&queue, NULL), -EPIPE);
    ck_assert_int_eq(green_shared_queue_put(&queue, NULL, soon()), -EPIPE);
    ck_assert_int_eq(green_shared_queue_get(&queue, &item, soon()), 0);
    ck_assert_ptr_null(item);
    ck_assert_int_eq(green_shared_queue_try_get(&queue, &item), -EPIPE);
    ck_assert_int_eq(green_shared_queue_get(&queue, &item, soon()), -EPIPE);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

/* The ring grows while its contents lie across its end. */
START_TEST(growing)
{
    void *item;
    int in = 0, out = 0;
    while (in < 96) {
        for (int i = 0; i < 8; i++)
            ck_assert_int_eq(green_shared_queue_try_put(&queue, &letters[in++]), 0);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(green_shared_queue_try_get(&queue, &item), 0);
            ck_assert_ptr_eq(item, &letters[out++]);
        }
    }
    while (out < in) {
        ck_assert_int_eq(green_shared_queue_try_get(&queue, &item), 0);
        ck_assert_ptr_eq(item, &letters[out++]);
    }
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

/* Getters and putters are served in order; who gives up takes nothing out and leaves nothing in. */
START_TEST(within_one_hub)
{
    struct call calls[3] = {CALL(NULL), CALL(NULL), CALL(NULL)};
    green_t *g[3];
    green_shared_queue_init(&queue, 1);
    ck_assert_int_eq(green_shared_queue_get(&queue, &calls[0].item, green_in_ms(1)), -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        g[i] = spawn(get_one, &calls[i]);
    yields(1);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), -EBUSY);
    ck_assert_int_eq(green_cancel(g[1]), 0);
    yields(1);
    for (int i = 0; i < 3; i++) /* two for those who wait, one that stays */
        ck_assert_int_eq(green_shared_queue_try_put(&queue, &letters[i]), 0);
    ck_assert_int_eq(result_of(g[0]), 0);
    ck_assert_int_eq(result_of(g[1]), -ECANCELED);
    ck_assert_int_eq(result_of(g[2]), 0);
    ck_assert_ptr_eq(calls[0].item, &letters[0]);
    ck_assert_ptr_eq(calls[2].item, &letters[1]);
    ck_assert_uint_eq(green_shared_queue_len(&queue), 1);

    ck_assert_int_eq(green_shared_queue_put(&queue, NULL, green_in_ms(1)), -ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call)CALL(&letters[3 + i]);
        g[i] = spawn(put_one, &calls[i]);
    }
    yields(1);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), -EBUSY);
    ck_assert_int_eq(green_kill(g[1], soon()), 0);
    static const int expected[] = {2, 3, 5};
    for (int i = 0; i < 3; i++) {
        void *item;
        ck_assert_int_eq(green_shared_queue_try_get(&queue, &item), 0);
        ck_assert_ptr_eq(item, &letters[expected[i]]);
        ck_assert_int_eq(result_of(g[i]), i == 1 ? -ECANCELED : 0);
    }
    ck_assert_uint_eq(green_shared_queue_len(&queue), 0);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

static void *close_without_hub(void *arg)
{
    until_waiting(&queue.lock, arg, 3);
    green_shared_queue_close(&queue);
    return (void *)(intptr_t)(green__hub != NULL);
}

/* Closed from outside: all who wait hear of it, none of their items is in. */
START_TEST(closing_wakes_all)
{
    struct call calls[3] = {CALL(letters), CALL(letters), CALL(letters)};
    green_t *g[3];
    bool putters = _i == 1;
    green_shared_queue_init(&queue, 1);
    if (putters)
        ck_assert_int_eq(green_shared_queue_try_put(&queue, &letters[9]), 0);
    for (int i = 0; i < 3; i++)
        g[i] = spawn(putters ? put_one : get_one, &calls[i]);
    pthread_t thread = start(close_without_hub, putters ? &queue.putters : &queue.getters);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(result_of(g[i]), -EPIPE);
        ck_assert_ptr_eq(calls[i].item, letters);
    }
    ck_assert_ptr_null(end_of(thread));
    ck_assert_uint_eq(green_shared_queue_len(&queue), putters ? 1 : 0);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

static void *put_without_hub(void *arg)
{
    until_waiting(&queue.lock, &queue.getters, 1);
    intptr_t bad = green_shared_queue_try_put(&queue, arg) != 0;
    return (void *)(bad | (green__hub != NULL));
}

static void *get_without_hub(void *arg)
{
    void *item;
    until_waiting(&queue.lock, &queue.putters, 1);
    intptr_t bad = green_shared_queue_try_get(&queue, &item) != 0 || item != arg;
    return (void *)(bad | (green__hub != NULL));
}

/* The other side has acted while the hub was held up; then cancelled, or past the deadline: the item has changed
 * hands. */
START_TEST(a_hand_over_stands)
{
    bool putter = _i % 2, cancelled = _i < 2;
    struct call c = CALL(&letters[1]);
    if (!cancelled)
        c.deadline = green_in_ms(1);
    green_shared_queue_init(&queue, 1);
    if (putter)
        ck_assert_int_eq(green_shared_queue_try_put(&queue, &letters[7]), 0);
    green_t *g = spawn(putter ? put_one : get_one, &c);
    yields(1);
    ck_assert_ptr_null(end_of(start(putter ? get_without_hub : put_without_hub, &letters[7])));
    if (cancelled)
        ck_assert_int_eq(green_cancel(g), 0);
    while (!cancelled && green_now() <= c.deadline)
        ;
    ck_assert_int_eq(result_of(g), 0);
    if (putter)
        ck_assert_int_eq(green_shared_queue_try_get(&queue, &c.item), 0);
    ck_assert_ptr_eq(c.item, putter ? &letters[1] : &letters[7]);
    ck_assert_uint_eq(green_shared_queue_len(&queue), 0);
    ck_assert_uint_eq(green_hub()->outside, 0);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

enum { PRODUCERS = 4, CONSUMERS = 4, EACH = 1000 };

static struct {
    int each;
    bool impatient;
    atomic_int seen[PRODUCERS * EACH];
    atomic_int got, wrong;
} traffic;

/* Every second one has no hub and only tries. */
static void *produce(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (intptr_t i = 0; i < traffic.each; i++) {
        void *item = (void *)(me * EACH + i);
        int r;
        if (me % 2) {
            while ((r = green_shared_queue_try_put(&queue, item)) == -EAGAIN)
                sched_yield();
            traffic.wrong |= green__hub != NULL;
        } else {
            do
                r = green_shared_queue_put(&queue, item, traffic.impatient ? green_in(GREEN_US(20)) : soon());
            while (traffic.impatient && r == -ETIMEDOUT);
        }
        traffic.wrong |= r != 0;
    }
    return close_hub(&all_done, 0);
}

static void *consume_greenlet(void *arg)
{
    int last[PRODUCERS] = {-1, -1, -1, -1};
    for (;;) {
        void *item;
        int r = green_shared_queue_get(&queue, &item, traffic.impatient ? green_in(GREEN_US(30)) : soon());
        if (traffic.impatient && r == -ETIMEDOUT)
            continue;
        if (r == -EPIPE)
            return arg;
        int from = (int)(intptr_t)item / EACH, number = (int)(intptr_t)item % EACH;
        traffic.wrong |= r != 0 || number <= last[from];
        last[from] = number;
        traffic.seen[(intptr_t)item]++;
        traffic.got++;
    }
}

static void *consume(void *arg)
{
    green_t *g[2];
    for (int i = 0; i < 2; i++)
        g[i] = green_spawn(consume_greenlet, NULL);
    for (int i = 0; i < 2; i++) {
        traffic.wrong |= green_join(g[i], GREEN_FOREVER) != 0;
        green_release(g[i]);
    }
    return close_hub(&all_done, 0);
}

/* Eight threads, a thousand items from each producer: every item exactly once, those of one producer in order. */
START_TEST(producers_and_consumers)
{
    pthread_t threads[PRODUCERS + CONSUMERS];
    traffic.each = rounds(EACH - 1);
    traffic.impatient = _i >= 2;
    green_shared_queue_init(&queue, _i % 2 ? 4 : 0);
    pthread_barrier_init(&all_done, NULL, PRODUCERS + CONSUMERS);
    for (int i = 0; i < PRODUCERS; i++)
        threads[i] = start(produce, (void *)(intptr_t)i);
    for (int i = 0; i < CONSUMERS; i++)
        threads[PRODUCERS + i] = start(consume, NULL);
    while (traffic.got < PRODUCERS * traffic.each && !traffic.wrong)
        sched_yield();
    green_shared_queue_close(&queue);
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        ck_assert_ptr_null(end_of(threads[i]));
    pthread_barrier_destroy(&all_done);
    ck_assert(!traffic.wrong);
    for (int p = 0; p < PRODUCERS; p++)
        for (int i = 0; i < EACH; i++)
            ck_assert_int_eq(traffic.seen[p * EACH + i], i < traffic.each ? 1 : 0);
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {without_waiting, 2},    {growing, 0},
        {within_one_hub, 0},     {closing_wakes_all, 2},
        {a_hand_over_stands, 4}, {producers_and_consumers, 4},
    };
    return RUN_TESTS("shared_queue", tests);
}
