/*
 * What greenlets cost through the public interface: one spawn with its join, and one yield while two
 * greenlets take turns. Prints nanoseconds of CPU, the median and the best of some rounds.
 *
 *     bench/spawn [rounds]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "green.h"

enum { SPAWNS = 200000, YIELDS = 500000, MAX_ROUNDS = 101 };

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "spawn: %s: %s\n", what, green_strerror(rc));
        exit(1);
    }
}

static green_t *spawn(green_fn fn, void *arg)
{
    green_t *g = green_spawn(fn, arg);
    check(g ? 0 : -ENOMEM, "green_spawn");
    return g;
}

static void end(green_t *g)
{
    check(green_join(g, GREEN_FOREVER), "green_join");
    green_release(g);
}

static void *nothing(void *arg)
{
    return arg;
}

static void *yields(void *arg)
{
    for (int i = 0; i < YIELDS; i++)
        check(green_yield(), "green_yield");
    return arg;
}

static double spawn_round(void)
{
    double began = cpu_ns();
    for (int i = 0; i < SPAWNS; i++)
        end(spawn(nothing, NULL));
    return (cpu_ns() - began) / SPAWNS;
}

static double yield_round(void)
{
    double began = cpu_ns();
    green_t *a = spawn(yields, NULL), *b = spawn(yields, NULL);
    end(a);
    end(b);
    return (cpu_ns() - began) / (2.0 * YIELDS);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *samples, int rounds)
{
    qsort(samples, (size_t)rounds, sizeof *samples, by_value);
    printf("%-20s %7.1f ns (best %.1f)\n", what, samples[rounds / 2], samples[0]);
}

int main(int argc, char **argv)
{
    static double spawned[MAX_ROUNDS], yielded[MAX_ROUNDS];
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: spawn [rounds, 1 to %d]\n", MAX_ROUNDS);
        return 2;
    }
    spawn_round();
    for (int i = 0; i < rounds; i++) {
        spawned[i] = spawn_round();
        yielded[i] = yield_round();
    }
    print("spawn and join", spawned, rounds);
    print("yield", yielded, rounds);
    return 0;
}
