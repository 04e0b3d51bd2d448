/* Events: who is let through, in which order, and what a wait that ends otherwise leaves behind. */
#include "support.h"

static green_event_t event = GREEN_EVENT_INIT;
static int through, order[8];

static void *wait_for_event(void *arg)
{
    int r = green_event_wait(&event, GREEN_FOREVER);
    if (r == 0)
        order[through++ % 8] = (int)(intptr_t)arg;
    return (void *)(intptr_t)r;
}

START_TEST(a_set_event_holds_nobody_up)
{
    uint64_t before = switches();
    ck_assert(!green_event_is_set(&event));
    ck_assert_int_eq(green_event_wait(&event, GREEN_NOWAIT), -EAGAIN);
    green_event_set(&event);
    green_event_set(&event);
    ck_assert(green_event_is_set(&event));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_event_wait(&event, i == 0 ? GREEN_NOWAIT : soon()), 0);
    green_event_clear(&event);
    green_event_clear(&event);
    ck_assert(!green_event_is_set(&event));
    ck_assert_int_eq(green_event_wait(&event, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
}
END_TEST

/* Case 50: set and cleared again at once, all who waited get through; those who come later do not. */
START_TEST(set_then_clear_lets_all_through)
{
    static const int counts[] = {1, 100, 1000};
    int count = counts[_i];
    green_t **g = calloc((size_t)count, sizeof *g);
    ck_assert_ptr_nonnull(g);
    for (int i = 0; i < count; i++)
        g[i] = spawn(wait_for_event, NULL);
    yields(1);
    green_event_set(&event);
    green_event_clear(&event);
    ck_assert_int_eq(through, 0);
    for (int i = 0; i < count; i++) {
        void *result;
        ck_assert_int_eq(green_get(g[i], &result, soon()), 0);
        ck_assert_int_eq((intptr_t)result, 0);
        green_release(g[i]);
    }
    ck_assert_int_eq(through, count);
    ck_assert_int_eq(green_event_wait(&event, green_in_ms(1)), -ETIMEDOUT);
    free(g);
}
END_TEST

/* Case 51: who comes while the waiters are being let through follows them. */
START_TEST(latecomers_follow_those_who_waited)
{
    green_t *g[3];
    g[0] = spawn(wait_for_event, (void *)1);
    g[1] = spawn(wait_for_event, (void *)2);
    yields(1);
    green_event_set(&event);
    g[2] = spawn(wait_for_event, (void *)3);
    for (int i = 2; i >= 0; i--)
        finish(g[i]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(order[i], i + 1);
}
END_TEST

static void *set_it(void *arg)
{
    green_event_set(arg);
    return NULL;
}

/* Case 52: set during the wait, cleared when through: the next wait for several must not see the old setting. */
static void *wait_clear_wait(void *arg)
{
    green_waitable_t *one[] = {&event.waitable};
    green_t *setter = spawn(set_it, &event);
    ck_assert_int_eq(green_event_wait(&event, soon()), 0);
    ck_assert(green_event_is_set(&event));
    finish(setter);
    green_event_clear(&event);
    ck_assert_int_eq(green_wait_any(one, 1, green_in_ms(5)), -ETIMEDOUT);
    setter = spawn(set_it, &event);
    ck_assert_int_eq(green_wait_any(one, 1, soon()), 0);
    finish(setter);
    return arg;
}

START_TEST(an_old_setting_is_not_seen_again)
{
    finish(spawn(wait_clear_wait, NULL));
}
END_TEST

/* Cases 53 and 54: several events; waiting twice for what is set already; one, two or all of them. */
START_TEST(several_events)
{
    green_event_t events[3] = {GREEN_EVENT_INIT, GREEN_EVENT_INIT, GREEN_EVENT_INIT};
    green_waitable_t *all[] = {&events[0].waitable, &events[1].waitable, &events[2].waitable};
    size_t which[3], done;
    green_t *g = spawn(set_it, &events[1]);
    ck_assert_int_eq(green_wait_some(all, 3, 1, which, &done, soon()), 1);
    ck_assert_uint_eq(which[0], 1);
    green_event_set(&events[2]);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_wait_some(all, 3, 2, which, &done, soon()), 2);
        ck_assert_uint_eq(which[0] + which[1], 3);
    }
    ck_assert_int_eq(green_wait_all(all, 3, green_in_ms(1)), -ETIMEDOUT);
    green_event_set(&events[0]);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(green_wait_all(all, 3, soon()), 0);
    finish(g);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(green_event_destroy(&events[i]), 0);
}
END_TEST

static int links_called;

static void link_called(green_link_t *link)
{
    links_called++;
    ck_assert_int_eq(green_event_wait(&event, GREEN_FOREVER), 0); /* it is set: nothing to wait for */
    green_event_clear(&event);
    ck_assert_int_eq(green_event_wait(&event, GREEN_FOREVER), -EPERM);
}

/* Case 57, and that a link counts as well. */
START_TEST(not_destroyed_while_used)
{
    green_link_t link;
    green_t *g = spawn(wait_for_event, NULL);
    ck_assert_int_eq(green_event_destroy(&event), 0);
    yields(1);
    ck_assert_int_eq(green_event_destroy(&event), -EBUSY);
    green_event_set(&event);
    ck_assert_int_eq(green_event_destroy(&event), 0); /* whoever was let through is done with it */
    event = (green_event_t)GREEN_EVENT_INIT;
    finish(g);
    green_rawlink(&event.waitable, &link, link_called);
    ck_assert_int_eq(green_event_destroy(&event), -EBUSY);
    green_event_set(&event);
    yields(1);
    ck_assert_int_eq(links_called, 1);
    ck_assert_int_eq(green_event_destroy(&event), 0);
}
END_TEST

/* A wait that ends otherwise takes its record with it, and the others do not notice. */
START_TEST(a_wait_that_ends_otherwise_leaves_nothing)
{
    green_timeout_t outer;
    void *result;
    green_event_init(&event);
    ck_assert_int_eq(green_event_wait(&event, green_in_ms(1)), -ETIMEDOUT);
    green_timeout_start(&outer, GREEN_MS(5));
    ck_assert_int_eq(green_event_wait(&event, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    green_timeout_stop(&outer);
    ck_assert_int_eq(green_event_destroy(&event), 0);
    green_t *killed = spawn(wait_for_event, NULL), *other = spawn(wait_for_event, (void *)7);
    yields(1);
    ck_assert_int_eq(green_kill(killed, soon()), 0);
    ck_assert_int_eq(green_get(killed, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, -ECANCELED);
    green_release(killed);
    green_event_set(&event);
    finish(other);
    ck_assert_int_eq(through, 1);
    ck_assert_int_eq(order[0], 7);
}
END_TEST

/* Let through and cancelled before it runs: it was let through. */
START_TEST(a_late_cancellation_changes_nothing)
{
    void *result;
    green_t *g = spawn(wait_for_event, NULL);
    yields(1);
    green_event_set(&event);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, 0);
    green_release(g);
}
END_TEST

START_TEST(nobody_to_set_it_is_a_deadlock)
{
    ck_assert_int_eq(green_event_wait(&event, GREEN_FOREVER), -EDEADLK);
    ck_assert_int_eq(green_event_destroy(&event), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_set_event_holds_nobody_up, 0},
        {set_then_clear_lets_all_through, 3},
        {latecomers_follow_those_who_waited, 0},
        {an_old_setting_is_not_seen_again, 0},
        {several_events, 0},
        {not_destroyed_while_used, 0},
        {a_wait_that_ends_otherwise_leaves_nothing, 0},
        {a_late_cancellation_changes_nothing, 0},
        {nobody_to_set_it_is_a_deadlock, 0},
    };
    return RUN_TESTS("event", tests);
}
