/* Groups of servers for tests of one thread: made from text, and chosen from without anybody connecting. */
#ifndef TESTS_UPSTREAM_GROUPS_H
#define TESTS_UPSTREAM_GROUPS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "upstream/group.h"

struct trial {
    struct conf *conf;
    struct standings standings;
    struct group group;
};

/* `keys`: lines of the upstream. */
static inline struct conf *trial_conf(const char *keys)
{
    struct conf_errors errors = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    fprintf(out, "[listener web]\nbind = :80\nupstream = app\n[upstream app]\n%s", keys);
    fclose(out);
    struct conf *conf = conf_load_text("t", text, n, &errors);
    if (!conf)
        conf_errors_print(stderr, &errors, false);
    ck_assert_ptr_nonnull(conf);
    conf_errors_free(&errors);
    free(text);
    return conf;
}

static inline void trial_begin(struct trial *t, const char *keys)
{
    t->conf = trial_conf(keys);
    standings_init(&t->standings);
    ck_assert_int_eq(group_init(&t->group, t->conf->upstreams, &t->standings, NULL, NULL), 0);
    group_settle(&t->group, NULL);
    t->group.balance.random = 4711;
}

/* So many servers of this weight. */
static inline void trial_begin_many(struct trial *t, const char *keys, size_t count, int weight)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "server = 10.0.%zu.%zu:80 weight=%d\n", i / 250, i % 250 + 1, weight);
    fputs(keys, out);
    fclose(out);
    trial_begin(t, text);
    free(text);
}

static inline void trial_end(struct trial *t)
{
    group_retire(&t->group);
    group_destroy(&t->group);
    standings_destroy(&t->standings);
    conf_free(t->conf);
}

/* The index of the server that is chosen; -1: none. */
static inline int trial_choose_hashed(struct trial *t, uint64_t hash, const struct tried *tried)
{
    struct lease_request request;
    lease_request_init(&request, NULL, true);
    request.hashed = true;
    request.hash = hash;
    if (tried)
        request.tried = *tried;
    const struct server *s = group_choose(&t->group, &request);
    return s ? (int)(s - t->group.servers) : -1;
}

static inline int trial_choose(struct trial *t)
{
    return trial_choose_hashed(t, 0, NULL);
}

static inline struct standing *trial_standing(struct trial *t, int i)
{
    return t->group.servers[i].state->standing;
}

/* As a lease does, and its end. */
static inline int trial_lease(struct trial *t)
{
    int i = trial_choose(t);
    if (i >= 0)
        atomic_fetch_add(&trial_standing(t, i)->active, 1);
    return i;
}

static inline void trial_give_back(struct trial *t, int i)
{
    atomic_fetch_sub(&trial_standing(t, i)->active, 1);
}

static inline void trial_set_down(struct trial *t, int i, bool down)
{
    atomic_store(&trial_standing(t, i)->down, down);
    standings_changed(&t->standings);
}

#endif
