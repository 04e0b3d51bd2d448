/*
 * What operators want of servers (`greenway ctl drain`, `weight`), for workers and views that are yet to come: what a worker
 * knows of a server it keeps by itself from one configuration to the next (upstream/server.h), but a worker that is new, or
 * a server that is reached in another way than before, knows nothing. Changed by the main thread with process->changing
 * held; workers read it while they carry out an order.
 */
#ifndef CONTROL_ORDERS_H
#define CONTROL_ORDERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conf.h"
#include "upstream/server.h"

struct view;

/* What one server is to do. */
struct order {
    LIST_ENTRY(order) link;
    enum server_duty duty;
    int64_t weight; /* 0: as configured */
    char *
        server; /* as it stands in the configuration; behind the upstream's name in the same piece of memory */
    char upstream[];
};

struct orders {
    LIST_HEAD(, order) list;
};

/* The order for this server, made if there is none; NULL: no memory. */
struct order *orders_find(struct orders *o, const char *upstream, const char *server);

/* Sets what is wanted of the servers of a view that is not in use yet. In the worker's thread. */
void orders_apply(const struct orders *o, struct view *v);

/* Forgets those that say nothing, and those for servers that the configuration does not have any more. */
void orders_prune(struct orders *o, const struct conf *conf);

void orders_free(struct orders *o);

#endif
