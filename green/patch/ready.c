/*
 * poll(2), select(2), epoll_wait(2). The kernel is asked first: what is ready now is so for a blocking call as well. A
 * signal mask (ppoll and its like) is honoured by asking again and again, since it holds for the thread only while the
 * kernel is asked.
 */
#include "signals.h"

#include "../net/fd_state.h"

#include <string.h>

#define MASKED_SLICE GREEN_MS(20) /* so late may a signal be that only such a mask lets through */

/* One of these calls. `ask` is the real one, without time; `wait` waits until `end`: how many are ready, or an error. */
struct call {
    int (*ask)(struct call *c);
    int (*wait)(struct call *c, green_time end);
    const sigset_t *mask;
    struct pollfd *fds;
    nfds_t count;
    fd_set *sets[3];
    long asked[3][FD_SETSIZE / 8 / sizeof(long)]; /* the sets are questions, and results */
    int epfd;
    struct epoll_event *events;
};

static const struct timespec none;

static int wait_for(struct call *c, green_time end)
{
    for (;;) {
        int r = c->ask(c);
        if (r != 0 || (end != GREEN_FOREVER && green_now() >= end))
            return r;
        green_time until = end;
        if (c->mask && (until = green_in(MASKED_SLICE)) > end)
            until = end;
        r = INTERRUPTIBLY(ALWAYS, c->wait(c, until));
        if (r > 0)
            return r;
        if (r < 0 && !own_time_is_over(r))
            return fail(r);
    }
}

static bool is_valid(const struct timespec *t)
{
    return !t || (t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

static green_time end_of(const struct timespec *timeout)
{
    return timeout ? green_in(green__ns(timeout)) : GREEN_FOREVER;
}

static green_time end_of_ms(int timeout)
{
    return timeout < 0 ? GREEN_FOREVER : green_in_ms(timeout);
}

/* --- poll ----------------------------------------------------------------------------------------------------------- */

static int ask_poll(struct call *c)
{
    if (c->mask)
        return REAL(ppoll)(c->fds, c->count, &none, c->mask);
    if (green__poll_is_idle(c->fds, c->count)) {
        c->fds->revents = 0;
        return 0;
    }
    int r = REAL(poll)(c->fds, c->count, 0);
    struct fd_state *f;
    if (r == 0 && c->count == 1 && (c->fds->events & POLLIN) && (f = green__fd_find(green__hub, c->fds->fd)))
        green__fd_drained(f);
    return r;
}

static int wait_poll(struct call *c, green_time end)
{
    return green__poll_on(c->fds, c->count, end);
}

HOOK int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (!COOPERATIVE(NET) || timeout == 0)
        return REAL(poll)(fds, count, timeout);
    struct call c;
    c.ask = ask_poll;
    c.wait = wait_poll;
    c.fds = fds;
    c.count = count;
    c.mask = NULL;
    return wait_for(&c, end_of_ms(timeout));
}

HOOK int __poll(struct pollfd *fds, nfds_t count, int timeout) __attribute__((alias("poll")));

HOOK int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
    return count <= room / sizeof *fds ? poll(fds, count, timeout)
                                       : REAL(__poll_chk)(fds, count, timeout, room);
}

HOOK int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    if (!COOPERATIVE(NET) || !is_valid(timeout))
        return REAL(ppoll)(fds, count, timeout, mask);
    struct call c;
    c.ask = ask_poll;
    c.wait = wait_poll;
    c.fds = fds;
    c.count = count;
    c.mask = mask;
    return wait_for(&c, end_of(timeout));
}

HOOK int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
                     size_t room)
{
    return count <= room / sizeof *fds ? ppoll(fds, count, timeout, mask)
                                       : REAL(__ppoll_chk)(fds, count, timeout, mask, room);
}

/* --- select --------------------------------------------------------------------------------------------------------- */

/* Callers need not have room for more than `count` bits. */
static size_t set_size(const struct call *c)
{
    size_t bits = 8 * sizeof(long);
    return (c->count + bits - 1) / bits * sizeof(long);
}

static int ask_select(struct call *c)
{
    int r = REAL(pselect)((int)c->count, c->sets[0], c->sets[1], c->sets[2], &none, c->mask);
    for (int i = 0; r == 0 && i < 3; i++)
        if (c->sets[i])
            memcpy(c->sets[i], c->asked[i], set_size(c));
    return r;
}

static int wait_select(struct call *c, green_time end)
{
    return green_select_fds((int)c->count, c->sets[0], c->sets[1], c->sets[2], end);
}

static int select_until(int count, fd_set *const sets[3], const sigset_t *mask, green_time end)
{
    struct call c;
    c.ask = ask_select;
    c.wait = wait_select;
    c.mask = mask;
    c.count = (nfds_t)count;
    for (int i = 0; i < 3; i++)
        if ((c.sets[i] = sets[i]))
            memcpy(c.asked[i], sets[i], set_size(&c));
    int r = wait_for(&c, end);
    for (int i = 0; r == 0 && i < 3; i++)
        if (sets[i])
            memset(sets[i], 0, set_size(&c));
    return r;
}

/* Linux tells how much time was left. */
HOOK int select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout)
{
    if (!COOPERATIVE(NET) || count < 0 || count > FD_SETSIZE ||
        (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
        return REAL(select)(count, readable, writable, exceptional, timeout);
    green_time end = timeout ? green_in(green__ns_of_timeval(timeout)) : GREEN_FOREVER;
    int r = select_until(count, (fd_set *const[]){readable, writable, exceptional}, NULL, end);
    if (timeout) {
        green_time left = end - green_now();
        timeout->tv_sec = left > 0 ? left / 1000000000 : 0;
        timeout->tv_usec = left > 0 ? left % 1000000000 / 1000 : 0;
    }
    return r;
}

HOOK int __select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout)
    __attribute__((alias("select")));

HOOK int pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                 const struct timespec *timeout, const sigset_t *mask)
{
    if (!COOPERATIVE(NET) || count < 0 || count > FD_SETSIZE || !is_valid(timeout))
        return REAL(pselect)(count, readable, writable, exceptional, timeout, mask);
    return select_until(count, (fd_set *const[]){readable, writable, exceptional}, mask, end_of(timeout));
}

/* --- epoll ---------------------------------------------------------------------------------------------------------- */

static int ask_epoll(struct call *c)
{
    return REAL(epoll_pwait)(c->epfd, c->events, (int)c->count, 0, c->mask);
}

static int wait_epoll(struct call *c, green_time end)
{
    return green_epoll_wait(c->epfd, c->events, (int)c->count, end);
}

static int epoll_until(int epfd, struct epoll_event *events, int count, const sigset_t *mask, green_time end)
{
    struct call c;
    c.ask = ask_epoll;
    c.wait = wait_epoll;
    c.mask = mask;
    c.epfd = epfd;
    c.events = events;
    c.count = (nfds_t)count;
    return wait_for(&c, end);
}

HOOK int epoll_pwait(int epfd, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
    if (!COOPERATIVE(NET) || timeout == 0 || count <= 0)
        return REAL(epoll_pwait)(epfd, events, count, timeout, mask);
    return epoll_until(epfd, events, count, mask, end_of_ms(timeout));
}

HOOK int epoll_wait(int epfd, struct epoll_event *events, int count, int timeout)
{
    if (!COOPERATIVE(NET) || timeout == 0 || count <= 0)
        return REAL(epoll_wait)(epfd, events, count, timeout);
    return epoll_until(epfd, events, count, NULL, end_of_ms(timeout));
}

HOOK int epoll_pwait2(int epfd, struct epoll_event *events, int count, const struct timespec *timeout,
                      const sigset_t *mask)
{
    if (!COOPERATIVE(NET) || count <= 0 || !is_valid(timeout))
        return REAL(epoll_pwait2)(epfd, events, count, timeout, mask);
    return epoll_until(epfd, events, count, mask, end_of(timeout));
}
