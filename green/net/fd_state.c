/* The table of descriptors: readiness, who waits, what is parked. */
#include "fd_state.h"

#include "../core/turn.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct fd_waiter {
    green_park_t park;
    struct list link;
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void parked_expired(struct timer *t);

static int add_chunk(green_hub_t *hub, size_t chunk)
{
    if (chunk >= hub->fd_chunks) {
        size_t count = chunk + 16;
        struct fd_state **fds = realloc(hub->fds, count * sizeof *fds);
        if (!fds)
            return -ENOMEM;
        for (size_t i = hub->fd_chunks; i < count; i++)
            fds[i] = NULL;
        hub->fds = fds;
        hub->fd_chunks = count;
    }
    struct fd_state *states = calloc(FD_CHUNK, sizeof *states);
    if (!states)
        return -ENOMEM;
    for (int i = 0; i < FD_CHUNK; i++) {
        list_init(&states[i].waiters[0]);
        list_init(&states[i].waiters[1]);
        timer_init(&states[i].parked_timer, parked_expired);
        states[i].ready = FD_READ | FD_WRITE;
    }
    hub->fds[chunk] = states;
    return 0;
}

int green__fd_make(green_hub_t *hub, int fd, struct fd_state **out)
{
    if (fd < 0)
        return -EBADF;
    int r = add_chunk(hub, (unsigned)fd / FD_CHUNK);
    if (r == 0)
        *out = green__fd_find(hub, fd);
    return r;
}

/* --- watching ----------------------------------------------------------------------------------------------------- */

static int socket_option(int fd, int name)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : 0;
}

/* A short read of a stream means that it is drained; of a datagram socket or a terminal it means nothing. */
static void know_socket(struct fd_state *f, int family, int type)
{
    f->classified = true;
    f->family = (uint8_t)family;
    f->type = (uint8_t)type;
    f->stream = type == SOCK_STREAM;
}

void green__fd_classify(int fd, struct fd_state *f)
{
    struct stat st;
    if (f->classified)
        return;
    int type = socket_option(fd, SO_TYPE);
    know_socket(f, type ? socket_option(fd, SO_DOMAIN) : 0, type);
    if (!type)
        f->stream = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

int green__fd_fresh(int fd, int family, int type)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f;
    if (!hub || green__fd_get(hub, fd, &f) < 0)
        return -ENOMEM;
    green__fd_forget(hub, fd, f);
    know_socket(f, family, type);
    return 0;
}

int green__fd_watch(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions)
{
    green__fd_classify(fd, f);
    return green__poller_watch(hub, fd, f, conditions);
}

/* Wakes the first in the queue who still waits; one at a time, for that one passes on what it leaves. Between here
 * and its turn nobody may overtake it. */
static void hand_over(struct fd_state *f, unsigned direction)
{
    struct list *node;
    while (!(f->handed & direction) && (node = list_pop(&f->waiters[direction == FD_WRITE])))
        if (green_wake(&CONTAINER_OF(node, struct fd_waiter, link)->park, 0))
            f->handed |= (uint8_t)direction;
}

static void parked_begin(green_hub_t *hub, struct fd_state *f, int status);

static void tell_watchers(struct fd_state *f, unsigned conditions)
{
    for (struct green_node *node = f->watchers.first; node; node = node->next) {
        struct fd_watcher *w = CONTAINER_OF(node, struct fd_watcher, node);
        if (w->conditions & conditions) {
            w->told |= conditions;
            w->contested |= f->handed != 0;
            green_wake(w->park, 0);
        }
    }
}

void green__fd_event(green_hub_t *hub, int fd, struct fd_state *f, unsigned conditions)
{
    f->ready |= (uint8_t)conditions;
    if (UNLIKELY(conditions & FD_URGENT))
        f->stream = false; /* reads stop at the mark although more is there */
    if (conditions & FD_READ) {
        if (f->parked_fn)
            parked_begin(hub, f, 0);
        hand_over(f, FD_READ);
    }
    if (conditions & FD_WRITE)
        hand_over(f, FD_WRITE);
    if (UNLIKELY(!chain_empty(&f->watchers)))
        tell_watchers(f, conditions); /* last: they look at what the others leave */
}

int green__fd_wait(green_hub_t *hub, int fd, struct fd_state *f, unsigned direction, bool at_head,
                   green_time deadline)
{
    green_t *g = hub->current;
    if (!g)
        return -EPERM;
    int r = green__interruption(g);
    if (r < 0)
        return r;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    r = green__fd_watch(hub, fd, f, direction);
    if (r < 0 || f->always)
        return r;
    struct fd_waiter me = {.park = GREEN_PARK_INIT};
    struct list *queue = &f->waiters[direction == FD_WRITE];
    uint32_t generation = f->generation;
    list_push(at_head ? queue->next : queue, &me.link); /* "before the first" or "before the end" */
    hub->waiting++;
    green__waits_for(direction == FD_WRITE ? "writable descriptor" : "readable descriptor",
                     (void *)(intptr_t)fd);
    r = turn_park(&me.park, deadline);
    hub->waiting--;
    list_remove(&me.link);
    if (r < 0)
        return r;
    if (f->generation !=
        generation) /* closed after we were woken: the number may be somebody else's by now */
        return -EBADF;
    f->handed &= (uint8_t)~direction;
    return 0;
}

void green__fd_pass_on(struct fd_state *f, unsigned direction)
{
    if (UNLIKELY(green__fd_queue(f, direction)) && (f->ready & direction))
        hand_over(f, direction);
}

void green__fd_forget(green_hub_t *hub, int fd, struct fd_state *f)
{
    for (unsigned direction = FD_READ; direction <= FD_WRITE; direction <<= 1)
        for (struct list *node; (node = list_pop(&f->waiters[direction == FD_WRITE]));)
            green_wake(&CONTAINER_OF(node, struct fd_waiter, link)->park, -EBADF);
    for (struct green_node *node; (node = chain_pop(&f->watchers));) {
        struct fd_watcher *w = CONTAINER_OF(node, struct fd_watcher, node);
        w->closed = true;
        green_wake(w->park, 0);
    }
    if (f->parked_fn) {
        f->parked_fn = NULL;
        hub->parked--;
    }
    timer_remove(&hub->timers, &f->parked_timer);
    if (f->watched)
        green__poller_unwatch(hub, fd, f);
    f->generation++;
    f->ready = FD_READ | FD_WRITE;
    f->handed = 0;
    f->type = f->family = 0;
    f->watched = f->stream = f->classified = f->always = false;
}

void green_fd_reset(int fd)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f = hub ? green__fd_find(hub, fd) : NULL;
    if (f)
        green__fd_forget(hub, fd, f);
}

bool green_hung_up(int fd)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f = hub ? green__fd_find(hub, fd) : NULL;
    return f && (f->ready & FD_HUP);
}

/* --- parked descriptors --------------------------------------------------------------------------------------------- */

/* The record becomes a greenlet. Without memory for its stack it stays parked, with a deadline that asks again. */
static void parked_begin(green_hub_t *hub, struct fd_state *f, int status)
{
    green_t *g;
    if (green__spawn(hub, &g, STACK_SIZE_DEFAULT, "parked") < 0) {
        green__timer_set(&hub->timers, &f->parked_timer, hub->now + GREEN_MS(100));
        return;
    }
    g->entry = ENTRY_PARKED;
    g->fn.parked = f->parked_fn;
    g->arg = f->parked_arg;
    g->parked_status = status;
    green__begin(hub, g);
    f->parked_fn = NULL;
    hub->parked--;
    timer_disarm(&f->parked_timer);
}

static void parked_expired(struct timer *t)
{
    struct fd_state *f = CONTAINER_OF(t, struct fd_state, parked_timer);
    if (f->parked_fn)
        parked_begin(green__hub, f, f->ready & FD_READ ? 0 : -ETIMEDOUT);
}

int green_park_readable(int fd, void (*fn)(void *arg, int status), void *arg, green_time deadline)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f;
    int r = hub ? green__fd_get(hub, fd, &f) : -ENOMEM;
    if (r < 0)
        return r;
    if (f->parked_fn)
        return -EBUSY;
    /* Not known to the poller yet: it will tell. Known: what is remembered may only mean that the last read got all
     * that it asked for, and a greenlet for nothing is what parking is to save. */
    struct pollfd now = {.fd = fd, .events = POLLIN};
    if (!f->watched || ((f->ready & FD_READ) && poll(&now, 1, 0) == 0))
        f->ready &= ~FD_READ;
    r = green__fd_watch(hub, fd, f, FD_READ);
    if (r == 0)
        r = green__timer_set(&hub->timers, &f->parked_timer, deadline);
    if (r < 0)
        return r;
    f->parked_fn = fn;
    f->parked_arg = arg;
    hub->parked++;
    if (f->ready & FD_READ)
        parked_begin(hub, f, 0);
    return 0;
}

bool green_unpark(int fd)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f = hub ? green__fd_find(hub, fd) : NULL;
    if (!f || !f->parked_fn)
        return false;
    f->parked_fn = NULL;
    hub->parked--;
    timer_disarm(&f->parked_timer);
    return true;
}

void green_park_deadline(int fd, green_time deadline)
{
    green_hub_t *hub = green_hub();
    struct fd_state *f = hub ? green__fd_find(hub, fd) : NULL;
    if (f && f->parked_fn)
        green__timer_set(&hub->timers, &f->parked_timer, deadline);
}
