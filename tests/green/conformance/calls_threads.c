/* Work on OS threads: a pool of one thread, which is held by a job until it is told to end. */
#include "generic.h"

#include <semaphore.h>
#include <stdatomic.h>

static green_threads_t *threads;
static green_offload_t *job;
static sem_t go;
static atomic_int held;

static void *hold(void *arg)
{
    while (sem_wait(&go) < 0)
        ;
    atomic_fetch_sub(&held, 1);
    return arg;
}

static void *answer(void *arg)
{
    return arg;
}

static void until_running(void)
{
    green_threads_stats_t stats;
    green_time limit = soon();
    while (green_threads_stats(threads, &stats), stats.queued) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static void start_job(void)
{
    atomic_fetch_add(&held, 1);
    ck_assert_int_eq(green_offload(&job, threads, hold, &go, NULL), 0);
    until_running();
}

static void begin_threads(void)
{
    sem_init(&go, 0, 0);
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.name = "test", .max = 1}), 0);
    start_job();
}

static void let_job(void)
{
    int posted;
    sem_getvalue(&go, &posted);
    if (atomic_load(&held) > posted)
        sem_post(&go);
}

static void again_job(void)
{
    let_job();
    ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
    green_offload_release(job);
    start_job();
}

static void close_threads(void)
{
    if (threads)
        ck_assert_int_eq(green_threads_close(threads, soon()), 0);
    threads = NULL;
}

static void end_threads(void)
{
    let_job();
    ck_assert_int_eq(green_offload_get(job, NULL, soon()), 0);
    green_offload_release(job);
    close_threads();
    sem_destroy(&go);
}

static int wait_blocking_in(green_time deadline)
{
    void *out = NULL;
    int r = green_blocking_in(threads, answer, &go, &out, deadline);
    ck_assert(out == &go || (r < 0 && !out));
    return r;
}

static int wait_get(green_time deadline)
{
    void *out = NULL;
    int r = green_offload_get(job, &out, deadline);
    ck_assert_ptr_eq(out, r == 0 ? &go : NULL);
    return r;
}

static int wait_join(green_time deadline)
{
    return green_threads_join(threads, deadline);
}

static int wait_close(green_time deadline)
{
    int r = green_threads_close(threads, deadline);
    if (r == 0)
        threads = NULL;
    return r;
}

/* --- the application's pool, made as small ------------------------------------------------------------------------- */

static void begin_user(void)
{
    sem_init(&go, 0, 0);
    threads = green_threads_user();
    ck_assert_int_eq(green_threads_resize(threads, 1), 0);
    start_job();
}

static int wait_blocking(green_time deadline)
{
    void *out = NULL;
    int r = green_blocking(answer, &go, &out, deadline);
    ck_assert(out == &go || (r < 0 && !out)); /* what had begun was waited for */
    return r;
}

static void end_user(void)
{
    threads = NULL;
    end_threads();
}

static const struct call rows[] = {
    {.name = "green_blocking",
     .begin = begin_user,
     .wait = wait_blocking,
     .let = let_job,
     .again = again_job,
     .end = end_user},
    {.name = "green_blocking_in",
     .begin = begin_threads,
     .wait = wait_blocking_in,
     .let = let_job,
     .again = again_job,
     .end = end_threads},
    {.name = "green_offload_get",
     .flags = CALL_LAST,
     .begin = begin_threads,
     .wait = wait_get,
     .let = let_job,
     .end = end_threads},
    {.name = "green_threads_join",
     .begin = begin_threads,
     .wait = wait_join,
     .let = let_job,
     .again = again_job,
     .end = end_threads},
    {.name = "green_threads_close",
     .flags = CALL_LAST | CALL_ALONE,
     .begin = begin_threads,
     .wait = wait_close,
     .let = let_job,
     .end = end_threads},
};

const struct calls calls_threads = CALLS(rows);
