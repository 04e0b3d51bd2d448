/*
 * The poller where there is no epoll, and for comparison: every descriptor that somebody waits for has a uv_poll_t,
 * started for the directions that have waiters and stopped when they are served. libuv's loop is the only wait.
 */
#include "../net/fd_state.h"

#include <stdlib.h>

/* Its purpose is that uv_run() returns. The loop looks at its timers before it polls as well: hence the stop, or a
 * deadline that passes in between would leave nothing to end the poll. */
static void deadline_came(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Likewise when another callback that came before the poll has made somebody ready. */
static void before_poll(uv_prepare_t *prepare)
{
    green_hub_t *hub = CONTAINER_OF(prepare, green_hub_t, loop_prepare);
    SHOW(hub->polling, true);
    if (green__ready(hub) || !chain_empty(&hub->due))
        uv_stop(prepare->loop);
}

int green__poller_open(green_hub_t *hub)
{
    uv_timer_init(&hub->loop, &hub->loop_timer); /* neither of these can fail */
    uv_prepare_init(&hub->loop, &hub->loop_prepare);
    uv_unref((uv_handle_t *)&hub->loop_timer);
    uv_unref((uv_handle_t *)&hub->loop_prepare);
    return uv_prepare_start(&hub->loop_prepare, before_poll);
}

void green__poller_close(green_hub_t *hub)
{
    (void)hub; /* green_hub_close() closes every handle of the loop */
}

/* The loop has done most of it. */
int green__poller_fork(green_hub_t *hub)
{
    hub->async.pending = 0; /* libuv 1.44 forgets: it would never knock again */
    uv_async_send(&hub->async);
    return 0;
}

void green__poller_knock(green_hub_t *hub)
{
    uv_async_send(&hub->async);
}

void green__loop_knocked(uv_async_t *async)
{
    green__run_posts(async->data);
}

/* That both ends are closed, or an error, is told along with anything else. */
static int events_of(unsigned conditions)
{
    return (conditions & FD_READ ? UV_READABLE | UV_DISCONNECT : 0) |
           (conditions & FD_WRITE ? UV_WRITABLE : 0) | (conditions & FD_EOF ? UV_DISCONNECT : 0) |
           (conditions & FD_URGENT ? UV_PRIORITIZED : 0);
}

static int wanted(const struct fd_state *f)
{
    unsigned conditions = 0;
    if (green__fd_queue(f, FD_READ) || f->parked_fn)
        conditions |= FD_READ;
    if (green__fd_queue(f, FD_WRITE))
        conditions |= FD_WRITE;
    for (struct green_node *node = f->watchers.first; node; node = node->next)
        conditions |= CONTAINER_OF(node, struct fd_watcher, node)->conditions;
    return events_of(conditions);
}

struct poll_data {
    uv_poll_t poll;
    green_hub_t *hub;
    struct fd_state *state; /* NULL once it was given up */
    int fd;
};

static void on_event(uv_poll_t *poll, int status, int events);

/* uv_poll_start() replaces the events it was started with. Waiters that are about to queue up are not in the list
 * yet, hence `conditions`. */
static int start(struct fd_state *f, unsigned conditions)
{
    int events = wanted(f) | events_of(conditions);
    if (events == f->polled)
        return 0;
    f->polled = events;
    return events ? uv_poll_start(f->poll, events, on_event) : uv_poll_stop(f->poll);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct poll_data *data = CONTAINER_OF(poll, struct poll_data, poll);
    unsigned conditions = 0;
    if (!data->state)
        return;
    if (status < 0)
        conditions = FD_READ | FD_WRITE | FD_EOF | FD_HUP;
    if (events & UV_READABLE)
        conditions |= FD_READ;
    if (events & UV_DISCONNECT)
        conditions |= FD_READ | FD_EOF;
    if (events & UV_WRITABLE)
        conditions |= FD_WRITE;
    if (events & UV_PRIORITIZED)
        conditions |= FD_URGENT;
    green__fd_event(data->hub, data->fd, data->state, conditions);
    data->state->polled = -1; /* level-triggered: what is left to wait for must be said again */
    start(data->state, 0);
}

static void free_data(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct poll_data, poll));
}

int green__poller_watch(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions)
{
    if (f->always)
        return 0;
    if (!f->watched) {
        struct poll_data *data = calloc(1, sizeof *data);
        if (!data)
            return -ENOMEM;
        int r = uv_poll_init(&hub->loop, &data->poll, fd);
        if (r < 0) {
            free(data);
            if (r != -EPERM)
                return r;
            f->watched = f->always = true; /* a regular file: always ready */
            f->ready |= FD_READ | FD_WRITE;
            return 0;
        }
        uv_unref((uv_handle_t *)&data->poll); /* whether somebody waits is counted in hub->waiting */
        data->hub = hub;
        data->state = f;
        data->fd = fd;
        f->poll = &data->poll;
        f->polled = 0;
        f->watched = true;
    }
    return start(f, conditions);
}

void green__poller_unwatch(green_hub_t *hub, int fd, struct fd_state *f)
{
    if (f->poll) {
        CONTAINER_OF(f->poll, struct poll_data, poll)->state = NULL;
        uv_close((uv_handle_t *)f->poll, free_data);
        f->poll = NULL;
    }
    f->watched = false;
}

void green__poller_wait(green_hub_t *hub, green_time until)
{
    green_time left = until == GREEN_FOREVER ? GREEN_FOREVER : until - green_now();
    hub->loop_touched = false;
    if (left <= 0 || green__ready(hub)) {
        green__run_loop(hub, UV_RUN_NOWAIT);
    } else {
        if (left != GREEN_FOREVER) {
            uv_update_time(&hub->loop);
            uv_timer_start(&hub->loop_timer, deadline_came, (uint64_t)((left + 999999) / 1000000), 0);
            uv_ref((uv_handle_t *)&hub->loop_timer);
        }
        green__run_loop(hub, UV_RUN_ONCE);
        uv_timer_stop(&hub->loop_timer);
        uv_unref((uv_handle_t *)&hub->loop_timer);
    }
    hub->now = green_now();
}
