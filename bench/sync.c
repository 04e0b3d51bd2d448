/*
 * What the objects that greenlets meet at cost: a semaphore and a queue with nobody waiting, and a token, an item and
 * an event handed from one greenlet to the other, to and fro, each of which is a wait, a waking and a turn. Prints
 * nanoseconds of CPU for one hand-over (or one pair of calls), the median and the best of some rounds.
 *
 *     bench/sync [rounds]
 */
#include <errno.h>

#include "green.h"
#include "measure.h"

enum { TRIPS = 200000, PAIRS = 1000000 };

static green_t *spawn(green_fn fn)
{
    green_t *g = green_spawn(fn, NULL);
    check(g ? 0 : -ENOMEM, "green_spawn");
    return g;
}

/* Runs `here` beside a greenlet that runs `there`, each of which does its part of TRIPS round trips. */
static double to_and_fro(green_fn there, green_fn here)
{
    green_t *g = spawn(there);
    double began = cpu_ns();
    here(NULL);
    double took = cpu_ns() - began;
    check(green_join(g, GREEN_FOREVER), "green_join");
    green_release(g);
    return took / (2.0 * TRIPS);
}

/* --- semaphore ------------------------------------------------------------------------------------------------------ */

static double semaphore_round(void)
{
    green_semaphore_t s = GREEN_SEMAPHORE_INIT(1);
    double began = cpu_ns();
    for (int i = 0; i < PAIRS; i++) {
        check(green_semaphore_acquire(&s, GREEN_FOREVER), "green_semaphore_acquire");
        check(green_semaphore_release(&s), "green_semaphore_release");
        __asm__ volatile("" ::: "memory"); /* or both are no more than a register that goes down and up */
    }
    double took = (cpu_ns() - began) / PAIRS;
    check(green_semaphore_destroy(&s), "green_semaphore_destroy");
    return took;
}

static green_semaphore_t ping = GREEN_SEMAPHORE_INIT(0), pong = GREEN_SEMAPHORE_INIT(0);

static void *semaphore_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        check(green_semaphore_acquire(&ping, GREEN_FOREVER), "green_semaphore_acquire");
        check(green_semaphore_release(&pong), "green_semaphore_release");
    }
    return arg;
}

static void *semaphore_here(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        check(green_semaphore_release(&ping), "green_semaphore_release");
        check(green_semaphore_acquire(&pong, GREEN_FOREVER), "green_semaphore_acquire");
    }
    return arg;
}

static double semaphore_trip_round(void)
{
    return to_and_fro(semaphore_there, semaphore_here);
}

/* --- event ---------------------------------------------------------------------------------------------------------- */

static green_event_t tick = GREEN_EVENT_INIT, tock = GREEN_EVENT_INIT;

static void *event_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        check(green_event_wait(&tick, GREEN_FOREVER), "green_event_wait");
        green_event_clear(&tick);
        green_event_set(&tock);
    }
    return arg;
}

static void *event_here(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        green_event_set(&tick);
        check(green_event_wait(&tock, GREEN_FOREVER), "green_event_wait");
        green_event_clear(&tock);
    }
    return arg;
}

static double event_trip_round(void)
{
    return to_and_fro(event_there, event_here);
}

/* --- queue ---------------------------------------------------------------------------------------------------------- */

static int items[4];

static double queue_round(void)
{
    green_queue_t q = GREEN_QUEUE_INIT;
    double began = cpu_ns();
    for (int i = 0; i < PAIRS; i++) {
        void *item;
        check(green_queue_put(&q, &items[i % 4], GREEN_FOREVER), "green_queue_put");
        check(green_queue_get(&q, &item, GREEN_FOREVER), "green_queue_get");
        check(item == &items[i % 4] ? 0 : -EPROTO, "the order of the items");
    }
    double took = (cpu_ns() - began) / PAIRS;
    check(green_queue_destroy(&q), "green_queue_destroy");
    return took;
}

static green_queue_t to = GREEN_QUEUE_INIT, fro = GREEN_QUEUE_INIT;

static void *queue_there(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        void *item;
        check(green_queue_get(&to, &item, GREEN_FOREVER), "green_queue_get");
        check(green_queue_put(&fro, item, GREEN_FOREVER), "green_queue_put");
    }
    return arg;
}

static void *queue_here(void *arg)
{
    for (int i = 0; i < TRIPS; i++) {
        void *item;
        check(green_queue_put(&to, &items[i % 4], GREEN_FOREVER), "green_queue_put");
        check(green_queue_get(&fro, &item, GREEN_FOREVER), "green_queue_get");
        check(item == &items[i % 4] ? 0 : -EPROTO, "the order of the items");
    }
    return arg;
}

static double queue_trip_round(void)
{
    return to_and_fro(queue_there, queue_here);
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "semaphore", .unit = "ns", .round = semaphore_round},
        {.name = "semaphore handed over", .unit = "ns", .round = semaphore_trip_round},
        {.name = "event", .unit = "ns", .round = event_trip_round},
        {.name = "queue put and get", .unit = "ns", .round = queue_round},
        {.name = "queue handed over", .unit = "ns", .round = queue_trip_round},
    };
    return MEASURE(figures, argc, argv);
}
