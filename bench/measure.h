/*
 * What the benchmark programs share: rounds of several figures taken in turn, so that a machine that changes its pace
 * does so for all of them, and one line printed for each, which bench/green reads:
 *
 *     yield                            14.20 ns (best 13.90)
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 101 };

struct figure {
    const char *name, *unit;
    double (*round)(void); /* takes one sample */
    double samples[MAX_ROUNDS];
};

/* CPU time of this thread: what others do on the machine is not in it, but what they do to its caches is. */
static inline double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Ends the program if a call that the figure is about did not work: rc is a negative errno. */
static inline void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(-rc));
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of as many samples; the first is the least of them then. */
static inline double median(double *samples, int rounds)
{
    qsort(samples, (size_t)rounds, sizeof *samples, by_value);
    return samples[rounds / 2];
}

/* How many samples a program's argument asks for. */
static inline int rounds_wanted(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds >= 1 && rounds <= MAX_ROUNDS)
        return rounds;
    fprintf(stderr, "usage: %s [rounds, 1 to %d]\n", argv[0], MAX_ROUNDS);
    exit(2);
}

/* main() of a program: takes the samples, as many as its argument says, and prints the median and the best. */
static inline int measure(struct figure *figures, size_t count, int argc, char **argv)
{
    int rounds = rounds_wanted(argc, argv);
    for (size_t f = 0; f < count; f++)
        figures[f].round(); /* warms up */
    for (int i = 0; i < rounds; i++)
        for (size_t f = 0; f < count; f++)
            figures[f].samples[i] = figures[f].round();
    for (size_t f = 0; f < count; f++) {
        double middle = median(figures[f].samples, rounds);
        printf("%-28s %9.2f %s (best %.2f)\n", figures[f].name, middle, figures[f].unit,
               figures[f].samples[0]);
    }
    return 0;
}

#define MEASURE(figures, argc, argv) measure(figures, sizeof(figures) / sizeof *(figures), argc, argv)

#endif
