/*
 * What passing something from one greenlet to another costs: an element through a channel where the two meet, through
 * one with room for 64, through a select over two channels, and a pointer into a queue and out again with nobody
 * waiting. Prints nanoseconds of CPU for each, the median and the best of some rounds.
 *
 *     bench/channel [rounds]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "green.h"

enum { ELEMENTS = 500000, ROOM = 64, MAX_ROUNDS = 101 };

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "channel: %s: %s\n", what, green_strerror(rc));
        exit(1);
    }
}

static void *sends(void *arg)
{
    green_channel_t *c = arg;
    for (uint64_t i = 0; i < ELEMENTS; i++)
        check(green_channel_send(c, &i, GREEN_FOREVER), "green_channel_send");
    check(green_channel_close(c), "green_channel_close");
    return NULL;
}

static void receive_all(green_channel_t *c)
{
    uint64_t element, expected = 0;
    while (green_channel_receive(c, &element, GREEN_FOREVER) == 0)
        if (element != expected++)
            check(-EPROTO, "the order of the elements");
    check(expected == ELEMENTS ? 0 : -EPROTO, "the number of elements");
}

static void select_all(green_channel_t *c)
{
    green_channel_t *silent = green_channel_new(sizeof(uint64_t), 0);
    check(silent ? 0 : -ENOMEM, "green_channel_new");
    uint64_t element, expected = 0;
    for (;;) {
        green_case_t cases[] = {GREEN_CASE_RECEIVE(silent, &element), GREEN_CASE_RECEIVE(c, &element)};
        int chosen = green_select(cases, 2, 0, GREEN_FOREVER);
        check(chosen, "green_select");
        if (cases[chosen].result < 0)
            break;
        if (element != expected++)
            check(-EPROTO, "the order of the elements");
    }
    check(expected == ELEMENTS ? 0 : -EPROTO, "the number of elements");
    green_channel_release(silent);
}

static double channel_round(size_t room, void (*receive)(green_channel_t *))
{
    green_channel_t *c = green_channel_new(sizeof(uint64_t), room);
    check(c ? 0 : -ENOMEM, "green_channel_new");
    green_t *sender = green_spawn(sends, c);
    check(sender ? 0 : -ENOMEM, "green_spawn");
    double began = cpu_ns();
    receive(c);
    double took = (cpu_ns() - began) / ELEMENTS;
    check(green_join(sender, GREEN_FOREVER), "green_join");
    green_release(sender);
    green_channel_release(c);
    return took;
}

static double queue_round(void)
{
    static int items[4];
    green_queue_t q = GREEN_QUEUE_INIT;
    double began = cpu_ns();
    for (int i = 0; i < ELEMENTS; i++) {
        void *item;
        check(green_queue_put(&q, &items[i % 4], GREEN_FOREVER), "green_queue_put");
        check(green_queue_get(&q, &item, GREEN_FOREVER), "green_queue_get");
        if (item != &items[i % 4])
            check(-EPROTO, "the order of the items");
    }
    double took = (cpu_ns() - began) / ELEMENTS;
    check(green_queue_destroy(&q), "green_queue_destroy");
    return took;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *samples, int rounds)
{
    qsort(samples, (size_t)rounds, sizeof *samples, by_value);
    printf("%-24s %7.1f ns (best %.1f)\n", what, samples[rounds / 2], samples[0]);
}

int main(int argc, char **argv)
{
    static double met[MAX_ROUNDS], buffered[MAX_ROUNDS], selected[MAX_ROUNDS], queued[MAX_ROUNDS];
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: channel [rounds, 1 to %d]\n", MAX_ROUNDS);
        return 2;
    }
    channel_round(0, receive_all);
    for (int i = 0; i < rounds; i++) {
        met[i] = channel_round(0, receive_all);
        buffered[i] = channel_round(ROOM, receive_all);
        selected[i] = channel_round(0, select_all);
        queued[i] = queue_round();
    }
    print("channel", met, rounds);
    print("channel with room", buffered, rounds);
    print("channel by select", selected, rounds);
    print("queue put and get", queued, rounds);
    return 0;
}
