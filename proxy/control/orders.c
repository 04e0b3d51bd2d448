/* What operators want of servers, kept for later (orders.h). */
#include "control/orders.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/view.h"

struct order *orders_find(struct orders *o, const char *upstream, const char *server)
{
    struct order *order;
    LIST_FOREACH(order, &o->list, link)
    {
        if (!strcmp(order->upstream, upstream) && !strcmp(order->server, server))
            return order;
    }
    size_t n = strlen(upstream) + 1, m = strlen(server) + 1;
    order = calloc(1, sizeof *order + n + m);
    if (!order)
        return NULL;
    memcpy(order->upstream, upstream, n);
    order->server = order->upstream + n;
    memcpy(order->server, server, m);
    LIST_INSERT_HEAD(&o->list, order, link);
    return order;
}

void orders_apply(const struct orders *o, struct view *v)
{
    const struct order *order;
    LIST_FOREACH(order, &o->list, link)
    {
        for (size_t i = 0; i < v->conf->upstream_count; i++)
            if (!strcmp(order->upstream, v->conf->upstreams[i].name)) {
                group_want_duty(&v->groups[i], order->server, order->duty);
                group_want_weight(&v->groups[i], order->server, order->weight);
            }
    }
}

static bool has(const struct conf *conf, const struct order *order)
{
    for (size_t i = 0; i < conf->upstream_count; i++) {
        const struct conf_upstream *u = &conf->upstreams[i];
        for (size_t k = 0; k < u->server_count; k++)
            if (!strcmp(u->name, order->upstream) && !strcmp(u->servers[k].text, order->server))
                return true;
    }
    return false;
}

void orders_prune(struct orders *o, const struct conf *conf)
{
    for (struct order *order = LIST_FIRST(&o->list), *next; order; order = next) {
        next = LIST_NEXT(order, link);
        if (has(conf, order) && (order->duty != SERVER_ENABLED || order->weight))
            continue;
        LIST_REMOVE(order, link);
        free(order);
    }
}

void orders_free(struct orders *o)
{
    struct order *order;
    while ((order = LIST_FIRST(&o->list))) {
        LIST_REMOVE(order, link);
        free(order);
    }
}
