/* Events, results, semaphores, locks, conditions, barriers, once, wait groups. What must be unlocked by its owner is
 * held by the main greenlet. */
#include "generic.h"

static void no_begin(void)
{
}

/* --- event, result, semaphore ------------------------------------------------------------------------------------- */

static green_event_t event = GREEN_EVENT_INIT;

static int wait_event(green_time deadline)
{
    return green_event_wait(&event, deadline);
}

static void let_event(void)
{
    green_event_set(&event);
}

static void again_event(void)
{
    green_event_clear(&event);
}

static void end_event(void)
{
    ck_assert_int_eq(green_event_destroy(&event), 0);
    green_event_init(&event);
}

static green_result_t result;

static void begin_result(void)
{
    green_result_init(&result);
}

static int wait_result(green_time deadline)
{
    void *value = NULL;
    int r = green_result_get(&result, &value, deadline);
    ck_assert_ptr_eq(value, r == 0 ? &result : NULL);
    return r;
}

static void let_result(void)
{
    if (!green_result_arrived(&result))
        ck_assert_int_eq(green_result_set(&result, &result), 0);
}

static void end_result(void)
{
    ck_assert_int_eq(green_result_destroy(&result), 0);
}

static green_semaphore_t semaphore;
static int given, taken;

static void begin_semaphore(void)
{
    ck_assert_int_eq(green_semaphore_init(&semaphore, 0), 0);
    given = taken = 0;
}

static int wait_semaphore(green_time deadline)
{
    int r = green_semaphore_acquire(&semaphore, deadline);
    taken += r == 0;
    return r;
}

static void let_semaphore(void)
{
    ck_assert_int_ge(green_semaphore_release(&semaphore), 0);
    given++;
}

static void end_semaphore(void)
{
    ck_assert_int_eq(taken + green_semaphore_count(&semaphore), given);
    ck_assert_int_eq(green_semaphore_destroy(&semaphore), 0);
}

/* --- locks -------------------------------------------------------------------------------------------------------- */

static green_mutex_t mutex = GREEN_MUTEX_INIT;

static void begin_mutex(void)
{
    ck_assert_int_eq(green_mutex_try_lock(&mutex), 0);
}

static int wait_mutex(green_time deadline)
{
    int r = green_mutex_lock(&mutex, deadline);
    if (r == 0)
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    return r;
}

static void let_mutex(void)
{
    if (green_mutex_is_mine(&mutex))
        ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
}

static void end_mutex(void)
{
    let_mutex();
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
}

static green_recursive_mutex_t recursive = GREEN_RECURSIVE_MUTEX_INIT;

static void begin_recursive(void)
{
    ck_assert_int_eq(green_recursive_mutex_try_lock(&recursive), 0);
    ck_assert_int_eq(green_recursive_mutex_try_lock(&recursive), 0);
}

static int wait_recursive(green_time deadline)
{
    int r = green_recursive_mutex_lock(&recursive, deadline);
    if (r == 0) {
        ck_assert_uint_eq(green_recursive_mutex_depth(&recursive), 1);
        ck_assert_int_eq(green_recursive_mutex_unlock(&recursive), 0);
    }
    return r;
}

static void let_recursive(void)
{
    while (green_recursive_mutex_depth(&recursive))
        ck_assert_int_eq(green_recursive_mutex_unlock(&recursive), 0);
}

static void end_recursive(void)
{
    let_recursive();
    ck_assert_int_eq(green_recursive_mutex_destroy(&recursive), 0);
}

static green_rwlock_t rwlock = GREEN_RWLOCK_INIT;
static bool rwlock_held;

static void begin_writing(void)
{
    ck_assert_int_eq(green_rwlock_try_write_lock(&rwlock), 0);
    rwlock_held = true;
}

static void begin_reading(void)
{
    ck_assert_int_eq(green_rwlock_try_read_lock(&rwlock), 0);
    rwlock_held = true;
}

static int wait_read(green_time deadline)
{
    int r = green_rwlock_read_lock(&rwlock, deadline);
    if (r == 0)
        ck_assert_int_eq(green_rwlock_unlock(&rwlock), 0);
    return r;
}

static int wait_write(green_time deadline)
{
    int r = green_rwlock_write_lock(&rwlock, deadline);
    if (r == 0)
        ck_assert_int_eq(green_rwlock_unlock(&rwlock), 0);
    return r;
}

static void let_rwlock(void)
{
    if (rwlock_held)
        ck_assert_int_eq(green_rwlock_unlock(&rwlock), 0);
    rwlock_held = false;
}

static void end_rwlock(void)
{
    let_rwlock();
    ck_assert_int_eq(green_rwlock_try_write_lock(&rwlock), 0);
    ck_assert_int_eq(green_rwlock_unlock(&rwlock), 0);
    ck_assert_int_eq(green_rwlock_destroy(&rwlock), 0);
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static green_condition_t condition = GREEN_CONDITION_INIT;

static int wait_condition(green_time deadline)
{
    ck_assert_int_eq(green_mutex_try_lock(&mutex), 0);
    int r = green_condition_wait(&condition, &mutex, deadline);
    ck_assert(green_mutex_is_mine(&mutex));
    ck_assert_int_eq(green_mutex_unlock(&mutex), 0);
    return r;
}

static int wait_condition_recursive(green_time deadline)
{
    ck_assert_int_eq(green_recursive_mutex_try_lock(&recursive), 0);
    ck_assert_int_eq(green_recursive_mutex_try_lock(&recursive), 0);
    int r = green_condition_wait_recursive(&condition, &recursive, deadline);
    ck_assert_uint_eq(green_recursive_mutex_depth(&recursive), 2);
    let_recursive();
    return r;
}

static void let_condition(void)
{
    green_condition_signal(&condition);
}

static void end_condition(void)
{
    ck_assert_int_eq(green_condition_destroy(&condition), 0);
    ck_assert_int_eq(green_mutex_destroy(&mutex), 0);
    ck_assert_int_eq(green_recursive_mutex_destroy(&recursive), 0);
}

/* --- barrier, once, wait group ------------------------------------------------------------------------------------ */

static green_barrier_t barrier = GREEN_BARRIER_INIT(2);

static int wait_barrier(green_time deadline)
{
    return green_barrier_wait(&barrier, deadline);
}

static void let_barrier(void)
{
    if (green_barrier_waiting(&barrier))
        ck_assert_int_eq(green_barrier_wait(&barrier, soon()), GREEN_BARRIER_SERIAL);
}

static void mend_barrier(void)
{
    green_barrier_reset(&barrier);
}

static void end_barrier(void)
{
    ck_assert_int_eq(green_barrier_destroy(&barrier), 0);
}

static green_once_t once;
static struct gate gate;
static green_t *first;

static int done_at_gate(void *arg)
{
    return gate_wait(arg, GREEN_FOREVER);
}

static void *do_first(void *arg)
{
    ck_assert_int_eq(green_once(&once, done_at_gate, arg, GREEN_FOREVER), 0);
    return NULL;
}

static void begin_once(void)
{
    once = (green_once_t)GREEN_ONCE_INIT;
    gate_init(&gate);
    first = spawn(do_first, &gate);
    yields(1);
}

static int wait_once(green_time deadline)
{
    return green_once(&once, done_at_gate, &gate, deadline);
}

static void let_once(void)
{
    gate_open(&gate);
}

static void end_once(void)
{
    gate_open(&gate);
    finish(first);
    ck_assert(once.done);
    ck_assert_int_eq(green_mutex_destroy(&once.mutex), 0);
}

static green_waitgroup_t waitgroup;

static void begin_waitgroup(void)
{
    green_waitgroup_init(&waitgroup);
    ck_assert_int_eq(green_waitgroup_add(&waitgroup, 1), 1);
}

static int wait_waitgroup(green_time deadline)
{
    return green_waitgroup_wait(&waitgroup, deadline);
}

static void let_waitgroup(void)
{
    if (green_waitgroup_count(&waitgroup))
        ck_assert_int_eq(green_waitgroup_done(&waitgroup), 0);
}

static void again_waitgroup(void)
{
    ck_assert_int_eq(green_waitgroup_add(&waitgroup, 1), 1);
}

static void end_waitgroup(void)
{
    ck_assert_int_eq(green_waitgroup_destroy(&waitgroup), 0);
}

#define ROW(call, start, what, how, repeat, finally)                                                         \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = how, .again = repeat, .end = finally              \
    }

static const struct call rows[] = {
    ROW("green_event_wait", no_begin, wait_event, let_event, again_event, end_event),
    {.name = "green_result_get",
     .flags = CALL_LAST,
     .begin = begin_result,
     .wait = wait_result,
     .let = let_result,
     .end = end_result},
    ROW("green_semaphore_acquire", begin_semaphore, wait_semaphore, let_semaphore, NULL, end_semaphore),
    ROW("green_mutex_lock", begin_mutex, wait_mutex, let_mutex, begin_mutex, end_mutex),
    ROW("green_recursive_mutex_lock", begin_recursive, wait_recursive, let_recursive, begin_recursive,
        end_recursive),
    ROW("green_rwlock_read_lock", begin_writing, wait_read, let_rwlock, begin_writing, end_rwlock),
    ROW("green_rwlock_write_lock", begin_reading, wait_write, let_rwlock, begin_reading, end_rwlock),
    ROW("green_condition_wait", no_begin, wait_condition, let_condition, NULL, end_condition),
    ROW("green_condition_wait_recursive", no_begin, wait_condition_recursive, let_condition, NULL,
        end_condition),
    {.name = "green_barrier_wait",
     .begin = no_begin,
     .wait = wait_barrier,
     .let = let_barrier,
     .mend = mend_barrier,
     .end = end_barrier,
     .not_for[4] = "who gives up breaks the barrier for all who wait: none is to be served"},
    {.name = "green_once",
     .flags = CALL_LAST,
     .begin = begin_once,
     .wait = wait_once,
     .let = let_once,
     .end = end_once},
    ROW("green_waitgroup_wait", begin_waitgroup, wait_waitgroup, let_waitgroup, again_waitgroup,
        end_waitgroup),
};

const struct calls calls_sync = CALLS(rows);
