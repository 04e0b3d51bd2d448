/*
 * All hubs of the process, for those who look at other threads' (green/debug), and what becomes of hubs in the child
 * of a fork(): the forking thread's goes on, with the greenlet that forked as its main greenlet and no other; those of
 * other threads, which are not there, never run again.
 */
#include "../net/fd_state.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list all_hubs = {&all_hubs, &all_hubs}; /* gdb.py looks for it by name */
static struct list lost = {&lost,
                           &lost}; /* greenlets of the parent: what lies on their stacks stays readable */

unsigned green__forks;
__thread green_t *green__forked;
#ifdef GREEN_TSAN
bool green__tsan_deaf;
#endif

struct list *green__hubs_lock(void)
{
    pthread_mutex_lock(&lock);
    return &all_hubs;
}

void green__hubs_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void green__hub_enlist(green_hub_t *hub)
{
    hub->thread = pthread_self();
    hub->tid = gettid();
    pthread_mutex_lock(&lock);
    list_push(&all_hubs, &hub->everywhere);
    pthread_mutex_unlock(&lock);
}

void green__hub_delist(green_hub_t *hub)
{
    pthread_mutex_lock(&lock);
    list_remove(&hub->everywhere);
    pthread_mutex_unlock(&lock);
}

/* --- fork ------------------------------------------------------------------------------------------------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* Whoever it waits for passes it over from now on: its wait has been decided. */
static void lose(green_hub_t *hub, green_t *g)
{
    if (g->park)
        g->park->woken = true;
    timer_remove(&hub->timers, &g->wait_timer);
    green__timeouts_end(g);
    list_remove(&g->everyone);
    hub->alive--;
    hub->background -= g->background;
    if (g->slot)
        green__slot_free(hub, g->slot);
    g->state = GREEN_DONE;
    g->status = -ECANCELED;
    if (g->never_ran && !g->stack.low)
        hub->unstarted--;
    g->never_ran = true;
    list_push(&lost, &g->everyone);
}

static void lose_others(green_hub_t *hub)
{
    for (struct list *node, *next = hub->everyone.next; (node = next) != &hub->everyone;) {
        next = node->next;
        green_t *g = CONTAINER_OF(node, green_t, everyone);
        if (g != hub->current)
            lose(hub, g);
    }
    list_init(&hub->ready);
    hub->made_ready = hub->round_end = hub->turns;
    hub->waiting = hub->outside = 0; /* whoever said so was waiting */
    hub->idlers = hub->enders = (struct green_chain){0};
    while (chain_pop(&hub->due))
        ;
}

/* A new epoll set, a new loop under the old handles, no sockets shared with the parent's resolver. */
static int renew(green_hub_t *hub)
{
    int r = uv_loop_fork(&hub->loop);
    if (r == 0)
        r = green__poller_fork(hub);
    if (r < 0)
        return r;
    for (size_t chunk = 0; chunk < hub->fd_chunks; chunk++)
        for (int i = 0; hub->fds[chunk] && i < FD_CHUNK; i++)
            green__fd_forget(hub, (int)(chunk * FD_CHUNK) + i, &hub->fds[chunk][i]);
    green__dns_close(hub);
    atomic_store(&hub->posting, 0);
    green__poller_knock(hub); /* for what was posted before the fork */
    hub->loop_touched = true;
    return 0;
}

/* Who still posts to a hub that is gone knocks at nothing: green__poller_close(). */
static void lose_other_threads(const green_hub_t *mine)
{
    for (struct list *node, *next = all_hubs.next; (node = next) != &all_hubs;) {
        next = node->next;
        green_hub_t *hub = CONTAINER_OF(node, green_hub_t, everywhere);
        if (hub == mine)
            continue;
        list_remove(node);
        green__poller_close(hub);
        close(uv_backend_fd(&hub->loop));
    }
}

static void after_fork_in_child(void)
{
    green_hub_t *hub = green__hub;
    green__forks++;
#ifdef GREEN_TSAN
    green__tsan_deaf |= !list_empty(&all_hubs);
#endif
    lose_other_threads(hub);
    if (hub && hub->current) {
#ifdef GREEN_TSAN
        hub->current->context.deaf = true;
#endif
        lose_others(hub);
        if (hub->current != &hub->main)
            green__forked = hub->current;
        hub->root = hub->current;
        hub->tid = gettid();
        int r = renew(hub);
        if (r < 0) {
            fprintf(stderr, "libgreen: no hub after fork: %s\n", green_strerror(r));
            green__hub_abandon();
        }
    } else if (hub) { /* in a callback of the hub: whoever forks there may only call exec or _exit */
        green__poller_close(hub);
        list_remove(&hub->everywhere);
        green__hub_abandon();
    }
    after_fork();
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void green__watch_forks(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
}
