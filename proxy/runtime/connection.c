/* Client connections: counted, served by their listener's protocol, closed. */
#include "connection.h"

#include <stdlib.h>

#include "http/service.h"
#include "process.h"
#include "tcp/service.h"

static bool take_place(struct worker *w, struct listener *l)
{
    if (atomic_fetch_add(&w->process->connections, 1) >= w->conf->max_connections)
        goto process_full;
    if (atomic_fetch_add(&l->connections, 1) < l->conf->max_connections)
        return true;
    atomic_fetch_sub(&l->connections, 1);
process_full:
    atomic_fetch_sub(&w->process->connections, 1);
    return false;
}

static void leave_place(struct worker *w, struct listener *l)
{
    atomic_fetch_sub(&l->connections, 1);
    atomic_fetch_sub(&w->process->connections, 1);
}

void connection_open(struct worker *w, struct listener *l, int fd, const green_address_t *peer)
{
    if (!take_place(w, l)) {
        if (l->conf->protocol != CONF_TCP)
            http_refuse(w, l, fd, peer);
        else
            green_close(fd);
        return;
    }
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        leave_place(w, l);
        green_close(fd);
        return;
    }
    c->worker = w;
    c->listener = l;
    c->fd = fd;
    c->accepted = green_turn_time();
    c->peer = *peer;
    LIST_INSERT_HEAD(&w->connections, c, link);
    w->connection_count++;
    int r = l->conf->protocol != CONF_TCP ? http_serve(c) : tcp_serve(c);
    if (r < 0)
        connection_close(c);
}

void connection_close(struct connection *c)
{
    struct worker *w = c->worker;
    if (c->fd >= 0)
        green_close(c->fd);
    leave_place(w, c->listener);
    LIST_REMOVE(c, link);
    w->connection_count--;
    if (!w->connection_count && w->drained)
        green_wake(w->drained, 0);
    free(c);
}

void connections_close_idle(struct worker *w)
{
    struct connection *c = LIST_FIRST(&w->connections);
    while (c) {
        struct connection *next = LIST_NEXT(c, link);
        if (c->idle && green_unpark(c->fd))
            connection_close(c); /* else bytes have just come: its greenlet is on the way */
        c = next;
    }
}
