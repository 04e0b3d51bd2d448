/* What is known of a server, from one configuration to the next (server.h). */
#include "server.h"

#include <stdlib.h>

#include "counterpart.h"
#include "group.h"

static bool is_taken(const struct group *g, const struct server_state *state)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->servers[i].state == state)
            return true;
    return false;
}

static struct server_state *find(const struct group *g, const struct group *old,
                                 const struct conf_server *conf)
{
    /* Connections that were made in another way are of no use. */
    bool same = old && conf_tls_upstream_same(&old->conf->tls, &g->conf->tls) &&
                old->conf->send_proxy == g->conf->send_proxy;
    for (size_t i = 0; same && i < old->count; i++)
        if (conf_server_same(old->servers[i].conf, conf) && !is_taken(g, old->servers[i].state))
            return old->servers[i].state;
    return NULL;
}

struct server_state *server_state_hold(const struct group *g, const struct group *old,
                                       const struct conf_server *conf)
{
    struct server_state *state = find(g, old, conf);
    if (!state) {
        state = calloc(1, sizeof *state);
        if (!state)
            return NULL;
        TAILQ_INIT(&state->idle);
    }
    state->references++;
    return state;
}

void server_state_release(struct server_state *state)
{
    if (--state->references)
        return;
    green_tls_session_free(state->session);
    free(state); /* it was retired with its last group */
}
