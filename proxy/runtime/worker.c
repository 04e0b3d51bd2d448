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
#include "upstream/origins.h"

#define HOUSEKEEPING_INTERVAL GREEN_MS(500)

static __thread struct worker *self;

struct worker *worker_self(void)
{
    return self;
}

struct group *worker_group(struct worker *w, const struct conf_upstream *upstream)
{
    return &w->groups[upstream - w->conf->upstreams];
}

struct origins *worker_origins(struct worker *w, const struct conf_listener *listener)
{
    return &w->origins[listener - w->conf->listeners];
}

struct span worker_date(struct worker *w)
{
    return http_date(&w->date, time(NULL));
}

/* What others want to know of this thread, but may not look at. */
static void tell_metrics(struct worker *w)
{
    struct worker_metrics *m = w->metrics->metrics->workers[w->index];
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
    for (size_t i = 0; i < w->conf->upstream_count; i++)
        group_tell_counts(&w->groups[i]);
    counter_set(&m->updated, (uint64_t)green_turn_time());
}

/* A tenth of what is idle here, now and then while descriptors or memory are short. */
static void shed_idle(struct worker *w)
{
    if (overload_level(&w->process->overload) < OVERLOAD_SHED)
        return;
    connections_shed(w, w->connection_count / 10 + 1);
    for (size_t i = 0; i < w->conf->upstream_count; i++)
        group_close_idle(&w->groups[i]);
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
    w->hub = green_hub();
    if (!w->hub)
        return -ENOMEM;
    int r = names_use_servers(w->conf);
    if (r < 0)
        return r;
    buffers_init(&w->buffers);
    encoders_init(&w->encoders, (size_t)w->conf->compress_memory);
    mirrors_init(&w->mirrors);
    if (getrandom(&w->random, sizeof w->random, 0) != sizeof w->random)
        return -errno;
    if ((r = identifiers_init(&w->identifiers)) < 0)
        return r;
    green_on_idle(give_back_memory, w);
    w->groups = calloc(w->conf->upstream_count + 1, sizeof *w->groups);
    if (!w->groups)
        return -ENOMEM;
    for (size_t i = 0; i < w->conf->upstream_count; i++)
        if (group_init(&w->groups[i], &w->conf->upstreams[i]) < 0)
            return -ENOMEM;
        else
            group_count(&w->groups[i], w->metrics, w->index);
    w->origins = calloc(w->conf->listener_count + 1, sizeof *w->origins);
    if (!w->origins)
        return -ENOMEM;
    for (size_t i = 0; i < w->conf->listener_count; i++)
        origins_init(&w->origins[i], &w->conf->listeners[i].forward);
    for (size_t i = 0; i < w->listening_count; i++) {
        struct listening *at = &w->listening[i];
        green_attr_t attr = {.name = "accept"};
        green_fd_reset(at->fd); /* the main thread bound it; what its hub knew is not ours */
        if (green_spawn_ex(&at->acceptor, &attr, listener_accept, at) < 0)
            return -ENOMEM;
    }
    askable_enter(&w->process->workers_to_ask, &w->asked, w, w->index);
    return 0;
}

static void stop_accepting(struct worker *w)
{
    for (size_t i = 0; i < w->listening_count; i++) {
        struct listening *at = &w->listening[i];
        if (green_kill(at->acceptor, GREEN_FOREVER) == 0)
            green_release(at->acceptor);
        green_close(at->fd);
    }
    w->listening_count = 0;
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

/* Greenlets that close idle upstream connections may still be on their way; they need the groups. */
static void take_down(struct worker *w)
{
    askable_leave(&w->process->workers_to_ask, &w->asked);
    mirrors_end(w);
    for (size_t i = 0; i < w->conf->upstream_count; i++)
        group_close_idle(&w->groups[i]);
    for (size_t i = 0; i < w->conf->listener_count; i++)
        origins_close_idle(&w->origins[i]);
    green_stats_t stats;
    for (green_hub_stats(&stats); stats.greenlets > 1; green_hub_stats(&stats))
        if (green_sleep(GREEN_MS(1)) < 0)
            break;
    for (size_t i = 0; i < w->conf->upstream_count; i++)
        group_destroy(&w->groups[i]);
    free(w->groups);
    authenticator_free(w->authenticator);
    free(w->origins);
    buffers_destroy(&w->buffers);
    presences_free(&w->presences);
    encoders_trim(&w->encoders);
    if (green_hub_close() < 0)
        error_log(LOG_LEVEL_WARNING, "worker %u ended with greenlets alive", w->index);
}

/* Posted by the main thread. */
void worker_drain(green_post_t *post)
{
    struct worker *w = (struct worker *)(void *)((char *)post - offsetof(struct worker, drain_post));
    w->draining = true;
    green_wake(&w->told_to_drain, 0);
}

void *worker_main(void *arg)
{
    struct worker *w = arg;
    self = w;
    w->result = set_up(w);
    worker_report(w, WORKER_STARTED);
    if (w->result == 0) {
        green_attr_t attr = {.name = "housekeeping"};
        green_t *flusher = NULL;
        if (green_spawn_ex(&flusher, &attr, keep_house, w) < 0)
            error_log(LOG_LEVEL_WARNING, "no memory for housekeeping: log lines may come late");
        green_expect_outside();
        while (!w->draining && green_park(&w->told_to_drain, GREEN_FOREVER) < 0)
            ;
        green_unexpect_outside();
        stop_accepting(w);
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
