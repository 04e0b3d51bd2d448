/* Starting workers, telling them, letting them go (workers.h). */
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe/error_log.h"

/* --- word from them ------------------------------------------------------------------------------------------------ */

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
    struct worker *w = worker_of(post, offsetof(struct worker, ended_post));
    struct process *p = w->process;
    w->running = w->leaving = false;
    if (w->ended)
        green_wake(w->ended, 0);
    if (--p->running == 0)
        green_wake(&p->all_ended, 0);
}

static void on_answered(green_post_t *post)
{
    struct process *p = worker_of(post, offsetof(struct worker, answer_post))->process;
    if (--p->unanswered == 0)
        green_wake(&p->all_answered, 0);
}

static void send_home(struct worker *w)
{
    if (!w->running || w->leaving)
        return;
    w->leaving = true;
    w->drain_post.fn = worker_drain;
    green_post(w->hub, &w->drain_post);
}

/* It may have been called back to service meanwhile. */
static void end_retired(void *arg)
{
    struct worker *w = arg;
    struct process *p = w->process;
    if (green_mutex_lock(&p->changing, GREEN_FOREVER) < 0)
        return;
    if (w->index >= p->serving)
        send_home(w);
    green_mutex_unlock(&p->changing);
}

static void on_empty(green_post_t *post)
{
    struct worker *w = worker_of(post, offsetof(struct worker, empty_post));
    if (green_spawn_detached("retire", end_retired, w) < 0)
        error_log(LOG_LEVEL_WARNING, "no memory to end worker %u: it stays, with nothing to do", w->index);
}

void worker_report(struct worker *w, enum worker_event event)
{
    static void (*const handlers[])(green_post_t *) = {[WORKER_STARTED] = on_started,
                                                       [WORKER_ENDED] = on_ended,
                                                       [WORKER_ANSWERED] = on_answered,
                                                       [WORKER_EMPTY] = on_empty};
    green_post_t *posts[] = {[WORKER_STARTED] = &w->started_post,
                             [WORKER_ENDED] = &w->ended_post,
                             [WORKER_ANSWERED] = &w->answer_post,
                             [WORKER_EMPTY] = &w->empty_post};
    posts[event]->fn = handlers[event];
    green_post(w->process->hub, posts[event]);
}

/* --- starting ------------------------------------------------------------------------------------------------------ */

unsigned workers_wanted(const struct conf *conf)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    long wanted = conf->workers ? (long)conf->workers : cpus > 0 ? cpus : 1;
    return wanted < PROCESS_WORKERS_MOST ? (unsigned)wanted : PROCESS_WORKERS_MOST;
}

/* Its end is near: it has no connection left. */
static void wait_for_end(struct worker *w)
{
    green_park_t ended = GREEN_PARK_INIT;
    w->ended = &ended;
    while (w->running && green_park(&ended, GREEN_FOREVER) < 0)
        ;
    w->ended = NULL;
}

static void join(struct worker *w)
{
    if (w->joinable)
        pthread_join(w->thread, NULL);
    w->joinable = false;
}

static struct worker *worker_at(struct process *p, unsigned index)
{
    struct worker *w = p->workers[index];
    if (w)
        return w;
    w = calloc(1, sizeof *w);
    if (!w || !(w->log = access_log_tail(p->log))) {
        free(w);
        return NULL;
    }
    w->process = p;
    w->index = index;
    w->reserve_fd = -1;
    p->workers[index] = w;
    atomic_store(&p->worker_count, index + 1);
    return w;
}

static int start(struct process *p, unsigned index)
{
    struct worker *w = worker_at(p, index);
    if (!w)
        return ENOMEM;
    if (w->leaving)
        wait_for_end(w);
    if (w->running)
        return 0;
    join(w);
    w->draining = w->retired = w->told_empty = false;
    w->order = NULL;
    w->result = 0;
    int r = pthread_create(&w->thread, NULL, worker_main, w);
    if (r == 0) {
        w->joinable = w->running = true;
        p->starting++;
        p->running++;
    }
    return r;
}

/* Threads start with all signals blocked: they are the main thread's business. */
int workers_start(struct process *p, unsigned count)
{
    sigset_t all, before;
    int r = 0, result = 0;
    p->all_started = (green_park_t)GREEN_PARK_INIT;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < count && r == 0; i++) {
        r = start(p, i);
        if (r != 0)
            error_log(LOG_LEVEL_ERROR, "cannot start worker %u: %s", i, strerror(r));
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    green_expect_outside();
    while (p->starting && green_park(&p->all_started, GREEN_FOREVER) < 0)
        ;
    green_unexpect_outside();
    for (unsigned i = 0; i < count && r == 0; i++)
        if (p->workers[i]->result < 0) {
            result = p->workers[i]->result;
            error_log(LOG_LEVEL_ERROR, "worker %u cannot start: %s", i, green_strerror(result));
            wait_for_end(p->workers[i]);
        }
    return r || result ? -1 : 0;
}

/* --- telling ------------------------------------------------------------------------------------------------------- */

int workers_tell(struct process *p, void (*order)(struct worker *w))
{
    unsigned count = atomic_load(&p->worker_count);
    int result = 0;
    p->all_answered = (green_park_t)GREEN_PARK_INIT;
    for (unsigned i = 0; i < count; i++) {
        struct worker *w = p->workers[i];
        w->result = 0;
        if (!w->running || w->leaving)
            continue;
        p->unanswered++;
        w->next_order = order;
        w->order_post.fn = worker_obey;
        green_post(w->hub, &w->order_post);
    }
    green_shield();
    while (p->unanswered && green_park(&p->all_answered, GREEN_FOREVER) < 0)
        ;
    green_unshield();
    for (unsigned i = 0; i < count && result == 0; i++)
        result = p->workers[i]->result < 0 ? p->workers[i]->result : 0;
    return result;
}

/* --- ending -------------------------------------------------------------------------------------------------------- */

void workers_drain(struct process *p)
{
    p->draining = true;
    for (unsigned i = 0; i < atomic_load(&p->worker_count); i++)
        send_home(p->workers[i]);
}

void workers_join(struct process *p)
{
    for (unsigned i = 0; i < atomic_load(&p->worker_count); i++)
        if (!p->workers[i]->running)
            join(p->workers[i]);
}
