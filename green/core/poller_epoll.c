/*
 * The poller on Linux: one edge-triggered epoll set per hub. A descriptor is added once, for everything, and never
 * touched again; the set is where readiness comes from, fd_state is where it is remembered. libuv's loop hangs in
 * the same set by its own descriptor.
 */
#include "../net/fd_state.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH      128
#define LOOP_DATA  UINT64_MAX
#define KNOCK_DATA (UINT64_MAX - 1)
#define COARSE     GREEN_MS(20) /* waits longer than this may end up to a millisecond late */

#ifdef GREEN_PATCHED
void (*green__on_signal)(green_hub_t *hub);
__thread volatile sig_atomic_t green__signalled;
#endif

static green_time loop_deadline(green_hub_t *hub)
{
    if (!uv_loop_alive(&hub->loop))
        return GREEN_FOREVER;
    int ms = uv_backend_timeout(&hub->loop); /* counted from when the loop last looked at the clock */
    return ms < 0 ? GREEN_FOREVER : GREEN_MS(uv_now(&hub->loop) + (uint64_t)ms);
}

static int add(green_hub_t *hub, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int green__poller_open(green_hub_t *hub)
{
    int knock = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hub->epoll = epoll_create1(EPOLL_CLOEXEC);
    int r = knock < 0 || hub->epoll < 0 ? -errno : 0;
    if (r == 0)
        r = add(hub, uv_backend_fd(&hub->loop), EPOLLIN, LOOP_DATA);
    if (r == 0)
        r = add(hub, knock, EPOLLIN | EPOLLET,
                KNOCK_DATA); /* each write is an event: nobody has to read it */
    if (r < 0) {
        if (knock >= 0)
            close(knock);
        if (hub->epoll >= 0)
            close(hub->epoll);
        return r;
    }
    atomic_store(&hub->knock, knock);
    return 0;
}

/* After a fork the child may still post to a hub whose thread is gone: that must not write into another descriptor. */
void green__poller_close(green_hub_t *hub)
{
    close(hub->epoll);
    close(atomic_exchange(&hub->knock, -1));
}

int green__poller_fork(green_hub_t *hub)
{
    green__poller_close(hub);
    return green__poller_open(hub);
}

void green__poller_knock(green_hub_t *hub)
{
    eventfd_t one = 1;
    ssize_t n = write(atomic_load(&hub->knock), &one, sizeof one);
    (void)n; /* a full counter is a knock already, and a closed one belongs to a hub that is gone */
}

void green__loop_knocked(uv_async_t *async)
{
    (void)async; /* nobody knocks there */
}

static struct epoll_event interest(int fd, const struct fd_state *f)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                                .data.u64 = (uint64_t)f->generation << 32 | (uint32_t)fd};
}

#ifdef GREEN_PATCHED
/* Code that knows nothing of libgreen closes descriptors where no hook sees it, and reads and writes them in between. To
 * ask for the same again says whether the number still means what it did, and tells anew what is ready. It costs a system
 * call at each wait, which those save whose making was seen. */
static bool is_still_watched(green_hub_t *hub, int fd, struct fd_state *f)
{
    unsigned made = green__fd_made(fd);
    if (LIKELY(made && made == f->made))
        return true;
    struct epoll_event event = interest(fd, f);
    f->made = made;
    if (epoll_ctl(hub->epoll, EPOLL_CTL_MOD, fd, &event) == 0 || (errno == EPERM && f->always))
        return true;
    green__fd_forget(hub, fd, f);
    green__fd_classify(fd, f);
    return false;
}
#define NOTE_MADE(f, fd) (f)->made = green__fd_made(fd)
#else
#define is_still_watched(hub, fd, f) true
#define NOTE_MADE(f, fd)             (void)0
#endif

int green__poller_watch(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions)
{
    if (LIKELY(f->watched) && is_still_watched(hub, fd, f))
        return 0; /* for both directions, for ever */
    NOTE_MADE(f, fd);
    struct epoll_event event = interest(fd, f);
    int r = epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &event);
    if (r < 0 &&
        errno == EEXIST) /* forgotten without having been closed: the set still has its old generation */
        r = epoll_ctl(hub->epoll, EPOLL_CTL_MOD, fd, &event);
    if (r == 0) {
        f->watched = true;
        return 0;
    }
    if (errno != EPERM)
        return -errno;
    f->watched = f->always = true; /* a regular file: always ready */
    f->ready |= FD_READ | FD_WRITE;
    return 0;
}

/* Closing a descriptor takes it out of the set. If a duplicate keeps its description alive, events of it may still
 * come; they carry an old generation and are dropped. */
void green__poller_unwatch(green_hub_t *hub, int fd, struct fd_state *f)
{
    f->watched = false;
}

static unsigned conditions_of(uint32_t events)
{
    unsigned conditions = 0;
    if (events & EPOLLIN)
        conditions |= FD_READ;
    if (events & EPOLLOUT)
        conditions |= FD_WRITE;
    if (events & EPOLLRDHUP)
        conditions |= FD_READ | FD_EOF;
    if (events & EPOLLPRI)
        conditions |= FD_URGENT;
    if (events & (EPOLLERR | EPOLLHUP))
        conditions |= FD_READ | FD_WRITE | FD_EOF | FD_HUP;
    return conditions;
}

static bool dispatch(green_hub_t *hub, const struct epoll_event *events, int count)
{
    bool loop_due = false;
    for (int i = 0; i < count; i++) {
        uint64_t data = events[i].data.u64;
        if (data >= KNOCK_DATA) {
            if (data == LOOP_DATA)
                loop_due = true;
            else
                green__run_posts(hub);
            continue;
        }
        int fd = (int)(uint32_t)data;
        struct fd_state *f = green__fd_find(hub, fd);
        if (f && f->generation == (uint32_t)(data >> 32))
            green__fd_event(hub, fd, f, conditions_of(events[i].events));
    }
    return loop_due;
}

static int wait_events(green_hub_t *hub, struct epoll_event *events, green_time until)
{
    if (until <= hub->now)
        return epoll_wait(hub->epoll, events, BATCH, 0);
    if (until == GREEN_FOREVER)
        return epoll_wait(hub->epoll, events, BATCH, -1);
    green_time left = until - green_now(); /* not hub->now: the turn before may have taken long */
    if (left <= 0)
        return epoll_wait(hub->epoll, events, BATCH, 0);
    if (left > COARSE)
        return epoll_wait(hub->epoll, events, BATCH,
                          left > GREEN_S(86400) ? 86400000 : (int)(left / 1000000) + 1);
    struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    static atomic_bool missing; /* before Linux 5.11, and under Valgrind */
    if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
        int n = epoll_pwait2(hub->epoll, events, BATCH, &timeout, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        atomic_store_explicit(&missing, true, memory_order_relaxed);
    }
    return epoll_wait(hub->epoll, events, BATCH, (int)((left + 999999) / 1000000));
}

static void run_loop(green_hub_t *hub)
{
    green__run_loop(hub, UV_RUN_NOWAIT);
    hub->loop_touched = true; /* its callbacks may have started handles: see below */
}

void green__poller_wait(green_hub_t *hub, green_time until)
{
    struct epoll_event events[BATCH];
    if (hub->loop_touched) { /* what was started on the loop reaches the kernel only when it runs */
        hub->loop_touched = false;
        green__run_loop(hub, UV_RUN_NOWAIT);
        if (green__ready(hub) || !chain_empty(&hub->due))
            until = 0;
    }
    green_time loop_due = loop_deadline(hub);
    SHOW(hub->polling, true);
    int n = wait_events(hub, events, until < loop_due ? until : loop_due);
    SHOW(hub->polling, false);
    if (UNLIKELY(n < 0 && errno != EINTR)) {
        fprintf(stderr, "libgreen: the hub's epoll descriptor was closed or replaced: %s\n",
                green_error_name(-errno));
        abort(); /* no greenlet of this thread could ever be woken again */
    }
    hub->now = green_now();
    hub->more_events = n == BATCH;
#ifdef GREEN_PATCHED
    if (UNLIKELY(n < 0 || green__signalled) && green__on_signal)
        green__on_signal(hub);
#endif
    if (dispatch(hub, events, n) || hub->now >= loop_due)
        run_loop(hub);
}
