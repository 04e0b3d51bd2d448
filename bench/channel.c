/*
 * What passing something from one greenlet to another costs: an element through a channel where the two meet, through
 * one with room for 64, and through a select over two channels. Prints nanoseconds of CPU for each, the median and the
 * best of some rounds.
 *
 *     bench/channel [rounds]
 */
#include <errno.h>

#include "green.h"
#include "measure.h"

enum { ELEMENTS = 500000, ROOM = 64 };

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

static double met_round(void)
{
    return channel_round(0, receive_all);
}

static double buffered_round(void)
{
    return channel_round(ROOM, receive_all);
}

static double selected_round(void)
{
    return channel_round(0, select_all);
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "channel", .unit = "ns", .round = met_round},
        {.name = "channel with room", .unit = "ns", .round = buffered_round},
        {.name = "channel by select", .unit = "ns", .round = selected_round},
    };
    return MEASURE(figures, argc, argv);
}
