/*
 * What one raw switch between two stacks costs: libgreen's beside Boost's fcontext, the usual yardstick.
 * Prints nanoseconds of CPU for one switch (half a round trip), the median and the best of some rounds taken
 * in turn.
 *
 *     bench/switch [rounds]
 */
#include <sys/mman.h>

#include "core/switch.h"
#include "measure.h"

enum { ROUND_TRIPS = 2000000, STACK = 64 * 1024 };

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
extern fcontext_t make_fcontext(void *green__stack_top, size_t size, void (*fn)(transfer_t));

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

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "switch", .unit = "ns", .round = green_round},
#ifdef HAVE_FCONTEXT
        {.name = "switch by fcontext", .unit = "ns", .round = boost_round},
#endif
    };
    green_there = green__switch_init(new_stack(), green_bounce, NULL);
#ifdef HAVE_FCONTEXT
    boost_there = make_fcontext(new_stack(), STACK, boost_bounce);
#endif
    return MEASURE(figures, argc, argv);
}
