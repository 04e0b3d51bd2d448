/* The whole proxy at run time: listeners bound, workers running, signals obeyed. */
#ifndef RUNTIME_PROCESS_H
#define RUNTIME_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ask.h"
#include "conf.h"
#include "control/orders.h"
#include "observe/metrics.h"
#include "observe/observer.h"
#include "overload.h"
#include "route/keyed_hash.h"
#include "snapshot.h"
#include "upstream/names.h"
#include "upstream/health.h"
#include "upstream/standing.h"
#include "worker.h"

#define PROCESS_WORKERS_MOST 256 /* as many as `workers` may ask for */

/* How reloads went. */
struct reloads {
    atomic_uint_fast64_t succeeded, failed;
    atomic_int_fast64_t last; /* seconds since 1970 of the last success; 0: none yet */
};

struct control;

struct process {
    green_time started;
    struct control *control; /* NULL: there is no control socket */
    struct observers observers;
    struct orders orders;      /* what operators want of servers; under `changing` */
    struct snapshot *snapshot; /* the present one; main thread only: others have their views */
    const char *path;          /* of the configuration's file; NULL: it was not read from one */
    struct access_log *log;
    struct metrics *metrics;
    struct standings standings; /* of servers */
    struct health health;       /* checks of them */
    struct admin *admin;        /* NULL: off */
    struct worker
        *workers[PROCESS_WORKERS_MOST]; /* a worker that has ended stays here, for the next of its number */
    atomic_uint worker_count;           /* of these */
    unsigned serving;                   /* the first so many accept connections, the others retire */
    struct askable workers_to_ask;      /* those that run */
    green_threads_t *
        password_threads; /* what is slow by design has threads of its own, so that it holds up nothing else */
    atomic_long connections; /* client connections, all listeners */
    struct hash_key hash_key;
    struct overload overload; /* how short descriptors and memory are */
    struct sources *sources;  /* NULL: nothing was ever counted by source */
    struct reloads reloads;
    struct watch *watch; /* NULL: the files were never watched */
    green_hub_t *hub;    /* of the main thread, which waits for signals and for workers to end */
    green_signals_t *signals;
    unsigned starting, running,
        unanswered; /* workers that have yet to start, to end, to answer; main thread only */
    green_park_t all_started, all_ended, all_answered, told_to_end;
    green_mutex_t reloading; /* held during a reload: the next one waits */
    green_mutex_t changing;  /* held while workers are told something: they neither come nor go */
    bool told;               /* to end */
    bool upgrading;          /* another process is being started that is to take over */
    atomic_bool succeeded;   /* it has: what is in the file system is that one's */
    bool draining;           /* and the workers have been told */
    struct names names;      /* those of servers */
    struct snapshot *next;   /* during a reload: what workers are to go over to */
    green_t *certificates;   /* looks after them: tls/watch.h */
    struct snapshot *certificates_of;
    green_t *renewal; /* fetches certificates: tls/renewal.h */
    struct snapshot *renewal_of;
    struct stapling *stapling; /* asks what has been revoked: tls/stapling.h; NULL: nothing */
};

/*
 * Runs the proxy until a signal ends it. SIGTERM and SIGINT drain: listeners close, idle connections close, the others
 * finish within shutdown_grace; a second one exits at once. SIGUSR1 reopens the access log, SIGHUP reloads the file at
 * `path` (NULL: there is none), SIGUSR2 starts the executable again, to take over. Takes conf over. Returns the exit status: 0 after a drain, 1 if it could not start (one
 * clear line for each problem was printed).
 */
int runtime_run(struct conf *conf, const char *path);

/* As if a signal had said so: it drains and ends. Main thread. */
void process_end(struct process *p);

/* Opens the log files again under their names, after a rotation. 0, or the last error: then an old file stays in use,
 * which the error log was told. Main thread. */
int process_reopen_logs(struct process *p);

#endif
