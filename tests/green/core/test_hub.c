/* The hub: fairness, work from other threads, the embedded libuv loop, deadlocks, many hubs, fork. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

/* --- fairness
 * -------------------------------------------------------------------------------------------------------- */

static void *spin(void *arg)
{
    while (green_yield() == 0)
        ++*(long *)arg;
    return NULL;
}

/* Case 96. */
START_TEST(spinning_starves_neither_timers_nor_io)
{
    long turns[3] = {0};
    green_t *g[3];
    int fds[2];
    char byte;
    stream_pair(fds);
    for (int i = 0; i < 3; i++)
        g[i] = spawn(spin, &turns[i]);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
        ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(5)), -ETIMEDOUT);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(turns[i], 10);
        ck_assert_int_eq(green_cancel(g[i]), 0);
        finish(g[i]);
    }
    close_pair(fds);
}
END_TEST

START_TEST(counters_count)
{
    green_stats_t before, after;
    struct gate gate;
    gate_init(&gate);
    green_hub_stats(&before);
    ck_assert_uint_eq(before.greenlets, 1);
    ck_assert_uint_eq(before.ready, 0);
    ck_assert_uint_eq(before.parked, 0);
    long turns = 0;
    green_t *g = spawn(spin, &turns);
    green_hub_stats(&after);
    ck_assert_uint_eq(after.greenlets, 2);
    ck_assert_uint_eq(after.ready, 1);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    green_hub_stats(&after);
    ck_assert_uint_gt(after.switches, before.switches);
    ck_assert_uint_gt(after.polls, before.polls);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    green_hub_stats(&after);
    ck_assert_uint_eq(after.greenlets, 1);
    ck_assert_uint_eq(after.stacks_cached, 1);
}
END_TEST

static int idle_calls;

static void count_idle(void *arg)
{
    ck_assert_ptr_null(green_self()); /* in the hub */
    ++*(int *)arg;
}

START_TEST(the_idle_hook_is_called)
{
    green_on_idle(count_idle, &idle_calls);
    green_time give_up = soon();
    while (!idle_calls && green_now() < give_up)
        ck_assert_int_eq(green_sleep(GREEN_MS(100)), 0);
    ck_assert_int_gt(idle_calls, 0);
    if (_i == 1) { /* also while somebody is always ready */
        idle_calls = 0;
        long turns = 0;
        green_t *g = spawn(spin, &turns);
        while (!idle_calls && green_now() < give_up && green_yield() == 0)
            ;
        ck_assert_int_gt(idle_calls, 0);
        ck_assert_int_eq(green_kill(g, soon()), 0);
        green_release(g);
    }
    green_on_idle(NULL, NULL);
}
END_TEST

/* --- deadlock
 * ------------------------------------------------------------------------------------------------------- */

static void *wait_for_nobody(void *arg)
{
    ck_assert_int_eq(gate_wait(arg, GREEN_FOREVER), -ECANCELED);
    return NULL;
}

static void deadlock(void)
{
    struct gate gate;
    gate_init(&gate);
    green_t *a, *b;
    green_attr_t first = {.name = "philosopher one"}, second = {.name = "philosopher two"};
    if (green_spawn_ex(&a, &first, wait_for_nobody, &gate) < 0 ||
        green_spawn_ex(&b, &second, wait_for_nobody, &gate) < 0)
        _exit(1);
    for (int i = 0; i < 2; i++)
        if (green_join(a, GREEN_FOREVER) != -EDEADLK)
            _exit(2);
    if (green_kill(a, GREEN_FOREVER) < 0 || green_kill(b, GREEN_FOREVER) < 0 || green_sleep(GREEN_MS(1)) < 0)
        _exit(3); /* the hub is not the worse for it */
    _exit(0);
}

/* Case 98. */
START_TEST(a_deadlock_is_reported)
{
    char text[8192];
    int status = in_child(deadlock, text, sizeof text);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_ptr_nonnull(strstr(text, "deadlock"));
    ck_assert_ptr_nonnull(strstr(text, "\"main\" waits for the end of a greenlet"));
    ck_assert_ptr_nonnull(strstr(text, "philosopher one"));
    ck_assert_ptr_nonnull(strstr(text, "philosopher two"));
}
END_TEST

START_TEST(a_timed_out_read_hides_no_deadlock)
{
    int fds[2];
    char byte;
    stream_pair(fds);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(5)), -ETIMEDOUT);
    green_park_t me = GREEN_PARK_INIT;
    ck_assert_int_eq(green_park(&me, GREEN_FOREVER), -EDEADLK);
    close_pair(fds);
}
END_TEST

/* --- other threads
 * -------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, POSTS = 1000 };

struct posted {
    green_post_t node;
    int thread, number;
};

static struct {
    green_hub_t *hub;
    struct posted posts[THREADS][POSTS];
    int next[THREADS], count;
    bool disorder;
    green_park_t park;
} posting;

static void receive(green_post_t *node)
{
    struct posted *p = CONTAINER_OF(node, struct posted, node);
    posting.disorder |= p->number != posting.next[p->thread]++;
    if (++posting.count == THREADS * POSTS)
        green_wake(&posting.park, 1);
}

static void *post_all(void *arg)
{
    struct posted *posts = arg;
    for (int i = 0; i < POSTS; i++)
        green_post(posting.hub, &posts[i].node);
    return NULL;
}

START_TEST(posts_from_many_threads_arrive_in_order)
{
    pthread_t threads[THREADS];
    posting.hub = green_hub();
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < POSTS; i++)
            posting.posts[t][i] = (struct posted){.node.fn = receive, .thread = t, .number = i};
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, post_all, posting.posts[t]), 0);
    green_expect_outside();
    ck_assert_int_eq(green_park(&posting.park, soon()), 1);
    green_unexpect_outside();
    ck_assert(!posting.disorder);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_int_eq(posting.next[t], POSTS);
        pthread_join(threads[t], NULL);
    }
}
END_TEST

static void wake_main(green_post_t *node)
{
    (void)node;
    green_wake(&posting.park, 2);
}

START_TEST(a_post_to_oneself_is_no_deadlock)
{
    green_post_t node = {.fn = wake_main};
    posting.park = (green_park_t)GREEN_PARK_INIT;
    green_post(green_hub(), &node);
    ck_assert_int_eq(green_park(&posting.park, GREEN_FOREVER), 2);
}
END_TEST

static void *post_once(void *arg)
{
    green_post(posting.hub, arg);
    return NULL;
}

/* Case 102. Nothing but the post can end this wait. */
START_TEST(a_post_wakes_a_hub_that_sleeps)
{
    for (int i = 0; i < 20; i++) {
        green_post_t node = {.fn = wake_main};
        pthread_t thread;
        posting.hub = green_hub();
        posting.park = (green_park_t)GREEN_PARK_INIT;
        green_expect_outside();
        ck_assert_int_eq(pthread_create(&thread, NULL, post_once, &node), 0);
        ck_assert_int_eq(green_park(&posting.park, GREEN_FOREVER), 2);
        green_unexpect_outside();
        pthread_join(thread, NULL);
    }
}
END_TEST

static void spawn_from_hub(green_post_t *node)
{
    (void)node;
    static long turns;
    green_t *g = green_spawn(spin, &turns);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_cancel(g), 0);
    green_release(g);
    green_wake(&posting.park, 3);
}

START_TEST(posts_may_spawn_and_cancel)
{
    green_post_t node = {.fn = spawn_from_hub};
    posting.park = (green_park_t)GREEN_PARK_INIT;
    green_post(green_hub(), &node);
    ck_assert_int_eq(green_park(&posting.park, soon()), 3);
}
END_TEST

static void *little_life(void *arg)
{
    struct gate gate;
    gate_init(&gate);
    int fds[2];
    char byte;
    stream_pair(fds);
    green_t *g = spawn(little_life, NULL);
    ck_assert_int_eq(green_cancel(g), 0);
    green_release(g);
    ck_assert_int_eq(green_sleep(1000), 0);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
    close_pair(fds);
    return arg;
}

static pthread_barrier_t lives_are_over;

static void *thread_with_hub(void *arg)
{
    finish(spawn(little_life, NULL));
    /* ThreadSanitizer does not see how libuv closes descriptors: no number may come up in the other thread
     * again. */
    pthread_barrier_wait(&lives_are_over);
    if (arg)
        ck_assert_int_eq(green_hub_close(), 0);
    return NULL; /* else the thread's end closes it */
}

static void short_threads(int count)
{
    ck_assert_int_eq(pthread_barrier_init(&lives_are_over, NULL, 2), 0);
    for (int i = 0; i < count; i++) {
        pthread_t threads[2];
        for (int t = 0; t < 2; t++)
            ck_assert_int_eq(pthread_create(&threads[t], NULL, thread_with_hub, t ? &threads : NULL), 0);
        for (int t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
    }
    pthread_barrier_destroy(&lives_are_over);
}

/* Case 100. */
START_TEST(hubs_of_short_threads_leave_nothing_behind)
{
    short_threads(10);
    int descriptors = open_descriptors();
    long memory = resident();
    short_threads(rounds(100));
    ck_assert_int_eq(open_descriptors(), descriptors);
    if (memory_is_real())
        ck_assert_int_lt(resident() - memory, 4096);
}
END_TEST

/* --- the embedded loop
 * ------------------------------------------------------------------------------------------------ */

static void timer_came(uv_timer_t *timer)
{
    green_wake(timer->data, 9);
}

START_TEST(libuv_timers_run)
{
    uv_timer_t timer;
    green_park_t me = GREEN_PARK_INIT;
    ck_assert_int_eq(green_sleep(GREEN_MS(30)), 0); /* the loop has not looked at the clock for a while */
    green_time start = green_now();
    ck_assert_int_eq(uv_timer_init(green_uv_loop(), &timer), 0);
    timer.data = &me;
    ck_assert_int_eq(uv_timer_start(&timer, timer_came, 20, 0), 0);
    ck_assert_int_eq(green_park(&me, GREEN_FOREVER), 9); /* no deadlock: a handle is active */
    ck_assert_int_ge(green_now() - start, GREEN_MS(15));
    uv_close((uv_handle_t *)&timer, NULL);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}
END_TEST

static void *wake_often(void *arg)
{
    while (green_sleep(GREEN_MS(1)) == 0)
        ;
    return arg;
}

START_TEST(libuv_timers_run_beside_other_work)
{
    uv_timer_t timer;
    green_park_t me = GREEN_PARK_INIT;
    long turns = 0;
    green_t *g = _i == 0 ? spawn(wake_often, NULL) : spawn(spin, &turns);
    ck_assert_int_eq(uv_timer_init(green_uv_loop(), &timer), 0);
    timer.data = &me;
    ck_assert_int_eq(uv_timer_start(&timer, timer_came, 300, 0), 0);
    ck_assert_int_eq(green_park(&me, green_in_ms(20000)), 9);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
    uv_close((uv_handle_t *)&timer, NULL);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}
END_TEST

struct job {
    uv_work_t work;
    green_park_t park;
    pthread_t thread;
};

static void job_body(uv_work_t *work)
{
    CONTAINER_OF(work, struct job, work)->thread = pthread_self();
}

static void job_done(uv_work_t *work, int status)
{
    green_wake(&CONTAINER_OF(work, struct job, work)->park, status);
}

START_TEST(libuv_thread_pool_works)
{
    struct job job = {.park = GREEN_PARK_INIT};
    ck_assert_int_eq(uv_queue_work(green_uv_loop(), &job.work, job_body, job_done), 0);
    ck_assert_int_eq(green_park(&job.park, GREEN_FOREVER), 0);
    ck_assert(!pthread_equal(job.thread, pthread_self()));
}
END_TEST

/* --- closing
 * ------------------------------------------------------------------------------------------------------- */

static void *close_hub(void *arg)
{
    return (void *)(intptr_t)green_hub_close();
}

START_TEST(closing_needs_main_alone)
{
    void *result;
    long turns = 0;
    green_t *other = spawn(spin, &turns), *g = spawn(close_hub, NULL);
    ck_assert_int_eq(green_hub_close(), -EBUSY);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -EPERM);
    green_release(g);
    ck_assert_int_eq(green_hub_close(), -EBUSY);
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert_int_eq(green_hub_close(), 0);
    int fds[2];
    tcp_pair(fds); /* a new hub is made, and works */
    close_pair(fds);
}
END_TEST

static pthread_barrier_t step;

static void *closes_its_hub(void *arg)
{
    (void)arg;
    finish(spawn(little_life, NULL));
    pthread_barrier_wait(&step);
    ck_assert_int_eq(green_hub_close(), 0);
    pthread_barrier_wait(&step);
    finish(spawn(little_life, NULL)); /* with a new one */
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

/* Case 104: one thread closes its hub while greenlets of another wait in theirs. */
START_TEST(hubs_are_independent)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    pthread_t thread;
    ck_assert_int_eq(pthread_barrier_init(&step, NULL, 2), 0);
    green_t *g = spawn(wait_at_gate, &o);
    yields(1);
    ck_assert_int_eq(pthread_create(&thread, NULL, closes_its_hub, NULL), 0);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step); /* it is closed */
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    gate_open(&o.gate);
    finish(g);
    ck_assert_int_eq(o.result, 0);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&step);
}
END_TEST

/* --- fork
 * ----------------------------------------------------------------------------------------------------------
 */

static bool ran_in_child;

static void *must_not_run(void *arg)
{
    ran_in_child = true;
    return arg;
}

static void *fork_and_live(void *arg)
{
    int *fds = arg;
    green_t *unstarted = spawn(must_not_run, NULL);
    char byte;
    pid_t pid = fork();
    if (pid == 0) { /* on a greenlet's stack: it becomes the child's main greenlet */
        green_t *g = spawn(little_life, NULL);
        bool good = green_join(g, soon()) == 0 && !ran_in_child;
        good = good && green_read(fds[0], &byte, 1, soon()) == 1 && byte == 'p';
        good = good && green_write(fds[0], "c", 1, soon()) == 1;
        _exit(good ? 0 : 1);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(green_write(fds[1], "p", 1, soon()), 1);
    ck_assert_int_eq(green_read(fds[1], &byte, 1, soon()), 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(green_join(unstarted, soon()), 0);
    ck_assert(ran_in_child); /* in the parent it does run */
    green_release(unstarted);
    return NULL;
}

/* Case 103. */
START_TEST(a_forked_child_has_a_hub_of_its_own)
{
    int fds[2];
    char byte;
    stream_pair(fds);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(1)),
                     -ETIMEDOUT); /* both are known to the poller */
    ck_assert_int_eq(green_read(fds[1], &byte, 1, green_in_ms(1)), -ETIMEDOUT);
    finish(spawn(fork_and_live, fds));
    close_pair(fds);
}
END_TEST

#ifndef GREEN_POLLER_UV
static void close_the_pollers_descriptor(void)
{
    close(green_hub()->epoll);
    (void)green_sleep(GREEN_MS(1));
}

/* Case 115. */
START_TEST(a_lost_poller_is_reported)
{
    char text[4096];
    int status = in_child(close_the_pollers_descriptor, text, sizeof text);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "EBADF"));
}
END_TEST
#endif

int main(void)
{
    const struct test tests[] = {
        {spinning_starves_neither_timers_nor_io, 0},
        {counters_count, 0},
        {the_idle_hook_is_called, 2},
        {a_deadlock_is_reported, 0},
        {a_timed_out_read_hides_no_deadlock, 0},
        {posts_from_many_threads_arrive_in_order, 0},
        {a_post_to_oneself_is_no_deadlock, 0},
        {a_post_wakes_a_hub_that_sleeps, 0},
        {posts_may_spawn_and_cancel, 0},
        {hubs_of_short_threads_leave_nothing_behind, 0},
        {libuv_timers_run, 0},
        {libuv_timers_run_beside_other_work, 2},
        {libuv_thread_pool_works, 0},
        {closing_needs_main_alone, 0},
        {hubs_are_independent, 0},
        {a_forked_child_has_a_hub_of_its_own, 0},
#ifndef GREEN_POLLER_UV
        {a_lost_poller_is_reported, 0},
#endif
    };
    return RUN_TESTS("hub", tests);
}
