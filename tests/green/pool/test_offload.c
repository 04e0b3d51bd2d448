/* Greenlets that wait for functions on other threads. Cases 91 (values, errors, recursion) and 93. */
#include "pool/jobs.h"

static void *on_which_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    return arg;
}

/* --- green_blocking ------------------------------------------------------------------------------------- */

START_TEST(value_and_errno_come_back)
{
    void *out = NULL;
    errno = 0;
    ck_assert_int_eq(green_blocking(double_it, (void *)21, &out, soon()), 0);
    ck_assert_int_eq((intptr_t)out, 42);
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_int_eq(green_blocking(double_it, (void *)21, NULL, GREEN_FOREVER), 0);

    pthread_t where = pthread_self();
    ck_assert_int_eq(green_blocking(on_which_thread, &where, &out, soon()), 0);
    ck_assert(!pthread_equal(where, pthread_self()));
    ck_assert_ptr_eq(out, &where);
}
END_TEST

static void *yield_until_ended(void *arg)
{
    struct held *h = arg;
    until(&h->begun, 1);
    yields(10);
    ck_assert_int_eq(h->ended, 0);
    sem_post(&h->go);
    return NULL;
}

START_TEST(others_run_meanwhile)
{
    struct held h;
    hold_init(&h, NULL);
    green_t *other = spawn(yield_until_ended, &h);
    ck_assert_int_eq(green_blocking(hold, &h, &h.out, soon()), 0);
    ck_assert_ptr_eq(h.out, &h);
    ck_assert_int_eq(h.ended, 1);
    finish(other);
}
END_TEST

static int status_in_hub = 1;

static void try_in_hub(green_link_t *link)
{
    status_in_hub = green_blocking(double_it, NULL, NULL, soon());
}

START_TEST(wrong_use)
{
    atomic_int ran = 0;
    ck_assert_int_eq(green_blocking(NULL, NULL, NULL, soon()), -EINVAL);
    ck_assert_int_eq(green_blocking(count_up, &ran, NULL, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(ran, 0);

    green_t *g = spawn(wait_at_gate, &(struct outcome){.gate.tokens = 1});
    green_link_t link;
    green_rawlink(green_waitable(g), &link, try_in_hub);
    finish(g);
    yields(2);
    ck_assert_int_eq(status_in_hub, -EPERM);

    green_threads_t *threads;
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.max = GREEN_THREADS_MOST + 1}),
                     -EINVAL);
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.idle = -1}), -EINVAL);
    ck_assert_int_eq(green_threads_resize(green_threads_user(), GREEN_THREADS_MOST + 1), -EINVAL);
    ck_assert_int_eq(green_threads_close(green_threads_user(), soon()), -EPERM);
    ck_assert_int_eq(green_threads_close(green_threads_file(), soon()), -EPERM);
    ck_assert_int_eq(green_threads_close(green_threads_dns(), soon()), -EPERM);
}
END_TEST

/* A job that no thread is free for is taken back when its deadline passes, and the pool goes on. */
START_TEST(timeout_in_the_queue)
{
    green_threads_t *threads = pool_of(1);
    struct held h;
    hold_init(&h, threads);
    green_t *holder = spawn(hold_in_pool, &h);
    until(&h.begun, 1);

    atomic_int ran = 0;
    void *out = &h;
    ck_assert_int_eq(green_blocking_in(threads, count_up, &ran, &out, green_in_ms(5)), -ETIMEDOUT);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(stats_of(threads).queued, 0);

    sem_post(&h.go);
    finish(holder);
    ck_assert_int_eq(h.result, 0);
    ck_assert_int_eq(green_threads_join(threads, soon()), 0);
    ck_assert_int_eq(ran, 0);
    ck_assert_int_eq(green_blocking_in(threads, count_up, &ran, NULL, soon()), 0);
    ck_assert_int_eq(ran, 1);
    close_pool(threads);
}
END_TEST

struct overdue {
    struct held held;
    int64_t patience;
};

static void *let_go_when_overdue(void *arg)
{
    struct overdue *o = arg;
    if (green_sleep(3 * o->patience) < 0) /* timers of one hub fire in order: the caller's has by then */
        return NULL;
    while (!o->held.begun)
        if (green_yield() < 0)
            return NULL;
    ck_assert_int_eq(o->held.result, 1); /* the call has not returned, though its time is up */
    sem_post(&o->held.go);
    return NULL;
}

/* Calls with more and more patience, until the job has begun before it ran out. */
static int call_overdue(struct overdue *o, bool outer)
{
    for (o->patience = GREEN_MS(2);; o->patience *= 2) {
        hold_init(&o->held, NULL);
        green_t *other = spawn(let_go_when_overdue, o);
        green_timeout_t timeout;
        green_timeout_start(&timeout, outer ? o->patience : GREEN_FOREVER);
        int r = green_blocking(hold, &o->held, &o->held.out, outer ? soon() : green_in(o->patience));
        ck_assert_int_eq(green_timeout_fired(&timeout), outer);
        if (outer) { /* it stays pending until it is stopped */
            atomic_int ran = 0;
            ck_assert_int_eq(green_blocking(count_up, &ran, NULL, soon()), -ETIMEDOUT);
            ck_assert_int_eq(ran, 0);
        }
        green_timeout_stop(&timeout);
        if (o->held.begun) {
            finish(other);
            return r;
        }
        ck_assert_int_eq(r, -ETIMEDOUT);
        ck_assert_int_eq(green_kill(other, soon()), 0);
        green_release(other);
    }
}

/* One that runs is waited for, so its argument may be on the caller's stack; then the error is told. */
START_TEST(timeout_while_running)
{
    struct overdue o;
    ck_assert_int_eq(call_overdue(&o, _i), -ETIMEDOUT);
    ck_assert_int_eq(o.held.ended, 1);
    ck_assert_ptr_eq(o.held.out, &o.held);
    ck_assert_int_eq(green_blocking(double_it, NULL, NULL, soon()), 0);
}
END_TEST

START_TEST(cancelled_while_queued_and_while_running)
{
    green_threads_t *threads = pool_of(1);
    struct held first, second;
    hold_init(&first, threads);
    hold_init(&second, threads);
    green_t *running = spawn(hold_in_pool, &first);
    until(&first.begun, 1);
    green_t *queued = spawn(hold_in_pool, &second);
    yields(1);
    ck_assert_int_eq(stats_of(threads).queued, 1);

    ck_assert_int_eq(green_kill(queued, soon()), 0);
    ck_assert_int_eq(second.result, -ECANCELED);
    ck_assert_int_eq(green_cancel(running), 0);
    yields(5);
    ck_assert_int_eq(first.result, 1);
    sem_post(&first.go);
    finish(running);
    ck_assert_int_eq(first.result, -ECANCELED);
    ck_assert_int_eq(first.ended, 1);
    ck_assert_int_eq(second.begun, 0);
    green_release(queued);
    close_pool(threads);
}
END_TEST

/* --- called by a job: case 91, recursion ---------------------------------------------------------------- */

struct recursion {
    green_threads_t *threads;
    int depth;
    pthread_t where;
};

static void *recurse(void *arg)
{
    struct recursion *r = arg;
    if (r->depth-- == 0) {
        ck_assert(pthread_equal(r->where, pthread_self()));
        return r;
    }
    r->where = pthread_self();
    void *out = NULL;
    if (green_blocking_in(r->threads, recurse, r, &out, soon()) < 0)
        return NULL;
    return out;
}

START_TEST(recursion)
{
    green_threads_t *threads = pool_of(1);
    struct recursion r = {.threads = threads, .depth = 5};
    void *out = NULL;
    ck_assert_int_eq(green_blocking_in(threads, recurse, &r, &out, soon()), 0);
    ck_assert_ptr_eq(out, &r);
    ck_assert_int_eq(stats_of(threads).threads, 1);
    close_pool(threads);
}
END_TEST

static void *offload_from_job(void *arg)
{
    green_offload_t *job;
    void *out = NULL;
    if (green_offload(&job, arg, double_it, (void *)4, NULL) < 0)
        return NULL;
    if (!green_ready(green_offload_waitable(job)) || green_offload_get(job, &out, GREEN_NOWAIT) < 0)
        out = NULL;
    green_offload_release(job);
    if (green_threads_join(arg, soon()) != -EDEADLK || green_threads_close(arg, soon()) != -EDEADLK)
        return NULL;
    return out;
}

START_TEST(offload_from_a_job)
{
    green_threads_t *threads = pool_of(1);
    void *out = NULL;
    ck_assert_int_eq(green_blocking_in(threads, offload_from_job, threads, &out, soon()), 0);
    ck_assert_int_eq((intptr_t)out, 8);
    close_pool(threads);
}
END_TEST

/* --- offloaded jobs ------------------------------------------------------------------------------------- */

static void destroy_held(void *arg)
{
    atomic_fetch_add(&((struct held *)arg)->destroyed, 1);
}

START_TEST(offload_get_and_wait)
{
    green_offload_t *job;
    void *out = NULL;
    ck_assert_int_eq(green_offload(&job, NULL, NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_offload(&job, NULL, double_it, (void *)3, NULL), 0);
    ck_assert_int_eq(green_offload_get(job, &out, soon()), 0);
    ck_assert_int_eq((intptr_t)out, 6);
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_int_eq(green_offload_get(job, &out, GREEN_NOWAIT), 0); /* any number of times */
    green_offload_release(job);
    green_offload_release(NULL);

    struct held h;
    hold_init(&h, NULL);
    ck_assert_int_eq(green_offload(&job, NULL, hold, &h, destroy_held), 0);
    green_waitable_t *end = green_offload_waitable(job);
    ck_assert(!green_ready(end));
    ck_assert_int_eq(green_offload_get(job, NULL, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_offload_get(job, NULL, green_in_ms(2)), -ETIMEDOUT);
    sem_post(&h.go);
    ck_assert_int_eq(green_wait_any(&end, 1, GREEN_FOREVER), 0); /* main alone: no deadlock */
    ck_assert(green_ready(end));
    ck_assert_int_eq(h.destroyed, 0);
    green_offload_release(job);
    ck_assert_int_eq(h.destroyed, 1);
}
END_TEST

static void *get_then_release(void *arg)
{
    struct held *h = arg;
    green_offload_t *job;
    ck_assert_int_eq(green_offload(&job, NULL, hold, h, destroy_held), 0);
    h->result = green_offload_get(job, &h->out, soon());
    green_offload_release(job);
    return NULL;
}

/* Case 93: whoever waits is killed, the job ends later, and what it works on is destroyed then, once. */
START_TEST(killed_while_the_job_runs)
{
    struct held *h = malloc(sizeof *h);
    ck_assert_ptr_nonnull(h);
    hold_init(h, NULL);
    green_t *g = spawn(get_then_release, h);
    until(&h->begun, 1);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(h->result, -ECANCELED);
    ck_assert_int_eq(h->ended, 0);
    ck_assert_int_eq(h->destroyed, 0);
    sem_post(&h->go);
    until(&h->destroyed, 1);
    ck_assert_int_eq(h->ended, 1);
    green_release(g);
    ck_assert_int_eq(green_threads_join(green_threads_user(), soon()), 0);
    free(h);
}
END_TEST

/* The hub may even be gone by then. */
START_TEST(the_job_outlives_the_hub)
{
    struct held *h = malloc(sizeof *h);
    ck_assert_ptr_nonnull(h);
    hold_init(h, NULL);
    green_offload_t *job;
    ck_assert_int_eq(green_offload(&job, NULL, hold, h, destroy_held), 0);
    until(&h->begun, 1);
    green_offload_release(job);
    ck_assert_int_eq(green_hub_close(), 0);
    sem_post(&h->go);
    until(&h->destroyed, 1);
    free(h);
}
END_TEST

/* Released just as the job ends, with the hub closed right after: whoever comes second destroys. */
START_TEST(release_races_the_end)
{
    int n = rounds(500);
    for (int i = 0; i < n; i++) {
        struct held h;
        hold_init(&h, NULL);
        sem_post(&h.go);
        green_offload_t *job;
        ck_assert_int_eq(green_offload(&job, NULL, hold, &h, destroy_held), 0);
        while (atomic_load(&h.begun) + i % 2 == 0)
            ;
        green_offload_release(job);
        if (i % 3 == 0)
            ck_assert_int_eq(green_hub_close(), 0);
        until(&h.destroyed, 1);
    }
}
END_TEST

START_TEST(released_in_the_queue_it_never_runs)
{
    green_threads_t *threads;
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.max = 1, .backlog = 2}), 0);
    struct held h, queued[3];
    green_offload_t *running, *jobs[3];
    hold_init(&h, threads);
    ck_assert_int_eq(green_offload(&running, threads, hold, &h, NULL), 0);
    until(&h.begun, 1);
    for (int i = 0; i < 3; i++) {
        hold_init(&queued[i], threads);
        ck_assert_int_eq(green_offload(&jobs[i], threads, hold, &queued[i], destroy_held),
                         i < 2 ? 0 : -EAGAIN);
    }
    green_offload_release(jobs[0]);
    ck_assert_int_eq(queued[0].destroyed, 1);
    ck_assert_int_eq(green_offload(&jobs[0], threads, hold, &queued[2], destroy_held),
                     0); /* there is room again */
    green_offload_release(jobs[0]);
    green_offload_release(jobs[1]);
    ck_assert_int_eq(queued[1].destroyed + queued[2].destroyed, 2);
    sem_post(&h.go);
    ck_assert_int_eq(green_offload_get(running, NULL, soon()), 0);
    green_offload_release(running);
    close_pool(threads);
    ck_assert_int_eq(queued[0].begun + queued[1].begun + queued[2].begun, 0);
}
END_TEST

static void *get_elsewhere(void *arg)
{
    int r = green_offload_get(arg, NULL, soon());
    ck_assert_int_eq(green_hub_close(), 0);
    return (void *)(intptr_t)r;
}

START_TEST(a_handle_stays_in_its_thread)
{
    green_offload_t *job;
    ck_assert_int_eq(green_offload(&job, NULL, double_it, NULL, NULL), 0);
    pthread_t other;
    void *r;
    ck_assert_int_eq(pthread_create(&other, NULL, get_elsewhere, job), 0);
    pthread_join(other, &r);
    ck_assert_int_eq((intptr_t)r, -EXDEV);
    green_offload_release(job);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {value_and_errno_come_back, 0},
        {others_run_meanwhile, 0},
        {wrong_use, 0},
        {timeout_in_the_queue, 0},
        {timeout_while_running, 2},
        {cancelled_while_queued_and_while_running, 0},
        {recursion, 0},
        {offload_from_a_job, 0},
        {offload_get_and_wait, 0},
        {killed_while_the_job_runs, 0},
        {the_job_outlives_the_hub, 0},
        {release_races_the_end, 0},
        {released_in_the_queue_it_never_runs, 0},
        {a_handle_stays_in_its_thread, 0},
    };
    return RUN_TESTS("offload", tests);
}
