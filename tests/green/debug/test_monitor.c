/* The monitor: blocked hubs, memory, functions from time to time. Cases 129 and 130. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#ifdef GREEN_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0"; /* the child's monitor is a thread */
}
#endif

static atomic_int told; /* events */
static green_monitor_event_t last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const green_monitor_event_t *event, void *arg)
{
    pthread_mutex_lock(&lock);
    last = *event;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add((atomic_int *)arg, 1);
}

static green_monitor_event_t last_told(void)
{
    pthread_mutex_lock(&lock);
    green_monitor_event_t e = last;
    pthread_mutex_unlock(&lock);
    return e;
}

static const green_monitor_options_t quick = {
    .max_blocking = GREEN_MS(20), .quiet = true, .on_event = note, .arg = &told};

static void start(const green_monitor_options_t *o)
{
    ck_assert_int_eq(green_monitor_start(o), 0);
}

static void stop(void)
{
    ck_assert_int_eq(green_monitor_stop(), 0);
}

/* Keeps the thread until the monitor has told `count` things. */
__attribute__((noinline)) static void hog(int count)
{
    while (atomic_load(&told) < count)
        sched_yield();
}

static void count_look(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

#define LOOK_PERIOD GREEN_MS(100) /* it may look more often */

/* Waits for n more looks of the monitor in the way given. Its lock is not taken meanwhile: TSan keeps signals from who
 * waits for one, and the monitor asks by signal. */
static void looks(int n, void (*meanwhile)(void))
{
    static atomic_int looked;
    green_monitor_stats_t before, after;
    green_monitor_stats(&before);
    atomic_store(&looked, 0);
    ck_assert_int_eq(green_monitor_add(count_look, &looked, LOOK_PERIOD), 0);
    while (atomic_load(&looked) < n)
        meanwhile();
    ck_assert_int_eq(green_monitor_remove(count_look, &looked), 0);
    green_monitor_stats(&after);
    ck_assert_uint_ge(after.looks, before.looks + (uint64_t)n);
}

static void nap(void)
{
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}

static void spin(void)
{
    sched_yield();
}

static void *block(void *arg)
{
    (void)arg;
    green_set_name(green_self(), "the culprit");
    hog(atomic_load(&told) + 1);
    return NULL;
}

static void *bystand(void *arg)
{
    (void)green_sleep(GREEN_S(1000));
    return arg;
}

START_TEST(names_who_blocks)
{
    green_t *other = spawn(bystand, NULL);
    start(&quick);
    for (int i = 1; i <= 3; i++) {
        green_t *g = spawn(block, NULL);
        uint64_t id = green_id(g);
        finish(g);
        green_monitor_event_t e = last_told();
        ck_assert_int_eq(atomic_load(&told), i);
        ck_assert_int_eq(e.kind, GREEN_MONITOR_BLOCKED);
        ck_assert_int_eq(e.thread, gettid());
        ck_assert_uint_eq(e.greenlet, id);
        ck_assert_str_eq(e.name, "the culprit");
        ck_assert_int_ge(e.blocked, GREEN_MS(20));
        ck_assert_int_gt(e.frame_count, 3);
    }
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

START_TEST(is_told_once_for_each)
{
    green_t *other = spawn(bystand, NULL);
    start(&quick);
    hog(1); /* main, too, can keep the others waiting */
    ck_assert_uint_eq(last_told().greenlet, green_id(green_self()));
    looks(12, spin);
    ck_assert_int_eq(atomic_load(&told), 1);
    nap();
    hog(2);
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

static void until_told(int count)
{
    while (atomic_load(&told) < count)
        nap();
}

static void hog_in_callback(green_post_t *post)
{
    (void)post;
    hog(1);
}

START_TEST(a_callback_of_the_hub_blocks)
{
    green_post_t post = {.fn = hog_in_callback};
    green_t *other = spawn(bystand, NULL);
    start(&quick);
    green_post(green_hub(), &post);
    until_told(1);
    ck_assert_uint_eq(last_told().greenlet, 0);
    ck_assert_int_gt(last_told().frame_count, 3);
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

START_TEST(leaves_the_innocent_alone)
{
    green_monitor_options_t slow = quick;
    slow.max_blocking = GREEN_S(1); /* a busy machine may take its processor away from us for a while */
    start(&slow);
    looks(15, spin); /* nobody else is there to mind */
    green_t *other = spawn(bystand, NULL);
    looks(15, nap); /* waiting is not blocking */
    green_monitor_ignore(true);
    looks(15, spin); /* I know what I do */
    green_monitor_ignore(false);
    ck_assert_int_eq(atomic_load(&told), 0);
    nap();
    hog(1); /* but now I do not */
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

START_TEST(a_thread_that_does_not_answer)
{
    sigset_t all, before;
    green_t *other = spawn(bystand, NULL);
    start(&quick);
    nap();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    hog(1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_eq(last_told().frame_count, 0);
    ck_assert_uint_eq(last_told().greenlet, 0);
    nap();
    hog(2); /* and one that does again */
    ck_assert_uint_eq(last_told().greenlet, green_id(green_self()));
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

static void block_visibly(void)
{
    green_monitor_options_t loud = quick;
    loud.quiet = false;
    green_t *other = spawn(bystand, NULL);
    if (!other || green_monitor_start(&loud) < 0)
        _exit(1);
    hog(1);
    _exit(green_monitor_stop() < 0);
}

START_TEST(writes_a_report)
{
    char text[16384];
    ck_assert_int_eq(in_child(block_visibly, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "libgreen: monitor: thread "));
    ck_assert_ptr_nonnull(strstr(text, " \"main\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "test_green_monitor"));
}
END_TEST

/* --- memory -------------------------------------------------------------------------------------------------------- */

static char *take_memory(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    memset(memory, 1, size);
    return memory;
}

START_TEST(memory_over_a_bound)
{
    if (!memory_is_real())
        return;
    const size_t piece = (size_t)64 << 20;
    green_monitor_options_t o = quick;
    o.max_blocking = GREEN_MS(200);
    o.max_memory = (size_t)resident() * 1024 + piece / 2;
    o.memory_period = GREEN_MS(5);
    start(&o);
    looks(2, nap);
    ck_assert_int_eq(atomic_load(&told), 0);
    char *first = take_memory(piece);
    until_told(1);
    ck_assert_int_eq(last_told().kind, GREEN_MONITOR_MEMORY_OVER);
    ck_assert_uint_gt(last_told().memory, o.max_memory);
    char *second = take_memory(piece); /* it grows: told again */
    while (last_told().memory < o.max_memory + piece)
        nap();
    looks(6, nap); /* the last of the growth has been told, too */
    int so_far = atomic_load(&told);
    ck_assert_int_ge(so_far, 2);
    munmap(second, piece); /* less, but still over: not told */
    looks(6, nap);
    ck_assert_int_eq(atomic_load(&told), so_far);
    munmap(first, piece);
    until_told(so_far + 1);
    ck_assert_int_eq(last_told().kind, GREEN_MONITOR_MEMORY_UNDER);
    looks(6, nap);
    ck_assert_int_eq(atomic_load(&told), so_far + 1);
    stop();
}
END_TEST

/* --- functions ------------------------------------------------------------------------------------------------------- */

static void count_up(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void remove_itself(void *arg)
{
    count_up(arg);
    if (green_monitor_remove(remove_itself, arg) < 0 || green_monitor_stop() != -EDEADLK)
        abort();
}

START_TEST(calls_functions)
{
    atomic_int often = 0, once = 0, rarely = 0;
    ck_assert_int_eq(green_monitor_add(count_up, &often, GREEN_MS(1)), 0);
    ck_assert_int_eq(green_monitor_add(count_up, &often, GREEN_MS(1)), -EEXIST);
    start(&quick);
    ck_assert_int_eq(green_monitor_add(remove_itself, &once, GREEN_MS(2)), 0);
    ck_assert_int_eq(green_monitor_add(count_up, &rarely, GREEN_S(1000)), 0);
    while (atomic_load(&often) < 10)
        nap();
    ck_assert_int_eq(atomic_load(&once), 1);
    ck_assert_int_eq(atomic_load(&rarely), 0);
    ck_assert_int_eq(green_monitor_remove(count_up, &often), 0);
    ck_assert_int_eq(green_monitor_remove(count_up, &often), -ENOENT);
    ck_assert_int_eq(green_monitor_remove(count_up, &rarely), 0);
    int then = atomic_load(&often);
    looks(3, nap);
    ck_assert_int_eq(atomic_load(&often), then);
    stop();
}
END_TEST

START_TEST(is_started_and_stopped)
{
    ck_assert_int_eq(green_monitor_stop(), -ESRCH);
    ck_assert_int_eq(green_monitor_start(&(green_monitor_options_t){.signal = SIGTERM}), -EINVAL);
    ck_assert_int_eq(green_monitor_start(&(green_monitor_options_t){.max_blocking = -1}), -EINVAL);
    signal(SIGRTMIN + 5, (void (*)(int))(void (*)(void))abort);
    ck_assert_int_eq(green_monitor_start(&(green_monitor_options_t){.signal = SIGRTMIN + 5}), -EBUSY);
    ck_assert_int_eq(green_monitor_add(NULL, NULL, 1), -EINVAL);
    ck_assert_int_eq(green_monitor_add(count_up, NULL, 0), -EINVAL);
    for (int i = 0; i < 5; i++) {
        start(NULL);
        ck_assert_int_eq(green_monitor_start(NULL), -EALREADY);
        stop();
    }
}
END_TEST

START_TEST(a_forked_child_has_one_too)
{
    int status;
    green_t *other = spawn(bystand, NULL);
    start(&quick);
    pid_t pid = green_fork();
    if (pid == 0) {
        alarm(30);
        other = spawn(bystand, NULL); /* the parent's is not here */
        hog(1);
        _exit(last_told().thread == gettid() && green_monitor_stop() == 0 ? 0 : 1);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(green_waitpid(pid, &status, 0, soon()), pid);
    ck_assert_int_eq(status, 0);
    stop();
    ck_assert_int_eq(green_kill(other, soon()), 0);
    green_release(other);
}
END_TEST

/* --- slices -------------------------------------------------------------------------------------------------------- */

static void *take_time(void *arg)
{
    for (green_time until = green_in_ms(5); green_now() < until;)
        ;
    return arg;
}

START_TEST(counts_slices)
{
    uint64_t counts[GREEN_SLICE_BUCKETS], long_ones = 0, all = 0;
    ck_assert_int_eq(green_slices_read(counts), -ENOENT);
    ck_assert_int_eq(green_slices(true), 0);
    ck_assert_int_eq(green_slices(true), 0);
    for (int i = 0; i < 3; i++)
        finish(spawn(take_time, NULL));
    yields(10);
    ck_assert_int_eq(green_slices_read(counts), 0);
    for (int i = 0; i < GREEN_SLICE_BUCKETS; i++) {
        all += counts[i];
        if (i >= 22) /* 4.2 ms */
            long_ones += counts[i];
    }
    ck_assert_uint_ge(long_ones, 3);
    ck_assert_uint_ge(all, 13);
    ck_assert_int_eq(green_slices(false), 0);
    ck_assert_int_eq(green_slices_read(counts), -ENOENT);
    ck_assert_int_eq(green_slices(true), 0); /* goes with the hub */
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {names_who_blocks, 0},
        {is_told_once_for_each, 0},
        {a_callback_of_the_hub_blocks, 0},
        {leaves_the_innocent_alone, 0},
        {a_thread_that_does_not_answer, 0},
        {writes_a_report, 0},
        {memory_over_a_bound, 0},
        {calls_functions, 0},
        {is_started_and_stopped, 0},
        {a_forked_child_has_one_too, 0},
        {counts_slices, 0},
    };
    return RUN_TESTS("monitor", tests);
}
