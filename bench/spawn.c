/*
 * What greenlets cost through the public interface: one spawn with its join, and one yield while two
 * greenlets take turns. Prints nanoseconds of CPU, the median and the best of some rounds.
 *
 *     bench/spawn [rounds]
 */
#include <errno.h>

#include "green.h"
#include "measure.h"

enum { SPAWNS = 200000, YIELDS = 500000 };

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

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "spawn and join", .unit = "ns", .round = spawn_round},
        {.name = "yield", .unit = "ns", .round = yield_round},
    };
    return MEASURE(figures, argc, argv);
}
