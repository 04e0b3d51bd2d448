/* What a fork leaves of hubs and greenlets. Cases 100, 103 and 128; the pool's part is in tests/green/pool. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#ifdef GREEN_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0"; /* a child that ends on a greenlet's stack: the thread's is not searched for pointers */
}
#endif
#ifdef GREEN_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0"; /* the child may start threads of its own */
}
#endif

/* Runs body(arg) in a forked child; it returns 0 if all was well. */
static void forked(int (*body)(void *arg), void *arg)
{
    int status;
    pid_t pid = green_fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        alarm(30);
        _exit(body(arg));
    }
    ck_assert_int_eq(green_waitpid(pid, &status, 0, soon()), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

#define OR_FAIL(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition);                           \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

static bool others_ran;

static void *must_not_run(void *arg)
{
    others_ran = true;
    return arg;
}

static void *plus_one(void *arg)
{
    green_sleep(GREEN_MS(1));
    return (void *)((intptr_t)arg + 1);
}

/* --- the hub of the child ----------------------------------------------------------------------------------------- */

/* Timers, spawning, descriptors, names, children of its own, closing. */
static int use_everything(void *arg)
{
    int *fds = arg, status;
    char byte;
    void *result;
    green_dns_answer_t *answer;
    OR_FAIL(green_sleep(GREEN_MS(2)) == 0);
    green_t *g = green_spawn(plus_one, (void *)41);
    OR_FAIL(g && green_get(g, &result, soon()) == 0 && (intptr_t)result == 42);
    green_release(g);
    OR_FAIL(green_read(fds[0], &byte, 1, green_in_ms(2)) == -ETIMEDOUT);
    OR_FAIL(green_write(fds[1], "x", 1, soon()) == 1);
    OR_FAIL(green_read(fds[0], &byte, 1, soon()) == 1 && byte == 'x');
    OR_FAIL(green_resolve("localhost", 80, AF_INET, &answer, soon()) == 0);
    green_dns_release(answer);
    OR_FAIL(green_run_process(&(green_process_options_t){.shell = "exit 3"}, &status, soon()) == 0);
    OR_FAIL(WEXITSTATUS(status) == 3);
    OR_FAIL(green_close(fds[0]) == 0 && green_close(fds[1]) == 0);
    OR_FAIL(!others_ran);
    OR_FAIL(green_hub_close() == 0);
    OR_FAIL(green_sleep(GREEN_MS(1)) == 0); /* and a new one */
    OR_FAIL(green_hub_close() == 0);
    return 0;
}

static void fork_beside_unstarted(int *fds)
{
    green_t *unstarted = spawn(must_not_run, NULL),
            *later = green_spawn_at(green_in_ms(2), must_not_run, NULL);
    forked(use_everything, fds);
    finish(unstarted);
    finish(later);
    ck_assert(others_ran); /* in the parent */
}

static void *fork_here(void *arg)
{
    fork_beside_unstarted(arg);
    return NULL;
}

START_TEST(the_child_has_a_working_hub)
{
    int fds[2];
    char byte;
    green_dns_answer_t *answer;
    struct outcome waiting = {0};
    stream_pair(fds);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_int_eq(green_resolve("localhost", 80, AF_INET, &answer, soon()), 0);
    green_dns_release(answer);
    gate_init(&waiting.gate);
    green_t *waiter = spawn(wait_at_gate, &waiting);
    yields(1);
    if (_i)
        finish(spawn(fork_here, fds)); /* on a greenlet's stack */
    else
        fork_beside_unstarted(fds); /* on the thread's */
    gate_open(&waiting.gate);
    finish(waiter);
    ck_assert_int_eq(waiting.result, 0);
    ck_assert_int_eq(green_write(fds[1], "y", 1, soon()), 1);
    ck_assert_int_eq(green_read(fds[0], &byte, 1, soon()), 1);
    ck_assert_int_eq(byte, 'y');
    close_pair(fds);
}
END_TEST

/* --- what becomes of greenlets ---------------------------------------------------------------------------------------- */

struct others {
    green_t *waiting, *unstarted, *reader, *scheduled;
    struct outcome outcome;
    green_semaphore_t sem;
    green_timeout_t timeout;
    green_t *self;
    int fds[2];
};

static int look_at_the_others(void *arg)
{
    struct others *o = arg;
    green_t *all[] = {o->waiting, o->unstarted, o->reader, o->scheduled};
    for (size_t i = 0; i < 4; i++) {
        void *result;
        OR_FAIL(green_done(all[i]) && green_status(all[i]) == -ECANCELED);
        OR_FAIL(green_join(all[i], soon()) == 0);
        OR_FAIL(green_get(all[i], &result, soon()) == -ECANCELED);
        OR_FAIL(green_cancel(all[i]) == 0);
        green_release(all[i]);
    }
    OR_FAIL(green_self() == o->self && strcmp(green_name(o->self), "forker") == 0);
    /* The one who waits for the semaphore is passed over: nothing is lost on it. */
    OR_FAIL(green_semaphore_release(&o->sem) == 1);
    OR_FAIL(green_semaphore_acquire(&o->sem, GREEN_NOWAIT) == 0);
    OR_FAIL(green_semaphore_acquire(&o->sem, green_in_ms(1)) == -ETIMEDOUT);
    /* Its own timeout goes on; nobody is left who could end this but that. */
    OR_FAIL(green_semaphore_acquire(&o->sem, GREEN_FOREVER) == -ETIMEDOUT);
    OR_FAIL(green_timeout_fired(&o->timeout));
    green_timeout_stop(&o->timeout);
    OR_FAIL(green_semaphore_acquire(&o->sem, GREEN_FOREVER) == -EDEADLK);
    return 0;
}

static void *wait_for_sem(void *arg)
{
    return (void *)(intptr_t)green_semaphore_acquire(arg, GREEN_FOREVER);
}

static void *read_one(void *arg)
{
    char byte;
    return (void *)(intptr_t)green_read(*(int *)arg, &byte, 1, GREEN_FOREVER);
}

static void *fork_among_others(void *arg)
{
    struct others *o = arg;
    int status;
    o->self = green_self();
    green_set_name(o->self, "forker");
    green_timeout_start(&o->timeout, GREEN_MS(100));
    o->unstarted = spawn(must_not_run, NULL);
    green_shield();
    pid_t pid = fork();
    green_unshield(); /* the shield has come along */
    if (pid == 0) {
        alarm(30);
        _exit(look_at_the_others(o));
    }
    ck_assert_int_gt(pid, 0);
    green_timeout_stop(&o->timeout);
    ck_assert_int_eq(green_waitpid(pid, &status, 0, soon()), pid);
    ck_assert_int_eq(status, 0);
    return NULL;
}

START_TEST(other_greenlets_are_gone)
{
    struct others o = {0};
    void *result;
    char byte;
    ck_assert_int_eq(green_semaphore_init(&o.sem, 0), 0);
    stream_pair(o.fds);
    o.waiting = spawn(wait_for_sem, &o.sem);
    o.reader = spawn(read_one, &o.fds[0]);
    o.scheduled = green_spawn_at(green_in_ms(2), must_not_run, NULL);
    yields(2);
    ck_assert_int_eq(green_read(o.fds[1], &byte, 1, GREEN_NOWAIT), -EAGAIN);
    finish(spawn(fork_among_others, &o));
    ck_assert_int_eq(green_semaphore_release(&o.sem), 0); /* the parent's are all there */
    ck_assert_int_eq(green_get(o.waiting, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, 0);
    ck_assert_int_eq(green_write(o.fds[1], "x", 1, soon()), 1);
    ck_assert_int_eq(green_get(o.reader, &result, soon()), 0);
    ck_assert_int_eq((int)(intptr_t)result, 1);
    green_release(o.waiting);
    green_release(o.reader);
    finish(o.unstarted);
    finish(o.scheduled);
    close_pair(o.fds);
}
END_TEST

/* Case 128: the function of the forked greenlet returns, and the child is over. */
static void *fork_and_return(void *arg)
{
    *(pid_t *)arg = green_fork();
    return NULL;
}

START_TEST(returning_ends_the_child)
{
    int status;
    pid_t pid = -1;
    char *written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    green_t *g = spawn(fork_and_return, &pid);
    pid_t parent = getpid();
    finish(g);
    written[getpid() != parent]++; /* the child never comes here */
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(green_waitpid(pid, &status, 0, soon()), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(written[1], 0);
    munmap(written, 4096);
}
END_TEST

static int fork_again(void *arg)
{
    int *depth = arg, status;
    if (--*depth == 0)
        return use_everything(&depth[1]);
    pid_t pid = green_fork();
    if (pid == 0)
        _exit(fork_again(arg));
    OR_FAIL(pid > 0 && green_waitpid(pid, &status, 0, soon()) == pid && status == 0);
    return 0;
}

START_TEST(children_of_children)
{
    int arg[3] = {4};
    stream_pair(&arg[1]);
    forked(fork_again, arg);
    close_pair(&arg[1]);
}
END_TEST

/* --- signals, children, other threads ---------------------------------------------------------------------------------- */

#ifndef GREEN_TSAN
static int wait_for_own_signal(void *arg)
{
    OR_FAIL(kill(getpid(), SIGUSR1) == 0);
    OR_FAIL(green_signals_wait(arg, soon()) == SIGUSR1);
    green_signals_close(arg);
    OR_FAIL(green_hub_close() == 0);
    return 0;
}

START_TEST(signals_go_on)
{
    const int number = SIGUSR1;
    green_signals_t *s;
    ck_assert_int_eq(green_signals_open(&s, &number, 1), 0);
    forked(wait_for_own_signal, s);
    ck_assert_int_eq(green_signals_wait(s, GREEN_NOWAIT), -EAGAIN); /* the child's was its own */
    raise(SIGUSR1);
    ck_assert_int_eq(green_signals_wait(s, soon()), SIGUSR1);
    green_signals_close(s);
}
END_TEST
#endif

static int children_of_the_parent(void *arg)
{
    OR_FAIL(green_process_wait(arg, NULL, soon()) == -ECHILD);
    green_process_close(arg);
    OR_FAIL(green_waitpid(-1, NULL, 0, soon()) == -ECHILD);
    return 0;
}

START_TEST(a_childs_sibling_is_nobodys_child)
{
    green_process_t *p;
    int status;
    ck_assert_int_eq(green_process_spawn(&p, &(green_process_options_t){.shell = "exec sleep 1000"}), 0);
    forked(children_of_the_parent, p);
    ck_assert_int_eq(green_process_poll(p, &status), -EAGAIN);
    ck_assert_int_eq(green_process_kill(p, SIGTERM), 0);
    ck_assert_int_eq(green_process_wait(p, &status, soon()), 0);
    green_process_close(p);
}
END_TEST

static void note_post(green_post_t *post)
{
    (void)post;
}

struct neighbour {
    pthread_t thread;
    pthread_barrier_t ready, over;
    green_hub_t *hub;
};

static void *be_a_neighbour(void *arg)
{
    struct neighbour *n = arg;
    n->hub = green_hub();
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    pthread_barrier_wait(&n->ready);
    pthread_barrier_wait(&n->over);
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(green_hub_close(), 0);
    return NULL;
}

static int beside_lost_threads(void *arg)
{
    struct neighbour *n = arg;
    int fds[2];
    char byte;
    green_post_t post = {.fn = note_post};
    green_post(n->hub, &post); /* goes nowhere */
    OR_FAIL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    green_post(n->hub, &post);
    OR_FAIL(green_read(fds[0], &byte, 1, green_in_ms(2)) == -ETIMEDOUT); /* and into nobody's descriptor */
    OR_FAIL(green_read(fds[1], &byte, 1, green_in_ms(2)) == -ETIMEDOUT);
    OR_FAIL(use_everything(fds) == 0);
    return 0;
}

START_TEST(hubs_of_other_threads_are_gone)
{
    struct neighbour n = {0};
    pthread_barrier_init(&n.ready, NULL, 2);
    pthread_barrier_init(&n.over, NULL, 2);
    ck_assert_int_eq(pthread_create(&n.thread, NULL, be_a_neighbour, &n), 0);
    pthread_barrier_wait(&n.ready);
    forked(beside_lost_threads, &n);
    pthread_barrier_wait(&n.over);
    ck_assert_int_eq(pthread_join(n.thread, NULL), 0);
    pthread_barrier_destroy(&n.ready);
    pthread_barrier_destroy(&n.over);
}
END_TEST

struct callback_fork {
    uv_timer_t timer;
    int result;
    bool closed;
};

static void fork_in_callback(uv_timer_t *timer)
{
    CONTAINER_OF(timer, struct callback_fork, timer)->result = green_fork();
}

static void timer_closed(uv_handle_t *handle)
{
    CONTAINER_OF(handle, struct callback_fork, timer)->closed = true;
}

START_TEST(not_in_a_callback_of_the_hub)
{
    struct callback_fork c = {.result = 1};
    uv_timer_init(green_uv_loop(), &c.timer);
    uv_timer_start(&c.timer, fork_in_callback, 1, 0);
    while (c.result == 1)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    ck_assert_int_eq(c.result, -EPERM);
    green_uv_loop();
    uv_close((uv_handle_t *)&c.timer, timer_closed);
    while (!c.closed)
        ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
}
END_TEST

/* --- many ----------------------------------------------------------------------------------------------------------------- */

static int count_descriptors(void *arg)
{
    OR_FAIL(green_sleep(GREEN_MS(1)) == 0);
    return open_descriptors() == *(int *)arg ? 0 : 1; /* as many as the parent: none of its is left over */
}

static void *fork_storm(void *arg)
{
    for (int i = rounds(100); i > 0; i--)
        forked(count_descriptors, arg);
    return NULL;
}

START_TEST(a_storm_of_forks_leaves_nothing)
{
    int count = -1;
    ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
    count = open_descriptors();
    finish(spawn(fork_storm, &count)); /* the first for whatever is made once */
    long before = resident();
    for (int i = 0; i < 3; i++)
        finish(spawn(fork_storm, &count));
    ck_assert_int_eq(open_descriptors(), count);
    if (memory_is_real())
        ck_assert_int_lt(resident() - before, 512);
}
END_TEST

#ifdef GREEN_TSAN
#define AT_A_TIME 1 /* it does not hear libuv close descriptors, whose numbers then seem to have two owners */
#else
#define AT_A_TIME 2
#endif

static void *short_life(void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_US(10)), 0);
    finish(spawn(plus_one, NULL));
    return arg; /* the hub goes with the thread */
}

START_TEST(a_hundred_short_threads_leave_nothing)
{
    int count = open_descriptors();
    long before = 0;
    for (int i = 0; i < 100; i++) {
        pthread_t threads[AT_A_TIME];
        for (int k = 0; k < AT_A_TIME; k++)
            ck_assert_int_eq(pthread_create(&threads[k], NULL, short_life, NULL), 0);
        for (int k = 0; k < AT_A_TIME; k++)
            ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
        if (i == 20)
            before = resident();
    }
    ck_assert_int_eq(open_descriptors(), count);
    if (memory_is_real())
        ck_assert_int_lt(resident() - before, 1024);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {the_child_has_a_working_hub, 2},
        {other_greenlets_are_gone, 0},
        {returning_ends_the_child, 0},
        {children_of_children, 0},
#ifndef GREEN_TSAN /* after a fork it does not deliver signals any more */
        {signals_go_on, 0},
#endif
        {a_childs_sibling_is_nobodys_child, 0},
        {hubs_of_other_threads_are_gone, 0},
        {not_in_a_callback_of_the_hub, 0},
        {a_storm_of_forks_leaves_nothing, 0},
        {a_hundred_short_threads_leave_nothing, 0},
    };
    return RUN_TESTS("fork", tests);
}
