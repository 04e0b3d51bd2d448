/* The whole proxy at run time: listeners bound, workers running, signals obeyed. */
#ifndef RUNTIME_PROCESS_H
#define RUNTIME_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ask.h"
#include "conf.h"
#include "observe/metrics.h"
#include "overload.h"
#include "route/keyed_hash.h"
#include "worker.h"

struct process {
    const struct conf *conf;
    struct access_log *log;
    struct metrics *metrics;
    struct metrics_view *view;  /* of conf */
    struct admin *admin;        /* NULL: off */
    struct listener *listeners; /* by index in conf->listeners */
    struct worker *workers;
    unsigned worker_count;
    struct askable workers_to_ask; /* those that run */
    green_threads_t *
        password_threads; /* what is slow by design has threads of its own, so that it holds up nothing else */
    atomic_long connections; /* client connections, all listeners */
    struct hash_key hash_key;
    char via[80];             /* our name in Via */
    struct rate_table *rates; /* NULL: nothing limits a rate */
    struct overload overload; /* how short descriptors and memory are */
    struct sources *sources;  /* NULL: nothing is counted by source */
    green_hub_t *hub;         /* of the main thread, which waits for signals and for workers to end */
    green_signals_t *signals;
    unsigned starting, running; /* workers that have yet to start, to end; main thread only */
    green_park_t all_started, all_ended, told_to_end;
    bool draining;
};

/* Runs the proxy until a signal ends it. SIGTERM and SIGINT drain: listeners close, idle connections close, the others
 * finish within shutdown_grace; a second one exits at once. SIGUSR1 reopens the access log. Returns the exit status: 0
 * after a drain, 1 if it could not start (one clear line for each problem was printed). */
int runtime_run(const struct conf *conf);

#endif
