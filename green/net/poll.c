/*
 * poll, select and epoll_wait. The kernel is always asked first; if nothing is ready, a watcher hangs on every
 * descriptor, and whoever hears of a change asks again.
 */
#include "poll.h"

#include "fd_state.h"

#include <stdlib.h>
#include <sys/epoll.h>

#define FEW 8 /* descriptors whose records fit on the stack */

static unsigned conditions_of(short events)
{
    unsigned conditions = FD_HUP;
    if (events & (POLLIN | POLLRDNORM | POLLRDBAND))
        conditions |= FD_READ;
    if (events & (POLLOUT | POLLWRNORM | POLLWRBAND))
        conditions |= FD_WRITE;
    if (events & POLLRDHUP)
        conditions |= FD_EOF;
    if (events & (POLLPRI | POLLRDBAND) || conditions == FD_HUP)
        conditions |= FD_URGENT; /* or for errors alone: libuv wants to be asked for something */
    return conditions;
}

/* Hangs a watcher on each descriptor. -errno: some may be hung on all the same. */
static int hang_on(green_hub_t *hub, struct fd_watcher *watchers, const struct pollfd *fds, nfds_t count,
                   green_park_t *park)
{
    for (nfds_t i = 0; i < count; i++) {
        struct fd_state *f;
        if (fds[i].fd < 0)
            continue;
        watchers[i].park = park;
        watchers[i].conditions = conditions_of(fds[i].events);
        int r = green__fd_get(hub, fds[i].fd, &f);
        if (r == 0)
            r = green__fd_watch(hub, fds[i].fd, f, watchers[i].conditions);
        if (r < 0)
            return r;
        if (!f->always) /* else its state never changes */
            chain_push(&f->watchers, &watchers[i].node);
    }
    return 0;
}

/* What the poller has told of the only descriptor is what poll(2) would say now, unless somebody has read or written since,
 * or there is more to it than that. */
static int answer(green_hub_t *hub, const struct fd_watcher *w, struct pollfd *p)
{
    const struct fd_state *f = green__fd_find(hub, p->fd);
    if ((p->events & ~(POLLIN | POLLOUT | POLLERR | POLLHUP)) || !f || !FD_REMEMBERED(f) || w->contested ||
        (w->told & ~(FD_READ | FD_WRITE)) || (w->told & ~f->ready))
        return 0;
    p->revents = p->events & (short)((w->told & FD_READ ? POLLIN : 0) | (w->told & FD_WRITE ? POLLOUT : 0));
    return p->revents != 0;
}

/* Waits for a change. How many are known to be ready or closed, perhaps 0, or an error. */
static int await(struct fd_watcher *watchers, struct pollfd *fds, nfds_t count, green_time deadline)
{
    green_hub_t *hub = green_hub();
    green_park_t park = GREEN_PARK_INIT;
    int known = 0;
    for (nfds_t i = 0; i < count; i++)
        watchers[i] = (struct fd_watcher){.park = &park};
    int r = hang_on(hub, watchers, fds, count, &park);
    if (r == 0) {
        hub->waiting += count > 0;
        green__waits_for("any of several descriptors", fds);
        r = green_park(&park, deadline);
        hub->waiting -= count > 0;
    }
    for (nfds_t i = 0; i < count; i++) {
        chain_remove(&watchers[i].node);
        if (watchers[i].closed) {
            fds[i].revents = POLLNVAL; /* the number may be somebody else's by now: do not ask again */
            known++;
        }
    }
    if (r == 0 && !known && count == 1)
        known = answer(hub, &watchers[0], &fds[0]);
    return r < 0 ? r : known;
}

static int wait_and_ask(struct fd_watcher *watchers, struct pollfd *fds, nfds_t count, green_time deadline)
{
    for (;;) {
        int r = await(watchers, fds, count, deadline);
        if (r != 0)
            return r;
        r = poll(fds, count, 0);
        if (r != 0)
            return r < 0 ? -errno : r;
    }
}

static int may_wait(green_time deadline)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (!hub->current)
        return deadline <= GREEN_NOWAIT ? 0 : -EPERM;
    return green__interruption(hub->current);
}

int green__poll_on(struct pollfd *fds, nfds_t count, green_time deadline)
{
    struct fd_watcher few[FEW], *watchers = few;
    int r = may_wait(deadline);
    if (r < 0)
        return r;
    if (count > FEW && !(watchers = malloc(count * sizeof *watchers)))
        return -ENOMEM;
    r = wait_and_ask(watchers, fds, count, deadline);
    if (watchers != few)
        free(watchers);
    return r;
}

#ifdef GREEN_PATCHED
bool green__poll_is_idle(const struct pollfd *fds, nfds_t count)
{
    const struct fd_state *f;
    unsigned made;
    return count == 1 && !(fds->events & ~(POLLIN | POLLERR | POLLHUP)) &&
           (f = green__fd_find(green__hub, fds->fd)) && FD_REMEMBERED(f) && f->type &&
           !(f->ready & (unsigned)~FD_WRITE) && (made = green__fd_made(fds->fd)) && made == f->made;
}
#endif

int green_poll(struct pollfd *fds, nfds_t count, green_time deadline)
{
    int r = may_wait(deadline);
    if (r < 0)
        return r;
    r = poll(fds, count, 0);
    if (r != 0)
        return r < 0 ? -errno : r;
    return deadline <= GREEN_NOWAIT ? -EAGAIN : green__poll_on(fds, count, deadline);
}

/* --- select ------------------------------------------------------------------------------------------------------------- */

static bool in(const fd_set *set, int fd)
{
    return set && FD_ISSET(fd, set);
}

static nfds_t entries(struct pollfd *fds, int count, const fd_set *readable, const fd_set *writable,
                      const fd_set *exceptional)
{
    nfds_t n = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = (short)((in(readable, fd) ? POLLIN : 0) | (in(writable, fd) ? POLLOUT : 0) |
                               (in(exceptional, fd) ? POLLPRI : 0));
        if (events)
            fds[n++] = (struct pollfd){.fd = fd, .events = events};
    }
    return n;
}

/* Leaves a bit in the set only if it was there and the condition holds: 1 if so. */
static int keep(fd_set *set, int fd, bool holds)
{
    if (!in(set, fd))
        return 0;
    if (!holds)
        FD_CLR(fd, set);
    return holds;
}

static int results(const struct pollfd *fds, nfds_t n, fd_set *readable, fd_set *writable,
                   fd_set *exceptional)
{
    int bits = 0;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents & POLLNVAL)
            return -EBADF;
    for (nfds_t i = 0; i < n; i++) {
        short got = fds[i].revents;
        int fd = fds[i].fd < 0 ? ~fds[i].fd : fds[i].fd;
        bits += keep(readable, fd, got & (POLLIN | POLLHUP | POLLERR));
        bits += keep(writable, fd, got & (POLLOUT | POLLERR));
        bits += keep(exceptional, fd, got & POLLPRI);
    }
    return bits;
}

/* poll(2) always tells of POLLHUP, select(2) only to those who wait to read. True if there is nothing else; then these
 * entries are made to be skipped from now on. */
static bool only_hung_up(struct pollfd *fds, nfds_t n)
{
    for (nfds_t i = 0; i < n; i++)
        if ((fds[i].revents & ~POLLHUP) || (fds[i].revents && (fds[i].events & POLLIN)))
            return false;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents)
            fds[i].fd = ~fds[i].fd;
    return true;
}

int green_select_fds(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, green_time deadline)
{
    if (count < 0 || count > FD_SETSIZE)
        return -EINVAL;
    struct pollfd *fds = malloc((size_t)count * sizeof *fds + 1);
    if (!fds)
        return -ENOMEM;
    nfds_t n = entries(fds, count, readable, writable, exceptional);
    int r;
    do
        r = green_poll(fds, n, deadline);
    while (r > 0 && only_hung_up(fds, n));
    if (r > 0)
        r = results(fds, n, readable, writable, exceptional);
    free(fds);
    return r;
}

/* --- epoll -------------------------------------------------------------------------------------------------------------- */

struct epoll_operation {
    struct operation operation;
    struct epoll_event *events;
    int count;
};

static ssize_t attempt_epoll(int fd, const struct fd_state *f, struct operation *op)
{
    const struct epoll_operation *e = CONTAINER_OF(op, struct epoll_operation, operation);
    (void)f;
    int n = epoll_wait(fd, e->events, e->count, 0);
    if (n != 0)
        return n;
    errno = EAGAIN;
    return -1;
}

int green_epoll_wait(int epfd, struct epoll_event *events, int count, green_time deadline)
{
    struct epoll_operation e = {.operation.attempt = attempt_epoll, .events = events, .count = count};
    return (int)green__fd_perform(epfd, FD_READ, &e.operation, deadline);
}
