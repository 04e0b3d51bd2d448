/* Select: one case of several, fairly, and nothing left behind. */
#include "support.h"

static green_channel_t *numbers(size_t capacity)
{
    green_channel_t *c = green_channel_new(sizeof(int), capacity);
    ck_assert_ptr_nonnull(c);
    return c;
}

static void release(green_channel_t **channels, int count)
{
    for (int i = 0; i < count; i++)
        green_channel_release(channels[i]);
}

static int try_send(green_channel_t *c, int number)
{
    return green_channel_send(c, &number, GREEN_NOWAIT);
}

static int try_receive(green_channel_t *c)
{
    int number = -1, r = green_channel_receive(c, &number, GREEN_NOWAIT);
    return r < 0 ? r : number;
}

/* A greenlet in a select over some receiving and sending cases. */
struct chooser {
    green_case_t cases[4];
    size_t count;
    int numbers[4];
    int chosen;
    green_t *greenlet;
};

static void add(struct chooser *s, green_channel_t *c, enum green_direction direction, int number)
{
    size_t i = s->count++;
    s->numbers[i] = number;
    s->cases[i] = (green_case_t){.channel = c, .direction = direction, .element = &s->numbers[i]};
}

static void *chooses(void *arg)
{
    struct chooser *s = arg;
    s->chosen = green_select(s->cases, s->count, 0, soon());
    return NULL;
}

static void launch(struct chooser *s)
{
    s->chosen = INT_MIN;
    s->greenlet = spawn(chooses, s);
    yields(1);
}

/* --- at once ---------------------------------------------------------------------------------------------------------- */

/* Case 82: a default, which is GREEN_NOWAIT, and a case that never happens. */
START_TEST(nowait_takes_what_is_there_or_nothing)
{
    green_channel_t *c[2] = {numbers(1), numbers(1)};
    int in = -1, out = 7;
    green_case_t cases[] = {GREEN_CASE_RECEIVE(c[0], &in), GREEN_CASE_RECEIVE(NULL, &in),
                            GREEN_CASE_SEND(c[1], &out)};
    uint64_t before = switches();
    ck_assert_int_eq(green_select(cases, 2, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_select(cases, 3, 0, GREEN_NOWAIT), 2);
    ck_assert_int_eq(cases[2].result, 0);
    ck_assert_int_eq(green_select(cases, 3, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(try_send(c[0], 3), 0);
    ck_assert_int_eq(green_select(cases, 3, 0, GREEN_NOWAIT), 0);
    ck_assert_int_eq(in, 3);
    ck_assert_uint_eq(switches(), before);
    ck_assert_int_eq(try_receive(c[1]), 7);
    release(c, 2);
}
END_TEST

START_TEST(wrong_use_is_told)
{
    green_channel_t *c = numbers(0);
    int in;
    green_case_t cases[] = {GREEN_CASE_RECEIVE(c, &in)};
    ck_assert_int_eq(green_select(cases, 1, 2, soon()), -EINVAL);
    ck_assert_int_eq(green_select(cases, (size_t)INT_MAX + 1, 0, soon()), -EINVAL);
    cases[0].direction = (enum green_direction)7;
    ck_assert_int_eq(green_select(cases, 1, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_select(NULL, 0, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_select(NULL, 0, 0, green_in_ms(1)), -ETIMEDOUT);
    green_channel_release(c);
}
END_TEST

/* Case 82: of three that can always happen each gets its share; with the flag, the first does. */
START_TEST(none_that_can_happen_is_starved)
{
    enum { ROUNDS = 3000 };
    green_channel_t *c[3] = {numbers(1), numbers(1), numbers(1)};
    int in, count[3] = {0};
    green_case_t cases[4] = {GREEN_CASE_RECEIVE(NULL, &in)};
    for (int i = 0; i < 3; i++) {
        cases[1 + i] = (green_case_t)GREEN_CASE_RECEIVE(c[i], &in);
        ck_assert_int_eq(try_send(c[i], i), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int chosen = green_select(cases, 4, 0, soon());
        ck_assert_int_ge(chosen, 1);
        ck_assert_int_eq(in, chosen - 1);
        count[in]++;
        ck_assert_int_eq(try_send(c[in], in), 0);
    }
    for (int i = 0; i < 3; i++) /* far from 1000 by 10 times the standard deviation and more */
        ck_assert(count[i] > ROUNDS / 3 - 300 && count[i] < ROUNDS / 3 + 300);
    for (int round = 0; round < 10; round++) {
        ck_assert_int_eq(green_select(cases, 4, GREEN_SELECT_FIRST, soon()), 1);
        ck_assert_int_eq(try_send(c[0], 0), 0);
    }
    release(c, 3);
}
END_TEST

/* --- waiting ---------------------------------------------------------------------------------------------------------- */

/* Case 82: over three channels; exactly one happens although all could by the time it runs. */
START_TEST(exactly_one_happens)
{
    green_channel_t *c[3] = {numbers(0), numbers(0), numbers(0)};
    for (int first = 0; first < 3; first++) {
        struct chooser s = {.count = 0};
        for (int i = 0; i < 3; i++)
            add(&s, c[i], GREEN_RECEIVE, -1);
        launch(&s);
        ck_assert_int_eq(try_send(c[first], 10), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(try_send(c[i], 20), -EAGAIN);
        finish(s.greenlet);
        ck_assert_int_eq(s.chosen, first);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(s.numbers[i], i == first ? 10 : -1);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(try_send(c[i], 30), -EAGAIN);
    }
    release(c, 3);
}
END_TEST

START_TEST(a_waiting_send_is_taken)
{
    green_channel_t *c[2] = {numbers(0), numbers(1)};
    ck_assert_int_eq(try_send(c[1], 1), 0);
    struct chooser s = {.count = 0};
    add(&s, c[0], GREEN_SEND, 5);
    add(&s, c[1], GREEN_SEND, 6);
    launch(&s);
    ck_assert_int_eq(try_receive(c[1]), 1);
    ck_assert_int_eq(try_receive(c[0]), -EAGAIN);
    finish(s.greenlet);
    ck_assert_int_eq(s.chosen, 1);
    ck_assert_int_eq(try_receive(c[1]), 6);
    ck_assert_int_eq(try_receive(c[1]), -EAGAIN);
    release(c, 2);
}
END_TEST

/* Case 82. */
START_TEST(a_select_that_gave_up_leaves_nothing)
{
    green_channel_t *c[3] = {numbers(0), numbers(0), numbers(1)};
    ck_assert_int_eq(try_send(c[2], 9), 0);
    struct chooser s = {.count = 0};
    add(&s, c[0], GREEN_RECEIVE, -1);
    add(&s, c[1], GREEN_SEND, 5);
    add(&s, c[2], GREEN_SEND, 6);
    launch(&s);
    ck_assert_int_eq(green_cancel(s.greenlet), 0);
    ck_assert_int_eq(try_send(c[0], 1), -EAGAIN); /* decided, though it has not run yet */
    finish(s.greenlet);
    ck_assert_int_eq(s.chosen, -ECANCELED);

    ck_assert_int_eq(green_select(s.cases, 3, 0, green_in_ms(1)), -ETIMEDOUT);
    green_timeout_t t;
    green_timeout_start(&t, GREEN_MS(1));
    ck_assert_int_eq(green_select(s.cases, 3, 0, soon()), -ETIMEDOUT);
    ck_assert(green_timeout_fired(&t));
    green_timeout_stop(&t);

    ck_assert_int_eq(try_send(c[0], 1), -EAGAIN);
    ck_assert_int_eq(try_receive(c[1]), -EAGAIN);
    ck_assert_int_eq(try_receive(c[2]), 9);
    ck_assert_int_eq(try_receive(c[2]), -EAGAIN);
    ck_assert_int_eq(s.numbers[0], -1);
    release(c, 3);
}
END_TEST

/* Both directions of one channel, several times: it waits for somebody else. */
START_TEST(a_select_never_meets_itself)
{
    green_channel_t *c = numbers(0);
    struct chooser one = {.count = 0}, two = {.count = 0};
    add(&one, c, GREEN_SEND, 1);
    add(&one, c, GREEN_RECEIVE, -1);
    add(&one, c, GREEN_SEND, 1);
    add(&one, c, GREEN_RECEIVE, -1);
    ck_assert_int_eq(green_select(one.cases, 4, 0, GREEN_NOWAIT), -EAGAIN);
    launch(&one);
    yields(2);
    ck_assert_int_eq(one.chosen, INT_MIN);

    add(&two, c, GREEN_RECEIVE, -1);
    add(&two, c, GREEN_SEND, 2);
    launch(&two);
    finish(one.greenlet);
    finish(two.greenlet);
    if (two.chosen == 0) {
        ck_assert_int_eq(one.chosen, 0);
        ck_assert_int_eq(two.numbers[0], 1);
    } else {
        ck_assert_int_eq(two.chosen, 1);
        ck_assert_int_eq(one.chosen, 1);
        ck_assert_int_eq(one.numbers[1], 2);
    }
    ck_assert_int_eq(try_receive(c), -EAGAIN);
    ck_assert_int_eq(try_send(c, 1), -EAGAIN);
    green_channel_release(c);
}
END_TEST

START_TEST(two_selects_meet_in_the_one_channel_that_they_share)
{
    green_channel_t *c[3] = {numbers(0), numbers(0), numbers(0)};
    struct chooser sender = {.count = 0}, receiver = {.count = 0};
    add(&sender, c[0], GREEN_SEND, 1);
    add(&sender, c[1], GREEN_SEND, 2);
    add(&receiver, c[2], GREEN_RECEIVE, -1);
    add(&receiver, c[1], GREEN_RECEIVE, -1);
    launch(&receiver);
    launch(&sender);
    finish(sender.greenlet);
    finish(receiver.greenlet);
    ck_assert_int_eq(sender.chosen, 1);
    ck_assert_int_eq(sender.cases[1].result, 0);
    ck_assert_int_eq(receiver.chosen, 1);
    ck_assert_int_eq(receiver.numbers[1], 2);
    ck_assert_int_eq(try_receive(c[0]), -EAGAIN);
    release(c, 3);
}
END_TEST

/* --- closed channels -------------------------------------------------------------------------------------------------- */

START_TEST(a_case_of_a_closed_channel_happens)
{
    green_channel_t *c[2] = {numbers(1), numbers(0)};
    int in = -1, out = 4;
    green_case_t receive[] = {GREEN_CASE_RECEIVE(c[0], &in)}, send[] = {GREEN_CASE_SEND(c[0], &out)};
    ck_assert_int_eq(try_send(c[0], 3), 0);
    ck_assert_int_eq(green_channel_close(c[0]), 0);
    ck_assert_int_eq(green_select(send, 1, 0, soon()), 0);
    ck_assert_int_eq(send[0].result, -EPIPE);
    ck_assert_int_eq(green_select(receive, 1, 0, soon()), 0);
    ck_assert_int_eq(receive[0].result, 0);
    ck_assert_int_eq(in, 3);
    ck_assert_int_eq(green_select(receive, 1, 0, GREEN_NOWAIT), 0);
    ck_assert_int_eq(receive[0].result, -EPIPE);

    struct chooser s = {.count = 0};
    add(&s, NULL, GREEN_SEND, 0);
    add(&s, c[1], GREEN_RECEIVE, -1);
    launch(&s);
    ck_assert_int_eq(green_channel_close(c[1]), 0);
    finish(s.greenlet);
    ck_assert_int_eq(s.chosen, 1);
    ck_assert_int_eq(s.cases[1].result, -EPIPE);
    release(c, 2);
}
END_TEST

/* --- many ------------------------------------------------------------------------------------------------------------- */

enum { CHANNELS = 3, SENDERS = 4, RECEIVERS = 3 };

struct crowd {
    green_channel_t *channels[CHANNELS];
    int each;
    unsigned char *seen;
};

struct member {
    struct crowd *crowd;
    int first;
};

static void *sends_anywhere(void *arg)
{
    struct member *m = arg;
    for (int i = 0; i < m->crowd->each; i++) {
        int number = m->first + i, r;
        green_case_t cases[CHANNELS];
        for (int k = 0; k < CHANNELS; k++)
            cases[k] = (green_case_t)GREEN_CASE_SEND(m->crowd->channels[k], &number);
        do
            r = green_select(cases, CHANNELS, 0, i % 3 ? soon() : green_in(1));
        while (r == -ETIMEDOUT);
        ck_assert_int_ge(r, 0);
        ck_assert_int_eq(cases[r].result, 0);
    }
    return NULL;
}

static void *receives_anywhere(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0;; i++) {
        int got[CHANNELS] = {-1, -1, -1};
        green_case_t cases[CHANNELS];
        for (int k = 0; k < CHANNELS; k++)
            cases[k] = (green_case_t)GREEN_CASE_RECEIVE(crowd->channels[k], &got[k]);
        int r = green_select(cases, CHANNELS, 0, i % 5 ? soon() : green_in(1));
        if (r == -ETIMEDOUT) {
            r = CHANNELS;
        } else {
            ck_assert_int_ge(r, 0);
            if (cases[r].result == -EPIPE)
                return NULL;
            crowd->seen[got[r]]++;
        }
        for (int k = 0; k < CHANNELS; k++)
            ck_assert(k == r || got[k] == -1);
    }
}

/* Selects on both sides, some of them impatient: nothing is lost or doubled. With room for _i. */
START_TEST(a_crowd_of_selects)
{
    struct crowd crowd = {.each = rounds(2000)};
    struct member members[SENDERS];
    green_t *senders[SENDERS], *receivers[RECEIVERS];
    for (int i = 0; i < CHANNELS; i++)
        crowd.channels[i] = numbers((size_t)_i);
    crowd.seen = calloc((size_t)crowd.each, SENDERS);
    ck_assert_ptr_nonnull(crowd.seen);
    for (int i = 0; i < RECEIVERS; i++)
        receivers[i] = spawn(receives_anywhere, &crowd);
    for (int i = 0; i < SENDERS; i++) {
        members[i] = (struct member){&crowd, i * crowd.each};
        senders[i] = spawn(sends_anywhere, &members[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        finish(senders[i]);
    for (int i = 0; i < CHANNELS; i++) /* what is held is received by us, as receivers end at the first end */
        for (int number; (number = try_receive(crowd.channels[i])) >= 0;)
            crowd.seen[number]++;
    for (int i = 0; i < CHANNELS; i++)
        ck_assert_int_eq(green_channel_close(crowd.channels[i]), 0);
    for (int i = 0; i < RECEIVERS; i++)
        finish(receivers[i]);
    for (int i = 0; i < SENDERS * crowd.each; i++)
        ck_assert_uint_eq(crowd.seen[i], 1);
    free(crowd.seen);
    release(crowd.channels, CHANNELS);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {nowait_takes_what_is_there_or_nothing, 0},
        {wrong_use_is_told, 0},
        {none_that_can_happen_is_starved, 0},
        {exactly_one_happens, 0},
        {a_waiting_send_is_taken, 0},
        {a_select_that_gave_up_leaves_nothing, 0},
        {a_select_never_meets_itself, 0},
        {two_selects_meet_in_the_one_channel_that_they_share, 0},
        {a_case_of_a_closed_channel_happens, 0},
        {a_crowd_of_selects, 3},
    };
    return RUN_TESTS("select", tests);
}
