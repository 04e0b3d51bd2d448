/*
 * What one raw switch between two stacks costs: libgreen's beside Boost's fcontext, the usual yardstick.
 * Prints nanoseconds of CPU for one switch (half a round trip), the median and the best of some rounds taken
 * in turn.
 *
 *     bench/switch [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "core/switch.h"

enum { ROUND_TRIPS = 2000000, STACK = 64 * 1024, MAX_ROUNDS = 101 };

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static char *new_stack(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        perror("switch: mmap");
        exit(1);
    }
    return stack + STACK;
}

static void *green_here, *green_there;

static void green_bounce(void *arg)
{
    for (;;)
        green__switch(&green_there, green_here);
}

static double green_round(void)
{
    double began = cpu_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        green__switch(&green_here, green_there);
    return (cpu_ns() - began) / (2.0 * ROUND_TRIPS);
}

#ifdef HAVE_FCONTEXT
/* From Boost.Context's fcontext.hpp, which is C++ around these two C symbols. */
typedef void *fcontext_t;
typedef struct {
    fcontext_t fctx;
    void *data;
} transfer_t;
extern transfer_t jump_fcontext(fcontext_t to, void *data);
extern fcontext_t make_fcontext(void *stack_top, size_t size, void (*fn)(transfer_t));

static fcontext_t boost_there;

static void boost_bounce(transfer_t t)
{
    for (;;)
        t = jump_fcontext(t.fctx, NULL);
}

static double boost_round(void)
{
    double began = cpu_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        boost_there = jump_fcontext(boost_there, NULL).fctx;
    return (cpu_ns() - began) / (2.0 * ROUND_TRIPS);
}
#endif

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *samples, int rounds)
{
    qsort(samples, (size_t)rounds, sizeof *samples, by_value);
    printf("%-20s %6.2f ns/switch (best %.2f)\n", what, samples[rounds / 2], samples[0]);
}

int main(int argc, char **argv)
{
    static double green[MAX_ROUNDS];
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: switch [rounds, 1 to %d]\n", MAX_ROUNDS);
        return 2;
    }
    green_there = green__switch_init(new_stack(), green_bounce, NULL);
    green_round();
#ifdef HAVE_FCONTEXT
    static double boost[MAX_ROUNDS];
    boost_there = make_fcontext(new_stack(), STACK, boost_bounce);
    boost_round();
#endif
    for (int i = 0; i < rounds; i++) {
        green[i] = green_round();
#ifdef HAVE_FCONTEXT
        boost[i] = boost_round();
#endif
    }
    print("libgreen", green, rounds);
#ifdef HAVE_FCONTEXT
    print("Boost fcontext", boost, rounds);
#else
    printf("Boost fcontext       not measured: built without libboost_context\n");
#endif
    return 0;
}
