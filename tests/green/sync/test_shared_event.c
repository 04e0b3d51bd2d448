/* Events across threads. */
#include "threads.h"

enum { THREADS = 8 };

static green_shared_event_t event = GREEN_SHARED_EVENT_INIT;
static pthread_barrier_t all_done;

static void *wait_for_event(void *arg)
{
    return (void *)(intptr_t)green_shared_event_wait(&event, GREEN_FOREVER);
}

static int result_of(green_t *g)
{
    void *result;
    if (green_get(g, &result, soon()) < 0)
        return 1;
    green_release(g);
    return (int)(intptr_t)result;
}

/* From a thread without a hub, which gets none: the setting, and the waiting that needs no wait. */
static void *set_without_hub(void *arg)
{
    int count = *(int *)arg;
    until_waiting(&event.lock, &event.waiters, count);
    intptr_t bad = green_shared_event_wait(&event, GREEN_NOWAIT) != -EAGAIN;
    green_shared_event_set(&event);
    bad |= green_shared_event_wait(&event, soon()) != 0;
    bad |= !green_shared_event_is_set(&event);
    green_shared_event_clear(&event);
    return (void *)(bad | (green__hub != NULL));
}

START_TEST(within_one_hub)
{
    uint64_t before = switches();
    green_shared_event_init(&event);
    ck_assert_int_eq(green_shared_event_wait(&event, GREEN_NOWAIT), -EAGAIN);
    green_shared_event_set(&event);
    ck_assert_int_eq(green_shared_event_wait(&event, soon()), 0);
    green_shared_event_clear(&event);
    ck_assert(!green_shared_event_is_set(&event));
    ck_assert_uint_eq(switches(), before);
    green_t *g[3];
    for (int i = 0; i < 3; i++)
        g[i] = spawn(wait_for_event, NULL);
    yields(1);
    ck_assert_int_eq(green_shared_event_destroy(&event), -EBUSY);
    green_shared_event_set(&event);
    green_shared_event_clear(&event);
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(result_of(g[i]), 0);
}
END_TEST

START_TEST(a_wait_that_ends_otherwise_leaves_nothing)
{
    green_timeout_t outer;
    ck_assert_int_eq(green_shared_event_wait(&event, green_in_ms(1)), -ETIMEDOUT);
    green_timeout_start(&outer, GREEN_MS(5));
    ck_assert_int_eq(green_shared_event_wait(&event, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&outer));
    ck_assert_int_eq(green_shared_event_wait(&event, soon()), -ETIMEDOUT); /* without queueing at all */
    green_timeout_stop(&outer);
    green_t *g = spawn(wait_for_event, NULL);
    yields(1);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(result_of(g), -ECANCELED);
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
    ck_assert_uint_eq(green_hub()->outside, 0);
}
END_TEST

/* Main alone waits for ever, and only another thread can help: no deadlock. */
START_TEST(help_from_outside_is_no_deadlock)
{
    for (int i = 0; i < 20; i++) {
        int one = 1;
        pthread_t thread = start(set_without_hub, &one);
        ck_assert_int_eq(green_shared_event_wait(&event, GREEN_FOREVER), 0);
        ck_assert_ptr_null(end_of(thread));
    }
    green_event_t nobody_sets = GREEN_EVENT_INIT;
    ck_assert_int_eq(green_event_wait(&nobody_sets, GREEN_FOREVER), -EDEADLK); /* but this one still is */
}
END_TEST

/* Set from outside while its hub was held up, then cancelled, or past its deadline, before the news was read. */
static void *wait_a_little(void *arg)
{
    return (void *)(intptr_t)green_shared_event_wait(&event, *(green_time *)arg);
}

START_TEST(whoever_was_let_through_is_through)
{
    int one = 1;
    green_time deadline = _i == 0 ? GREEN_FOREVER : green_in_ms(1);
    green_t *g = spawn(wait_a_little, &deadline);
    yields(1);
    ck_assert_ptr_null(end_of(start(set_without_hub, &one)));
    if (_i == 0)
        ck_assert_int_eq(green_cancel(g), 0);
    while (_i == 1 && green_now() <= deadline)
        ;
    ck_assert_int_eq(result_of(g), 0);
    ck_assert_uint_eq(green_hub()->outside, 0);
}
END_TEST

static void wait_in_hub(green_post_t *node)
{
    ck_assert_int_eq(green_shared_event_wait(&event, soon()), -EPERM);
    node->fn = NULL;
}

START_TEST(the_hub_does_not_wait)
{
    green_post_t node = {.fn = wait_in_hub};
    green_post(green_hub(), &node);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert(!node.fn);
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
}
END_TEST

static void *many_waiters(void *arg)
{
    int count = *(int *)arg;
    intptr_t bad = 0;
    green_t **g = calloc((size_t)count, sizeof *g);
    for (int i = 0; i < count; i++)
        bad |= !(g[i] = green_spawn(wait_for_event, NULL));
    for (int i = 0; i < count && !bad; i++)
        bad |= result_of(g[i]) != 0;
    free(g);
    return close_hub(&all_done, bad);
}

/* Case 55: a thousand waiters in each of eight hubs, set and cleared at once by a thread without a hub. */
START_TEST(many_hubs_are_woken)
{
    pthread_t threads[THREADS];
    int count = rounds(1000), total = THREADS * count;
    pthread_barrier_init(&all_done, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(many_waiters, &count);
    ck_assert_ptr_null(end_of(start(set_without_hub, &total)));
    for (int i = 0; i < THREADS; i++)
        ck_assert_ptr_null(end_of(threads[i]));
    pthread_barrier_destroy(&all_done);
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
}
END_TEST

static green_shared_event_t ring[THREADS];

static void *pass_on(void *arg)
{
    intptr_t me = (intptr_t)arg, bad = 0;
    for (int lap = rounds(1000); lap > 0 && !bad; lap--) {
        bad |= green_shared_event_wait(&ring[me], soon()) != 0;
        green_shared_event_clear(&ring[me]);
        green_shared_event_set(&ring[(me + 1) % THREADS]);
    }
    return close_hub(&all_done, bad);
}

/* Case 55: round and round through eight hubs, a thousand times. */
START_TEST(from_hub_to_hub)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_done, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        green_shared_event_init(&ring[i]);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(pass_on, (void *)(intptr_t)i);
    green_shared_event_set(&ring[0]);
    for (int i = 0; i < THREADS; i++)
        ck_assert_ptr_null(end_of(threads[i]));
    pthread_barrier_destroy(&all_done);
    for (int i = 0; i < THREADS; i++) {
        ck_assert(green_shared_event_is_set(&ring[i]) == (i == 0));
        ck_assert_int_eq(green_shared_event_destroy(&ring[i]), 0);
    }
}
END_TEST

static void *set_that(void *arg)
{
    green_shared_event_set(arg);
    return NULL;
}

/* The event may go as soon as the wait is over, while the other thread is still inside the setting. */
START_TEST(a_short_life)
{
    for (int i = rounds(500); i > 0; i--) {
        green_shared_event_t *brief = malloc(sizeof *brief);
        ck_assert_ptr_nonnull(brief);
        green_shared_event_init(brief);
        pthread_t thread = start(set_that, brief);
        ck_assert_int_eq(green_shared_event_wait(brief, soon()), 0);
        ck_assert_int_eq(green_shared_event_destroy(brief), 0);
        memset(brief, 0xff, sizeof *brief);
        free(brief);
        end_of(thread);
    }
}
END_TEST

static atomic_bool storm_over;

static void *set_and_clear(void *arg)
{
    intptr_t was_set = 0;
    while (!storm_over) {
        green_shared_event_set(&event);
        was_set |= green_shared_event_is_set(&event);
        green_shared_event_clear(&event);
    }
    return (void *)(was_set ? 0 : (intptr_t)1);
}

static void *wait_impatiently(void *arg)
{
    for (int i = rounds(2000); i > 0; i--) {
        int r = green_shared_event_wait(&event, i % 2 ? green_in(GREEN_US(i % 20)) : soon());
        ck_assert(r == 0 || (i % 2 && r == -ETIMEDOUT));
    }
    return arg;
}

/* Set and cleared all the time by two threads, waited for by some who give up at once. */
START_TEST(a_storm)
{
    pthread_t threads[2];
    green_t *g[10];
    for (int i = 0; i < 2; i++)
        threads[i] = start(set_and_clear, NULL);
    for (int i = 0; i < 10; i++)
        g[i] = spawn(wait_impatiently, NULL);
    for (int i = 0; i < 10; i++)
        finish(g[i]);
    storm_over = true;
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_null(end_of(threads[i]));
    ck_assert_uint_eq(green_hub()->outside, 0);
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {within_one_hub, 0},
        {a_wait_that_ends_otherwise_leaves_nothing, 0},
        {help_from_outside_is_no_deadlock, 0},
        {whoever_was_let_through_is_through, 2},
        {the_hub_does_not_wait, 0},
        {many_hubs_are_woken, 0},
        {from_hub_to_hub, 0},
        {a_short_life, 0},
        {a_storm, 0},
    };
    return RUN_TESTS("shared_event", tests);
}
