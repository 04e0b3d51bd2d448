/* What is known of a server, from one configuration to the next (server.h). */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

#include "counterpart.h"
#include "group.h"
#include "members.h"
#include "name_answer.h"

static bool is_taken(const struct members *made, const struct server_state *state)
{
    for (size_t i = 0; i < made->count; i++)
        if (made->servers[i].state == state)
            return true;
    return false;
}

static bool is_at(const struct server_state *state, const struct name_member *host)
{
    struct name_member there = {.address_count = state->address_count};
    for (unsigned i = 0; i < state->address_count; i++)
        there.addresses[i] = state->addresses[i];
    return name_member_same_host(&there, host);
}

static struct server_state *find(const struct members *made, const struct group *g, const struct group *old,
                                 const struct conf_server *conf, const struct name_member *host)
{
    /* Connections that were made in another way are of no use. */
    bool same = old && conf_tls_upstream_same(&old->conf->tls, &g->conf->tls) &&
                old->conf->send_proxy == g->conf->send_proxy;
    for (size_t i = 0; same && i < old->count; i++)
        if (conf_server_same(old->servers[i].conf, conf) && (!host || is_at(old->servers[i].state, host)) &&
            !is_taken(made, old->servers[i].state))
            return old->servers[i].state;
    return NULL;
}

struct standing *server_standing(struct standings *all, const struct conf_upstream *upstream,
                                 const struct conf_server *conf, const struct name_member *host)
{
    char text[GREEN_ADDRESS_TEXT], name[512];
    if (!host || !host->address_count)
        return standing_hold(all, upstream->name, conf->text);
    snprintf(name, sizeof name, "%.256s (%s)", conf->text,
             green_address_text(&host->addresses[0], true, text));
    return standing_hold(all, upstream->name, name);
}

static struct server_state *state_new(const struct group *g, const struct conf_server *conf,
                                      const struct name_member *host)
{
    struct server_state *state = calloc(1, sizeof *state);
    if (!state)
        return NULL;
    state->standing = server_standing(g->standings, g->conf, conf, host);
    if (!state->standing) {
        free(state);
        return NULL;
    }
    state->queue = g->queue;
    queue_hold_again(state->queue);
    TAILQ_INIT(&state->idle);
    for (unsigned i = 0; host && i < host->address_count; i++)
        state->addresses[state->address_count++] = host->addresses[i];
    if (!host && green_address_parse(&state->addresses[0], conf->host, conf->port) == 0)
        state->address_count = 1;
    return state;
}

struct server_state *server_state_hold(const struct members *made, const struct group *g,
                                       const struct group *old, const struct conf_server *conf,
                                       const struct name_member *host)
{
    struct name_member at;
    if (host) {
        at = *host;
        name_member_set_port(&at, conf->port);
        host = &at;
    }
    struct server_state *state = find(made, g, old, conf, host);
    if (!state) {
        state = state_new(g, conf, host);
        if (!state)
            return NULL;
        state->duty = wanted_of(g, conf)->duty;
        state->weight = wanted_of(g, conf)->weight;
    }
    state->references++;
    return state;
}

void server_state_release(struct server_state *state)
{
    if (--state->references)
        return;
    green_tls_session_free(state->session);
    standing_release(state->standing);
    queue_release(state->queue);
    free(state); /* it was retired with its last group */
}
