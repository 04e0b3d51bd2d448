/* Channels: meeting, holding, order, time limits, cancellation, closing. */
#include "support.h"

#include <pthread.h>

/* A greenlet that sends or receives one number. */
struct party {
    green_channel_t *channel;
    int number;
    int result;
    green_t *greenlet;
};

static void *sends(void *arg)
{
    struct party *p = arg;
    p->result = green_channel_send(p->channel, &p->number, soon());
    return NULL;
}

static void *receives(void *arg)
{
    struct party *p = arg;
    p->result = green_channel_receive(p->channel, &p->number, soon());
    return NULL;
}

static void launch(struct party *p, green_channel_t *c, green_fn fn, int number)
{
    *p = (struct party){.channel = c, .number = number, .result = 1};
    p->greenlet = spawn(fn, p);
}

static int end_of(struct party *p)
{
    finish(p->greenlet);
    return p->number;
}

static green_channel_t *numbers(size_t capacity)
{
    green_channel_t *c = green_channel_new(sizeof(int), capacity);
    ck_assert_ptr_nonnull(c);
    return c;
}

static int try_send(green_channel_t *c, int number)
{
    return green_channel_send(c, &number, GREEN_NOWAIT);
}

static int received(green_channel_t *c)
{
    int number = -1;
    ck_assert_int_eq(green_channel_receive(c, &number, soon()), 0);
    return number;
}

/* --- meeting ---------------------------------------------------------------------------------------------------------- */

static char events[128];

static void note(const char *what)
{
    if (*events)
        strcat(events, ", ");
    strcat(events, what);
}

static void *receives_two_words(void *arg)
{
    for (int i = 0; i < 2; i++) {
        const char *word = NULL;
        ck_assert_int_eq(green_channel_receive(arg, &word, soon()), 0);
        note(word);
    }
    return NULL;
}

static void send_word(green_channel_t *c, const char *word)
{
    ck_assert_int_eq(green_channel_send(c, &word, soon()), 0);
}

/* Case 79: the receiver goes on first, whoever came first. */
START_TEST(a_rendezvous_has_an_order)
{
    green_channel_t *c = green_channel_new(sizeof(char *), 0);
    green_t *g = spawn(receives_two_words, c);
    note("sending");
    send_word(c, "hello");
    note("sent hello");
    send_word(c, "world");
    note("sent world");
    finish(g);
    ck_assert_str_eq(events, "sending, hello, sent hello, world, sent world");
    green_channel_release(c);
}
END_TEST

/* Cases 79 and 80: without capacity it never holds anything. */
START_TEST(without_capacity_nothing_is_held)
{
    green_channel_t *c = numbers(0);
    int number = 5;
    uint64_t before = switches();
    ck_assert_int_eq(try_send(c, 1), -EAGAIN);
    ck_assert_int_eq(green_channel_receive(c, &number, GREEN_NOWAIT), -EAGAIN);
    ck_assert_uint_eq(green_channel_len(c), 0);
    ck_assert_uint_eq(green_channel_capacity(c), 0);
    ck_assert_uint_eq(switches(), before);

    struct party p;
    launch(&p, c, receives, 0);
    yields(1);
    before = switches();
    ck_assert_int_eq(try_send(c, 7), 0);
    ck_assert_int_eq(try_send(c, 8), -EAGAIN);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(end_of(&p), 7);

    launch(&p, c, sends, 9);
    yields(1);
    ck_assert_uint_eq(green_channel_len(c), 0);
    ck_assert_int_eq(p.result, 1);
    before = switches();
    ck_assert_int_eq(green_channel_receive(c, &number, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(number, 9);
    end_of(&p);
    ck_assert_int_eq(p.result, 0);
    green_channel_release(c);
}
END_TEST

/* --- holding ---------------------------------------------------------------------------------------------------------- */

START_TEST(with_capacity_the_order_is_kept)
{
    green_channel_t *c = numbers(3);
    struct party waiting[4];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(try_send(c, i), 0);
        ck_assert_int_eq(try_send(c, 99), -EAGAIN);
        for (int i = 0; i < 4; i++)
            launch(&waiting[i], c, sends, 3 + i);
        yields(1);
        for (int i = 0; i < 7; i++) {
            ck_assert_int_eq(received(c), i);
            ck_assert_uint_eq(green_channel_len(c), i < 4 ? 3 : 6 - (unsigned)i);
        }
        for (int i = 0; i < 4; i++) {
            end_of(&waiting[i]);
            ck_assert_int_eq(waiting[i].result, 0);
        }
        ck_assert_int_eq(try_send(c, 0), 0); /* the next round begins elsewhere in the ring */
        ck_assert_int_eq(received(c), 0);
    }
    green_channel_release(c);
}
END_TEST

START_TEST(receivers_are_served_in_order)
{
    for (size_t capacity = 0; capacity < 3; capacity++) {
        green_channel_t *c = numbers(capacity);
        struct party waiting[3];
        for (int i = 0; i < 3; i++)
            launch(&waiting[i], c, receives, -1);
        yields(1);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(try_send(c, i), 0);
        ck_assert_uint_eq(green_channel_len(c), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(end_of(&waiting[i]), i);
        green_channel_release(c);
    }
}
END_TEST

struct large {
    char name[100];
    int numbers[301];
};

static void *sends_large(void *arg)
{
    struct large one = {.name = "first", .numbers[300] = 1}, two = {.name = "second", .numbers[300] = 2};
    ck_assert_int_eq(green_channel_send(arg, &one, soon()), 0);
    memset(&one, 0xff, sizeof one);
    ck_assert_int_eq(green_channel_send(arg, &two, soon()), 0);
    memset(&two, 0xff, sizeof two);
    return NULL;
}

START_TEST(elements_of_any_size)
{
    for (size_t capacity = 0; capacity < 3; capacity++) {
        green_channel_t *c = green_channel_new(sizeof(struct large), capacity);
        struct large got;
        green_t *g = spawn(sends_large, c);
        ck_assert_int_eq(green_channel_receive(c, &got, soon()), 0);
        ck_assert_str_eq(got.name, "first");
        ck_assert_int_eq(got.numbers[300], 1);
        ck_assert_int_eq(green_channel_receive(c, &got, soon()), 0);
        ck_assert_str_eq(got.name, "second");
        ck_assert_int_eq(got.numbers[300], 2);
        finish(g);
        green_channel_release(c);
    }
}
END_TEST

START_TEST(signals_without_data)
{
    green_channel_t *c = green_channel_new(0, SIZE_MAX);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(green_channel_send(c, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_channel_send(c, NULL, GREEN_NOWAIT), 0);
    ck_assert_uint_eq(green_channel_len(c), 2);
    ck_assert_int_eq(green_channel_receive(c, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_channel_receive(c, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_channel_receive(c, NULL, GREEN_NOWAIT), -EAGAIN);
    green_channel_release(c);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
    ck_assert_ptr_null(green_channel_new(16, SIZE_MAX / 4));
    ck_assert_ptr_null(green_channel_new(SIZE_MAX, 1));
    green_channel_release(NULL);
}
END_TEST

/* --- waits that end otherwise ------------------------------------------------------------------------------------------- */

START_TEST(who_timed_out_has_sent_and_received_nothing)
{
    green_channel_t *c = numbers(0);
    int number = 5;
    struct party p;
    ck_assert_int_eq(green_channel_receive(c, &number, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(number, 5);
    ck_assert_int_eq(try_send(c, 1), -EAGAIN);
    ck_assert_int_eq(green_channel_send(c, &number, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_channel_receive(c, &number, GREEN_NOWAIT), -EAGAIN);
    launch(&p, c, sends, 2);
    ck_assert_int_eq(received(c), 2);
    end_of(&p);
    green_channel_release(c);
}
END_TEST

START_TEST(who_was_cancelled_has_sent_and_received_nothing)
{
    for (size_t capacity = 0; capacity < 2; capacity++) {
        green_channel_t *c = numbers(capacity);
        struct party dies, lives;
        launch(&dies, c, receives, -1);
        launch(&lives, c, receives, -1);
        yields(1);
        ck_assert_int_eq(green_cancel(dies.greenlet), 0);
        ck_assert_int_eq(try_send(c, 1), 0);
        ck_assert_int_eq(end_of(&dies), -1);
        ck_assert_int_eq(dies.result, -ECANCELED);
        ck_assert_int_eq(end_of(&lives), 1);

        if (capacity)
            ck_assert_int_eq(try_send(c, 2), 0);
        launch(&dies, c, sends, 3);
        launch(&lives, c, sends, 4);
        yields(1);
        ck_assert_int_eq(green_cancel(dies.greenlet), 0);
        if (capacity)
            ck_assert_int_eq(received(c), 2);
        ck_assert_int_eq(received(c), 4);
        end_of(&dies);
        ck_assert_int_eq(dies.result, -ECANCELED);
        end_of(&lives);
        ck_assert_int_eq(green_channel_receive(c, &(int){0}, GREEN_NOWAIT), -EAGAIN);
        green_channel_release(c);
    }
}
END_TEST

/* Decided before the cancellation: it keeps what it got, and what was taken from it is gone. */
START_TEST(who_was_served_and_then_cancelled_was_served)
{
    green_channel_t *c = numbers(0);
    struct party p;
    launch(&p, c, receives, -1);
    yields(1);
    ck_assert_int_eq(try_send(c, 1), 0);
    ck_assert_int_eq(green_cancel(p.greenlet), 0);
    ck_assert_int_eq(end_of(&p), 1);
    ck_assert_int_eq(p.result, 0);

    launch(&p, c, sends, 2);
    yields(1);
    ck_assert_int_eq(received(c), 2);
    ck_assert_int_eq(green_cancel(p.greenlet), 0);
    end_of(&p);
    ck_assert_int_eq(p.result, 0);
    green_channel_release(c);
}
END_TEST

static void *sends_until_told(void *arg)
{
    struct party *p = arg;
    while ((p->result = green_channel_send(p->channel, &p->number, GREEN_FOREVER)) == 0)
        p->number++;
    return NULL;
}

static void *receives_for_ever(void *arg)
{
    struct party *p = arg;
    while ((p->result = green_channel_receive(p->channel, &p->number, GREEN_FOREVER)) == 0)
        ;
    return NULL;
}

/* Somebody is always there to meet, and yet it ends. */
START_TEST(a_busy_sender_can_be_cancelled)
{
    green_channel_t *c = numbers(0);
    struct party sender, receiver;
    launch(&sender, c, sends_until_told, 0);
    launch(&receiver, c, receives_for_ever, -1);
    yields(20);
    ck_assert_int_eq(green_kill(sender.greenlet, soon()), 0);
    end_of(&sender);
    ck_assert_int_eq(sender.result, -ECANCELED);
    ck_assert_int_gt(sender.number, 5);
    ck_assert_int_eq(green_channel_close(c), 0);
    ck_assert_int_eq(end_of(&receiver), sender.number - 1);
    ck_assert_int_eq(receiver.result, -EPIPE);
    green_channel_release(c);
}
END_TEST

/* --- from the hub ------------------------------------------------------------------------------------------------------- */

struct from_hub {
    green_link_t link;
    green_channel_t *channel;
    int nowait, waiting;
};

static void send_in_hub(green_link_t *link)
{
    struct from_hub *h = CONTAINER_OF(link, struct from_hub, link);
    h->nowait = try_send(h->channel, 1);
    h->waiting = green_channel_send(h->channel, &(int){2}, GREEN_FOREVER);
}

static void *nothing(void *arg)
{
    return arg;
}

/* Cases 25 and 101: from a link, to who waits; and waiting is not for the hub. */
START_TEST(the_hub_sends_without_waiting)
{
    green_channel_t *c = numbers(0);
    struct from_hub h = {.channel = c};
    struct party p;
    launch(&p, c, receives, -1);
    green_t *g = spawn(nothing, NULL);
    green_rawlink(green_waitable(g), &h.link, send_in_hub);
    ck_assert_int_eq(end_of(&p), 1);
    ck_assert_int_eq(h.nowait, 0);
    ck_assert_int_eq(h.waiting, -EPERM);
    finish(g);
    green_channel_release(c);
}
END_TEST

/* --- closing ------------------------------------------------------------------------------------------------------------ */

START_TEST(a_closed_channel_drains)
{
    green_channel_t *c = numbers(2);
    struct party sender;
    int number = 5;
    ck_assert_int_eq(try_send(c, 1), 0);
    ck_assert_int_eq(try_send(c, 2), 0);
    launch(&sender, c, sends, 3);
    yields(1);
    ck_assert_int_eq(green_channel_close(c), 0);
    ck_assert_int_eq(green_channel_close(c), 0);
    ck_assert(green_channel_closed(c));
    end_of(&sender);
    ck_assert_int_eq(sender.result, -EPIPE);
    ck_assert_int_eq(try_send(c, 4), -EPIPE);
    ck_assert_int_eq(received(c), 1);
    ck_assert_int_eq(received(c), 2);
    ck_assert_int_eq(green_channel_receive(c, &number, soon()), -EPIPE);
    ck_assert_int_eq(green_channel_receive(c, &number, GREEN_NOWAIT), -EPIPE);
    ck_assert_int_eq(number, 5);
    green_channel_release(c);
}
END_TEST

START_TEST(closing_wakes_all)
{
    green_channel_t *a = numbers(0), *b = numbers(0);
    struct party senders[10], receivers[10];
    for (int i = 0; i < 10; i++) {
        launch(&senders[i], a, sends, i);
        launch(&receivers[i], b, receives, -1);
    }
    yields(1);
    ck_assert_int_eq(green_channel_close(a), 0);
    green_channel_release(a);
    green_channel_release(b); /* the last reference closes too */
    for (int i = 0; i < 10; i++) {
        end_of(&senders[i]);
        ck_assert_int_eq(senders[i].result, -EPIPE);
        ck_assert_int_eq(end_of(&receivers[i]), -1);
        ck_assert_int_eq(receivers[i].result, -EPIPE);
    }
}
END_TEST

START_TEST(references_keep_it)
{
    green_channel_t *c = numbers(1);
    ck_assert_ptr_eq(green_channel_retain(c), c);
    green_channel_release(c);
    ck_assert_int_eq(try_send(c, 1), 0);
    ck_assert_int_eq(received(c), 1);
    green_channel_release(c);
}
END_TEST

/* --- threads, and many ---------------------------------------------------------------------------------------------------- */

static void *use_from_outside(void *arg)
{
    green_channel_t *const *channels = arg;
    static int results[6];
    int number = 1;
    results[0] = try_send(channels[0], 1);
    results[1] = green_channel_receive(channels[0], &number, soon());
    results[2] = green_channel_close(channels[0]);
    results[3] = green_channel_receive(channels[1], &number, GREEN_NOWAIT);
    results[4] = green_channel_send(channels[1], &number, soon());
    results[5] = try_send(channels[2], 1);
    ck_assert_int_eq(green_hub_close(), 0);
    return results;
}

START_TEST(another_threads_waiters_are_left_alone)
{
    green_channel_t *channels[3] = {numbers(0), numbers(0), numbers(1)};
    struct party receiver, sender;
    launch(&receiver, channels[0], receives, -1);
    launch(&sender, channels[1], sends, 2);
    yields(1);
    pthread_t thread;
    void *results;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_from_outside, channels), 0);
    ck_assert_int_eq(pthread_join(thread, &results), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(((int *)results)[i], -EXDEV);
    ck_assert_int_eq(((int *)results)[5], 0);
    ck_assert_int_eq(try_send(channels[0], 3), 0);
    ck_assert_int_eq(end_of(&receiver), 3);
    ck_assert_int_eq(received(channels[1]), 2);
    end_of(&sender);
    for (int i = 0; i < 3; i++)
        green_channel_release(channels[i]);
}
END_TEST

enum { SENDERS = 6, RECEIVERS = 4 };

struct crowd {
    green_channel_t *channel;
    int each;
    unsigned char *seen;
};

struct member {
    struct crowd *crowd;
    int first;
};

static void *sends_many(void *arg)
{
    struct member *m = arg;
    for (int i = 0; i < m->crowd->each; i++) {
        int number = m->first + i, r;
        do
            r = green_channel_send(m->crowd->channel, &number, i % 3 ? soon() : green_in(1));
        while (r == -ETIMEDOUT);
        ck_assert_int_eq(r, 0);
    }
    return NULL;
}

static void *receives_many(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0;; i++) {
        int number, r = green_channel_receive(crowd->channel, &number, i % 5 ? soon() : green_in(1));
        if (r == -EPIPE)
            return NULL;
        if (r == -ETIMEDOUT)
            continue;
        ck_assert_int_eq(r, 0);
        crowd->seen[number]++;
    }
}

/* With room for _i. */
START_TEST(a_crowd_receives_each_once)
{
    struct crowd crowd = {.channel = numbers((size_t)_i), .each = rounds(2000)};
    struct member members[SENDERS];
    green_t *senders[SENDERS], *receivers[RECEIVERS];
    crowd.seen = calloc((size_t)crowd.each, SENDERS);
    ck_assert_ptr_nonnull(crowd.seen);
    for (int i = 0; i < RECEIVERS; i++)
        receivers[i] = spawn(receives_many, &crowd);
    for (int i = 0; i < SENDERS; i++) {
        members[i] = (struct member){&crowd, i * crowd.each};
        senders[i] = spawn(sends_many, &members[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        finish(senders[i]);
    ck_assert_int_eq(green_channel_close(crowd.channel), 0);
    for (int i = 0; i < RECEIVERS; i++)
        finish(receivers[i]);
    for (int i = 0; i < SENDERS * crowd.each; i++)
        ck_assert_uint_eq(crowd.seen[i], 1);
    free(crowd.seen);
    green_channel_release(crowd.channel);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_rendezvous_has_an_order, 0},
        {without_capacity_nothing_is_held, 0},
        {with_capacity_the_order_is_kept, 0},
        {receivers_are_served_in_order, 0},
        {elements_of_any_size, 0},
        {signals_without_data, 0},
        {absurd_sizes_are_refused, 0},
        {who_timed_out_has_sent_and_received_nothing, 0},
        {who_was_cancelled_has_sent_and_received_nothing, 0},
        {who_was_served_and_then_cancelled_was_served, 0},
        {a_busy_sender_can_be_cancelled, 0},
        {the_hub_sends_without_waiting, 0},
        {a_closed_channel_drains, 0},
        {closing_wakes_all, 0},
        {references_keep_it, 0},
        {another_threads_waiters_are_left_alone, 0},
        {a_crowd_receives_each_once, 3},
    };
    return RUN_TESTS("channel", tests);
}
