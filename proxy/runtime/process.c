/* The main thread: binds, starts the workers, obeys signals, waits for the end. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control/control.h"
#include "endpoint.h"
#include "inherited.h"
#include "load.h"
#include "notify.h"
#include "observe/admin.h"
#include "observe/error_log.h"
#include "pid_file.h"
#include "privileges.h"
#include "reload.h"
#include "sandbox.h"
#include "sources.h"
#include "tls/renewal.h"
#include "tls/stapling.h"
#include "tls/storage.h"
#include "tls/watch.h"
#include "upgrade.h"
#include "watch.h"
#include "watchdog.h"
#include "workers.h"

#define RELOAD_PATIENCE GREEN_S(10) /* at the end, for one that waits for its disk */

/* --- starting ------------------------------------------------------------------------------------------------------------ */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
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

static int prepare(struct process *p, struct conf *conf, const char *path)
{
    *p = (struct process){.path = path, .hub = green_hub(), .started = green_now()};
    askable_init(&p->workers_to_ask);
    names_init(&p->names);
    observers_init(&p->observers);
    LIST_INIT(&p->orders.list);
    int r = standings_init(&p->standings);
    if (r == 0)
        r = p->hub ? hash_key_draw(&p->hash_key) : -ENOMEM;
    if (r == 0)
        r = open_password_threads(p, sysconf(_SC_NPROCESSORS_ONLN));
    if (r == 0 && !(p->metrics = metrics_new()))
        r = -ENOMEM;
    if (r < 0) {
        conf_free(conf);
        return r;
    }
    p->serving = workers_wanted(conf);
    names_configure(&p->names, &conf->names, false);
    r = names_use_servers(conf);
    if (r < 0) {
        conf_free(conf);
        return r;
    }
    p->snapshot = snapshot_new(p, conf, NULL, p->serving);
    return p->snapshot ? 0 : -ENOMEM;
}

static int open_access_log(struct process *p)
{
    p->log = access_log_open(p->snapshot->conf);
    p->snapshot->logged = p->log;
    return p->log ? 0 : -1;
}

/* Sockets that are passed on are everybody's first choice. The control socket comes before what is told of. */
static int open_sockets(struct process *p)
{
    int r = inherited_find();
    if (r == 0)
        r = upgrade_receive(p);
    if (r == 0)
        r = control_open(p, &p->snapshot->conf->control, &p->control);
    if (r == 0)
        r = endpoints_open(p->snapshot, NULL);
    if (r == 0)
        r = endpoints_share(p->snapshot, p->serving);
    if (r == 0)
        endpoints_settle(p->snapshot, NULL);
    return r;
}

/* --- ending ---------------------------------------------------------------------------------------------------------------- */

void process_end(struct process *p)
{
    p->told = true;
    notify_stopping("Draining");
    green_wake(&p->told_to_end, 0);
}

int process_reopen_logs(struct process *p)
{
    int failed = 0, r = error_log_reopen();
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot reopen the error log: %s", green_strerror(failed = r));
    r = access_log_reopen(p->log);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot reopen the access log: %s", green_strerror(failed = r));
    return failed;
}

/* What is in the file system is another process's, once that has taken over. */
static void unlink_own(const struct process *p)
{
    control_unlink(p->control); /* knows by itself whether it is */
    if (p->succeeded)
        return;
    if (p->snapshot)
        endpoints_unlink(p->snapshot, NULL);
    pid_file_remove();
}

static void upgrade_by_signal(void *arg)
{
    process_upgrade(arg, NULL, NULL, 0);
}

static void reload_by_signal(void *arg)
{
    reload(arg, false, NULL);
}

static void *obey_signals(void *arg)
{
    struct process *p = arg;
    for (;;) {
        int number = green_signals_wait(p->signals, GREEN_FOREVER);
        if (number < 0)
            return NULL;
        if (number == SIGUSR1) {
            process_reopen_logs(p);
        } else if (number == SIGHUP) {
            if (!p->told && green_spawn_detached("reload", reload_by_signal, p) < 0)
                error_log(LOG_LEVEL_ERROR, "no memory for a reload");
        } else if (number == SIGUSR2) {
            if (green_spawn_detached("upgrade", upgrade_by_signal, p) < 0)
                error_log(LOG_LEVEL_ERROR, "no memory for an upgrade");
        } else if (!p->told) {
            error_log(LOG_LEVEL_NOTICE, "%s: draining %ld connections, at most %lld s", strsignal(number),
                      atomic_load(&p->connections),
                      (long long)(p->snapshot->conf->shutdown_grace / GREEN_S(1)));
            process_end(p);
        } else {
            error_log(LOG_LEVEL_NOTICE, "%s again: exiting at once", strsignal(number));
            unlink_own(p);
            _exit(1);
        }
    }
}

/* The workers still run and hold on to everything: the process ends with them as they are. */
static void cut_off(struct process *p)
{
    error_log(LOG_LEVEL_WARNING, "shutdown_grace is over: %ld connections are cut off",
              atomic_load(&p->connections));
    unlink_own(p);
    access_log_finish(p->log);
    _exit(0);
}

/* A reload that is changing something ends first: that does not take long. */
static void drain(struct process *p)
{
    green_shield();
    int r = green_mutex_lock(&p->changing, GREEN_FOREVER);
    workers_drain(p);
    if (r == 0)
        green_mutex_unlock(&p->changing);
    green_unshield();
}

static void wait_for_end(struct process *p)
{
    green_t *watch = green_spawn(overload_watch, &p->overload);
    green_expect_outside();
    while (!p->told && green_park(&p->told_to_end, GREEN_FOREVER) < 0)
        ;
    drain(p);
    if (p->running && green_park(&p->all_ended, green_in(p->snapshot->conf->shutdown_grace)) < 0)
        cut_off(p);
    green_unexpect_outside();
    if (watch && green_kill(watch, GREEN_FOREVER) == 0)
        green_release(watch);
    workers_join(p);
    if (green_mutex_lock(&p->reloading, green_in(RELOAD_PATIENCE)) < 0)
        error_log(LOG_LEVEL_WARNING, "a reload is still reading its file");
}

static void take_down(struct process *p)
{
    admin_close(p->admin);
    unlink_own(p);
    if (p->snapshot)
        endpoints_abandon(p->snapshot);
    if (p->snapshot)
        p->snapshot->logged = false; /* its logs end with all the others, which are waited for */
    if (p->log)
        access_log_close(p->log);
    health_end(&p->health);
    snapshot_release(p->snapshot);
    names_end(&p->names);
    askable_destroy(&p->workers_to_ask);
    standings_destroy(&p->standings);
    metrics_free(p->metrics);
    observers_destroy(&p->observers);
    orders_free(&p->orders);
    sources_free(p->sources);
    for (unsigned i = 0; i < atomic_load(&p->worker_count); i++)
        free(p->workers[i]);
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

/* Up to where everything serves. A reload that is asked for already waits for that. */
static int start(struct process *p)
{
    int r = green_mutex_lock(&p->changing, GREEN_FOREVER);
    if (r < 0)
        return r;
    r = health_begin(&p->health, p);
    if (r == 0)
        r = workers_start(p, p->serving);
    if (r == 0)
        r = reload_begin(p);
    inherited_close();
    tls_watch_follow(p);
    tls_renewal_follow(p);
    tls_stapling_follow(p);
    green_mutex_unlock(&p->changing);
    return r;
}

/* To all who want to know. */
static void tell_of_start(struct process *p)
{
    char status[64];
    snprintf(status, sizeof status, "Serving with %u workers", p->serving);
    if (upgrade_is_under_way()) {
        upgrade_take_over();
        if (admin_open(p) < 0)
            error_log(LOG_LEVEL_ERROR, "the service goes on without its admin listener");
    }
    if (control_serve(p->control) < 0)
        error_log(LOG_LEVEL_ERROR, "no memory for the control socket: the service goes on without");
    pid_file_write();
    notify_ready(status);
    watch_begin(p);
}

int runtime_run(struct conf *conf, const char *path)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGUSR2};
    size_t count =
        sizeof handled / sizeof handled[0] - (path ? 0 : 2); /* without a file a hang-up ends it, as ever */
    struct process p;
    struct privileges privileges;
    green_t *signals = NULL;
    if (privileges_find(&privileges, conf) < 0) {
        conf_free(conf);
        return 1;
    }
    raise_descriptor_limit();
    int r = prepare(&p, conf, path);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot start: %s", green_strerror(r));
    if (r == 0)
        r = green_signals_open(&p.signals, handled, count);
    if (r == 0)
        r = open_sockets(&p);
    if (r == 0)
        r = upgrade_is_under_way() ? 0 : admin_open(&p); /* else the old process still has its addresses */
    if (r == 0)
        r = pid_file_open(conf, privileges.uid, privileges.gid);
    if (r == 0 && privileges.change) {
        endpoints_give(p.snapshot, privileges.uid, privileges.gid);
        control_give(p.control, &conf->control, privileges.uid, privileges.gid);
    }
    if (r == 0)
        r = storage_prepare(conf, privileges.change ? privileges.uid : (uid_t)-1, privileges.gid);
    if (r == 0) /* threads only come later */
        r = privileges_drop(&privileges, conf);
    if (r == 0)
        r = sandbox_enter(conf);
    if (r == 0)
        r = open_access_log(&p);
    if (r == 0) /* from here on; what kept it from starting went to standard error */
        r = open_error_log(conf);
    if (r == 0 && !(signals = green_spawn(obey_signals, &p)))
        r = -ENOMEM;
    if (r == 0) {
        overload_init(&p.overload, conf);
        r = start(&p);
        if (r < 0)
            process_end(&p);
        else
            tell_of_start(&p);
        struct watchdog *dog = watchdog_start(&p);
        wait_for_end(&p);
        while (p.upgrading && green_sleep(GREEN_MS(10)) == 0) /* it gives up */
            ;
        watchdog_end(dog);
    }
    control_close(p.control);
    p.control = NULL;
    tls_stapling_stop(&p);
    tls_renewal_stop(&p);
    tls_watch_stop(&p);
    watch_end(&p);
    if (signals && green_kill(signals, GREEN_FOREVER) == 0)
        green_release(signals);
    if (p.signals) {
        block(handled, count); /* one more must not kill what is ending anyway */
        green_signals_close(p.signals);
    }
    take_down(&p);
    return r < 0 ? 1 : 0;
}
