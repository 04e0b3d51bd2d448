/* The hub: a turn for every ready greenlet, a look at the poller, the timers; and how a thread gets one. */
#include "../net/fd_state.h"
#include "turn.h"
#include "waiter.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HUB_STACK (1024 * 1024) /* libuv's and c-ares' callbacks run on it; pages come when touched */
/* While greenlets are ready: how many turns may pass without a look at I/O while somebody waits for it (one that moved
 * bytes counts as more), and how many without a look at what is cheap to see: posts from other threads, and the coarse
 * clock, a tick of which is enough. */
#define TURNS_PER_POLL      256
#define TURNS_PER_LOOK      16
#define TIDY_INTERVAL       GREEN_S(1)
#define LOOKS_BEFORE_TIMERS 64

__thread green_hub_t *green__hub;
#ifdef GREEN_PATCHED
bool green__keep_sigpipe;
#endif

/* --- the loop ------------------------------------------------------------------------------------------------------ */

/* Those who were ready at its start; whoever becomes ready meanwhile waits for the next round. Greenlets that wait pass
 * the turn on among themselves (turn_leave); we hear of those that end, and of the last. */
static void go_round(green_hub_t *hub)
{
    green_t *g;
    hub->round_end = hub->made_ready;
    while (hub->turns != hub->round_end && (g = turn_next(hub))) {
        green__tell(hub, GREEN_HOOK_SWITCH, g);
        turn_begin(hub, g);
        if (UNLIKELY(hub->slices != NULL))
            green__slice_begins(hub->slices);
        green__switch_context(&hub->context, &g->context, false);
        g = hub->current;
        hub->current = NULL;
        if (UNLIKELY(hub->slices != NULL))
            green__slice_ends(hub->slices);
        while (UNLIKELY(hub->arrival != NULL))
            hub->arrival(hub, NULL);
        if (g && g->state == GREEN_DONE)
            green__finish(hub, g);
    }
}

/* g has ended and is still on its stack, which whoever comes next puts away. What somebody wants to be called about is
 * called by the hub. */
_Noreturn void green__depart(green_hub_t *hub, green_t *g)
{
    struct context *to = &hub->context;
    g->state = GREEN_DONE;
    if (LIKELY(!hub->hook_kinds && !g->waitable.links.first && !g->member.chain)) {
        hub->current = NULL;
        green__announce_end(hub, g);
        to = turn_pass_on(hub);
        hub->departed = g;
        hub->arrival = green__put_away;
    }
    green__switch_context(&g->context, to, true);
    abort(); /* nobody switches to a greenlet that is done */
}

static void report_deadlock(green_hub_t *hub)
{
    fprintf(stderr, "libgreen: deadlock: nothing can wake any of these greenlets:\n");
    green__dump_greenlets(stderr, hub, 0);
}

static bool stuck(green_hub_t *hub)
{
    return chain_empty(&hub->due) && !hub->waiting && !hub->parked && !hub->outside &&
           green__timers_next(&hub->timers) == GREEN_FOREVER && !uv_loop_alive(&hub->loop) &&
           !atomic_load_explicit(&hub->posts, memory_order_relaxed) && hub->root->park;
}

static void tidy(green_hub_t *hub)
{
    bool active = hub->turns != hub->tidied_turns;
    hub->tidied_turns = hub->turns;
    hub->tidy_at = active ? hub->now + TIDY_INTERVAL : GREEN_FOREVER;
    green__stack_trim(&hub->stacks, hub->unstarted);
    if (hub->on_idle)
        hub->on_idle(hub->on_idle_arg);
}

/* After a time in which the thread did not run, what it waits for may have happened long since, and not be among the first
 * events. Deadlines are for what has not happened: they come when all events have been seen, or nearly. */
static void run_timers(green_hub_t *hub)
{
    if (UNLIKELY(hub->more_events) && ++hub->overdue < LOOKS_BEFORE_TIMERS)
        return;
    hub->overdue = 0;
    green__timers_run(&hub->timers, hub->now);
}

static void poll_io(green_hub_t *hub)
{
    green_time until = 0;
    if (hub->tidy_at == GREEN_FOREVER && hub->turns != hub->tidied_turns)
        hub->tidy_at = hub->now + TIDY_INTERVAL;
    if (!green__ready(hub) && chain_empty(&hub->due) && chain_empty(&hub->idlers)) {
        if (UNLIKELY(stuck(hub))) {
            report_deadlock(hub);
            green_wake(hub->root->park, -EDEADLK);
            return;
        }
        until = timers_look(&hub->timers);
        if (until > hub->tidy_at)
            until = hub->tidy_at;
    }
    SHOW(hub->polls, hub->polls + 1);
    hub->polled_at = hub->turns;
    hub->look_at = hub->turns + TURNS_PER_LOOK;
    hub->tick = 0;
    green__poller_wait(hub, until);
    SHOW(hub->polling, false);
    run_timers(hub);
    if (UNLIKELY(hub->idlers.first) && !green__ready(hub) && chain_empty(&hub->due))
        green__wake_first(&hub->idlers, 0);
    if (hub->now >= hub->tidy_at)
        tidy(hub);
}

/* Polling after every round would cost a system call for each while greenlets only hand work to one another. A bounded
 * number of turns, and of time, without one starves nobody. */
static bool poll_is_due(green_hub_t *hub)
{
    if (hub->turns - hub->polled_at >= TURNS_PER_POLL && (hub->waiting || hub->parked))
        return true;
    if (hub->turns < hub->look_at)
        return false;
    if (atomic_load_explicit(&hub->posts, memory_order_relaxed))
        return true;
    hub->look_at = hub->turns + TURNS_PER_LOOK;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    green_time tick = (green_time)t.tv_sec * 1000000000 + t.tv_nsec, last = hub->tick;
    hub->tick = tick;
    return last && tick != last;
}

/* What the hub's own stack runs for ever. */
static void run_hub(void *arg)
{
    green_hub_t *hub = arg;
    green__context_arrived(&hub->context);
    hub->current = NULL; /* main, the first time */
    for (;;) {
        if (UNLIKELY(hub->due.first))
            green__run_due(hub);
        go_round(hub);
        if (!green__ready(hub) || poll_is_due(hub))
            poll_io(hub);
    }
}

/* A loop that has only unreferenced handles does not look at them at all: hence the reference while it runs. */
void green__run_loop(green_hub_t *hub, uv_run_mode mode)
{
    uv_ref((uv_handle_t *)&hub->async);
    uv_run(&hub->loop, mode);
    uv_unref((uv_handle_t *)&hub->async);
}

/* --- posts from other threads ----------------------------------------------------------------------------------------- */

void green__run_posts(green_hub_t *hub)
{
    SHOW(hub->polling, false);
    green_post_t *newest = atomic_exchange_explicit(&hub->posts, NULL, memory_order_acquire);
    green_post_t *oldest = NULL;
    while (newest) { /* they are stacked newest first: turn them round */
        green_post_t *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        green_post_t *node = oldest;
        oldest = oldest->next;
        node->fn(node);
    }
}

void green_post(green_hub_t *hub, green_post_t *node)
{
    /* Once the node is in the list its function may run, and its hub be closed, before we have knocked. */
    atomic_fetch_add_explicit(&hub->posting, 1, memory_order_relaxed);
    green_post_t *before = atomic_load_explicit(&hub->posts, memory_order_relaxed);
    do
        node->next = before;
    while (!atomic_compare_exchange_weak_explicit(&hub->posts, &before, node, memory_order_release,
                                                  memory_order_relaxed));
    if (!before) /* else somebody has knocked already */
        green__poller_knock(hub);
    atomic_fetch_sub_explicit(&hub->posting, 1, memory_order_release);
}

/* --- making and closing ----------------------------------------------------------------------------------------------- */

static pthread_key_t hub_key;

static void close_at_thread_end(void *arg)
{
    green__hub = arg;
    if (green_hub_close() < 0)
        fprintf(stderr, "libgreen: a thread ended with greenlets alive; they are abandoned\n");
}

/* The thread goes on as if it had none. */
void green__hub_abandon(void)
{
    green__hub = NULL;
    pthread_setspecific(hub_key, NULL);
}

static void once_per_process(void)
{
    pthread_key_create(&hub_key, close_at_thread_end);
    struct sigaction present;
#ifdef GREEN_PATCHED
    if (green__keep_sigpipe)
        return;
#endif
    if (sigaction(SIGPIPE, NULL, &present) == 0 && present.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN); /* a closed peer is an error code, not the end of the process */
}

static int open_loop(green_hub_t *hub)
{
    int r = uv_loop_init(&hub->loop);
    if (r < 0)
        return r;
    r = uv_async_init(&hub->loop, &hub->async, green__loop_knocked);
    if (r == 0) {
        hub->async.data = hub;
        uv_unref((uv_handle_t *)&hub->async); /* it is always there, so it says nothing about work to come */
        hub->loop_touched = true;
        r = green__poller_open(hub);
        if (r == 0)
            return 0;
        uv_close((uv_handle_t *)&hub->async, NULL);
        uv_run(&hub->loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&hub->loop);
    return r;
}

static int open_stack(green_hub_t *hub)
{
    int r = green__stack_map(&hub->stack, HUB_STACK);
    if (r < 0)
        return r;
    hub->context.sp = green__switch_init(hub->stack.low + hub->stack.size, run_hub, hub);
    hub->context.stack_low = hub->stack.low;
    hub->context.stack_size = hub->stack.size;
#ifdef GREEN_TSAN
    hub->context.fiber = __tsan_create_fiber(0);
#endif
    return 0;
}

static green_hub_t *make_hub(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_per_process);
    green_hub_t *hub = calloc(1, sizeof *hub);
    if (!hub)
        return NULL;
    list_init(&hub->ready);
    list_init(&hub->free_greenlets);
    list_init(&hub->everyone);
    hub->tidy_at = GREEN_FOREVER;
    hub->now = green_now();
    hub->errno_at = &errno;
    if (open_stack(hub) < 0)
        goto no_stack;
    if (open_loop(hub) < 0)
        goto no_loop;
    green__watch_forks(); /* after libuv's own, which is to run first */
    green__stack_overflow_watch();
    green__hub = hub;
    green__main_init(hub);
    green__hub_enlist(hub);
    green__debug_open();
    pthread_setspecific(hub_key, hub);
    return hub;
no_loop:
    green__stack_unmap(&hub->stack);
no_stack:
    free(hub);
    return NULL;
}

green_hub_t *green_hub(void)
{
    return LIKELY(green__hub) ? green__hub : make_hub();
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

int green_hub_close(void)
{
    green_hub_t *hub = green__hub;
    if (!hub)
        return 0;
    if (hub->current != hub->root)
        return -EPERM;
    if (hub->alive > 1)
        return -EBUSY;
    while (atomic_load_explicit(&hub->posting, memory_order_acquire))
        sched_yield();
    green__run_posts(hub); /* their owners count on it */
    if (hub->alive > 1)
        return -EBUSY;
    green__locals_destroy(hub->root);
    green__debug_close();
    green__hub_delist(hub);
    green__dns_close(hub);
    green__tls_close(hub);
    green__processes_close();
    for (size_t chunk = 0; chunk < hub->fd_chunks; chunk++)
        for (int i = 0; hub->fds[chunk] && i < FD_CHUNK; i++)
            green__fd_forget(hub, (int)(chunk * FD_CHUNK) + i, &hub->fds[chunk][i]);
    uv_walk(&hub->loop, close_handle, NULL);
    uv_run(&hub->loop, UV_RUN_DEFAULT);
    green__poller_close(hub);
    uv_loop_close(&hub->loop);
    for (size_t chunk = 0; chunk < hub->fd_chunks; chunk++)
        free(hub->fds[chunk]);
    free(hub->fds);
    timer_remove(&hub->timers, &hub->root->wait_timer);
    green__timers_destroy(&hub->timers);
    green__free_cached(hub);
    green__stack_cache_destroy(&hub->stacks);
    free(hub->slots);
    free(hub->slices);
#ifdef GREEN_TSAN
    __tsan_destroy_fiber(hub->context.fiber);
#endif
    green__stack_unmap(&hub->stack);
    green__stack_overflow_unwatch();
    pthread_setspecific(hub_key, NULL);
    green__hub = NULL;
    free(hub);
    return 0;
}

/* --- small things ------------------------------------------------------------------------------------------------------- */

struct uv_loop_s *green_uv_loop(void)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return NULL;
    hub->loop_touched = true;
    uv_update_time(&hub->loop); /* or timers would count from when the loop last ran */
    return &hub->loop;
}

void green_expect_outside(void)
{
    green_hub()->outside++;
}

void green_unexpect_outside(void)
{
    green_hub()->outside--;
}

void green_on_idle(void (*fn)(void *arg), void *arg)
{
    green_hub_t *hub = green_hub();
    hub->on_idle = fn;
    hub->on_idle_arg = arg;
}

void green_hub_stats(green_stats_t *out)
{
    green_hub_t *hub = green_hub();
    *out = (green_stats_t){
        .switches = hub->turns,
        .polls = hub->polls,
        .greenlets = hub->alive,
        .ready = green__ready(hub),
        .parked = hub->parked,
        .stacks_cached = hub->stacks.count,
    };
}
