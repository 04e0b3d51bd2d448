/* Questions to all workers: everybody answers, the slow are left out, those that end answer first, and nothing is lost
 * or touched too late. */
#include "runtime/ask.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MANY 8

/* Stands for a worker: a thread with a hub that can be asked until it is told to end. */
struct worker {
    struct askable_worker asked;
    struct askable *askable;
    unsigned index;
    pthread_t thread;
    green_shared_event_t ready, end;
    green_shared_event_t *held; /* it begins to block its hub, and does so until `let_go` */
    atomic_bool let_go;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    askable_enter(w->askable, &w->asked, w, w->index);
    green_shared_event_set(&w->ready);
    ck_assert_int_eq(green_shared_event_wait(&w->end, GREEN_FOREVER), 0);
    askable_leave(w->askable, &w->asked);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

static void start(struct worker *w, struct askable *a, unsigned index)
{
    *w = (struct worker){
        .askable = a, .index = index, .ready = GREEN_SHARED_EVENT_INIT, .end = GREEN_SHARED_EVENT_INIT};
    ck_assert_int_eq(pthread_create(&w->thread, NULL, work, w), 0);
    ck_assert_int_eq(green_shared_event_wait(&w->ready, GREEN_FOREVER), 0);
}

static void end(struct worker *w)
{
    green_shared_event_set(&w->end);
    pthread_join(w->thread, NULL);
}

struct sum {
    int left, right;
};

static bool add(struct worker *w, const void *about, void *answer)
{
    const struct sum *s = about;
    *(int *)answer = s->left + s->right + (int)w->index;
    return true;
}

static const struct ask_question addition = {
    .fn = add, .answer_size = sizeof(int), .about = &(struct sum){30, 12}, .about_size = sizeof(struct sum)};

START_TEST(all_answer_in_the_order_of_their_numbers)
{
    struct askable a;
    struct worker w[MANY];
    struct ask *ask;
    askable_init(&a);
    for (unsigned i = MANY; i-- > 0;)
        start(&w[i], &a, i);
    ck_assert_int_eq(ask_workers(&a, &addition, GREEN_FOREVER, &ask), 0);
    ck_assert_uint_eq(ask_count(ask), MANY);
    ck_assert_uint_eq(ask_silent(ask), 0);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_uint_eq(ask_index(ask, i), i);
        ck_assert_int_eq(*(int *)ask_answer(ask, i), 42 + (int)i);
    }
    ask_free(ask);
    for (unsigned i = 0; i < MANY; i++)
        end(&w[i]);
    askable_destroy(&a);
}
END_TEST

START_TEST(nobody_to_ask)
{
    struct askable a;
    struct ask *ask;
    askable_init(&a);
    ck_assert_int_eq(ask_workers(&a, &addition, GREEN_FOREVER, &ask), 0);
    ck_assert_uint_eq(ask_count(ask), 0);
    ck_assert_uint_eq(ask_silent(ask), 0);
    ask_free(ask);
    ask_free(NULL);
    askable_destroy(&a);
}
END_TEST

/* Counts to ten, one at a time. */
static bool count(struct worker *w, const void *about, void *answer)
{
    (void)w, (void)about;
    return ++*(int *)answer == 10;
}

START_TEST(an_answer_may_take_several_turns)
{
    struct ask_question question = {.fn = count, .answer_size = sizeof(int)};
    struct askable a;
    struct worker w[2];
    struct ask *ask;
    askable_init(&a);
    for (unsigned i = 0; i < 2; i++)
        start(&w[i], &a, i);
    ck_assert_int_eq(ask_workers(&a, &question, GREEN_FOREVER, &ask), 0);
    ck_assert_uint_eq(ask_silent(ask), 0);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(*(int *)ask_answer(ask, i), 10);
    ask_free(ask);
    for (unsigned i = 0; i < 2; i++)
        end(&w[i]);
    askable_destroy(&a);
}
END_TEST

static atomic_long allocated;

struct text {
    char *words;
};

/* The first worker holds its hub up until it is let go. */
static bool allocate(struct worker *w, const void *about, void *answer)
{
    (void)about;
    struct text *t = answer;
    if (w->held) {
        green_shared_event_set(w->held);
        while (!atomic_load(&w->let_go))
            sched_yield();
    }
    t->words = strdup("words");
    atomic_fetch_add(&allocated, 1);
    return true;
}

static void forget(void *answer)
{
    struct text *t = answer;
    if (t->words)
        atomic_fetch_sub(&allocated, 1);
    free(t->words);
}

START_TEST(a_worker_that_is_stuck_is_left_out_and_answers_into_memory_that_is_still_there)
{
    struct ask_question question = {.fn = allocate, .answer_size = sizeof(struct text), .release = forget};
    green_shared_event_t held = GREEN_SHARED_EVENT_INIT;
    struct askable a;
    struct worker w[3];
    struct ask *ask;
    askable_init(&a);
    for (unsigned i = 0; i < 3; i++)
        start(&w[i], &a, i);
    w[1].held = &held;
    ck_assert_int_eq(ask_workers(&a, &question, green_in_ms(200), &ask), 0);
    ck_assert_ptr_null(ask_answer(ask, 1));
    ck_assert_uint_ge(ask_silent(ask), 1);
    ask_free(ask);
    ck_assert_int_eq(green_shared_event_wait(&held, GREEN_FOREVER), 0);
    w[1].held = NULL;
    atomic_store(&w[1].let_go, true);
    for (unsigned i = 0; i < 3; i++)
        end(&w[i]);
    ck_assert_int_eq(atomic_load(&allocated), 0);
    askable_destroy(&a);
}
END_TEST

static struct askable busy;
static atomic_bool enough;
static atomic_long asked, silent;

static void *ask_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough)) {
        struct ask *ask;
        ck_assert_int_eq(ask_workers(&busy, &addition, GREEN_FOREVER, &ask), 0);
        for (size_t i = 0; i < ask_count(ask); i++)
            ck_assert_int_eq(*(int *)ask_answer(ask, i), 42 + (int)ask_index(ask, i));
        atomic_fetch_add(&silent, (long)ask_silent(ask));
        atomic_fetch_add(&asked, 1);
        ask_free(ask);
    }
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(workers_come_and_go_while_they_are_asked)
{
    pthread_t askers[2];
    struct worker w[4];
    askable_init(&busy);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&askers[i], NULL, ask_on, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        start(&w[i], &busy, i);
    for (unsigned round = 0; round < 100; round++) {
        end(&w[round % 4]);
        start(&w[round % 4], &busy, round % 4);
    }
    for (unsigned i = 0; i < 4; i++)
        end(&w[i]);
    atomic_store(&enough, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(askers[i], NULL);
    ck_assert_int_gt(atomic_load(&asked), 0);
    ck_assert_int_eq(atomic_load(&silent), 0);
    askable_destroy(&busy);
}
END_TEST

static void *ask_and_be_cancelled(void *arg)
{
    struct ask_question question = {.fn = allocate, .answer_size = sizeof(struct text), .release = forget};
    struct ask *ask;
    ck_assert_int_eq(ask_workers(arg, &question, GREEN_FOREVER, &ask), 0);
    ck_assert_uint_eq(ask_silent(ask), 1);
    ask_free(ask);
    return NULL;
}

START_TEST(whoever_asks_may_be_cancelled)
{
    green_shared_event_t held = GREEN_SHARED_EVENT_INIT;
    struct askable a;
    struct worker w;
    askable_init(&a);
    start(&w, &a, 0);
    w.held = &held;
    green_t *asker = green_spawn(ask_and_be_cancelled, &a);
    ck_assert_ptr_nonnull(asker);
    ck_assert_int_eq(green_shared_event_wait(&held, GREEN_FOREVER), 0);
    ck_assert_int_eq(green_kill(asker, GREEN_FOREVER), 0);
    green_release(asker);
    atomic_store(&w.let_go, true);
    end(&w);
    ck_assert_int_eq(atomic_load(&allocated), 0);
    askable_destroy(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime/ask");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, all_answer_in_the_order_of_their_numbers);
    tcase_add_test(tests, nobody_to_ask);
    tcase_add_test(tests, an_answer_may_take_several_turns);
    tcase_add_test(tests, a_worker_that_is_stuck_is_left_out_and_answers_into_memory_that_is_still_there);
    tcase_add_test(tests, workers_come_and_go_while_they_are_asked);
    tcase_add_test(tests, whoever_asks_may_be_cancelled);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
