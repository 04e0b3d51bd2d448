/* Groups of servers for tests of one thread: made from text, and chosen from without anybody connecting. */
#ifndef TESTS_UPSTREAM_GROUPS_H
#define TESTS_UPSTREAM_GROUPS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http/suite.h"
#include "load.h"
#include "upstream/group.h"

#define ABC  "server = a:1\nserver = b:1\nserver = c:1\n"
#define ABCD ABC "server = d:1\n"

/* Numbers without a pattern. */
#define HASH(i) ring_mix((uint64_t)(i) + 1)

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

/* So many choices, counted for each server. */
static inline void trial_count(struct trial *t, int choices, size_t *counts)
{
    for (int i = 0; i < choices; i++)
        counts[trial_choose(t)]++;
}

static inline struct standing *trial_standing(struct trial *t, int i)
{
    return t->group.servers[i].state->standing;
}

/* As a lease does, and its end. */
static inline int trial_lease_hashed(struct trial *t, uint64_t hash)
{
    int i = trial_choose_hashed(t, hash, NULL);
    if (i >= 0)
        atomic_fetch_add(&trial_standing(t, i)->active, 1);
    return i;
}

static inline int trial_lease(struct trial *t)
{
    return trial_lease_hashed(t, 0);
}

static inline void trial_give_back(struct trial *t, int i)
{
    atomic_fetch_sub(&trial_standing(t, i)->active, 1);
}

static inline void trial_set_active(struct trial *t, int i, long long active)
{
    atomic_store(&trial_standing(t, i)->active, active);
}

static inline int trial_active(struct trial *t, int i)
{
    return (int)atomic_load(&trial_standing(t, i)->active);
}

static inline void trial_set_down(struct trial *t, int i, bool down)
{
    atomic_store(&trial_standing(t, i)->down, down);
    standings_changed(&t->standings);
}

/* The counts are as the weights say, within a chance of about one in a billion: chi-square against its mean and six
 * times its standard deviation. */
static inline void assert_by_chance(const size_t *counts, const int64_t *weights, size_t n)
{
    double sum = 0, total = 0, square = 0;
    size_t cells = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)weights[i];
        total += (double)counts[i];
    }
    for (size_t i = 0; i < n; i++) {
        double expected = total * (double)weights[i] / sum, distance = (double)counts[i] - expected;
        if (weights[i])
            square += distance * distance / expected;
        else
            ck_assert_uint_eq(counts[i], 0);
        cells += weights[i] != 0;
    }
    double freedom = (double)cells - 1, far = square - freedom;
    ck_assert_msg(far <= 0 || far * far <= 36 * 2 * freedom + 400, "chi-square %.1f of %zu servers", square,
                  cells);
}

#endif
