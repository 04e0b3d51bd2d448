/* Queues of every order, channels, select. What was put in and what came out is counted: nothing is lost or doubled. */
#include "generic.h"

static int put, got;

/* --- queues ------------------------------------------------------------------------------------------------------- */

static green_queue_t queue;
static int item;

static int compare(const void *a, const void *b)
{
    (void)a;
    (void)b;
    return 0;
}

static void begin_fifo(void)
{
    green_queue_init(&queue, 1);
    put = got = 0;
}

static void begin_lifo(void)
{
    green_queue_init_lifo(&queue, 1);
    put = got = 0;
}

static void begin_priority(void)
{
    ck_assert_int_eq(green_queue_init_priority(&queue, 1, compare), 0);
    put = got = 0;
}

static void put_now(void)
{
    int r = green_queue_put(&queue, &item, GREEN_NOWAIT);
    ck_assert(r == 0 || r == -EAGAIN);
    put += r == 0;
}

static void get_now(void)
{
    void *out;
    int r = green_queue_get(&queue, &out, GREEN_NOWAIT);
    ck_assert(r == 0 || r == -EAGAIN);
    got += r == 0;
}

static void begin_full_fifo(void)
{
    begin_fifo();
    put_now();
}

static void begin_full_lifo(void)
{
    begin_lifo();
    put_now();
}

static void begin_full_priority(void)
{
    begin_priority();
    put_now();
}

static int wait_get(green_time deadline)
{
    void *out = NULL;
    int r = green_queue_get(&queue, &out, deadline);
    ck_assert_ptr_eq(out, r == 0 ? &item : NULL);
    got += r == 0;
    return r;
}

static int wait_put(green_time deadline)
{
    int r = green_queue_put(&queue, &item, deadline);
    put += r == 0;
    return r;
}

static int wait_peek(green_time deadline)
{
    void *out = NULL;
    int r = green_queue_peek(&queue, &out, deadline);
    ck_assert_ptr_eq(out, r == 0 ? &item : NULL);
    return r;
}

static int wait_join(green_time deadline)
{
    return green_queue_join(&queue, deadline);
}

static void let_join(void)
{
    if (green_queue_unfinished(&queue))
        ck_assert_int_eq(green_queue_task_done(&queue), 0);
}

static void again_join(void)
{
    get_now();
    put_now();
}

static void end_queue(void)
{
    ck_assert_uint_eq((size_t)(put - got), green_queue_len(&queue));
    ck_assert_int_eq(green_queue_destroy(&queue), 0);
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

static green_channel_t *channel, *others[2];

static void begin_rendezvous(void)
{
    channel = green_channel_new(sizeof(int), 0);
    ck_assert_ptr_nonnull(channel);
    put = got = 0;
}

static void begin_buffer(void)
{
    channel = green_channel_new(sizeof(int), 1);
    ck_assert_ptr_nonnull(channel);
    put = got = 0;
}

static void send_now(void)
{
    int r = green_channel_send(channel, &item, GREEN_NOWAIT);
    ck_assert(r == 0 || r == -EAGAIN);
    put += r == 0;
}

static void receive_now(void)
{
    int in, r = green_channel_receive(channel, &in, GREEN_NOWAIT);
    ck_assert(r == 0 || r == -EAGAIN);
    got += r == 0;
}

static void begin_full_buffer(void)
{
    begin_buffer();
    send_now();
}

static int wait_send(green_time deadline)
{
    int r = green_channel_send(channel, &item, deadline);
    put += r == 0;
    return r;
}

static int wait_receive(green_time deadline)
{
    int in = 7, r = green_channel_receive(channel, &in, deadline);
    ck_assert_int_eq(in, r == 0 ? 0 : 7);
    got += r == 0;
    return r;
}

static void end_channel(void)
{
    ck_assert_uint_eq((size_t)(put - got), green_channel_len(channel));
    green_channel_release(channel);
}

/* --- select: with two more channels in which nothing happens ------------------------------------------------------- */

static void begin_select(void)
{
    begin_rendezvous();
    for (int i = 0; i < 2; i++) {
        others[i] = green_channel_new(sizeof(int), 0);
        ck_assert_ptr_nonnull(others[i]);
    }
}

static int wait_select_receive(green_time deadline)
{
    int in = 7;
    green_case_t cases[] = {GREEN_CASE_RECEIVE(others[0], &in), GREEN_CASE_RECEIVE(channel, &in),
                            GREEN_CASE_SEND(others[1], &item)};
    int r = green_select(cases, 3, 0, deadline);
    ck_assert(r < 0 || (r == 1 && cases[1].result == 0));
    got += r >= 0;
    return r;
}

static int wait_select_send(green_time deadline)
{
    int in;
    green_case_t cases[] = {GREEN_CASE_RECEIVE(others[0], &in), GREEN_CASE_SEND(channel, &item),
                            GREEN_CASE_SEND(others[1], &item)};
    int r = green_select(cases, 3, 0, deadline);
    ck_assert(r < 0 || (r == 1 && cases[1].result == 0));
    put += r >= 0;
    return r;
}

static void end_select(void)
{
    int in; /* nobody is left in the others */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(green_channel_send(others[i], &item, GREEN_NOWAIT), -EAGAIN);
        ck_assert_int_eq(green_channel_receive(others[i], &in, GREEN_NOWAIT), -EAGAIN);
        green_channel_release(others[i]);
    }
    end_channel();
}

#define ROW(call, start, what, how, repeat, finally)                                                         \
    {                                                                                                        \
        .name = call, .begin = start, .wait = what, .let = how, .again = repeat, .end = finally              \
    }

static const struct call rows[] = {
    ROW("green_queue_get", begin_fifo, wait_get, put_now, NULL, end_queue),
    ROW("green_queue_get, lifo", begin_lifo, wait_get, put_now, NULL, end_queue),
    ROW("green_queue_get, priority", begin_priority, wait_get, put_now, NULL, end_queue),
    ROW("green_queue_put", begin_full_fifo, wait_put, get_now, NULL, end_queue),
    ROW("green_queue_put, lifo", begin_full_lifo, wait_put, get_now, NULL, end_queue),
    ROW("green_queue_put, priority", begin_full_priority, wait_put, get_now, NULL, end_queue),
    ROW("green_queue_peek", begin_fifo, wait_peek, put_now, get_now, end_queue),
    ROW("green_queue_join", begin_full_fifo, wait_join, let_join, again_join, end_queue),
    ROW("green_channel_send", begin_rendezvous, wait_send, receive_now, NULL, end_channel),
    ROW("green_channel_send, buffered", begin_full_buffer, wait_send, receive_now, NULL, end_channel),
    ROW("green_channel_receive", begin_rendezvous, wait_receive, send_now, NULL, end_channel),
    ROW("green_channel_receive, buffered", begin_buffer, wait_receive, send_now, NULL, end_channel),
    ROW("green_select, receiving", begin_select, wait_select_receive, send_now, NULL, end_select),
    ROW("green_select, sending", begin_select, wait_select_send, receive_now, NULL, end_select),
};

const struct calls calls_queue = CALLS(rows);
