/* Work on OS threads. */
#include "held_pool.h"

static void *answer(void *arg)
{
    return arg;
}

static void begin_threads(void)
{
    sem_init(&go, 0, 0);
    ck_assert_int_eq(green_threads_open(&threads, &(green_threads_attr_t){.name = "test", .max = 1}), 0);
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
    begin_pool_of_process(green_threads_user());
}

static int wait_blocking(green_time deadline)
{
    void *out = NULL;
    int r = green_blocking(answer, &go, &out, deadline);
    ck_assert(out == &go || (r < 0 && !out)); /* what had begun was waited for */
    return r;
}

static const struct call rows[] = {
    {.name = "green_blocking",
     .begin = begin_user,
     .wait = wait_blocking,
     .let = let_job,
     .again = again_job,
     .end = end_pool_of_process},
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
