/*
 * The monitor's thread: the looks at hubs and memory, the functions of the application, forks. Hubs are looked at
 * under the lock of their list, so that none of them goes meanwhile. How a blocked thread says where it is: whereabouts.c.
 */
#include "monitor.h"

#include "whereabouts.h"

#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_BLOCKING   GREEN_MS(100)
#define MEMORY_PERIOD  GREEN_S(1)
#define REPORT_BETWEEN GREEN_S(1)

struct function {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
    int64_t period;
    green_time due;
};

static struct {
    pthread_mutex_t lock; /* recursive: its functions may add and remove functions */
    pthread_cond_t changed;
    green_monitor_options_t options;
    pthread_t thread;
    bool running, stopping;
    struct list functions;
    green_time memory_due, report_due;
    size_t memory_told; /* 0: it is not over */
    green_monitor_stats_t stats;
} monitor;

/* --- events ------------------------------------------------------------------------------------------------------- */

static void report(const green_monitor_event_t *e)
{
    green_time now = green_now();
    if (monitor.options.quiet || now < monitor.report_due)
        return;
    monitor.report_due = now + REPORT_BETWEEN;
    if (e->kind != GREEN_MONITOR_BLOCKED) {
        fprintf(stderr, "libgreen: monitor: %zu KiB of memory, %s %zu KiB\n", e->memory / 1024,
                e->kind == GREEN_MONITOR_MEMORY_OVER ? "over" : "under", monitor.options.max_memory / 1024);
        return;
    }
    fprintf(stderr, "libgreen: monitor: thread %d has been blocked for %.3f s by ", (int)e->thread,
            (double)e->blocked / 1e9);
    if (e->greenlet)
        fprintf(stderr, "greenlet %llu \"%s\"\n", (unsigned long long)e->greenlet, e->name);
    else
        fprintf(stderr, "%s\n", e->frame_count ? "a callback of the hub" : "what does not answer");
    char **names = e->frame_count ? backtrace_symbols(e->frames, e->frame_count) : NULL;
    for (int i = 0; names && i < e->frame_count; i++)
        fprintf(stderr, "      %s\n", names[i]);
    free(names);
}

static void tell(const green_monitor_event_t *e)
{
    if (e->kind == GREEN_MONITOR_BLOCKED)
        monitor.stats.blockages++;
    else
        monitor.stats.memory_events++;
    report(e);
    if (monitor.options.on_event)
        monitor.options.on_event(e, monitor.options.arg);
}

/* --- looks -------------------------------------------------------------------------------------------------------- */

/* True: it seems to be blocked, and nobody has been told. */
static bool look_at(green_hub_t *hub, green_time now, green_monitor_event_t *e)
{
    struct watched *w = &hub->watched;
    uint64_t progress =
        __atomic_load_n(&hub->turns, __ATOMIC_RELAXED) + __atomic_load_n(&hub->polls, __ATOMIC_RELAXED);
    if (__atomic_load_n(&hub->polling, __ATOMIC_RELAXED) || progress != w->progress || !w->since) {
        w->progress = progress;
        w->since = now;
        w->told = false;
        return false;
    }
    if (w->told || now - w->since < monitor.options.max_blocking)
        return false;
    w->told = true;
    *e =
        (green_monitor_event_t){.kind = GREEN_MONITOR_BLOCKED, .thread = hub->tid, .blocked = now - w->since};
    return true;
}

/* One at a time, asked and told without the lock of the hubs: either may take long. */
static void look_at_hubs(void)
{
    for (bool found = true; found;) {
        green_monitor_event_t e;
        green_time now = green_now();
        found = false;
        struct list *hubs = green__hubs_lock();
        for (struct list *node = hubs->next; node != hubs && !found; node = node->next)
            found = look_at(CONTAINER_OF(node, green_hub_t, everywhere), now, &e);
        green__hubs_unlock();
        if (found && green__ask_whereabouts(&e, monitor.options.signal))
            tell(&e);
    }
}

static size_t resident_bytes(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %zu", &pages) != 1)
        pages = 0;
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void look_at_memory(void)
{
    size_t bound = monitor.options.max_memory;
    green_monitor_event_t e = {.memory = resident_bytes()};
    if (e.memory > bound && e.memory > monitor.memory_told) {
        monitor.memory_told = e.memory;
        e.kind = GREEN_MONITOR_MEMORY_OVER;
        tell(&e);
    } else if (monitor.memory_told && e.memory < bound - bound / 20) {
        monitor.memory_told = 0;
        e.kind = GREEN_MONITOR_MEMORY_UNDER;
        tell(&e);
    }
}

static void call_functions(green_time now)
{
    for (struct list *node = monitor.functions.next; node != &monitor.functions;) {
        struct function *f = CONTAINER_OF(node, struct function, link);
        if (f->due > now) {
            node = node->next;
            continue;
        }
        f->due = now + f->period;
        f->fn(f->arg);
        node =
            monitor.functions.next; /* it may have changed the list; those that were due are not any more */
    }
}

static green_time next_due(green_time now)
{
    green_time due = now + monitor.options.max_blocking / 4;
    if (monitor.options.max_memory && monitor.memory_due < due)
        due = monitor.memory_due;
    for (struct list *node = monitor.functions.next; node != &monitor.functions; node = node->next)
        if (CONTAINER_OF(node, struct function, link)->due < due)
            due = CONTAINER_OF(node, struct function, link)->due;
    return due;
}

static void *watch(void *arg)
{
    pthread_mutex_lock(&monitor.lock);
    while (!monitor.stopping) {
        green_time due = next_due(green_now());
        struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
        pthread_cond_timedwait(&monitor.changed, &monitor.lock, &until);
        if (monitor.stopping)
            break;
        monitor.stats.looks++;
        look_at_hubs();
        green_time now = green_now();
        if (monitor.options.max_memory && monitor.memory_due <= now) {
            monitor.memory_due = now + monitor.options.memory_period;
            look_at_memory();
        }
        call_functions(now);
    }
    pthread_mutex_unlock(&monitor.lock);
    return arg;
}

/* --- starting and stopping ------------------------------------------------------------------------------------------ */

static void init_lock(void)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&monitor.lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&monitor.changed, &attr);
    pthread_condattr_destroy(&attr);
}

/* The signals of the process are for other threads. */
static int start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&monitor.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    monitor.running = r == 0;
    return r;
}

static void before_fork(void)
{
    pthread_mutex_lock(&monitor.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&monitor.lock);
}

/* The lock is held in the name of a thread of the parent. */
static void after_fork_in_child(void)
{
    init_lock();
    if (monitor.running && !monitor.stopping && start_thread() < 0)
        fprintf(stderr, "libgreen: monitor: no thread in the forked child\n");
    else if (monitor.stopping)
        monitor.running = monitor.stopping = false;
}

static void once_per_process(void)
{
    init_lock();
    list_init(&monitor.functions);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_per_process);
    pthread_mutex_lock(&monitor.lock);
}

int green_monitor_start(const green_monitor_options_t *options)
{
    green_monitor_options_t o = options ? *options : (green_monitor_options_t){0};
    o.max_blocking = o.max_blocking ? o.max_blocking : MAX_BLOCKING;
    o.memory_period = o.memory_period ? o.memory_period : MEMORY_PERIOD;
    o.signal = o.signal ? o.signal : SIGRTMAX - 1;
    if (o.max_blocking < GREEN_MS(1) || o.memory_period < GREEN_MS(1) || o.signal < SIGRTMIN ||
        o.signal > SIGRTMAX)
        return -EINVAL;
    lock();
    int r = monitor.running ? -EALREADY : green__whereabouts_open(o.signal);
    if (r == 0) {
        monitor.options = o;
        monitor.memory_due = monitor.report_due = 0;
        monitor.memory_told = 0;
        r = start_thread();
        if (r < 0)
            green__whereabouts_close(o.signal);
    }
    pthread_mutex_unlock(&monitor.lock);
    return r;
}

int green_monitor_stop(void)
{
    lock();
    int r = !monitor.running || monitor.stopping            ? -ESRCH
            : pthread_equal(monitor.thread, pthread_self()) ? -EDEADLK
                                                            : 0;
    if (r == 0) {
        monitor.stopping = true;
        pthread_cond_signal(&monitor.changed);
    }
    pthread_mutex_unlock(&monitor.lock);
    if (r < 0)
        return r;
    pthread_join(monitor.thread, NULL);
    lock();
    green__whereabouts_close(monitor.options.signal);
    monitor.running = monitor.stopping = false;
    pthread_mutex_unlock(&monitor.lock);
    return 0;
}

static struct function *find(void (*fn)(void *arg), void *arg)
{
    for (struct list *node = monitor.functions.next; node != &monitor.functions; node = node->next) {
        struct function *f = CONTAINER_OF(node, struct function, link);
        if (f->fn == fn && f->arg == arg)
            return f;
    }
    return NULL;
}

int green_monitor_add(void (*fn)(void *arg), void *arg, int64_t period)
{
    if (!fn || period <= 0)
        return -EINVAL;
    lock();
    struct function *f = NULL;
    int r = find(fn, arg) ? -EEXIST : (f = malloc(sizeof *f)) ? 0 : -ENOMEM;
    if (r == 0) {
        *f = (struct function){.fn = fn, .arg = arg, .period = period, .due = green_in(period)};
        list_push(&monitor.functions, &f->link);
        pthread_cond_signal(&monitor.changed);
    }
    pthread_mutex_unlock(&monitor.lock);
    return r;
}

int green_monitor_remove(void (*fn)(void *arg), void *arg)
{
    lock();
    struct function *f = find(fn, arg);
    if (f) {
        list_remove(&f->link);
        free(f);
    }
    pthread_mutex_unlock(&monitor.lock);
    return f ? 0 : -ENOENT;
}

void green_monitor_ignore(bool on)
{
    green_t *g = green_self();
    if (g)
        g->unmonitored = on;
}

void green_monitor_stats(green_monitor_stats_t *out)
{
    lock();
    *out = monitor.stats;
    pthread_mutex_unlock(&monitor.lock);
}
