/* Putting the servers of a group together (members.h). */
#include "members.h"

#include <stdlib.h>

#include "group.h"
#include "names.h"
#include "outlier.h"

/* What the names say while a block is made. */
struct reading {
    struct name_answer **answers; /* by index of the configured server; NULL: that has an address */
    size_t count;
};

static void give_back(const struct reading *r)
{
    for (size_t i = 0; r->answers && i < r->count; i++)
        name_answer_release(r->answers[i]);
    free(r->answers);
}

/* How many servers there will be, or -ENOMEM. */
static ssize_t read_names(const struct group *g, struct reading *r, unsigned *versions)
{
    size_t total = 0;
    *r = (struct reading){.answers = calloc(g->conf->server_count + 1, sizeof *r->answers),
                          .count = g->conf->server_count};
    if (!r->answers)
        return -ENOMEM;
    for (size_t i = 0; i < r->count; i++) {
        if (g->names && g->names[i])
            r->answers[i] = name_read(g->names[i], &versions[i]);
        total += r->answers[i] ? r->answers[i]->count : 1;
    }
    return (ssize_t)total;
}

static int add(struct members *m, struct group *g, const struct group *old, const struct conf_server *conf,
               const struct name_member *host)
{
    struct server_state *state = server_state_hold(m, g, old, conf, host);
    if (!state)
        return -ENOMEM;
    int64_t weight = host && host->weight ? (int64_t)host->weight : conf->weight;
    m->servers[m->count++] = (struct server){.conf = conf,
                                             .group = g,
                                             .state = state,
                                             .standing = state->standing,
                                             .measured = outlier_measures(g->conf),
                                             .named = host != NULL,
                                             .tier = host ? host->tier : 0,
                                             .given_weight = weight,
                                             .weight = state->weight ? state->weight : weight};
    return 0;
}

static int add_all(struct members *m, struct group *g, const struct group *old, const struct reading *r)
{
    int result = 0;
    for (size_t i = 0; i < r->count && result == 0; i++) {
        const struct conf_server *conf = &g->conf->servers[i];
        if (!r->answers[i])
            result = add(m, g, old, conf, NULL);
        for (size_t k = 0; r->answers[i] && k < r->answers[i]->count && result == 0; k++)
            result = add(m, g, old, conf, &r->answers[i]->members[k]);
    }
    return result;
}

struct members *members_new(struct group *g, const struct group *old)
{
    struct reading read;
    unsigned *versions = calloc(g->conf->server_count + 1, sizeof *versions);
    ssize_t count = versions ? read_names(g, &read, versions) : -ENOMEM;
    struct members *m = count >= 0 ? calloc(1, sizeof *m + ((size_t)count + 1) * sizeof *m->servers) : NULL;
    if (m) {
        m->references = 1;
        m->versions = versions;
        if (add_all(m, g, old, &read) < 0) {
            members_release(m);
            m = NULL;
        }
    } else {
        free(versions);
    }
    if (versions)
        give_back(&read);
    return m;
}

void members_release(struct members *m)
{
    if (!m || --m->references)
        return;
    for (size_t i = 0; i < m->count; i++)
        server_state_release(m->servers[i].state);
    free(m->versions);
    free(m);
}

bool members_outdated(const struct group *g)
{
    for (size_t i = 0; i < g->conf->server_count; i++)
        if (g->names[i] && name_version(g->names[i]) != g->members->versions[i])
            return true;
    return false;
}

struct name *members_missing(const struct group *g, const struct conf_server **server, int *error)
{
    for (size_t i = 0; g->names && i < g->conf->server_count; i++) {
        unsigned version;
        struct name_answer *a = g->names[i] ? name_read(g->names[i], &version) : NULL;
        bool missing = a && !a->count;
        if (missing)
            *error = a->error;
        name_answer_release(a);
        if (missing) {
            *server = &g->conf->servers[i];
            return g->names[i];
        }
    }
    return NULL;
}
