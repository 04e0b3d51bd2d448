/* Dumps: what they say of greenlets, here and in other threads. Cases 98 (the report) and 131 (who made whom). */
#include "support.h"

#include <pthread.h>
#include <signal.h>

/* What fn writes. */
static char *text_of(void (*fn)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    fn(out);
    fclose(out);
    return text;
}

static void contains(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

static void plain(FILE *out)
{
    green_dump(out, 0);
}

static void with_stacks(FILE *out)
{
    green_dump(out, GREEN_DUMP_STACKS);
}

static void everywhere(FILE *out)
{
    ck_assert_int_eq(green_dump_all(out, 0, soon()), 0);
}

static void in_a_hurry(FILE *out)
{
    ck_assert_int_eq(green_dump_all(out, 0, green_in_ms(50)), 0);
}

static void *sleeper(void *arg)
{
    (void)green_sleep(GREEN_S(1000));
    return arg;
}

static void *spawner(void *arg)
{
    green_t **child = arg;
    *child = spawn(sleeper, NULL);
    green_set_name(*child, "offspring");
    (void)green_sleep(GREEN_S(1000));
    return NULL;
}

static void *reader(void *arg)
{
    char byte;
    return (void *)(intptr_t)green_read(*(int *)arg, &byte, 1, GREEN_FOREVER);
}

static void put_away(green_t *g)
{
    ck_assert_int_eq(green_kill(g, soon()), 0);
    green_release(g);
}

START_TEST(says_who_waits_for_what)
{
    char expected[128];
    int fds[2];
    green_t *child = NULL, *parent = spawn(spawner, &child);
    stream_pair(fds);
    green_t *r = spawn(reader, &fds[0]);
    green_set_name(r, "reader");
    yields(3);
    green_t *fresh = spawn(sleeper, NULL), *later = green_spawn_at(green_in_ms(100000), sleeper, NULL);
    char *text = text_of(plain);
    snprintf(expected, sizeof expected, "%llu \"main\" running", (unsigned long long)green_id(green_self()));
    contains(text, expected);
    snprintf(expected, sizeof expected, "%llu \"offspring\" waits for time to pass since 0.",
             (unsigned long long)green_id(child));
    contains(text, expected);
    snprintf(expected, sizeof expected, "made by %llu", (unsigned long long)green_id(parent));
    contains(text, expected);
    snprintf(expected, sizeof expected, "\"reader\" waits for readable descriptor %d since", fds[0]);
    contains(text, expected);
    contains(text, "ready, has not begun");
    contains(text, "to start later, has not begun");
    contains(text, "of 64 KiB");
    contains(text, "6 greenlets, 1 ready");
    free(text);
    green_shield();
    ck_assert_int_eq(green_cancel(parent), 0);
    text = text_of(plain);
    contains(text, ", cancelled");
    free(text);
    green_unshield();
    put_away(parent);
    put_away(child);
    put_away(r);
    put_away(fresh);
    put_away(later);
    close_pair(fds);
}
END_TEST

static int depth_of(green_t *g)
{
    void *frames[64];
    return green_backtrace(g, frames, 64);
}

__attribute__((noinline)) static int deep(int n)
{
    volatile int below = n ? deep(n - 1) : green_sleep(GREEN_MS(5));
    return below;
}

static void *dive(void *arg)
{
    return (void *)(intptr_t)deep((int)(intptr_t)arg);
}

START_TEST(looks_at_waiting_stacks)
{
    green_t *shallow = spawn(dive, (void *)1), *deeper = spawn(dive, (void *)11);
    ck_assert_int_eq(depth_of(shallow), 0); /* not begun */
    yields(1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(depth_of(shallow), 3);
        ck_assert_int_eq(depth_of(deeper) - depth_of(shallow), 10);
    }
    ck_assert_int_gt(depth_of(green_self()), 3);
    char *text = text_of(with_stacks);
    contains(text, "test_green_dump");
    free(text);
    void *result;
    ck_assert_int_eq(green_get(deeper, &result, soon()), 0); /* it went on as if nothing had been */
    ck_assert_int_eq((int)(intptr_t)result, 0);
    ck_assert_int_eq(depth_of(deeper), 0);
    green_release(deeper);
    finish(shallow);
}
END_TEST

struct looking {
    uv_timer_t timer;
    green_t *at;
    int depth;
    bool closed;
};

static void look_in_callback(uv_timer_t *timer)
{
    struct looking *l = CONTAINER_OF(timer, struct looking, timer);
    l->depth = depth_of(l->at);
}

static void looking_closed(uv_handle_t *handle)
{
    CONTAINER_OF(handle, struct looking, timer)->closed = true;
}

START_TEST(looks_from_the_hub_and_from_greenlets)
{
    struct looking l = {.at = green_self()};
    uv_timer_init(green_uv_loop(), &l.timer);
    uv_timer_start(&l.timer, look_in_callback, 1, 0);
    while (!l.depth)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0); /* main waits, and is looked at */
    ck_assert_int_gt(l.depth, 3);
    green_uv_loop();
    uv_close((uv_handle_t *)&l.timer, looking_closed);
    while (!l.closed)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}
END_TEST

START_TEST(remembers_where_greenlets_were_made)
{
    green_t *before = spawn(sleeper, NULL);
    ck_assert_int_eq(green_trace_spawn(true), 0);
    ck_assert_int_eq(green_trace_spawn(true), 0);
    green_t *g = spawn(sleeper, NULL);
    char *text = text_of(plain);
    contains(text, "    made at\n");
    contains(text, "test_green_dump");
    free(text);
    put_away(g);
    text = text_of(plain);
    ck_assert_ptr_null(strstr(text, "made at")); /* nothing for the one before */
    free(text);
    g = spawn(sleeper, NULL);
    ck_assert_int_eq(green_trace_spawn(false), 0);
    text = text_of(plain);
    ck_assert_ptr_null(strstr(text, "made at"));
    free(text);
    put_away(g);
    put_away(before);
}
END_TEST

START_TEST(the_environment_may_ask_for_traces)
{
    setenv("GREEN_TRACE_SPAWN", "1", 1);
    green_t *g = spawn(sleeper, NULL);
    char *text = text_of(plain);
    contains(text, "made at");
    free(text);
    put_away(g);
}
END_TEST

/* --- other threads --------------------------------------------------------------------------------------------------- */

struct neighbour {
    pthread_t thread;
    pthread_barrier_t ready;
    atomic_bool over;
    bool blocks; /* its hub, instead of waiting in it */
};

static void *be_a_neighbour(void *arg)
{
    struct neighbour *n = arg;
    green_t *g = spawn(sleeper, NULL);
    green_set_name(g, "far away");
    ck_assert_int_eq(green_yield(), 0);
    pthread_barrier_wait(&n->ready);
    while (!atomic_load(&n->over)) {
        if (n->blocks)
            sched_yield();
        else
            ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    }
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    put_away(g);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

START_TEST(asks_other_threads)
{
    struct neighbour n = {.blocks = _i};
    pthread_barrier_init(&n.ready, NULL, 2);
    ck_assert_int_eq(pthread_create(&n.thread, NULL, be_a_neighbour, &n), 0);
    pthread_barrier_wait(&n.ready);
    char *text = text_of(_i ? in_a_hurry : everywhere);
    contains(text, "\"main\" running");
    contains(text, _i ? "does not answer" : "\"far away\" waits for time to pass");
    free(text);
    atomic_store(&n.over, true);
    ck_assert_int_eq(pthread_join(n.thread, NULL), 0);
    pthread_barrier_destroy(&n.ready);
    text = text_of(everywhere);
    ck_assert_ptr_null(strstr(text, "far away"));
    free(text);
}
END_TEST

/* --- on its own ------------------------------------------------------------------------------------------------------- */

static void wait_in_vain(void)
{
    green_park_t nobody = GREEN_PARK_INIT;
    green_t *g = spawn(reader, &(int){-1});
    green_release(g);
    g = spawn(sleeper, NULL);
    ck_assert_int_eq(green_kill(g, soon()), 0);
    _exit(green_park(&nobody, GREEN_FOREVER) == -EDEADLK ? 7 : 1);
}

START_TEST(a_deadlock_is_reported)
{
    char text[4096];
    ck_assert_int_eq(WEXITSTATUS(in_child(wait_in_vain, text, sizeof text)), 7);
    contains(text, "libgreen: deadlock: nothing can wake any of these greenlets:\n  ");
    contains(text, "\"main\" waits for somebody to wake it since 0.");
}
END_TEST

static void dump_by_signal(void)
{
    green_signal_handler_t *handler;
    int devnull = open("/dev/null", O_RDONLY);
    if (green_dump_on_signal(&handler, SIGQUIT) < 0 || devnull < 0)
        _exit(1);
    raise(SIGQUIT);
    (void)green_sleep(GREEN_MS(200));
    green_signal_cancel(handler);
    _exit(0);
}

START_TEST(a_signal_has_them_dumped)
{
    char text[16384];
    ck_assert_int_eq(in_child(dump_by_signal, text, sizeof text), 0);
    contains(text, "\"signal handler\" running");
    contains(text, "\"main\" waits for time to pass");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {says_who_waits_for_what, 0},
        {looks_at_waiting_stacks, 0},
        {looks_from_the_hub_and_from_greenlets, 0},
        {remembers_where_greenlets_were_made, 0},
        {the_environment_may_ask_for_traces, 0},
        {asks_other_threads, 2},
        {a_deadlock_is_reported, 0},
        {a_signal_has_them_dumped, 0},
    };
    return RUN_TESTS("dump", tests);
}
