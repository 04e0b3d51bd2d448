/* The waiting primitive: the first waker wins, and exactly one does. */
#include "support.h"

struct parked {
    green_park_t park;
    green_time deadline;
    int result;
    bool back;
};

static void *park(void *arg)
{
    struct parked *p = arg;
    p->result = green_park(&p->park, p->deadline);
    p->back = true;
    return NULL;
}

static green_t *parked_greenlet(struct parked *p, green_time deadline)
{
    *p = (struct parked){.park = GREEN_PARK_INIT, .deadline = deadline};
    green_t *g = green_spawn(park, p);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_yield(), 0);
    return g;
}

START_TEST(wake_hands_the_result_over)
{
    static const int results[] = {0, 1, 12345, -EIO, -ETIMEDOUT, GREEN_EAI_AGAIN};
    struct parked p;
    green_t *g = parked_greenlet(&p, GREEN_FOREVER);
    ck_assert_int_eq(green_state(g), GREEN_WAITING);
    ck_assert(green_wake(&p.park, results[_i]));
    ck_assert(!p.back); /* waking never switches */
    ck_assert_int_eq(green_state(g), GREEN_READY);
    finish(g);
    ck_assert_int_eq(p.result, results[_i]);
}
END_TEST

START_TEST(only_the_first_waker_counts)
{
    struct parked p;
    green_t *g = parked_greenlet(&p, GREEN_FOREVER);
    ck_assert(green_wake(&p.park, 1));
    ck_assert(!green_wake(&p.park, 2));
    finish(g);
    ck_assert_int_eq(p.result, 1);
    ck_assert(!green_wake(&p.park, 3));
}
END_TEST

START_TEST(woken_before_it_parks)
{
    green_park_t me = GREEN_PARK_INIT;
    uint64_t before = switches();
    ck_assert(green_wake(&me, 7));
    ck_assert_int_eq(green_park(&me, GREEN_FOREVER), 7);
    ck_assert_uint_eq(switches(), before);
    me = (green_park_t)GREEN_PARK_INIT;
    ck_assert(green_wake(&me, 8));
    ck_assert_int_eq(green_park(&me, GREEN_NOWAIT), 8);
}
END_TEST

START_TEST(not_to_wait_means_no_switch)
{
    green_park_t me = GREEN_PARK_INIT;
    uint64_t before = switches();
    ck_assert_int_eq(green_park(&me, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    ck_assert(green_wake(&me, 1)); /* nobody was there: the next park gets it */
    ck_assert_int_eq(green_park(&me, GREEN_FOREVER), 1);
}
END_TEST

START_TEST(the_deadline_wins)
{
    green_park_t me = GREEN_PARK_INIT;
    green_time deadline = green_in_ms(20);
    ck_assert_int_eq(green_park(&me, deadline), -ETIMEDOUT);
    ck_assert_int_ge(green_now(), deadline);
    ck_assert(
        !green_wake(&me, 1)); /* the waker learns that it came too late, and can look for somebody else */
}
END_TEST

START_TEST(a_deadline_in_the_past)
{
    green_park_t me = GREEN_PARK_INIT;
    ck_assert_int_eq(green_park(&me, green_in_ms(-1000)), -ETIMEDOUT);
    me = (green_park_t)GREEN_PARK_INIT;
    ck_assert_int_eq(green_park(&me, 1), -ETIMEDOUT);
}
END_TEST

START_TEST(a_wake_beats_a_cancellation_that_comes_later)
{
    struct parked p;
    green_t *g = parked_greenlet(&p, GREEN_FOREVER);
    ck_assert(green_wake(&p.park, 5));
    ck_assert_int_eq(green_cancel(g), 0);
    finish(g);
    ck_assert_int_eq(p.result, 5);
}
END_TEST

START_TEST(a_cancellation_beats_a_wake_that_comes_later)
{
    struct parked p;
    green_t *g = parked_greenlet(&p, GREEN_FOREVER);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert(!green_wake(&p.park, 5));
    finish(g);
    ck_assert_int_eq(p.result, -ECANCELED);
}
END_TEST

static int sequence;

static void *park_and_count(void *arg)
{
    struct parked *p = arg;
    ck_assert_int_eq(green_park(&p->park, GREEN_FOREVER), 0);
    p->result = sequence++;
    return NULL;
}

START_TEST(who_is_woken_first_runs_first)
{
    enum { COUNT = 100 };
    struct parked p[COUNT];
    green_t *g[COUNT];
    for (int i = 0; i < COUNT; i++) {
        p[i] = (struct parked){.park = GREEN_PARK_INIT};
        g[i] = green_spawn(park_and_count, &p[i]);
        ck_assert_ptr_nonnull(g[i]);
    }
    ck_assert_int_eq(green_yield(), 0);
    for (int i = COUNT; i-- > 0;)
        ck_assert(green_wake(&p[i].park, 0));
    for (int i = 0; i < COUNT; i++)
        finish(g[i]);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(p[i].result, COUNT - 1 - i);
}
END_TEST

static void *wake_both(void *arg)
{
    struct parked *p = arg;
    green_wake(&p[0].park, 1);
    green_wake(&p[1].park, 2);
    return NULL;
}

START_TEST(a_greenlet_wakes_others)
{
    struct parked p[2];
    green_t *g[3] = {parked_greenlet(&p[0], soon()), parked_greenlet(&p[1], soon()), NULL};
    g[2] = green_spawn(wake_both, p);
    ck_assert_ptr_nonnull(g[2]);
    for (int i = 0; i < 3; i++)
        finish(g[i]);
    ck_assert_int_eq(p[0].result, 1);
    ck_assert_int_eq(p[1].result, 2);
}
END_TEST

static void *park_twice(void *arg)
{
    struct parked *p = arg;
    ck_assert_int_eq(green_park(&p[0].park, green_in_ms(10)), 1);
    p[1].result = green_park(&p[1].park, GREEN_FOREVER);
    p[1].back = true;
    return NULL;
}

/* The deadline of an earlier wait must not end a later one. */
START_TEST(old_deadlines_do_not_come_back)
{
    struct parked p[2] = {{.park = GREEN_PARK_INIT}, {.park = GREEN_PARK_INIT}};
    green_t *g = green_spawn(park_twice, p);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_yield(), 0);
    ck_assert(green_wake(&p[0].park, 1));
    ck_assert_int_eq(green_sleep(GREEN_MS(40)), 0);
    ck_assert(!p[1].back);
    ck_assert(green_wake(&p[1].park, 3));
    finish(g);
    ck_assert_int_eq(p[1].result, 3);
}
END_TEST

/* Runs where nothing may wait: in a callback of the hub. */
struct callback {
    green_post_t node;
    struct parked own;
    int results[4];
    green_t *self;
};

static void in_hub(green_post_t *node)
{
    struct callback *c = CONTAINER_OF(node, struct callback, node);
    green_park_t park = GREEN_PARK_INIT;
    c->self = green_self();
    c->results[0] = green_park(&park, GREEN_FOREVER);
    c->results[1] = green_yield();
    c->results[2] = green_sleep(GREEN_MS(1));
    c->results[3] = green_cancelled();
    green_wake(&c->own.park, 4); /* this is what callbacks are for */
}

START_TEST(the_hub_itself_never_waits)
{
    struct callback c = {.node.fn = in_hub, .own.park = GREEN_PARK_INIT, .self = green_self()};
    green_post(green_hub(), &c.node);
    ck_assert_int_eq(green_park(&c.own.park, soon()), 4);
    ck_assert_ptr_null(c.self);
    ck_assert_int_eq(c.results[0], -EPERM);
    ck_assert_int_eq(c.results[1], -EPERM);
    ck_assert_int_eq(c.results[2], -EPERM);
    ck_assert_int_eq(c.results[3], 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {wake_hands_the_result_over, 6},
        {only_the_first_waker_counts, 0},
        {woken_before_it_parks, 0},
        {not_to_wait_means_no_switch, 0},
        {the_deadline_wins, 0},
        {a_deadline_in_the_past, 0},
        {a_wake_beats_a_cancellation_that_comes_later, 0},
        {a_cancellation_beats_a_wake_that_comes_later, 0},
        {who_is_woken_first_runs_first, 0},
        {a_greenlet_wakes_others, 0},
        {old_deadlines_do_not_come_back, 0},
        {the_hub_itself_never_waits, 0},
    };
    return RUN_TESTS("park", tests);
}
