/* Greenlets: their life from spawn to release, joining, cancelling, shields, turns. */
#include "support.h"

#include <pthread.h>

static void *return_argument(void *arg)
{
    return arg;
}

static void *mark(void *arg)
{
    *(bool *)arg = true;
    return arg;
}

/* --- making and ending
 * ------------------------------------------------------------------------------------------ */

/* Case 1. */
START_TEST(hands_argument_in_and_result_out)
{
    int value;
    void *result = NULL;
    green_t *g = spawn(return_argument, &value);
    ck_assert_int_eq(green_state(g), GREEN_READY);
    ck_assert(!green_done(g));
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_ptr_eq(result, &value);
    ck_assert_int_eq(green_state(g), GREEN_DONE);
    ck_assert_int_eq(green_get(g, NULL, GREEN_NOWAIT), 0);
    ck_assert_int_eq(green_join(g, GREEN_NOWAIT), 0); /* again, and without a wait */
    green_release(g);
}
END_TEST

START_TEST(spawn_lets_the_caller_go_on)
{
    bool ran = false;
    green_t *g = spawn(mark, &ran);
    ck_assert(!ran);
    yields(1);
    ck_assert(ran);
    finish(g);
}
END_TEST

/* Case 3. */
START_TEST(refuses_nonsense)
{
    green_t *g = NULL;
    green_attr_t absurd = {.stack_size = SIZE_MAX};
    ck_assert_ptr_null(green_spawn(NULL, NULL));
    ck_assert_int_eq(green_spawn_ex(&g, NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(green_spawn_ex(&g, &absurd, return_argument, NULL), -EINVAL);
    green_stats_t stats;
    green_hub_stats(&stats);
    ck_assert_uint_eq(stats.greenlets, 1);
    ck_assert_uint_eq(stats.ready, 0);
}
END_TEST

static void *use_stack(void *arg)
{
    size_t size = *(size_t *)arg;
    volatile char *block = __builtin_alloca(size);
    for (size_t i = 0; i < size; i += 512)
        block[i] = 1;
    block[size - 1] = 1;
    return arg;
}

START_TEST(stacks_are_as_large_as_asked)
{
    static const size_t sizes[] = {1, 16 * 1024, 100000, 1024 * 1024, 3 * 1024 * 1024};
    size_t asked = sizes[_i];
    size_t use = asked < 16 * 1024 ? 4096 : asked - 8192;
    green_attr_t attr = {.stack_size = asked, .name = "sized"};
    green_t *g;
    ck_assert_int_eq(green_spawn_ex(&g, &attr, use_stack, &use), 0);
    ck_assert_str_eq(green_name(g), "sized");
    finish(g);
}
END_TEST

static void mark_detached(void *arg)
{
    *(bool *)arg = true;
    ck_assert_str_eq(green_name(green_self()), "lonely");
}

START_TEST(detached_runs_and_is_gone)
{
    bool ran = false;
    ck_assert_int_eq(green_spawn_detached("lonely", mark_detached, &ran), 0);
    yields(1);
    ck_assert(ran);
    green_stats_t stats;
    green_hub_stats(&stats);
    ck_assert_uint_eq(stats.greenlets, 1);
    ck_assert_uint_eq(stats.stacks_cached, 1);
}
END_TEST

START_TEST(released_handle_does_not_stop_the_run)
{
    bool ran = false;
    green_release(spawn(mark, &ran));
    yields(1);
    ck_assert(ran);
    green_release(NULL);
}
END_TEST

START_TEST(references_keep_the_handle)
{
    bool ran = false;
    green_t *g = spawn(mark, &ran);
    ck_assert_ptr_eq(green_retain(g), g);
    finish(g);
    ck_assert(green_done(g));
    ck_assert_int_eq(green_join(g, GREEN_NOWAIT), 0);
    green_release(g);
}
END_TEST

START_TEST(handles_may_outlive_the_hub)
{
    green_t *g = spawn(return_argument, NULL);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_eq(green_hub_close(), 0);
    ck_assert(green_done(g));
    green_release(g);
}
END_TEST

/* Case 49: it outlives who spawned it and who asked about it. */
START_TEST(a_childs_life_is_its_own)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *child = spawn(wait_at_gate, &o);
    green_release(child); /* nobody asks about it, and it goes on */
    yields(1);
    gate_open(&o.gate);
    yields(1);
    ck_assert(o.finished);
    ck_assert_int_eq(o.result, 0);
}
END_TEST

static void *look_at_oneself(void *arg)
{
    green_t *self = green_self();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(green_state(self), GREEN_RUNNING);
        ck_assert(!green_done(self));
        ck_assert(!green_cancelled());
        ck_assert_int_eq(green_sleep(1), 0);
        ck_assert_ptr_eq(green_self(), self);
    }
    return self;
}

/* Case 30. */
START_TEST(the_current_greenlet_is_running_and_not_done)
{
    void *self;
    green_t *g = spawn(look_at_oneself, NULL);
    ck_assert_ptr_ne(green_self(), g);
    ck_assert_int_eq(green_state(green_self()), GREEN_RUNNING);
    ck_assert_int_eq(green_get(g, &self, soon()), 0);
    ck_assert_ptr_eq(self, g);
    green_release(g);
}
END_TEST

START_TEST(names_and_ids)
{
    green_t *a = spawn(return_argument, NULL), *b = spawn(return_argument, NULL);
    ck_assert_str_eq(green_name(green_self()), "main");
    ck_assert_str_eq(green_name(a), "greenlet");
    green_set_name(a, "renamed");
    ck_assert_str_eq(green_name(a), "renamed");
    ck_assert_uint_ne(green_id(a), green_id(b));
    ck_assert_uint_ne(green_id(a), green_id(green_self()));
    uint64_t last = green_id(b);
    finish(a);
    finish(b);
    green_t *c = spawn(return_argument, NULL); /* may reuse a struct, never an id */
    ck_assert_uint_gt(green_id(c), last);
    finish(c);
}
END_TEST

static void *keep_errno(void *arg)
{
    int mine = (int)(intptr_t)arg;
    ck_assert_int_eq(errno, 0);
    for (int i = 0; i < 10; i++) {
        errno = mine;
        ck_assert_int_eq(green_yield(), 0);
        ck_assert_int_eq(errno, mine);
        ck_assert_int_eq(green_sleep(1000), 0);
        ck_assert_int_eq(errno, mine);
    }
    return NULL;
}

START_TEST(errno_belongs_to_the_greenlet)
{
    errno = ENOENT;
    green_t *a = spawn(keep_errno, (void *)EPIPE), *b = spawn(keep_errno, (void *)EINVAL);
    finish(a);
    finish(b);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* --- order and turns
 * -------------------------------------------------------------------------------------------- */

struct letters {
    char text[4096];
    size_t length;
};

struct writer {
    struct letters *letters;
    char letter;
};

static void *write_letters(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < 3; i++) {
        w->letters->text[w->letters->length++] = w->letter;
        ck_assert_int_eq(green_yield(), 0);
    }
    return NULL;
}

/* Case 95, its first half. */
START_TEST(turns_are_taken_in_order)
{
    struct letters letters = {.length = 0};
    struct writer writers[3];
    green_t *g[3];
    for (int i = 0; i < 3; i++) {
        writers[i] = (struct writer){&letters, (char)('A' + i)};
        g[i] = spawn(write_letters, &writers[i]);
    }
    for (int i = 0; i < 3; i++)
        finish(g[i]);
    ck_assert_str_eq(letters.text, "ABCABCABC");
}
END_TEST

struct order {
    int next;
    bool wrong;
};

struct numbered {
    struct order *order;
    green_t *target;
    int number;
};

static void *join_in_order(void *arg)
{
    struct numbered *n = arg;
    ck_assert_int_eq(green_join(n->target, GREEN_FOREVER), 0);
    n->order->wrong |= n->order->next++ != n->number;
    return NULL;
}

START_TEST(joiners_are_served_in_order)
{
    enum { COUNT = 1000 };
    static struct numbered numbered[COUNT];
    static green_t *g[COUNT];
    struct order order = {0};
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t *target = spawn(wait_at_gate, &o);
    for (int i = 0; i < COUNT; i++) {
        numbered[i] = (struct numbered){&order, target, i};
        g[i] = spawn(join_in_order, &numbered[i]);
    }
    yields(2);
    ck_assert_int_eq(order.next, 0);
    gate_open(&o.gate);
    for (int i = 0; i < COUNT; i++)
        finish(g[i]);
    ck_assert_int_eq(order.next, COUNT);
    ck_assert(!order.wrong);
    green_release(target);
}
END_TEST

static void *sleep_and_note(void *arg)
{
    struct writer *w = arg;
    ck_assert_int_eq(green_sleep(GREEN_MS((w->letter - 'A' + 1) * 20)), 0);
    w->letters->text[w->letters->length++] = w->letter;
    return NULL;
}

START_TEST(sleepers_wake_by_time)
{
    struct letters letters = {.length = 0};
    struct writer writers[3];
    green_t *g[3];
    for (int i = 0; i < 3; i++) {
        writers[i] = (struct writer){&letters, (char)('C' - i)};
        g[i] = spawn(sleep_and_note, &writers[i]);
    }
    for (int i = 0; i < 3; i++)
        finish(g[i]);
    ck_assert_str_eq(letters.text, "ABC");
}
END_TEST

START_TEST(sleep_lasts_as_long_as_asked)
{
    green_time start = green_now();
    ck_assert_int_eq(green_sleep(GREEN_MS(30)), 0);
    ck_assert_int_ge(green_now() - start, GREEN_MS(30));
    green_time when = green_in_ms(20);
    ck_assert_int_eq(green_sleep_until(when), 0);
    ck_assert_int_ge(green_now(), when);
    ck_assert_int_eq(green_sleep_until(when), 0); /* past: a yield */
    ck_assert_int_eq(green_sleep(0), 0);
    ck_assert_int_eq(green_sleep(-5), 0);
    ck_assert_int_eq(green_sleep(INT64_MIN), 0);
}
END_TEST

/* --- joining
 * ------------------------------------------------------------------------------------------------------ */

static void *join_oneself(void *arg)
{
    return (void *)(intptr_t)green_join(green_self(), GREEN_FOREVER);
}

/* Case 37. */
START_TEST(joining_oneself_is_a_deadlock)
{
    void *result;
    green_t *g = spawn(join_oneself, NULL);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, -EDEADLK);
    green_release(g);
    ck_assert_int_eq(green_join(green_self(), GREEN_FOREVER), -EDEADLK);
}
END_TEST

static void *from_another_thread(void *arg)
{
    green_t *g = arg;
    ck_assert_int_eq(green_join(g, GREEN_FOREVER), -EXDEV);
    ck_assert_int_eq(green_get(g, NULL, GREEN_FOREVER), -EXDEV);
    ck_assert_int_eq(green_cancel(g), -EXDEV);
    ck_assert_int_eq(green_kill(g, GREEN_FOREVER), -EXDEV);
    return NULL;
}

START_TEST(another_threads_greenlet_is_out_of_bounds)
{
    bool ran = false;
    green_t *g = spawn(mark, &ran);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, from_another_thread, g), 0);
    pthread_join(thread, NULL);
    finish(g);
    ck_assert(ran);
}
END_TEST

struct killer {
    green_t *target;
    int result;
};

static void *kill_it(void *arg)
{
    struct killer *k = arg;
    k->result = green_kill(k->target, GREEN_FOREVER);
    return NULL;
}

/* Case 13. */
START_TEST(joined_by_one_and_killed_by_another)
{
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    struct killer killer = {.target = spawn(wait_at_gate, &o), .result = 1};
    green_t *g = spawn(kill_it, &killer);
    uint64_t before = switches();
    ck_assert_int_eq(green_join(killer.target, soon()), 0);
    ck_assert_uint_le(switches() - before, 5); /* main woke once */
    ck_assert_int_eq(o.result, -ECANCELED);
    finish(g);
    ck_assert_int_eq(killer.result, 0);
    green_release(killer.target);
}
END_TEST

/* --- nothing leaks
 * ------------------------------------------------------------------------------------------------ */

static void spawn_and_kill(int times)
{
    int failures = 0; /* Check writes a line for every assertion: not in long loops */
    for (int i = 0; i < times; i++) {
        struct outcome o = {.result = 1};
        gate_init(&o.gate);
        green_t *g = green_spawn(wait_at_gate, &o);
        if (!g || (i % 2 && green_yield() < 0) || green_kill(g, soon()) < 0)
            failures++;
        green_release(g);
    }
    ck_assert_int_eq(failures, 0);
}

/* Case 36. */
START_TEST(spawn_and_kill_leave_nothing_behind)
{
    green_stats_t before, after;
    spawn_and_kill(1000);
    green_hub_stats(&before);
    long memory = resident();
    spawn_and_kill(rounds(100000));
    green_hub_stats(&after);
    ck_assert_uint_eq(after.greenlets, 1);
    ck_assert_uint_eq(after.stacks_cached, before.stacks_cached);
    if (memory_is_real())
        ck_assert_int_lt(resident() - memory, 2048);
}
END_TEST

START_TEST(ten_thousand_at_once)
{
    int count = rounds(10000);
    struct outcome o = {.result = 1};
    gate_init(&o.gate);
    green_t **g = calloc((size_t)count, sizeof *g);
    for (int i = 0; i < count; i++)
        g[i] = spawn(wait_at_gate, &o);
    yields(1);
    ck_assert_int_eq(o.runs, count);
    for (int i = 0; i < count; i++)
        gate_open(&o.gate);
    for (int i = 0; i < count; i++)
        finish(g[i]);
    free(g);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {hands_argument_in_and_result_out, 0},
        {spawn_lets_the_caller_go_on, 0},
        {refuses_nonsense, 0},
        {stacks_are_as_large_as_asked, 5},
        {detached_runs_and_is_gone, 0},
        {released_handle_does_not_stop_the_run, 0},
        {references_keep_the_handle, 0},
        {handles_may_outlive_the_hub, 0},
        {a_childs_life_is_its_own, 0},
        {the_current_greenlet_is_running_and_not_done, 0},
        {names_and_ids, 0},
        {errno_belongs_to_the_greenlet, 0},
        {turns_are_taken_in_order, 0},
        {joiners_are_served_in_order, 0},
        {sleepers_wake_by_time, 0},
        {sleep_lasts_as_long_as_asked, 0},
        {joining_oneself_is_a_deadlock, 0},
        {another_threads_greenlet_is_out_of_bounds, 0},
        {joined_by_one_and_killed_by_another, 0},
        {spawn_and_kill_leave_nothing_behind, 0},
        {ten_thousand_at_once, 0},
    };
    return RUN_TESTS("greenlet", tests);
}
