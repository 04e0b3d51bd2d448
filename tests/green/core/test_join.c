/* The ends of greenlets: joinall, killall, reasons, links, later starts. */
#include "support.h"

#include "core/waiter.h"

/* --- several at once ---------------------------------------------------------------------------------------------- */

static char order[32];

static void note(char letter)
{
    size_t n = strlen(order);
    ck_assert_uint_lt(n, sizeof order - 1);
    order[n] = letter;
}

struct job {
    int64_t pause;
    int failure;
    char letter;
};

static void *work(void *arg)
{
    struct job *job = arg;
    if (green_sleep(job->pause) < 0)
        return "cancelled";
    note(job->letter);
    if (job->failure)
        green_fail(job->failure);
    return job;
}

static void release_all(green_t **greenlets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(green_kill(greenlets[i], soon()), 0);
        green_release(greenlets[i]);
    }
}

/* Far apart: a busy machine may take its processor away from us for a while. */
static struct job jobs[] = {{GREEN_MS(900), 0, 'a'}, {GREEN_MS(1), 0, 'b'}, {GREEN_MS(300), -EIO, 'c'}};

static void spawn_jobs(green_t *out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = spawn(work, &jobs[i]);
}

START_TEST(joinall_waits_for_all)
{
    green_t *g[3];
    spawn_jobs(g);
    ck_assert_int_eq(green_joinall(g, 3, 0, 0, soon()), 3);
    ck_assert_str_eq(order, "bca");
    ck_assert_int_eq(green_joinall(g, 3, 0, 0, GREEN_NOWAIT), 3);
    release_all(g, 3);
}
END_TEST

/* Case 27. */
START_TEST(joinall_of_some_leaves_the_others_running)
{
    green_t *g[3];
    spawn_jobs(g);
    ck_assert_int_eq(green_joinall(g, 3, 1, 0, soon()), 1);
    ck_assert(!green_done(g[0]) && green_done(g[1]));
    ck_assert_int_eq(green_join(g[0], soon()), 0);
    ck_assert_str_eq(order, "bca");
    release_all(g, 3);
}
END_TEST

/* Case 28. */
START_TEST(joinall_fails_fast_with_the_first_failure)
{
    green_t *g[3];
    spawn_jobs(g);
    ck_assert_int_eq(green_joinall(g, 3, 0, GREEN_FAIL_FAST, soon()), -EIO);
    ck_assert(!green_done(g[0]));
    release_all(g, 3);
}
END_TEST

/* Case 29, and wrong use. */
START_TEST(joinall_of_none)
{
    uint64_t before = switches();
    ck_assert_int_eq(green_joinall(NULL, 0, 0, 0, soon()), 0);
    ck_assert_int_eq(green_killall(NULL, 0, soon()), 0);
    ck_assert_uint_eq(switches(), before);
    green_t *g[2] = {spawn(work, &jobs[1]), NULL};
    ck_assert_int_eq(green_joinall(g, 2, 0, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_joinall(g, 1, 2, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_joinall(g, 1, 0, 64, soon()), -EINVAL);
    g[1] = green_self();
    ck_assert_int_eq(green_joinall(g, 2, 0, 0, soon()), -EDEADLK);
    ck_assert_int_eq(green_join_any(NULL, 0, soon()), -EINVAL);
    ck_assert_int_eq(green_joinall(g, 1, 0, 0, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_joinall(g, 1, 0, 0, green_in(0)), -ETIMEDOUT);
    release_all(g, 1);
}
END_TEST

START_TEST(join_any_gives_the_first)
{
    green_t *g[3];
    spawn_jobs(g);
    ck_assert_int_eq(green_join_any(g, 3, soon()), 1);
    ck_assert_int_eq(green_join_any(g + 2, 1, soon()), 0);
    release_all(g, 3);
}
END_TEST

START_TEST(many_are_joined)
{
    enum { MANY = 500 };
    green_t *g[MANY];
    struct job job = {GREEN_MS(1), 0, 0};
    for (int i = 0; i < MANY; i++)
        g[i] = spawn(work, &job);
    ck_assert_int_eq(green_joinall(g, MANY, 0, GREEN_FAIL_FAST, soon()), MANY);
    release_all(g, MANY);
}
END_TEST

/* --- killing ------------------------------------------------------------------------------------------------------ */

static void *undead(void *arg)
{
    struct gate *gate = arg;
    green_shield();
    int r = gate_wait(gate, GREEN_FOREVER);
    green_unshield();
    return (void *)(intptr_t)r;
}

static void *never(void *arg)
{
    ck_abort_msg("it was cancelled before its first turn");
    return arg;
}

/* Cases 16 and 17. */
START_TEST(killall_bounds_its_wait)
{
    struct gate gate;
    gate_init(&gate);
    green_t *g[3] = {spawn(never, NULL), spawn(never, NULL), NULL};
    ck_assert_int_eq(green_killall(g, 2, soon()), 0);
    ck_assert(green_done(g[0]) && green_done(g[1]));
    ck_assert_int_eq(green_status(g[0]), -ECANCELED);
    g[2] = spawn(undead, &gate);
    yields(1);
    ck_assert_int_eq(green_killall(g, 3, green_in_ms(1)), -ETIMEDOUT);
    ck_assert(!green_done(g[2]));
    gate_open(&gate);
    ck_assert_int_eq(green_killall(g, 3, soon()), 0);
    void *result;
    ck_assert_int_eq(green_get(g[2], &result, soon()), 0);
    ck_assert_ptr_null(result);
    ck_assert_int_eq(green_killall(g, 3, soon()), 0);
    release_all(g, 3);
}
END_TEST

static void *sleeps(void *arg)
{
    return (void *)(intptr_t)green_sleep(GREEN_S(1000));
}

/* Cases 9 to 12: a reason is delivered as it is, the first one stays, and it is the status of what never ran. */
START_TEST(a_reason_is_delivered)
{
    void *result;
    green_t *g = spawn(sleeps, NULL);
    yields(1);
    ck_assert_int_eq(green_cancel_with(g, 0), -EINVAL);
    ck_assert_int_eq(green_cancel_with(g, -EIO), 0);
    ck_assert_int_eq(green_cancel(g), 0);
    ck_assert_int_eq(green_get(g, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, -EIO);
    green_release(g);
    g = spawn(never, NULL);
    ck_assert_int_eq(green_cancel_with(g, -EPIPE), 0);
    ck_assert_int_eq(green_get(g, &result, soon()), -EPIPE);
    ck_assert_int_eq(green_status(g), -EPIPE);
    green_release(g);
}
END_TEST

/* --- later starts -------------------------------------------------------------------------------------------------- */

START_TEST(a_later_start_waits_for_its_time)
{
    green_time when = green_in_ms(20);
    green_t *g = green_spawn_at(when, work, &jobs[1]);
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(green_state(g), GREEN_SCHEDULED);
    yields(3);
    ck_assert_int_eq(green_state(g), GREEN_SCHEDULED);
    ck_assert_int_eq(green_join(g, soon()), 0);
    ck_assert_int_ge(green_now(), when);
    ck_assert_str_eq(order, "b");
    green_release(g);
}
END_TEST

/* Case 7. */
START_TEST(killed_before_its_time)
{
    green_t *g = green_spawn_at(green_in_ms(1), never, NULL);
    green_t *h = green_spawn_at(green_in_ms(1), never, NULL);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    ck_assert_int_eq(green_killall(&h, 1, soon()), 0);
    ck_assert_int_eq(green_status(g), -ECANCELED);
    ck_assert_int_eq(green_sleep(GREEN_MS(5)), 0);
    green_release(g);
    green_release(h);
}
END_TEST

/* --- links ---------------------------------------------------------------------------------------------------------- */

static void after(green_t *g, void *arg)
{
    ck_assert(green_done(g));
    ck_assert_int_eq(green_sleep(GREEN_US(100)), 0);
    note(*(char *)arg);
}

static void *fails(void *arg)
{
    green_fail(-EBADMSG);
}

static void *succeeds(void *arg)
{
    return arg;
}

/* Cases 20, 21 and 26. */
START_TEST(links_by_ending)
{
    green_t *good = spawn(succeeds, NULL), *bad = spawn(fails, NULL), *killed = spawn(never, NULL);
    green_after_t links[7];
    green_link(good, &links[0], GREEN_ON_SUCCESS, after, "a");
    green_link(good, &links[1], GREEN_ON_FAILURE, after, "X");
    green_link(bad, &links[2], GREEN_ON_FAILURE, after, "b");
    green_link(bad, &links[3], GREEN_ON_SUCCESS, after, "X");
    green_link(killed, &links[4], GREEN_ON_END, after, "k");
    green_link(good, &links[5], GREEN_ON_END, after, "X");
    green_unlink(&links[5].link);
    ck_assert_int_eq(green_cancel(killed), 0);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_int_eq(strspn(order, "abk"), 3);
    ck_assert_uint_eq(strlen(order), 3);
    green_link(good, &links[6], GREEN_ON_END, after, "l");
    ck_assert_uint_eq(strlen(order), 3);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_uint_eq(strlen(order), 4);
    release_all((green_t *[]){good, bad, killed}, 3);
}
END_TEST

/* A link keeps what it needs of a greenlet whose handle is given up by the time it runs. */
START_TEST(a_link_outlives_the_handle)
{
    green_t *g = spawn(succeeds, NULL);
    green_after_t link;
    green_link(g, &link, GREEN_ON_END, after, "a");
    ck_assert_int_eq(green_join(g, soon()), 0);
    yields(2);
    green_release(g);
    ck_assert_int_eq(green_run(soon()), 0);
    ck_assert_str_eq(order, "a");
}
END_TEST

struct counted {
    green_link_t link;
    int number;
};

static int next_number;

static void in_order(green_link_t *link)
{
    ck_assert_int_eq(CONTAINER_OF(link, struct counted, link)->number, next_number++);
}

/* Case 95, its second half. */
START_TEST(a_thousand_links_in_order)
{
    enum { MANY = 1000 };
    static struct counted links[MANY];
    green_t *g = spawn(succeeds, NULL);
    for (int i = 0; i < MANY; i++) {
        links[i].number = i;
        green_rawlink(green_waitable(g), &links[i].link, in_order);
    }
    finish(g);
    yields(1);
    ck_assert_int_eq(next_number, MANY);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {joinall_waits_for_all, 0},
        {joinall_of_some_leaves_the_others_running, 0},
        {joinall_fails_fast_with_the_first_failure, 0},
        {joinall_of_none, 0},
        {join_any_gives_the_first, 0},
        {many_are_joined, 0},
        {killall_bounds_its_wait, 0},
        {a_reason_is_delivered, 0},
        {a_later_start_waits_for_its_time, 0},
        {killed_before_its_time, 0},
        {links_by_ending, 0},
        {a_link_outlives_the_handle, 0},
        {a_thousand_links_in_order, 0},
    };
    return RUN_TESTS("join", tests);
}
