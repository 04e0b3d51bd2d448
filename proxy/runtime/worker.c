/* A worker's life: set up, serve until told to drain, take everything down. */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "http/authenticate.h"
#include "listener.h"
#include "observe/error_log.h"
#include "presence.h"
#include "process.h"
#include "upstream/names.h"

#define SUCCESSION_PAUSE      GREEN_S(1)
#define HOUSEKEEPING_INTERVAL GREEN_MS(500)

static __thread struct worker *self;

struct worker *worker_self(void)
{
    return self;
}

struct span worker_date(struct worker *w)
{
    return http_date(&w->date, time(NULL));
}

/* What others want to know of this thread, but may not look at. */
static void tell_metrics(struct worker *w)
{
    struct worker_metrics *m = w->process->metrics->workers[w->index];
    green_stats_t stats;
    green_hub_stats(&stats);
    counter_set(&m->turns, stats.switches);
    counter_set(&m->polls, stats.polls);
    counter_set(&m->greenlets, stats.greenlets);
    counter_set(&m->ready, stats.ready);
    counter_set(&m->parked, stats.parked);
    counter_set(&m->stacks_cached, stats.stacks_cached);
    counter_set(&m->buffers, buffers_count(&w->buffers));
    counter_set(&m->buffers_free, w->buffers.count);
    counter_set(&m->mirrors, w->mirrors.count);
    counter_set(&m->mirrors_answered, w->mirrors.answered);
    counter_set(&m->mirrors_failed, w->mirrors.failed);
    counter_set(&m->mirrors_dropped, w->mirrors.busy + w->mirrors.large);
    for (size_t i = 0; w->view && i < w->view->conf->upstream_count; i++) {
        group_follow_names(&w->view->groups[i]); /* idle connections to servers that are gone are closed */
        group_tell_counts(&w->view->groups[i]);
    }
    counter_set(&m->updated, (uint64_t)green_turn_time());
}

/* A tenth of what is idle here, now and then while descriptors or memory are short. */
static void shed_idle(struct worker *w)
{
    if (overload_level(&w->process->overload) < OVERLOAD_SHED)
        return;
    connections_shed(w, w->connection_count / 10 + 1);
    for (size_t i = 0; w->view && i < w->view->conf->upstream_count; i++)
        group_close_idle(&w->view->groups[i]);
}

/* Log lines go out within about a second even when few come, and the metrics are no older. */
static void *keep_house(void *arg)
{
    struct worker *w = arg;
    do {
        access_log_flush(w->log, false);
        tell_metrics(w);
        shed_idle(w);
    } while (green_sleep(HOUSEKEEPING_INTERVAL) == 0);
    return NULL;
}

static void give_back_memory(void *arg)
{
    struct worker *w = arg;
    buffers_trim(&w->buffers);
    encoders_trim(&w->encoders);
}

static int set_up(struct worker *w)
{
    const struct conf *conf = w->process->snapshot->conf;
    w->hub = green_hub();
    if (!w->hub)
        return -ENOMEM;
    int r = names_use_servers(conf);
    if (r < 0)
        return r;
    buffers_init(&w->buffers);
    encoders_init(&w->encoders, (size_t)conf->compress_memory);
    mirrors_init(&w->mirrors);
    if (getrandom(&w->random, sizeof w->random, 0) != sizeof w->random)
        return -errno;
    if ((r = identifiers_init(&w->identifiers)) < 0)
        return r;
    green_on_idle(give_back_memory, w);
    askable_enter(&w->process->workers_to_ask, &w->asked, w, w->index);
    return 0;
}

static void give_up_reserve(struct worker *w)
{
    if (w->reserve_fd >= 0)
        close(w->reserve_fd);
    w->reserve_fd = -1;
}

static void wait_for_connections(struct worker *w)
{
    green_park_t drained = GREEN_PARK_INIT;
    if (!w->connection_count)
        return;
    w->drained = &drained;
    while (w->connection_count && green_park(&drained, GREEN_FOREVER) == 0)
        ;
    w->drained = NULL;
}

/* Greenlets that close idle upstream connections may still be on their way; they need the pools. */
static void take_down(struct worker *w)
{
    askable_leave(&w->process->workers_to_ask, &w->asked);
    mirrors_end(w);
    connections_stop_cutting(w);
    if (w->view)
        view_retire(w->view);
    green_stats_t stats;
    for (green_hub_stats(&stats); stats.greenlets > 1; green_hub_stats(&stats))
        if (green_sleep(GREEN_MS(1)) < 0)
            break;
    view_release(w->view);
    w->view = NULL;
    authenticator_free(w->authenticator);
    w->authenticator = NULL;
    buffers_destroy(&w->buffers);
    presences_free(&w->presences);
    encoders_trim(&w->encoders);
    if (green_hub_close() < 0)
        error_log(LOG_LEVEL_WARNING, "worker %u ended with greenlets alive", w->index);
}

void worker_empty(struct worker *w)
{
    if (w->drained)
        green_wake(w->drained, 0);
    if (!w->retired || w->told_empty || w->draining)
        return;
    w->told_empty = true;
    worker_report(w, WORKER_EMPTY);
}

/* Posted by the main thread. */
void worker_drain(green_post_t *post)
{
    struct worker *w = (struct worker *)(void *)((char *)post - offsetof(struct worker, drain_post));
    w->draining = true;
    green_wake(&w->told, 0);
}

void worker_obey(green_post_t *post)
{
    struct worker *w = (struct worker *)(void *)((char *)post - offsetof(struct worker, order_post));
    w->order = w->next_order;
    green_wake(&w->told, 0);
}

/* Orders come one at a time, and are carried out by the thread's main greenlet, so that they may wait. */
static void obey(struct worker *w)
{
    green_expect_outside();
    while (!w->draining) {
        w->told = (green_park_t)GREEN_PARK_INIT;
        if (!w->order && green_park(&w->told, GREEN_FOREVER) < 0)
            continue;
        void (*order)(struct worker *) = w->order;
        w->order = NULL;
        if (order) {
            w->result = 0;
            order(w);
            worker_report(w, WORKER_ANSWERED);
        }
    }
    green_unexpect_outside();
}

/*
 * When another process has taken over nobody is in a hurry: a client that is just sending its next request would find its
 * connection closed. It gets an answer, and is told with it that the connection ends; who is silent for a while is not
 * about to send.
 */
static void let_them_come(struct worker *w)
{
    green_time until = green_in(SUCCESSION_PAUSE);
    while (w->process->succeeded && w->connection_count && green_now() < until)
        if (green_sleep(GREEN_MS(10)) < 0)
            break;
}

void *worker_main(void *arg)
{
    struct worker *w = arg;
    self = w;
    int r = set_up(w);
    w->result = r;
    worker_report(w, WORKER_STARTED); /* from here on w->result is that of orders */
    if (r == 0) {
        green_attr_t attr = {.name = "housekeeping"};
        green_t *flusher = NULL;
        if (green_spawn_ex(&flusher, &attr, keep_house, w) < 0)
            error_log(LOG_LEVEL_WARNING, "no memory for housekeeping: log lines may come late");
        obey(w);
        listenings_end(w);
        let_them_come(w);
        give_up_reserve(w);
        connections_close_idle(w);
        wait_for_connections(w);
        if (flusher && green_kill(flusher, GREEN_FOREVER) == 0)
            green_release(flusher);
        access_log_flush(w->log, true);
        take_down(w);
    }
    worker_report(w, WORKER_ENDED);
    return NULL;
}
