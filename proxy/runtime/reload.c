/* From one configuration to the next (reload.h). */
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "control/control.h"
#include "diff.h"
#include "endpoint.h"
#include "keys.h"
#include "load.h"
#include "notify.h"
#include "observe/admin.h"
#include "observe/error_log.h"
#include "sandbox.h"
#include "tls/renewal.h"
#include "tls/stapling.h"
#include "tls/storage.h"
#include "tls/watch.h"
#include "upstream/names.h"
#include "watch.h"
#include "workers.h"

/* --- orders: in the worker's main greenlet --------------------------------------------------------------------------- */

static void worker_prepare(struct worker *w)
{
    w->next_view = view_new(w->process->next, w->view, w->index);
    if (w->next_view)
        orders_apply(&w->process->orders, w->next_view);
    w->result = w->next_view ? 0 : -ENOMEM;
}

/* From now on it accepts nothing, or does again. */
static void enlist(struct worker *w)
{
    w->retired = w->index >= w->process->serving;
    w->told_empty = w->told_empty && w->retired;
}

static void leave_if_empty(struct worker *w)
{
    if (!w->connection_count)
        worker_empty(w);
}

static void worker_discard(struct worker *w)
{
    view_release(w->next_view);
    w->next_view = NULL;
    enlist(w);
    leave_if_empty(w);
}

static bool same_name_servers(const struct conf *a, const struct conf *b)
{
    bool same = a->name_server_count == b->name_server_count && a->names.timeout == b->names.timeout;
    for (size_t i = 0; same && i < a->name_server_count; i++)
        same = strcmp(a->name_servers[i].written, b->name_servers[i].written) == 0;
    return same;
}

static void change_name_servers(const struct conf *before, const struct conf *now)
{
    int r = same_name_servers(before, now) ? 0 : names_use_servers(now);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot change the name servers: %s", green_strerror(r));
}

static void worker_swap(struct worker *w)
{
    struct view *before = w->view; /* NULL: it has just started */
    w->view = w->next_view;
    w->next_view = NULL;
    view_settle(w->view, before);
    enlist(w);
    w->encoders.limit = (size_t)w->view->conf->compress_memory;
    if (before)
        change_name_servers(before->conf, w->view->conf);
    listenings_follow(w);
    connections_follow(w);
    view_release(before);
    leave_if_empty(w);
}

static void worker_take(struct worker *w)
{
    listenings_take(w);
}

/* --- what is said ------------------------------------------------------------------------------------------------------ */

/* Of one reload; the rest is counted. */
#define SECTIONS_TOLD 100

static void tell_findings(const struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct conf_error *e = &errors->items[i];
        enum log_level level = e->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
        if (e->origin.line)
            error_log(level, "%s:%d: %s", e->origin.file, e->origin.line, e->text);
        else
            error_log(level, "%s: %s", e->origin.file, e->text);
    }
    if (errors->no_memory)
        error_log(LOG_LEVEL_ERROR, "out of memory");
}

/* A line of the error log for each of the text's. */
static void tell_sections(const char *text, long sections)
{
    for (int i = 0; i < SECTIONS_TOLD && *text; i++) {
        size_t n = strcspn(text, "\n");
        error_log(LOG_LEVEL_NOTICE, "%.*s", (int)n, text);
        text += n + (text[n] == '\n');
    }
    if (sections > SECTIONS_TOLD)
        error_log(LOG_LEVEL_NOTICE, "and %ld more sections", sections - SECTIONS_TOLD);
}

static void tell_restarts(const struct conf *now, const struct conf *next)
{
    const struct conf_key *key = NULL;
    while ((key = conf_diff_restart(now, next, key))) {
        struct conf_origin o = conf_origin_of(next, key->name);
        error_log(LOG_LEVEL_WARNING,
                  "%s:%d: [greenway] %s: has changed, but is read when the process starts: "
                  "only a restart goes over to it",
                  o.line ? o.file : next->file, o.line, key->name);
    }
}

/* --- loading ----------------------------------------------------------------------------------------------------------- */

struct loading {
    const char *path;
    const struct conf *now; /* the present one; nobody lets go of it during a reload */
    enum conf_diff_form form;
    struct conf_errors errors;
    struct conf *conf;
    char *diff;                 /* to the present one; NULL: no memory */
    long sections;              /* in it */
    struct inventory inventory; /* of what is to be watched, if anything is */
    struct inventory_state state;
};

/* Whoever serves was named by the command line, which has the last word. */
static void keep_command_line(struct conf *conf, const struct conf *now)
{
    if (now->privileges.user.origin.file == conf_command_line)
        conf->privileges.user = now->privileges.user;
}

static void compare(struct loading *l)
{
    size_t size;
    FILE *out = open_memstream(&l->diff, &size);
    if (!out)
        return;
    l->sections = conf_diff(out, l->now, l->conf, l->form);
    if (fclose(out) == 0 && l->sections >= 0)
        return;
    free(l->diff);
    l->diff = NULL;
}

/* With a mistake in the file, those of the present one still count. */
static void take_stock(struct loading *l, int64_t since)
{
    if (!l->now->reload.watch && !(l->conf && l->conf->reload.watch))
        return;
    inventory_add_sources(&l->inventory, l->errors.sources, l->errors.source_count);
    inventory_add_files(&l->inventory, l->conf ? l->conf : l->now);
    l->state = inventory_look(&l->inventory, since);
}

/* In a thread: disks may be slow, and files long. */
static void *load(void *arg)
{
    struct loading *l = arg;
    int64_t began = inventory_now();
    l->conf = conf_load(l->path, &l->errors);
    take_stock(l, began);
    if (l->conf) {
        keep_command_line(l->conf, l->now);
        compare(l);
    }
    return NULL;
}

/* 0, or -EINVAL: there is no configuration. */
static int load_again(struct loading *l)
{
    int r = green_blocking(load, l, NULL, GREEN_FOREVER);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot read %s: %s", l->path, green_strerror(r));
    tell_findings(&l->errors);
    conf_errors_free(&l->errors);
    if (!l->conf)
        return -EINVAL;
    if (!l->diff)
        error_log(LOG_LEVEL_WARNING, "no memory to tell what has changed");
    return 0;
}

/* --- going over -------------------------------------------------------------------------------------------------------- */

/* Everything that can go wrong. Afterwards each worker has a view of p->next beside its own. */
static int get_ready(struct process *p, struct snapshot *next, unsigned workers)
{
    const struct conf *before = p->snapshot->conf;
    if (sandbox_covers(next->conf) < 0)
        return -EINVAL;
    if (storage_prepare(next->conf, (uid_t)-1, (gid_t)-1) < 0)
        return -EINVAL;
    next->logged = access_log_add(p->log, next->conf) == 0;
    if (!next->logged || endpoints_open(next, p->snapshot) < 0 || endpoints_share(next, workers) < 0)
        return -EINVAL;
    if (control_prepare(p->control, &before->control, &next->conf->control) < 0) {
        endpoints_abandon(next);
        return -EINVAL;
    }
    p->next = next;
    int r = workers_start(p, workers);
    if (r == 0)
        r = workers_tell(p, worker_prepare);
    if (r == 0)
        return 0;
    workers_tell(p, worker_discard);
    control_abandon(p->control, &before->control, &next->conf->control);
    endpoints_abandon(next);
    p->next = NULL;
    return r;
}

static void change_workers(struct process *p, struct snapshot *next)
{
    workers_tell(p, worker_swap);
    workers_tell(p, worker_take);
    endpoints_taken(next);
}

int reload_begin(struct process *p)
{
    p->next = p->snapshot;
    int r = workers_tell(p, worker_prepare);
    p->next = NULL;
    if (r == 0)
        change_workers(p, p->snapshot);
    return r;
}

static void change_error_log(const struct conf *before, const struct conf *now)
{
    int r =
        strcmp(before->error_log, now->error_log) == 0 ? error_log_reopen() : error_log_open(now->error_log);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "cannot open the error log %s: %s; it goes where it went before",
                  now->error_log, green_strerror(r));
}

static void go_over(struct process *p, struct snapshot *next, unsigned workers)
{
    struct snapshot *before = p->snapshot;
    p->snapshot = next;
    p->next = NULL;
    p->serving = workers;
    health_follow(&p->health);
    endpoints_settle(next, before);
    orders_prune(&p->orders, next->conf);
    change_workers(p, next);
    endpoints_unlink(before, next);
    change_name_servers(before->conf, next->conf);
    names_configure(&p->names, &next->conf->names, !same_name_servers(before->conf, next->conf));
    change_error_log(before->conf, next->conf);
    tls_watch_follow(p);
    tls_renewal_follow(p);
    tls_stapling_follow(p);
    admin_follow(p);
    control_follow(p->control, &before->conf->control, &next->conf->control);
    overload_configure(&p->overload, next->conf);
    snapshot_release(before);
}

/* Takes conf over. */
static int change_to(struct process *p, struct conf *conf)
{
    unsigned workers = workers_wanted(conf), known = atomic_load(&p->worker_count);
    struct snapshot *next = snapshot_new(p, conf, p->snapshot, workers > known ? workers : known);
    if (!next)
        return -ENOMEM;
    int r = get_ready(p, next, workers);
    if (r < 0)
        snapshot_release(next);
    else
        go_over(p, next, workers);
    return r;
}

/* Takes conf over. */
static int change_in_turn(struct process *p, struct conf *conf)
{
    int r = green_mutex_lock(&p->changing, GREEN_FOREVER);
    if (r < 0 || p->told) {
        if (r == 0)
            green_mutex_unlock(&p->changing);
        conf_free(conf);
        return -ECANCELED;
    }
    r = change_to(p, conf);
    green_mutex_unlock(&p->changing);
    return r;
}

static void try_out(struct loading *l, FILE *report)
{
    tell_restarts(l->now, l->conf);
    if (report && l->diff)
        fputs(l->sections ? l->diff : "nothing would change\n", report);
    conf_free(l->conf);
}

static int reload_in_turn(struct process *p, bool dry_run, FILE *report)
{
    green_time began = green_now();
    struct loading l = {
        .path = p->path, .now = p->snapshot->conf, .form = dry_run ? CONF_DIFF_FULL : CONF_DIFF_BRIEF};
    int r = load_again(&l);
    if (r == 0 && sandbox_covers(l.conf) < 0) {
        conf_free(l.conf);
        r = -EINVAL;
    }
    if (r == 0 && dry_run) {
        try_out(&l, report);
    } else if (r == 0) {
        tell_restarts(l.now, l.conf);
        r = change_in_turn(p, l.conf);
        if (r == 0 && l.diff)
            tell_sections(l.diff, l.sections);
        if (r == 0)
            error_log(LOG_LEVEL_NOTICE, "reloaded %s in %lld ms", p->path,
                      (long long)((green_now() - began) / GREEN_MS(1)));
    }
    if (dry_run)
        inventory_free(&l.inventory);
    else
        watch_follow(p, p->snapshot->conf->reload.watch, &l.inventory, l.state);
    free(l.diff);
    return r;
}

static void count(struct process *p, int result)
{
    struct reloads *all = &p->reloads;
    if (result < 0) {
        atomic_fetch_add(&all->failed, 1);
        return;
    }
    atomic_fetch_add(&all->succeeded, 1);
    atomic_store(&all->last, time(NULL));
}

/* The service manager is told of both ends. */
static int reload_for_good(struct process *p, FILE *report)
{
    char status[64];
    notify_reloading();
    int r = reload_in_turn(p, false, report);
    count(p, r);
    snprintf(status, sizeof status, "Serving with %u workers%s", p->serving,
             r < 0 ? "; the last reload failed" : "");
    if (!p->told) /* then it has been told that this ends */
        notify_ready(status);
    return r;
}

int reload(struct process *p, bool dry_run, FILE *report)
{
    int r = p->path ? green_mutex_lock(&p->reloading, GREEN_FOREVER) : 0;
    if (r < 0)
        return r;
    error_log_copy(report);
    if (!p->path) {
        error_log(LOG_LEVEL_ERROR,
                  "there is no file to reload: this configuration came from the command line");
        error_log_copy(NULL);
        return -ENOTSUP;
    }
    r = dry_run ? reload_in_turn(p, true, report) : reload_for_good(p, report);
    if (r < 0)
        error_log(LOG_LEVEL_ERROR, "%s: %s", dry_run ? "nothing would be changed" : "nothing was changed",
                  r == -EINVAL ? "the new configuration cannot be used" : green_strerror(r));
    error_log_copy(NULL);
    green_mutex_unlock(&p->reloading);
    return r;
}
