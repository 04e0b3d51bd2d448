/* Queues: from the hub, as lists of jobs, closing, waiting for them with other things, threads, crowds. */
#include "queueing.h"

#include <pthread.h>

/* --- from the hub --------------------------------------------------------------------------------------------------- */

struct from_hub {
    green_link_t link;
    green_queue_t *queue;
    void *item;
    green_time deadline;
    int result;
    bool puts;
};

static void use_in_hub(green_link_t *link)
{
    struct from_hub *h = CONTAINER_OF(link, struct from_hub, link);
    uint64_t before = switches();
    h->result = h->puts ? green_queue_put(h->queue, h->item, h->deadline)
                        : green_queue_get(h->queue, &h->item, h->deadline);
    ck_assert_uint_eq(switches(), before);
}

static void *nothing(void *arg)
{
    return arg;
}

/* In the hub, at the end of a greenlet. */
static void in_hub(struct from_hub *h)
{
    green_t *g = spawn(nothing, NULL);
    green_rawlink(green_waitable(g), &h->link, use_in_hub);
    finish(g);
    yields(2);
}

/* Case 70. */
START_TEST(a_put_in_the_hub_wakes_the_getter)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    struct party getter = party(&q, NULL);
    struct from_hub h = {.queue = &q, .item = &q, .puts = true};
    launch(&getter, gets);
    yields(1);
    in_hub(&h);
    ck_assert_int_eq(h.result, 0);
    ck_assert_ptr_eq(end_of(&getter), &q);
    destroy(&q);
}
END_TEST

START_TEST(a_get_in_the_hub_wakes_the_putter)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    put(&q, "a");
    struct party putter = party(&q, "b");
    struct from_hub h = {.queue = &q};
    launch(&putter, puts_in);
    yields(1);
    in_hub(&h);
    ck_assert_int_eq(h.result, 0);
    ck_assert_str_eq(h.item, "a");
    end_of(&putter);
    ck_assert_int_eq(putter.result, 0);
    ck_assert_str_eq(taken(&q), "b");
    destroy(&q);
}
END_TEST

START_TEST(in_the_hub_full_and_empty_are_told)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    struct from_hub h = {.queue = &q, .puts = true};
    put(&q, "a");
    in_hub(&h);
    ck_assert_int_eq(h.result, -EAGAIN);
    ck_assert_str_eq(taken(&q), "a");
    h = (struct from_hub){.queue = &q};
    in_hub(&h);
    ck_assert_int_eq(h.result, -EAGAIN);
    h.deadline = soon(); /* case 101 */
    in_hub(&h);
    ck_assert_int_eq(h.result, -EPERM);
    destroy(&q);
}
END_TEST

struct ending {
    green_link_t link;
    green_queue_t *queue;
    green_t *greenlet;
};

static void put_ended(green_link_t *link)
{
    struct ending *e = CONTAINER_OF(link, struct ending, link);
    ck_assert_int_eq(green_queue_put(e->queue, e->greenlet, GREEN_NOWAIT), 0);
}

/* Case 25: a queue as the place where ended greenlets arrive, in the order of their ends. */
START_TEST(ended_greenlets_arrive_in_a_queue)
{
    struct ending endings[3];
    green_queue_t q = GREEN_QUEUE_INIT;
    for (int i = 0; i < 3; i++) {
        endings[i] = (struct ending){.queue = &q, .greenlet = spawn(nothing, NULL)};
        green_rawlink(green_waitable(endings[i].greenlet), &endings[i].link, put_ended);
    }
    for (int i = 0; i < 3; i++) {
        void *g;
        ck_assert_int_eq(green_queue_get(&q, &g, soon()), 0);
        ck_assert_ptr_eq(g, endings[i].greenlet);
        finish(g);
    }
    destroy(&q);
}
END_TEST

/* --- jobs ----------------------------------------------------------------------------------------------------------- */

static void *joins(void *arg)
{
    struct party *p = arg;
    p->result = green_queue_join(p->queue, p->deadline);
    return NULL;
}

/* Case 77. */
START_TEST(join_waits_for_every_job)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    ck_assert_int_eq(green_queue_join(&q, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_queue_task_done(&q), -EOVERFLOW);
    put(&q, "a");
    put(&q, "b");
    ck_assert_int_eq(green_queue_join(&q, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_queue_join(&q, green_in_ms(1)), -ETIMEDOUT);
    struct party joiners[2] = {party(&q, NULL), party(&q, NULL)};
    launch(&joiners[0], joins);
    launch(&joiners[1], joins);
    yields(1);
    ck_assert_str_eq(taken(&q), "a");
    ck_assert_str_eq(taken(&q), "b");
    ck_assert_int_eq(green_queue_task_done(&q), 0);
    ck_assert_uint_eq(green_queue_unfinished(&q), 1);
    yields(2);
    ck_assert_int_eq(joiners[0].result, 1);
    ck_assert_int_eq(green_queue_task_done(&q), 0);
    for (int i = 0; i < 2; i++) {
        end_of(&joiners[i]);
        ck_assert_int_eq(joiners[i].result, 0);
    }
    ck_assert_int_eq(green_queue_task_done(&q), -EOVERFLOW);
    ck_assert_uint_eq(green_queue_unfinished(&q), 0);
    destroy(&q);
}
END_TEST

/* Items that never lay in the queue count too: handed to a getter, or brought in by a waiting putter. */
START_TEST(every_way_in_makes_a_job)
{
    green_queue_t q;
    green_queue_init(&q, 1);
    struct party getter = party(&q, NULL), putter = party(&q, "c");
    launch(&getter, gets);
    yields(1);
    put(&q, "a");
    put(&q, "b");
    launch(&putter, puts_in);
    yields(1);
    ck_assert_uint_eq(green_queue_unfinished(&q), 2);
    ck_assert_str_eq(taken(&q), "b");
    ck_assert_uint_eq(green_queue_unfinished(&q), 3);
    end_of(&getter);
    end_of(&putter);
    destroy(&q);
}
END_TEST

/* --- closing -------------------------------------------------------------------------------------------------------- */

/* Case 78: put fails at once, what is in it can be had, then nothing any more. */
START_TEST(a_closed_queue_drains)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    void *item;
    put(&q, "a");
    put(&q, "b");
    ck_assert_int_eq(green_queue_close(&q), 0);
    ck_assert_int_eq(green_queue_close(&q), 0);
    ck_assert(green_queue_closed(&q));
    ck_assert_int_eq(green_queue_put(&q, &q, soon()), -EPIPE);
    ck_assert_int_eq(green_queue_put(&q, &q, GREEN_NOWAIT), -EPIPE);
    ck_assert_str_eq(taken(&q), "a");
    ck_assert_str_eq(taken(&q), "b");
    ck_assert_int_eq(green_queue_get(&q, &item, soon()), -EPIPE);
    ck_assert_int_eq(green_queue_peek(&q, &item, GREEN_NOWAIT), -EPIPE);
    ck_assert_int_eq(green_queue_join(&q, GREEN_NOWAIT), -EAGAIN);
    destroy(&q);
}
END_TEST

/* Case 78: everybody who waits is told. */
START_TEST(closing_wakes_ten_on_each_side)
{
    struct party getters[10], peekers[10], putters[10];
    green_queue_t empty = GREEN_QUEUE_INIT, full;
    green_queue_init(&full, 1);
    put(&full, "stays");
    for (int i = 0; i < 10; i++) {
        getters[i] = party(&empty, NULL);
        peekers[i] = party(&empty, NULL);
        putters[i] = party(&full, "not put");
        launch(&getters[i], gets);
        launch(&peekers[i], peeks);
        launch(&putters[i], puts_in);
    }
    yields(1);
    ck_assert_int_eq(green_queue_destroy(&empty), -EBUSY);
    ck_assert_int_eq(green_queue_destroy(&full), -EBUSY);
    ck_assert_int_eq(green_queue_close(&empty), 0);
    ck_assert_int_eq(green_queue_close(&full), 0);
    for (int i = 0; i < 10; i++) {
        end_of(&getters[i]);
        end_of(&peekers[i]);
        end_of(&putters[i]);
        ck_assert_int_eq(getters[i].result, -EPIPE);
        ck_assert_int_eq(peekers[i].result, -EPIPE);
        ck_assert_int_eq(putters[i].result, -EPIPE);
    }
    ck_assert_str_eq(taken(&full), "stays");
    destroy(&empty);
    destroy(&full);
}
END_TEST

struct dropped {
    char text[16];
    size_t count;
};

static void note_dropped(void *item, void *arg)
{
    struct dropped *d = arg;
    d->text[d->count++] = *(const char *)item;
}

/* Case 78: at once, with the dropped jobs done; putters that waited keep theirs. */
START_TEST(dropping_calls_back_and_finishes_the_jobs)
{
    struct dropped dropped = {.count = 0};
    green_queue_t q;
    green_queue_init(&q, 3);
    put(&q, "a");
    put(&q, "b");
    put(&q, "c");
    struct party joiner = party(&q, NULL), putter = party(&q, "d");
    launch(&joiner, joins);
    launch(&putter, puts_in);
    yields(1);
    ck_assert_int_eq(green_queue_close_drop(&q, note_dropped, &dropped), 0);
    ck_assert_str_eq(dropped.text, "abc");
    ck_assert_uint_eq(green_queue_len(&q), 0);
    end_of(&joiner);
    ck_assert_int_eq(joiner.result, 0);
    end_of(&putter);
    ck_assert_int_eq(putter.result, -EPIPE);
    ck_assert_int_eq(green_queue_close_drop(&q, note_dropped, &dropped), 0);
    ck_assert_uint_eq(dropped.count, 3);
    destroy(&q);
}
END_TEST

START_TEST(what_is_dropped_may_have_been_called_done)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    put(&q, "a");
    put(&q, "b");
    ck_assert_int_eq(green_queue_task_done(&q), 0);
    ck_assert_int_eq(green_queue_close_drop(&q, NULL, NULL), 0);
    ck_assert_uint_eq(green_queue_unfinished(&q), 0);
    destroy(&q);
}
END_TEST

/* --- waited for with others ----------------------------------------------------------------------------------------- */

static void *puts_later(void *arg)
{
    yields(2);
    put(arg, "later");
    return NULL;
}

static void *closes_later(void *arg)
{
    yields(2);
    ck_assert_int_eq(green_queue_close(arg), 0);
    return NULL;
}

START_TEST(a_queue_can_be_waited_for)
{
    green_queue_t queues[2] = {GREEN_QUEUE_INIT, GREEN_QUEUE_INIT};
    green_waitable_t *both[] = {&queues[0].waitable, &queues[1].waitable};
    ck_assert_int_eq(green_wait_any(both, 2, GREEN_NOWAIT), -EAGAIN);
    green_t *g = spawn(puts_later, &queues[1]);
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 1);
    finish(g);
    ck_assert_int_eq(green_wait_any(both, 2, GREEN_NOWAIT), 1);
    ck_assert_str_eq(taken(&queues[1]), "later");
    ck_assert_int_eq(green_wait_any(both, 2, GREEN_NOWAIT), -EAGAIN);
    g = spawn(closes_later, &queues[0]);
    ck_assert_int_eq(green_wait_any(both, 2, soon()), 0);
    finish(g);
    green_link_t link = {0};
    green_rawlink(both[1], &link, put_ended);
    ck_assert_int_eq(green_queue_destroy(&queues[1]), -EBUSY);
    green_unlink(&link);
    destroy(&queues[0]);
    destroy(&queues[1]);
}
END_TEST

/* --- threads -------------------------------------------------------------------------------------------------------- */

static void *use_from_outside(void *arg)
{
    green_queue_t *q = arg;
    static int results[5];
    void *item;
    results[0] = green_queue_put(q, q, GREEN_NOWAIT);
    results[1] = green_queue_get(q, &item, soon());
    results[2] = green_queue_close(q);
    results[3] = green_queue_close_drop(q, NULL, NULL);
    results[4] = green_queue_put(&q[1], q, GREEN_NOWAIT);
    ck_assert_int_eq(green_hub_close(), 0);
    return results;
}

START_TEST(another_threads_waiters_are_left_alone)
{
    green_queue_t queues[2] = {GREEN_QUEUE_INIT, GREEN_QUEUE_INIT};
    struct party getter = party(queues, NULL);
    launch(&getter, gets);
    yields(1);
    pthread_t thread;
    void *results;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_from_outside, queues), 0);
    ck_assert_int_eq(pthread_join(thread, &results), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(((int *)results)[i], -EXDEV);
    ck_assert_int_eq(((int *)results)[4], 0); /* nobody waits there: it may change hands */
    ck_assert_ptr_eq(taken(&queues[1]), queues);
    put(queues, "a");
    ck_assert_str_eq(end_of(&getter), "a");
    destroy(&queues[0]);
    destroy(&queues[1]);
}
END_TEST

/* --- many ----------------------------------------------------------------------------------------------------------- */

enum { PRODUCERS = 7, CONSUMERS = 5 };

struct crowd {
    green_queue_t queue;
    int each;
    unsigned char *seen;
};

struct producer {
    struct crowd *crowd;
    int first;
};

/* Impatient, so that waits end in all ways. */
static void *produces(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < p->crowd->each; i++) {
        void *item = &p->crowd->seen[p->first + i];
        int r;
        do
            r = green_queue_put(&p->crowd->queue, item, i % 3 ? soon() : green_in(1));
        while (r == -ETIMEDOUT);
        ck_assert_int_eq(r, 0);
    }
    return NULL;
}

static void *consumes(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0;; i++) {
        void *item;
        int r = green_queue_get(&crowd->queue, &item, i % 5 ? soon() : green_in(1));
        if (r == -EPIPE)
            return NULL;
        if (r == -ETIMEDOUT)
            continue;
        ck_assert_int_eq(r, 0);
        ++*(unsigned char *)item;
        ck_assert_int_eq(green_queue_task_done(&crowd->queue), 0);
    }
}

/* Case 72 at large: nothing is lost or doubled, whatever happens to the waits. */
START_TEST(a_crowd_gets_each_item_once)
{
    struct crowd crowd = {.each = rounds(3000)};
    struct producer producers[PRODUCERS];
    green_t *makers[PRODUCERS], *takers[CONSUMERS];
    green_queue_init(&crowd.queue, 3);
    crowd.seen = calloc((size_t)crowd.each, PRODUCERS);
    ck_assert_ptr_nonnull(crowd.seen);
    for (int i = 0; i < CONSUMERS; i++)
        takers[i] = spawn(consumes, &crowd);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&crowd, i * crowd.each};
        makers[i] = spawn(produces, &producers[i]);
    }
    for (int i = 0; i < PRODUCERS; i++)
        finish(makers[i]);
    ck_assert_int_eq(green_queue_join(&crowd.queue, soon()), 0);
    ck_assert_int_eq(green_queue_close(&crowd.queue), 0);
    for (int i = 0; i < CONSUMERS; i++)
        finish(takers[i]);
    for (int i = 0; i < PRODUCERS * crowd.each; i++)
        ck_assert_uint_eq(crowd.seen[i], 1);
    free(crowd.seen);
    destroy(&crowd.queue);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_put_in_the_hub_wakes_the_getter, 0},
        {a_get_in_the_hub_wakes_the_putter, 0},
        {in_the_hub_full_and_empty_are_told, 0},
        {ended_greenlets_arrive_in_a_queue, 0},
        {join_waits_for_every_job, 0},
        {every_way_in_makes_a_job, 0},
        {a_closed_queue_drains, 0},
        {closing_wakes_ten_on_each_side, 0},
        {dropping_calls_back_and_finishes_the_jobs, 0},
        {what_is_dropped_may_have_been_called_done, 0},
        {a_queue_can_be_waited_for, 0},
        {another_threads_waiters_are_left_alone, 0},
        {a_crowd_gets_each_item_once, 0},
    };
    return RUN_TESTS("queue life", tests);
}
