/*
 * Six cases for every call of libgreen that can wait:
 *     G1  its deadline ends the wait, and not before it has come
 *     G2  GREEN_NOWAIT ends it at once, without a switch
 *     G3  an enclosing timeout ends it
 *     G4  and is not swallowed, however late the call's own deadline is; nothing of the wait is left in the object
 *     G5  so does a cancellation; whoever waits next is served, and nothing that was handed over is lost
 *     G6  after each of these the object still works
 * The rows are in the files calls_*.c beside this one. A failure names its call.
 */
#include "generic.h"

#include <stdatomic.h>

extern const struct calls calls_core, calls_sync, calls_queue, calls_shared, calls_pool, calls_threads,
    calls_fd, calls_message, calls_stream, calls_tls, calls_dns, calls_os, calls_file, calls_server;

static const struct calls *const files[] = {
    &calls_core,    &calls_sync,   &calls_queue, &calls_shared, &calls_pool, &calls_threads, &calls_fd,
    &calls_message, &calls_stream, &calls_tls,   &calls_dns,    &calls_os,   &calls_file,    &calls_server,
};

static const struct call *rows[512];

#define PATIENCE_MS 5

/* --- one attempt -------------------------------------------------------------------------------------------------- */

struct attempt {
    const struct call *call;
    green_time deadline;
    int64_t outer; /* a timeout around it; 0: none */
    green_t *greenlet;
    int result;
    bool fired;
    uint64_t switched;
    green_time ended;
};

static void *perform(void *arg)
{
    struct attempt *a = arg;
    green_timeout_t outer;
    if (a->outer)
        green_timeout_start(&outer, a->outer);
    uint64_t before = switches();
    a->result = a->call->wait(a->deadline);
    a->switched = switches() - before;
    a->ended = green_now();
    if (a->outer) {
        a->fired = green_timeout_fired(&outer);
        green_timeout_stop(&outer);
    }
    return NULL;
}

static void begin_attempt(struct attempt *a)
{
    if (a->call->flags & CALL_MAIN)
        perform(a);
    else
        a->greenlet = spawn(perform, a);
}

static void end_attempt(struct attempt *a)
{
    if (a->greenlet)
        finish(a->greenlet);
}

static struct attempt tried(const struct call *call, green_time deadline, int64_t outer)
{
    struct attempt a = {.call = call, .deadline = deadline, .outer = outer};
    begin_attempt(&a);
    end_attempt(&a);
    if (a.result < 0 && call->mend)
        call->mend();
    return a;
}

static void until_waiting(const struct attempt *a)
{
    green_time limit = soon();
    while (!green_done(a->greenlet) && green_state(a->greenlet) != GREEN_WAITING) {
        ck_assert_int_lt(green_now(), limit);
        ck_assert_int_eq(green_yield(), 0);
    }
}

static green_time patience(const struct call *call)
{
    return call->flags & CALL_ELAPSES ? green_in_ms(PATIENCE_MS) : soon();
}

static void let(const struct call *call)
{
    if (call->let)
        call->let();
}

static void succeeds(const struct call *call)
{
    struct attempt a = {.call = call, .deadline = patience(call)};
    if (call->flags & CALL_MAIN)
        let(call);
    begin_attempt(&a);
    if (a.greenlet) {
        until_waiting(&a);
        let(call);
    }
    end_attempt(&a);
    ck_assert_msg(a.result >= 0, "does not succeed: %s", green_strerror(a.result));
    if (call->again && !(call->flags & CALL_LAST))
        call->again();
}

/* --- the cases ---------------------------------------------------------------------------------------------------- */

static void times_out(const struct call *call)
{
    green_time deadline = green_in_ms(PATIENCE_MS);
    struct attempt a = tried(call, deadline, 0);
    ck_assert_int_eq(a.result, call->flags & CALL_ELAPSES ? 0 : -ETIMEDOUT);
    ck_assert_int_ge(a.ended, deadline);
}

static void does_not_wait(const struct call *call)
{
    struct attempt a = tried(call, GREEN_NOWAIT, 0);
    ck_assert_int_eq(a.result, -EAGAIN);
    ck_assert_uint_eq(a.switched, 0);
}

static void gives_way(const struct call *call, green_time deadline)
{
    struct attempt a = tried(call, deadline, GREEN_MS(PATIENCE_MS));
    ck_assert_int_eq(a.result, -ETIMEDOUT);
    ck_assert(a.fired);
}

START_TEST(G1)
{
    rows[_i]->begin();
    times_out(rows[_i]);
    succeeds(rows[_i]);
    rows[_i]->end();
}
END_TEST

START_TEST(G2)
{
    rows[_i]->begin();
    does_not_wait(rows[_i]);
    succeeds(rows[_i]);
    rows[_i]->end();
}
END_TEST

START_TEST(G3)
{
    rows[_i]->begin();
    gives_way(rows[_i], rows[_i]->flags & CALL_ELAPSES ? soon() : GREEN_FOREVER);
    succeeds(rows[_i]);
    rows[_i]->end();
}
END_TEST

/* And the object may go at once. */
START_TEST(G4)
{
    rows[_i]->begin();
    gives_way(rows[_i], soon());
    rows[_i]->end();
}
END_TEST

/* The first of two is cancelled; then what comes is for the second. */
static void the_next_is_served(const struct call *call)
{
    struct attempt first = {.call = call, .deadline = soon()}, second = first;
    second.deadline = patience(call);
    call->begin();
    begin_attempt(&first);
    until_waiting(&first);
    if (!(call->flags & CALL_ALONE)) {
        begin_attempt(&second);
        until_waiting(&second);
    }
    ck_assert_int_eq(green_cancel(first.greenlet), 0);
    end_attempt(&first);
    ck_assert_int_eq(first.result, -ECANCELED);
    if (call->flags & CALL_ALONE) {
        begin_attempt(&second);
        until_waiting(&second);
    }
    let(call);
    end_attempt(&second);
    ck_assert_msg(second.result >= 0, "the next is not served: %s", green_strerror(second.result));
    if (call->again && !(call->flags & CALL_LAST)) {
        call->again();
        succeeds(call);
    }
    call->end();
}

/* What they wait for comes and the first of two is cancelled, or the other way round, before either runs: the first has
 * it, or the second has. */
static void nothing_is_lost(const struct call *call, bool cancelled_before)
{
    struct attempt first = {.call = call, .deadline = soon()}, second = first;
    call->begin();
    begin_attempt(&first);
    until_waiting(&first);
    if (!(call->flags & CALL_ALONE)) {
        begin_attempt(&second);
        until_waiting(&second);
    }
    if (!cancelled_before)
        let(call);
    ck_assert_int_eq(green_cancel(first.greenlet), 0);
    if (cancelled_before)
        let(call);
    end_attempt(&first);
    if (first.result < 0)
        ck_assert_int_eq(first.result, -ECANCELED);
    if (!(first.result >= 0 && call->flags & CALL_ALONE && call->flags & CALL_LAST)) {
        if (first.result >= 0 && call->flags & CALL_ALONE && call->again)
            call->again();
        if (!second.greenlet)
            begin_attempt(&second);
        yields(3);
        until_waiting(&second);
        if (first.result >= 0 || call->flags & CALL_OWN)
            let(call);
        end_attempt(&second);
        ck_assert_msg(second.result >= 0, "what came is lost: %s", green_strerror(second.result));
    }
    call->end();
}

static void *cancel_main(void *main)
{
    ck_assert_int_eq(green_cancel(main), 0);
    return NULL;
}

/* It stays cancelled, so what follows is shielded. */
static void main_is_cancelled(const struct call *call)
{
    call->begin();
    green_t *killer = spawn(cancel_main, green_self());
    ck_assert_int_eq(call->wait(soon()), -ECANCELED);
    green_shield();
    finish(killer);
    succeeds(call);
    call->end();
    green_unshield();
}

START_TEST(G5)
{
    const struct call *call = rows[_i];
    if (call->flags & CALL_MAIN) {
        main_is_cancelled(call);
        return;
    }
    the_next_is_served(call);
    if (!(call->flags & CALL_ELAPSES)) {
        nothing_is_lost(call, false);
        nothing_is_lost(call, true);
    }
}
END_TEST

static void is_cancelled(const struct call *call)
{
    struct attempt a = {.call = call, .deadline = soon()};
    begin_attempt(&a);
    until_waiting(&a);
    ck_assert_int_eq(green_cancel(a.greenlet), 0);
    end_attempt(&a);
    ck_assert_int_eq(a.result, -ECANCELED);
    if (call->mend)
        call->mend();
}

static void fails_in_turn(const struct call *call, int which)
{
    if (call->not_for[which])
        return;
    switch (which) {
    case 0:
        times_out(call);
        break;
    case 1:
        does_not_wait(call);
        break;
    case 2:
        gives_way(call, call->flags & CALL_ELAPSES ? soon() : GREEN_FOREVER);
        break;
    case 3:
        gives_way(call, soon());
        break;
    case 4:
        if (!(call->flags & CALL_MAIN))
            is_cancelled(call);
        break;
    }
}

/* All of them one after the other, with a success after each where there can be more than one. */
START_TEST(G6)
{
    const struct call *call = rows[_i];
    call->begin();
    for (int which = 0; which < 5; which++) {
        fails_in_turn(call, which);
        if (!(call->flags & CALL_LAST))
            succeeds(call);
    }
    succeeds(call);
    call->end();
}
END_TEST

/* --- the runner --------------------------------------------------------------------------------------------------- */

static int add_call(Suite *suite, int row)
{
    const TTest *const cases[CASES] = {G1, G2, G3, G4, G5, G6};
    TCase *tcase = tcase_create(rows[row]->name);
    int added = 0;
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_set_timeout(tcase, 50);
    for (int i = 0; i < CASES; i++)
        if (!rows[row]->not_for[i]) {
            tcase_add_loop_test(tcase, cases[i], row, row + 1);
            added++;
        } else {
            printf("not applicable: G%d of %s: %s\n", i + 1, rows[row]->name, rows[row]->not_for[i]);
        }
    suite_add_tcase(suite, tcase);
    return added;
}

/* `list`: the names of the calls, one a line. Another argument: the one call to try. */
int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    int count = 0, added = 0;
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        for (size_t i = 0; i < files[f]->count; i++) {
            const struct call *row = &files[f]->rows[i];
            if (only && strcmp(only, "list") == 0)
                puts(row->name);
            else if (!only || strcmp(only, row->name) == 0)
                rows[count++] = row;
        }
    if (!count)
        return EXIT_SUCCESS;
    Suite *suite = suite_create("generic");
    for (int i = 0; i < count; i++)
        added += add_call(suite, i);
    fflush(stdout);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    printf("%d of %d generic cases over %d calls, %d not applicable\n", added - failed, added, count,
           count * CASES - added);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
