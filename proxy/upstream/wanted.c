/* Remembering what operators want (wanted.h). */
#include "wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counterpart.h"
#include "group.h"

int wanted_init(struct group *g, const struct group *old)
{
    g->wanted = calloc(g->conf->server_count + 1, sizeof *g->wanted);
    if (!g->wanted)
        return -ENOMEM;
    for (size_t i = 0; old && i < g->conf->server_count; i++) {
        const struct conf_server *before = conf_server_in(old->conf, &g->conf->servers[i]);
        if (before)
            g->wanted[i] = *wanted_of(old, before);
    }
    return 0;
}

void wanted_destroy(struct group *g)
{
    free(g->wanted);
    g->wanted = NULL;
}

const struct wanted *wanted_of(const struct group *g, const struct conf_server *conf)
{
    return &g->wanted[conf - g->conf->servers];
}

void group_want_duty(struct group *g, const char *server, enum server_duty duty)
{
    for (size_t i = 0; i < g->conf->server_count; i++)
        if (!strcmp(g->conf->servers[i].text, server))
            g->wanted[i].duty = duty;
    for (size_t i = 0; i < g->count; i++)
        if (!strcmp(g->servers[i].conf->text, server))
            server_set_duty(&g->servers[i], duty);
}

void group_want_weight(struct group *g, const char *server, int64_t weight)
{
    for (size_t i = 0; i < g->conf->server_count; i++)
        if (!strcmp(g->conf->servers[i].text, server))
            g->wanted[i].weight = weight;
    bool changed = false;
    for (size_t i = 0; i < g->count; i++) {
        struct server *s = &g->servers[i];
        if (strcmp(s->conf->text, server) != 0 || s->state->weight == weight)
            continue;
        server_set_weight(s, weight);
        changed = true;
    }
    if (changed)
        balance_reweigh(g);
}
