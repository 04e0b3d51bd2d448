/*
 * The figures of State Threads that have a counterpart in libgreen's, under the same names. It has neither channels nor
 * queues nor semaphores: "channel" is a slot with two condition variables, as its users write it.
 *
 *     bench/peers_st [rounds]
 *     bench/peers_st parked THREADS
 */
#include <errno.h>
#include <st.h>

#include "measure.h"
#include "resident.h"

enum { SPAWNS = 20000, YIELDS = 200000, TRIPS = 200000, ELEMENTS = 200000 };

static void check_st(int rc, const char *what)
{
    check(rc < 0 ? -errno : 0, what);
}

static st_thread_t spawn(void *(*fn)(void *arg))
{
    st_thread_t t = st_thread_create(fn, NULL, 1, 0);
    check(t ? 0 : -errno, "st_thread_create");
    return t;
}

static void *nothing(void *arg)
{
    return arg;
}

static double spawn_round(void)
{
    double began = cpu_ns();
    for (int i = 0; i < SPAWNS; i++)
        check_st(st_thread_join(spawn(nothing), NULL), "st_thread_join");
    return (cpu_ns() - began) / SPAWNS;
}

/* This version has no yield: a sleep of nothing goes through its timers, and is what its users write. */
static void *yields(void *arg)
{
    for (int i = 0; i < YIELDS; i++)
        check_st(st_usleep(0), "st_usleep");
    return arg;
}

static double yield_round(void)
{
    double began = cpu_ns();
    st_thread_t a = spawn(yields), b = spawn(yields);
    check_st(st_thread_join(a, NULL), "st_thread_join");
    check_st(st_thread_join(b, NULL), "st_thread_join");
    return (cpu_ns() - began) / (2.0 * YIELDS);
}

static st_cond_t tick, tock;
static int ticks, tocks;

static void *event_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        while (!ticks)
            check_st(st_cond_wait(tick), "st_cond_wait");
        ticks = 0;
        tocks = 1;
        check_st(st_cond_signal(tock), "st_cond_signal");
    }
    return arg;
}

static double event_round(void)
{
    st_thread_t there = spawn(event_there);
    double began = cpu_ns();
    for (int i = 0; i < TRIPS; i++) {
        ticks = 1;
        check_st(st_cond_signal(tick), "st_cond_signal");
        while (!tocks)
            check_st(st_cond_wait(tock), "st_cond_wait");
        tocks = 0;
    }
    double took = cpu_ns() - began;
    check_st(st_thread_join(there, NULL), "st_thread_join");
    return took / (2.0 * TRIPS);
}

static int slot, full;

static void *sends(void *arg)
{
    for (int i = 0; i < ELEMENTS; i++) {
        while (full)
            check_st(st_cond_wait(tock), "st_cond_wait");
        slot = i;
        full = 1;
        check_st(st_cond_signal(tick), "st_cond_signal");
    }
    return arg;
}

static double channel_round(void)
{
    st_thread_t sender = spawn(sends);
    double began = cpu_ns();
    for (int i = 0; i < ELEMENTS; i++) {
        while (!full)
            check_st(st_cond_wait(tick), "st_cond_wait");
        check(slot == i ? 0 : -EPROTO, "the order of the elements");
        full = 0;
        check_st(st_cond_signal(tock), "st_cond_signal");
    }
    double took = (cpu_ns() - began) / ELEMENTS;
    check_st(st_thread_join(sender, NULL), "st_thread_join");
    return took;
}

/* --- parked --------------------------------------------------------------------------------------------------------- */

static long waiting;

static void *waits(void *arg)
{
    waiting++;
    check_st(st_cond_wait(tick), "st_cond_wait");
    waiting--;
    return arg;
}

static int parked(long count)
{
    double resident = resident_kib(), tables = page_tables_kib(), began = cpu_ns();
    for (long i = 0; i < count; i++)
        check(st_thread_create(waits, NULL, 0, 0) ? 0 : -errno, "st_thread_create");
    while (waiting < count)
        check_st(st_usleep(0), "st_usleep");
    double made = cpu_ns();
    resident = resident_kib() - resident;
    tables = page_tables_kib() - tables;
    double measured = cpu_ns();
    check_st(st_cond_broadcast(tick), "st_cond_broadcast");
    while (waiting > 0)
        check_st(st_usleep(0), "st_usleep");
    double ended = cpu_ns(), n = (double)count;
    printf("parked %ld: %.3f KiB each, page tables %.3f KiB each, %.0f ns to make, %.0f ns to end\n", count,
           resident / n, tables / n, (made - began) / n, (ended - measured) / n);
    return 0;
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "spawn and join", .unit = "ns", .round = spawn_round},
        {.name = "yield", .unit = "ns", .round = yield_round},
        {.name = "event", .unit = "ns", .round = event_round},
        {.name = "channel", .unit = "ns", .round = channel_round},
    };
    check_st(st_set_eventsys(ST_EVENTSYS_ALT), "st_set_eventsys");
    check_st(st_init(), "st_init");
    tick = st_cond_new();
    tock = st_cond_new();
    check(tick && tock ? 0 : -ENOMEM, "st_cond_new");
    if (argc > 2 && strcmp(argv[1], "parked") == 0)
        return parked(atol(argv[2]));
    return MEASURE(figures, argc, argv);
}
