/*
 * What choosing a server costs, for each algorithm, among 10, 100 and 1,000 servers of different weights: ns of CPU for
 * one choice, with the lease counted as begun and an older one as ended, 64 being open at a time.
 *
 *     bench/choose [rounds]
 */
#include <stdatomic.h>

#include "configuration.h"
#include "measure.h"

#include "upstream/group.h"
#include "upstream/latency.h"

#define CHOICES 100000
#define OPEN    64

static const char *const methods[] = {"round_robin",
                                      "least_connections",
                                      "random_two",
                                      "least_time",
                                      "first",
                                      "hash:source",
                                      "hash:source\nhash_balance_factor = 150"};
static const size_t sizes[] = {10, 100, 1000};

enum { METHODS = sizeof methods / sizeof methods[0], SIZES = sizeof sizes / sizeof sizes[0] };

static struct standings standings;
static struct group groups[METHODS][SIZES];

static void make(struct group *g, const char *method, size_t count)
{
    struct configuration c;
    configuration_begin(&c);
    fprintf(c.out, "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nbalance = %s\n", method);
    for (size_t i = 0; i < count; i++)
        fprintf(c.out, "server = 10.0.%zu.%zu:80 weight=%zu\n", i / 250, i % 250 + 1, i % 3 + 1);
    struct conf *conf = configuration_end(&c);
    check(group_init(g, conf->upstreams, &standings, NULL, NULL), "group_init");
    group_settle(g, NULL);
    for (size_t i = 0; i < g->count; i++)
        latency_observe(g->servers[i].state->standing, GREEN_MS(1) + (int64_t)i * 1000, green_now());
}

static double choose(struct group *g)
{
    struct standing *open[OPEN] = {NULL};
    struct lease_request request;
    lease_request_init(&request, NULL, true);
    request.hashed = true;
    double began = cpu_ns();
    for (size_t i = 0; i < CHOICES; i++) {
        request.hash = ring_mix(i);
        struct standing *s = group_choose(g, &request)->standing;
        if (g->shares_counts) {
            atomic_fetch_add_explicit(&s->active, 1, memory_order_relaxed);
            if (open[i % OPEN])
                atomic_fetch_sub_explicit(&open[i % OPEN]->active, 1, memory_order_relaxed);
        }
        open[i % OPEN] = s;
    }
    double took = cpu_ns() - began;
    for (size_t i = 0; g->shares_counts && i < OPEN; i++)
        atomic_fetch_sub_explicit(&open[i]->active, 1, memory_order_relaxed);
    return took / CHOICES;
}

int main(int argc, char **argv)
{
    int rounds = rounds_wanted(argc, argv);
    check(standings_init(&standings), "standings_init");
    printf("%-28s %9s %9s %9s   ns a choice, median of %d rounds\n", "servers", "10", "100", "1,000", rounds);
    for (int m = 0; m < METHODS; m++) {
        printf("%-28.*s", (int)strcspn(methods[m], "\n"), methods[m]);
        for (int k = 0; k < SIZES; k++) {
            double samples[MAX_ROUNDS];
            make(&groups[m][k], methods[m], sizes[k]);
            choose(&groups[m][k]); /* warms up */
            for (int i = 0; i < rounds; i++)
                samples[i] = choose(&groups[m][k]);
            printf(" %9.1f", median(samples, rounds));
        }
        printf("%s\n", strchr(methods[m], '\n') ? "   with bounded load" : "");
    }
    return 0;
}
