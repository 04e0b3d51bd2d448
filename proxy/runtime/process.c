/* The main thread: binds, starts the workers, obeys signals, waits for the end. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/demand.h"
#include "listener.h"
#include "observe/admin.h"
#include "observe/error_log.h"
#include "privileges.h"
#include "route/rate_table.h"
#include "sandbox.h"
#include "sources.h"
#include "upstream/names.h"

/* --- word from the workers ---------------------------------------------------------------------------------------------- */

static struct worker *worker_of(green_post_t *post, size_t offset)
{
    return (struct worker *)(void *)((char *)post - offset);
}

static void on_started(green_post_t *post)
{
    struct process *p = worker_of(post, offsetof(struct worker, started_post))->process;
    if (--p->starting == 0)
        green_wake(&p->all_started, 0);
}

static void on_ended(green_post_t *post)
{
    struct process *p = worker_of(post, offsetof(struct worker, ended_post))->process;
    if (--p->running == 0)
        green_wake(&p->all_ended, 0);
}

void worker_report(struct worker *w, enum worker_event event)
{
    green_post_t *post = event == WORKER_STARTED ? &w->started_post : &w->ended_post;
    post->fn = event == WORKER_STARTED ? on_started : on_ended;
    green_post(w->process->hub, post);
}

/* --- starting ------------------------------------------------------------------------------------------------------------ */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static size_t bind_count(const struct conf *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->listener_count; i++)
        n += conf->listeners[i].binds;
    return n;
}

/* Checking passwords is slow by design and takes much memory: it may have half of the processors, and no more than
 * four. */
static int open_password_threads(struct process *p, long cpus)
{
    green_threads_attr_t attr = {.name = "passwords",
                                 .max = cpus >= 8   ? 4
                                        : cpus >= 4 ? (size_t)cpus / 2
                                                    : 1};
    return green_threads_open(&p->password_threads, &attr);
}

static bool counts_sources(const struct conf *conf)
{
    bool any = false;
    for (size_t i = 0; i < conf->listener_count; i++)
        any |= conf->listeners[i].patience.connections_per_source ||
               conf->listeners[i].patience.requests_per_source;
    return any;
}

static int prepare(struct process *p, const struct conf *conf)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    *p = (struct process){.conf = conf, .hub = green_hub()};
    askable_init(&p->workers_to_ask);
    p->worker_count = conf->workers ? (unsigned)conf->workers : cpus > 0 ? (unsigned)cpus : 1;
    p->listeners = calloc(conf->listener_count + 1, sizeof *p->listeners);
    p->workers = calloc(p->worker_count, sizeof *p->workers);
    if (!p->hub || !p->listeners || !p->workers || open_password_threads(p, cpus) < 0)
        return -ENOMEM;
    if (!(p->metrics = metrics_new()) || !(p->view = metrics_view_new(p->metrics, conf, p->worker_count)))
        return -ENOMEM;
    if (demand_has_rates(conf) && !(p->rates = rate_table_new((size_t)conf->rate_limit_keys)))
        return -ENOMEM;
    if (counts_sources(conf) && !(p->sources = sources_new(&p->hash_key, (size_t)conf->max_connections)))
        return -ENOMEM;
    for (size_t i = 0; i < conf->listener_count; i++) {
        struct listener *l = &p->listeners[i];
        l->conf = &conf->listeners[i];
        l->bound = calloc(l->conf->binds, sizeof *l->bound);
        if (!l->bound)
            return -ENOMEM;
    }
    for (unsigned i = 0; i < p->worker_count; i++) {
        struct worker *w = &p->workers[i];
        w->process = p;
        w->conf = conf;
        w->index = i;
        w->metrics = p->view;
        w->reserve_fd = -1;
        w->waiting = calloc(conf->listener_count + 1, sizeof *w->waiting);
        w->listening = calloc(bind_count(conf) + 1, sizeof *w->listening);
        if (!w->listening || !w->waiting)
            return -ENOMEM;
        for (size_t k = 0; k < conf->listener_count; k++)
            TAILQ_INIT(&w->waiting[k]);
    }
    return 0;
}

/* What a request that comes round again is known by: nobody else may have the same. */
static void choose_name(struct process *p)
{
    const char *configured = p->conf->loops.via.written;
    if (configured)
        snprintf(p->via, sizeof p->via, "%s", configured);
    else
        snprintf(p->via, sizeof p->via, "greenway-%08x", (unsigned)keyed_hash(&p->hash_key, 0, "via", 3));
    for (unsigned i = 0; i < p->worker_count; i++)
        p->workers[i].via = p->via;
}

/* Threads start with all signals blocked: they are the main thread's business. */
static int start_workers(struct process *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = 0;
    for (unsigned i = 0; i < p->worker_count && r == 0; i++) {
        p->workers[i].log = access_log_tail(p->log);
        r = !p->workers[i].log ? ENOMEM
                               : pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (r == 0) {
            p->starting++;
            p->running++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        error_log(LOG_LEVEL_ERROR, "cannot start worker %u: %s", p->running, strerror(r));
    green_expect_outside();
    if (p->starting && green_park(&p->all_started, GREEN_FOREVER) < 0)
        r = -EIO;
    green_unexpect_outside();
    for (unsigned i = 0; i < p->running; i++)
        if (p->workers[i].result < 0) {
            error_log(LOG_LEVEL_ERROR, "worker %u cannot start: %s", i, green_strerror(p->workers[i].result));
            r = p->workers[i].result;
        }
    return r ? -1 : 0;
}

/* --- ending ---------------------------------------------------------------------------------------------------------------- */

static void ask_to_end(struct process *p)
{
    p->draining = true;
    green_wake(&p->told_to_end, 0);
}

/* All workers have started: what they wrote about themselves may be read. */
static void drain_workers(struct process *p)
{
    for (unsigned i = 0; i < p->worker_count; i++) {
        struct worker *w = &p->workers[i];
        if (w->thread && w->hub && w->result == 0) {
            w->drain_post.fn = worker_drain;
            green_post(w->hub, &w->drain_post);
        }
    }
}

static void reopen_logs(struct process *p)
{
    int r = error_log_reopen();
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot reopen the error log: %s", green_strerror(r));
    r = access_log_reopen(p->log);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot reopen the access log: %s", green_strerror(r));
}

static void *obey_signals(void *arg)
{
    struct process *p = arg;
    for (;;) {
        int number = green_signals_wait(p->signals, GREEN_FOREVER);
        if (number < 0)
            return NULL;
        if (number == SIGUSR1) {
            reopen_logs(p);
        } else if (!p->draining) {
            error_log(LOG_LEVEL_NOTICE, "%s: draining %ld connections, at most %lld s", strsignal(number),
                      atomic_load(&p->connections), (long long)(p->conf->shutdown_grace / GREEN_S(1)));
            ask_to_end(p);
        } else {
            error_log(LOG_LEVEL_NOTICE, "%s again: exiting at once", strsignal(number));
            listeners_unlink(p);
            _exit(1);
        }
    }
}

/* The workers still run and hold on to everything: the process ends with them as they are. */
static void cut_off(struct process *p)
{
    error_log(LOG_LEVEL_WARNING, "shutdown_grace is over: %ld connections are cut off",
              atomic_load(&p->connections));
    listeners_unlink(p);
    access_log_finish(p->log);
    _exit(0);
}

static void wait_for_end(struct process *p)
{
    green_t *names = green_spawn(names_check, (void *)(uintptr_t)p->conf);
    green_t *watch = p->overload.on ? green_spawn(overload_watch, &p->overload) : NULL;
    green_expect_outside();
    while (!p->draining && green_park(&p->told_to_end, GREEN_FOREVER) < 0)
        ;
    drain_workers(p);
    if (p->running && green_park(&p->all_ended, green_in(p->conf->shutdown_grace)) < 0)
        cut_off(p);
    green_unexpect_outside();
    if (names && green_kill(names, GREEN_FOREVER) == 0)
        green_release(names);
    if (watch && green_kill(watch, GREEN_FOREVER) == 0)
        green_release(watch);
    for (unsigned i = 0; i < p->worker_count; i++)
        if (p->workers[i].thread)
            pthread_join(p->workers[i].thread, NULL);
}

static void take_down(struct process *p)
{
    listeners_unlink(p);
    admin_close(p->admin);
    if (p->log)
        access_log_close(p->log);
    for (unsigned i = 0; p->workers && i < p->worker_count; i++) {
        for (size_t k = 0; k < p->workers[i].listening_count; k++)
            green_close(p->workers[i].listening[k].fd);
        free(p->workers[i].listening);
        free(p->workers[i].waiting);
    }
    askable_destroy(&p->workers_to_ask);
    metrics_view_free(p->view);
    metrics_free(p->metrics);
    rate_table_free(p->rates);
    sources_free(p->sources);
    free(p->workers);
    for (size_t i = 0; p->listeners && i < p->conf->listener_count; i++)
        free(p->listeners[i].bound);
    free(p->listeners);
    if (p->password_threads && green_threads_close(p->password_threads, GREEN_FOREVER) < 0)
        error_log(LOG_LEVEL_WARNING, "the threads that check passwords did not end");
}

static void block(const int *signals, size_t count)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int open_error_log(const struct conf *conf)
{
    int r = error_log_open(conf->error_log);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot open the error log %s: %s", conf->error_log, green_strerror(r));
    return r;
}

int runtime_run(const struct conf *conf)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGUSR1};
    struct process p;
    struct privileges privileges;
    green_t *signals = NULL;
    if (privileges_find(&privileges, conf) < 0)
        return 1;
    raise_descriptor_limit();
    int r = prepare(&p, conf);
    if (r == 0)
        r = names_use_servers(conf);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot start: %s", green_strerror(r));
    if (r == 0 && (r = hash_key_draw(&p.hash_key)) < 0)
        error_log(LOG_LEVEL_ERROR, "no random numbers: %s", green_strerror(r));
    if (r == 0)
        choose_name(&p);
    if (r == 0)
        r = green_signals_open(&p.signals, handled, sizeof handled / sizeof handled[0]);
    if (r == 0)
        r = listeners_bind(&p);
    if (r == 0)
        r = admin_open(&p);
    if (r == 0) /* threads only come later */
        r = privileges_drop(&privileges, conf);
    if (r == 0)
        r = sandbox_enter(conf);
    if (r == 0)
        r = (p.log = access_log_open(conf)) ? 0 : -1;
    if (r == 0) /* from here on; what kept it from starting went to standard error */
        r = open_error_log(conf);
    if (r == 0 && !(signals = green_spawn(obey_signals, &p)))
        r = -ENOMEM;
    if (r == 0) {
        overload_init(&p.overload, conf);
        r = start_workers(&p);
        if (r < 0)
            ask_to_end(&p);
        wait_for_end(&p);
    }
    if (signals && green_kill(signals, GREEN_FOREVER) == 0)
        green_release(signals);
    if (p.signals) {
        block(handled, sizeof handled / sizeof handled[0]); /* one more must not kill what is ending anyway */
        green_signals_close(p.signals);
    }
    take_down(&p);
    return r < 0 ? 1 : 0;
}
