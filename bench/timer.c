/*
 * What a timeout costs that does not fire, which is what nearly all of them do: started on a deadline that is known and
 * stopped; the same where the start has to read the clock; behind many others that are running; and beside it a
 * timerfd armed and disarmed, what a program without timers of its own has. Prints nanoseconds of CPU for a start with
 * its stop, the median and the best of some rounds.
 *
 *     bench/timer [rounds]
 */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "green.h"
#include "measure.h"

enum { STARTS = 1000000, OTHERS = 10000, SYSTEM_STARTS = 100000 };

static double start_at_round(void)
{
    green_timeout_t t = {0};
    green_time deadline = green_in_ms(60000);
    double began = cpu_ns();
    for (int i = 0; i < STARTS; i++) {
        green_timeout_start_at(&t, deadline);
        green_timeout_stop(&t);
    }
    double took = (cpu_ns() - began) / STARTS;
    check(green_timeout_fired(&t) ? -ETIMEDOUT : 0, "a timeout of a minute");
    return took;
}

static double start_round(void)
{
    green_timeout_t t = {0};
    double began = cpu_ns();
    for (int i = 0; i < STARTS; i++) {
        green_timeout_start(&t, GREEN_S(60));
        green_timeout_stop(&t);
    }
    double took = (cpu_ns() - began) / STARTS;
    check(green_timeout_fired(&t) ? -ETIMEDOUT : 0, "a timeout of a minute");
    return took;
}

static double behind_round(void)
{
    static green_timeout_t others[OTHERS];
    green_time deadline = green_in_ms(60000);
    for (int i = 0; i < OTHERS; i++)
        green_timeout_start_at(&others[i], deadline - GREEN_MS(i + 1));
    double took = start_at_round();
    for (int i = OTHERS; i-- > 0;)
        green_timeout_stop(&others[i]);
    return took;
}

static double timerfd_round(void)
{
    struct itimerspec minute = {.it_value.tv_sec = 60}, never = {0};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    check(fd < 0 ? -errno : 0, "timerfd_create");
    double began = cpu_ns();
    for (int i = 0; i < SYSTEM_STARTS; i++)
        check(timerfd_settime(fd, 0, &minute, NULL) | timerfd_settime(fd, 0, &never, NULL),
              "timerfd_settime");
    double took = (cpu_ns() - began) / SYSTEM_STARTS;
    close(fd);
    return took;
}

int main(int argc, char **argv)
{
    static struct figure figures[] = {
        {.name = "timer", .unit = "ns", .round = start_at_round},
        {.name = "timer, reading the clock", .unit = "ns", .round = start_round},
        {.name = "timer behind 10,000", .unit = "ns", .round = behind_round},
        {.name = "timer by timerfd", .unit = "ns", .round = timerfd_round},
    };
    return MEASURE(figures, argc, argv);
}
