/* What threads share. All of it is done in one thread here; the tests of each object have the others. */
#include "generic.h"

static int put, got, item;

static green_shared_event_t event = GREEN_SHARED_EVENT_INIT;

static void begin_event(void)
{
    green_shared_event_init(&event);
}

static int wait_event(green_time deadline)
{
    return green_shared_event_wait(&event, deadline);
}

static void let_event(void)
{
    green_shared_event_set(&event);
}

static void again_event(void)
{
    green_shared_event_clear(&event);
}

static void end_event(void)
{
    ck_assert_int_eq(green_shared_event_destroy(&event), 0);
}

static green_shared_semaphore_t semaphore;

static void begin_semaphore(void)
{
    ck_assert_int_eq(green_shared_semaphore_init(&semaphore, 0), 0);
    put = got = 0;
}

static int wait_semaphore(green_time deadline)
{
    int r = green_shared_semaphore_acquire(&semaphore, deadline);
    got += r == 0;
    return r;
}

static void let_semaphore(void)
{
    ck_assert_int_ge(green_shared_semaphore_release(&semaphore), 0);
    put++;
}

static void end_semaphore(void)
{
    ck_assert_int_eq(put - got, green_shared_semaphore_count(&semaphore));
    ck_assert_int_eq(green_shared_semaphore_destroy(&semaphore), 0);
}

static green_shared_queue_t queue;

static void begin_queue(void)
{
    green_shared_queue_init(&queue, 1);
    put = got = 0;
}

static void put_now(void)
{
    int r = green_shared_queue_try_put(&queue, &item);
    ck_assert(r == 0 || r == -EAGAIN);
    put += r == 0;
}

static void get_now(void)
{
    void *out;
    int r = green_shared_queue_try_get(&queue, &out);
    ck_assert(r == 0 || r == -EAGAIN);
    got += r == 0;
}

static void begin_full_queue(void)
{
    begin_queue();
    put_now();
}

static int wait_get(green_time deadline)
{
    void *out = NULL;
    int r = green_shared_queue_get(&queue, &out, deadline);
    ck_assert_ptr_eq(out, r == 0 ? &item : NULL);
    got += r == 0;
    return r;
}

static int wait_put(green_time deadline)
{
    int r = green_shared_queue_put(&queue, &item, deadline);
    put += r == 0;
    return r;
}

static void end_queue(void)
{
    ck_assert_uint_eq((size_t)(put - got), green_shared_queue_len(&queue));
    ck_assert_int_eq(green_shared_queue_destroy(&queue), 0);
}

#define ROW(call, start, what, how, repeat, finally)                                                         \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = how, .again = repeat, .end = finally              \
    }

static const struct call rows[] = {
    ROW("green_shared_event_wait", begin_event, wait_event, let_event, again_event, end_event),
    ROW("green_shared_semaphore_acquire", begin_semaphore, wait_semaphore, let_semaphore, NULL,
        end_semaphore),
    ROW("green_shared_queue_get", begin_queue, wait_get, put_now, NULL, end_queue),
    ROW("green_shared_queue_put", begin_full_queue, wait_put, get_now, NULL, end_queue),
};

const struct calls calls_shared = CALLS(rows);
