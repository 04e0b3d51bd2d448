/* Leaving from the middle, statuses, cleanup. */
#include "support.h"

static char order[32];

static void note(void *arg)
{
    size_t n = strlen(order);
    ck_assert_uint_lt(n, sizeof order - 1);
    order[n] = *(char *)arg;
}

static void dig(int depth, void (*leave)(void))
{
    char frame[256];
    memset(frame, depth, sizeof frame);
    if (depth)
        dig(depth - 1, leave);
    else
        leave();
    ck_assert_int_eq(frame[depth], depth); /* no tail call */
}

static void leave_well(void)
{
    green_exit("well");
}

static void leave_badly(void)
{
    green_fail(-EIO);
}

static void *digs(void *arg)
{
    dig(20, arg);
    ck_abort_msg("it left");
    return NULL;
}

START_TEST(exit_gives_a_result_from_any_depth)
{
    void *result;
    green_t *g = spawn((green_fn)digs, (void *)leave_well);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_str_eq(result, "well");
    ck_assert_int_eq(green_status(g), 0);
    green_release(g);
}
END_TEST

/* Case 2. */
START_TEST(fail_gives_a_status)
{
    void *result = "untouched";
    green_t *g = spawn((green_fn)digs, (void *)leave_badly);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_eq(green_status(g), -EIO);
    ck_assert_int_eq(green_get(g, &result, soon()), -EIO);
    ck_assert_str_eq(result, "untouched");
    green_release(g);
}
END_TEST

static void leave_detached(void *arg)
{
    green_cleanup_t a;
    green_cleanup_push(&a, note, "d");
    green_fail(-EIO);
}

START_TEST(a_detached_one_may_leave_too)
{
    ck_assert_int_eq(green_spawn_detached("leaver", leave_detached, NULL), 0);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_str_eq(order, "d");
}
END_TEST

static void slow_note(void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_US(100)), 0);
    note(arg);
}

static void *cancelled_with_cleanup(void *arg)
{
    green_cleanup_t a, b, c;
    green_cleanup_push(&a, slow_note, "a");
    green_cleanup_push(&b, slow_note, "b");
    green_cleanup_push(&c, note, "c");
    green_cleanup_pop(false);
    green_fail(green_sleep(GREEN_S(1000)));
}

/* The last one first, and although the greenlet was cancelled its handlers may wait. */
START_TEST(cleanup_is_shielded)
{
    green_t *g = spawn(cancelled_with_cleanup, NULL);
    yields(1);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_str_eq(order, "ba");
    ck_assert_int_eq(green_status(g), -ECANCELED);
    green_release(g);
}
END_TEST

static void *pops(void *arg)
{
    green_cleanup_t a, b;
    green_cleanup_push(&a, note, "a");
    green_cleanup_push(&b, note, "b");
    green_cleanup_pop(true);
    green_cleanup_pop(false);
    green_cleanup_pop(true); /* nothing left: harmless */
    return arg;
}

START_TEST(popped_handlers)
{
    finish(spawn(pops, NULL));
    ck_assert_str_eq(order, "b");
}
END_TEST

static void *returns_with_a_handler(void *arg)
{
    green_cleanup_push(arg, note, "r");
    return NULL;
}

START_TEST(a_return_runs_what_is_left)
{
    green_cleanup_t outside;
    finish(spawn(returns_with_a_handler, &outside));
    ck_assert_str_eq(order, "r");
}
END_TEST

static green_timeout_t forgotten;

static void *forgets(void *arg)
{
    green_timeout_start(&forgotten, GREEN_MS(1));
    return arg;
}

/* Case 48: a timeout that its greenlet forgot to stop does not hit the next user of the stack. */
START_TEST(forgotten_timeouts_end)
{
    finish(spawn(forgets, NULL));
    ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
    ck_assert(!green_timeout_fired(&forgotten));
    finish(spawn(forgets, NULL));
}
END_TEST

static void main_leaves(void)
{
    green_exit(NULL);
}

START_TEST(the_main_greenlet_cannot_leave)
{
    char text[1024];
    int status = in_child(main_leaves, text, sizeof text);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "green_exit() was called in a thread's main greenlet"));
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {exit_gives_a_result_from_any_depth, 0},
        {fail_gives_a_status, 0},
        {a_detached_one_may_leave_too, 0},
        {cleanup_is_shielded, 0},
        {popped_handlers, 0},
        {a_return_runs_what_is_left, 0},
        {forgotten_timeouts_end, 0},
        {the_main_greenlet_cannot_leave, 0},
    };
    return RUN_TESTS("exit", tests);
}
