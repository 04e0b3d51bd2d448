/* Pools of OS threads: their size, their end, many hubs, fork. Cases 91 (size), 92 and 94. */
#include "pool/jobs.h"

#ifdef GREEN_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0"; /* the child starts threads of its own */
}
#endif

/* --- size: case 91 -------------------------------------------------------------------------------------- */

START_TEST(grows_as_needed_and_no_further)
{
    green_threads_t *threads = pool_of(3);
    ck_assert_int_eq(stats_of(threads).threads, 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(green_blocking_in(threads, double_it, NULL, NULL, soon()), 0);
    ck_assert_int_eq(stats_of(threads).threads, 1); /* one after the other needs no second one */

    struct held held[5];
    green_t *waiting[5];
    for (int i = 0; i < 5; i++) {
        hold_init(&held[i], threads);
        waiting[i] = spawn(hold_in_pool, &held[i]);
    }
    for (int i = 0; i < 3; i++)
        until(&held[i].begun, 1);
    green_threads_stats_t stats = stats_of(threads);
    ck_assert_int_eq(stats.threads, 3);
    ck_assert_int_eq(stats.running, 3);
    ck_assert_int_eq(stats.queued, 2);
    for (int i = 0; i < 5; i++) {
        sem_post(&held[i].go);
        finish(waiting[i]);
        ck_assert_int_eq(held[i].result, 0);
    }
    close_pool(threads);
}
END_TEST

START_TEST(raising_the_maximum_begins_what_waits)
{
    green_threads_t *threads = pool_of(1);
    struct held held[3];
    green_t *waiting[3];
    for (int i = 0; i < 3; i++) {
        hold_init(&held[i], threads);
        waiting[i] = spawn(hold_in_pool, &held[i]);
    }
    until(&held[0].begun, 1);
    ck_assert_int_eq(held[1].begun + held[2].begun, 0);
    ck_assert_int_eq(green_threads_resize(threads, 3), 0);
    until(&held[1].begun, 1);
    until(&held[2].begun, 1);
    ck_assert_int_eq(stats_of(threads).threads, 3);

    ck_assert_int_eq(green_threads_resize(threads, 1), 0); /* they leave as they end */
    for (int i = 0; i < 3; i++) {
        sem_post(&held[i].go);
        finish(waiting[i]);
    }
    until_threads(threads, 1);
    ck_assert_int_eq(green_blocking_in(threads, double_it, NULL, NULL, soon()), 0);
    close_pool(threads);
}
END_TEST

static void *raise_maximum(void *arg)
{
    struct held *h = arg;
    yields(3);
    ck_assert_int_eq(h->begun, 0);
    ck_assert_int_eq(stats_of(h->threads).queued, 1);
    ck_assert_int_eq(green_threads_resize(h->threads, 1), 0);
    sem_post(&h->go);
    return NULL;
}

START_TEST(none_at_all_waits_until_raised)
{
    green_threads_t *threads = pool_of(4);
    ck_assert_int_eq(green_blocking_in(threads, double_it, NULL, NULL, soon()), 0);
    ck_assert_int_eq(green_threads_resize(threads, 0), 0);
    until_threads(threads, 0); /* those who slept are woken to leave */
    ck_assert_int_eq(green_blocking_in(threads, double_it, NULL, NULL, green_in_ms(2)), -ETIMEDOUT);

    struct held h;
    hold_init(&h, threads);
    green_t *other = spawn(raise_maximum, &h);
    hold_in_pool(&h);
    ck_assert_int_eq(h.result, 0);
    finish(other);
    close_pool(threads);
}
END_TEST

START_TEST(idle_threads_leave)
{
    green_threads_t *threads;
    green_threads_attr_t attr = {.max = 4, .idle = GREEN_MS(1)};
    ck_assert_int_eq(green_threads_open(&threads, &attr), 0);
    for (int round = 0; round < 5; round++) {
        struct held held[4];
        green_t *waiting[4];
        for (int i = 0; i < 4; i++) {
            hold_init(&held[i], threads);
            waiting[i] = spawn(hold_in_pool, &held[i]);
        }
        for (int i = 0; i < 4; i++)
            until(&held[i].begun, 1);
        for (int i = 0; i < 4; i++) {
            sem_post(&held[i].go);
            finish(waiting[i]);
        }
        until_threads(threads, 0);
    }
    close_pool(threads);
}
END_TEST

/* Full pools of one kind leave the others alone. */
START_TEST(pools_do_not_starve_one_another)
{
    enum { MANY = 12 };
    struct held held[MANY];
    green_t *waiting[MANY];
    for (int i = 0; i < MANY; i++) {
        hold_init(&held[i], green_threads_file());
        waiting[i] = spawn(hold_in_pool, &held[i]);
    }
    yields(1);
    ck_assert_int_ge(stats_of(green_threads_file()).queued, 2);
    ck_assert_int_eq(green_blocking_in(green_threads_dns(), double_it, NULL, NULL, soon()), 0);
    ck_assert_int_eq(green_blocking(double_it, NULL, NULL, soon()), 0);
    for (int i = 0; i < MANY; i++)
        sem_post(&held[i].go);
    for (int i = 0; i < MANY; i++)
        finish(waiting[i]);
}
END_TEST

/* --- joining and closing -------------------------------------------------------------------------------- */

static void *try_after_close(void *arg)
{
    struct held *h = arg;
    until(&h->begun, 1);
    yields(2); /* main is in the close */
    ck_assert_int_eq(green_blocking_in(h->threads, double_it, NULL, NULL, soon()), -EPIPE);
    green_offload_t *job;
    ck_assert_int_eq(green_offload(&job, h->threads, double_it, NULL, NULL), -EPIPE);
    sem_post(&h->go);
    return NULL;
}

START_TEST(join_and_close)
{
    green_threads_t *threads = pool_of(2);
    ck_assert_int_eq(green_threads_join(threads, GREEN_NOWAIT), 0);
    struct held h;
    hold_init(&h, threads);
    green_t *holder = spawn(hold_in_pool, &h);
    until(&h.begun, 1);
    ck_assert_int_eq(green_threads_join(threads, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_threads_join(threads, green_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(green_threads_close(threads, green_in_ms(2)), -ETIMEDOUT);
    green_t *other = spawn(try_after_close, &h);
    ck_assert_int_eq(green_threads_close(threads, soon()), 0);
    finish(other);
    finish(holder);
    ck_assert_int_eq(h.result, 0);
}
END_TEST

/* --- from the hubs of other threads: case 92 ------------------------------------------------------------ */

enum { HUBS = 4, GREENLETS = 8 };

struct load {
    green_threads_t *threads;
    atomic_int done;
    int jobs;
};

static void *many_jobs(void *arg)
{
    struct load *load = arg;
    for (int i = 0; i < load->jobs; i++) {
        void *out = NULL;
        ck_assert_int_eq(green_blocking_in(load->threads, double_it, (void *)(intptr_t)i, &out, soon()), 0);
        ck_assert_int_eq((intptr_t)out, 2 * i);
        green_offload_t *job;
        ck_assert_int_eq(green_offload(&job, load->threads, count_up, &load->done, NULL), 0);
        if (i % 2)
            ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
        green_offload_release(job);
        int r = green_blocking_in(load->threads, double_it, NULL, NULL, green_in(GREEN_US(i % 50)));
        ck_assert(r == 0 || r == -ETIMEDOUT);
    }
    return NULL;
}

static void *hub_with_jobs(void *arg)
{
    green_t *g[GREENLETS];
    for (int i = 0; i < GREENLETS; i++)
        g[i] = spawn(many_jobs, arg);
    for (int i = 0; i < GREENLETS; i++)
        finish(g[i]);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(many_hubs_share_a_pool)
{
    struct load load = {.threads = pool_of(3), .jobs = rounds(100)};
    pthread_t others[HUBS];
    for (int i = 0; i < HUBS; i++)
        ck_assert_int_eq(pthread_create(&others[i], NULL, hub_with_jobs, &load), 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(green_threads_resize(load.threads, (size_t)(i % 4)), 0);
        green_sleep(GREEN_MS(1));
    }
    ck_assert_int_eq(green_threads_resize(load.threads, 3), 0);
    for (int i = 0; i < HUBS; i++)
        pthread_join(others[i], NULL);
    close_pool(load.threads);
}
END_TEST

/* --- fork: case 94 -------------------------------------------------------------------------------------- */

static void in_forked_child(green_threads_t *threads, green_offload_t *job)
{
    void *out = NULL;
    alarm(30);
    if (green_offload_get(job, &out, soon()) != -EXDEV)
        _exit(1);
    green_offload_release(job);
    for (int i = 0; i < 3; i++)
        if (green_blocking_in(threads, double_it, (void *)7, &out, soon()) < 0 || out != (void *)14)
            _exit(2);
    green_threads_stats_t stats = stats_of(threads);
    if (stats.threads != 1 || stats.queued != 0)
        _exit(3);
    if (green_threads_close(threads, soon()) < 0 || green_hub_close() < 0)
        _exit(4);
    _exit(0);
}

START_TEST(fork_with_a_busy_pool)
{
    green_threads_t *threads = pool_of(1);
    struct held h;
    hold_init(&h, threads);
    green_t *holder = spawn(hold_in_pool, &h), *queued = spawn(hold_in_pool, &h);
    green_offload_t *job;
    until(&h.begun, 1);
    ck_assert_int_eq(green_offload(&job, threads, double_it, NULL, NULL), 0);
    yields(2);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        in_forked_child(threads, job);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);

    sem_post(&h.go); /* the parent's pool has noticed nothing */
    sem_post(&h.go);
    finish(holder);
    finish(queued);
    ck_assert_int_eq(h.ended, 2);
    ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
    green_offload_release(job);
    close_pool(threads);
}
END_TEST

static void *fork_in_job(void *arg)
{
    pid_t pid = fork();
    return (void *)(intptr_t)pid; /* in the child: to nobody */
}

START_TEST(fork_by_a_job)
{
    void *out = NULL;
    ck_assert_int_eq(green_blocking(fork_in_job, NULL, &out, soon()), 0);
    pid_t pid = (pid_t)(intptr_t)out;
    ck_assert_int_gt(pid, 0);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {grows_as_needed_and_no_further, 0},
        {raising_the_maximum_begins_what_waits, 0},
        {none_at_all_waits_until_raised, 0},
        {idle_threads_leave, 0},
        {pools_do_not_starve_one_another, 0},
        {join_and_close, 0},
        {many_hubs_share_a_pool, 0},
        {fork_with_a_busy_pool, 0},
        {fork_by_a_job, 0},
    };
    return RUN_TESTS("threadpool", tests);
}
