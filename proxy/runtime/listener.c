/* Accepting, and telling our own addresses (listener.h). */
#include "listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "observe/error_log.h"

/* --- addresses of ours --------------------------------------------------------------------------------------------- */

bool listener_uses_port(const struct snapshot *s, int port)
{
    for (size_t i = 0; i < s->bind_count; i++)
        if (green_address_port(&s->binds[i].endpoint->address) == port)
            return true;
    return false;
}

/* An IP address as 16 bytes, IPv4 mapped into IPv6; false for other families. */
static bool ip_of(const green_address_t *address, struct in6_addr *out)
{
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (address->any.sa_family == AF_INET)
        memcpy(out->s6_addr + 12, &address->in.sin_addr, 4);
    else if (address->any.sa_family == AF_INET6)
        *out = address->in6.sin6_addr;
    return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

static bool is_every_address(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_UNSPECIFIED(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr32[3] == 0);
}

static bool is_loopback(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127);
}

static bool leads_to(const green_address_t *bound, const green_address_t *to, const green_address_t *from)
{
    struct in6_addr ours, theirs, local;
    if (!ip_of(bound, &ours) || !ip_of(to, &theirs) || green_address_port(bound) != green_address_port(to))
        return false;
    if (IN6_ARE_ADDR_EQUAL(&ours, &theirs) || is_every_address(&theirs))
        return true;
    if (!is_every_address(&ours))
        return false;
    return is_loopback(&theirs) || (from && ip_of(from, &local) && IN6_ARE_ADDR_EQUAL(&local, &theirs));
}

const struct conf_listener *listener_at(const struct snapshot *s, const green_address_t *to,
                                        const green_address_t *from)
{
    const struct conf_listener *found = NULL;
    for (size_t i = 0; i < s->bind_count; i++) {
        const struct snapshot_bind *b = &s->binds[i];
        const struct conf_listener *l = &s->conf->listeners[b->listener];
        if (leads_to(&b->endpoint->address, to, from) && (!found || l->protocol == CONF_FORWARD))
            found = l;
    }
    return found;
}

/* --- accepting ----------------------------------------------------------------------------------------------------- */

/* Those whose connection the kernel has made already are not to be reset. */
static void take_in_backlog(struct acceptor *a)
{
    green_address_t peer;
    int fd;
    green_fd_reset(a->fd); /* there may be one that no event has told of yet */
    while ((fd = green_accept(a->fd, &peer, GREEN_NOWAIT)) >= 0)
        connection_open(a->at, fd, &peer);
}

/* Ends it, and closes the socket or leaves it to somebody else. */
static void stop(struct acceptor *a, bool close_it)
{
    if (green_kill(a->greenlet, GREEN_FOREVER) == 0)
        green_release(a->greenlet);
    if (close_it) {
        take_in_backlog(a);
        green_close(a->fd);
    } else {
        green_fd_reset(a->fd);
    }
    LIST_REMOVE(a, link);
    free(a);
}

static int start(struct listening *at, int fd)
{
    green_attr_t attr = {.name = "accept"};
    struct acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;
    *a = (struct acceptor){.at = at, .fd = fd};
    green_fd_reset(fd); /* somebody else had it; what our hub knew is of another */
    int r = green_spawn_ex(&a->greenlet, &attr, listener_accept, a);
    if (r < 0) {
        free(a);
        return r;
    }
    LIST_INSERT_HEAD(&at->acceptors, a, link);
    return 0;
}

/* --- endpoints in a worker ------------------------------------------------------------------------------------------- */

void listening_release(struct listening *at)
{
    if (--at->references == 0)
        free(at);
}

static struct listening *listening_of(struct worker *w, const struct snapshot_bind *b)
{
    struct listening *at;
    LIST_FOREACH(at, &w->listenings, link)
    if (at->endpoint == b->endpoint)
        return at;
    at = calloc(1, sizeof *at);
    if (!at)
        return NULL;
    *at = (struct listening){.references = 1,
                             .worker = w,
                             .endpoint = b->endpoint,
                             .view = view_hold(w->view),
                             .listener = b->listener,
                             .tls = b->conf->tls};
    LIST_INSERT_HEAD(&w->listenings, at, link);
    return at;
}

static void end(struct listening *at)
{
    at->gone = true;
    while (!LIST_EMPTY(&at->acceptors))
        stop(LIST_FIRST(&at->acceptors), true);
    LIST_REMOVE(at, link);
    view_release(at->view);
    at->view = NULL;
    at->endpoint = NULL;
    listening_release(at);
}

static const struct endpoint_socket *socket_of(const struct endpoint *e, int fd)
{
    for (size_t i = 0; i < e->socket_count; i++)
        if (e->sockets[i].fd == fd)
            return &e->sockets[i];
    return NULL;
}

static void let_go(struct listening *at)
{
    struct acceptor *a, *next;
    for (a = LIST_FIRST(&at->acceptors); a; a = next) {
        const struct endpoint_socket *s = socket_of(at->endpoint, a->fd);
        next = LIST_NEXT(a, link);
        if (s && s->next != at->worker->index)
            stop(a, false);
    }
}

void listenings_follow(struct worker *w)
{
    struct listening *at, *next;
    LIST_FOREACH(at, &w->listenings, link)
    {
        at->gone = at->endpoint->listener == SNAPSHOT_GONE;
        if (at->gone)
            continue;
        view_release(at->view);
        at->view = view_hold(w->view);
        at->listener = at->endpoint->listener;
        at->tls = at->endpoint->tls;
    }
    for (at = LIST_FIRST(&w->listenings); at; at = next) {
        next = LIST_NEXT(at, link);
        if (at->gone)
            end(at);
        else
            let_go(at);
    }
}

void listenings_take(struct worker *w)
{
    const struct snapshot *s = w->view->snapshot;
    for (size_t i = 0; i < s->bind_count; i++) {
        const struct snapshot_bind *b = &s->binds[i];
        for (size_t k = 0; k < b->endpoint->socket_count; k++) {
            const struct endpoint_socket *socket = &b->endpoint->sockets[k];
            if (socket->next != w->index || socket->owner == w->index)
                continue;
            struct listening *at = listening_of(w, b);
            int r = at ? start(at, socket->fd) : -ENOMEM;
            if (r < 0)
                error_log(LOG_LEVEL_ERROR, "worker %u cannot accept on listener %s: %s", w->index,
                          s->conf->listeners[b->listener].name, green_strerror(r));
        }
    }
}

void listenings_end(struct worker *w)
{
    while (!LIST_EMPTY(&w->listenings))
        end(LIST_FIRST(&w->listenings));
}
