/*
 * What greenlets cost that wait and do nothing else: resident memory of each, with default stacks, and the page tables
 * behind it; and the time to make one and have it wait, and to wake it and have it end.
 *
 *     bench/parked [greenlets]
 */
#include <errno.h>

#include "green.h"
#include "measure.h"
#include "resident.h"

static green_event_t gate = GREEN_EVENT_INIT;
static long waiting, done;

static void waits(void *arg)
{
    waiting++;
    check(green_event_wait(&gate, GREEN_FOREVER), "green_event_wait");
    done++;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 100000;
    if (count < 1) {
        fprintf(stderr, "usage: parked [greenlets]\n");
        return 2;
    }
    check(green_yield(), "green_yield"); /* the hub is there before */
    double resident = resident_kib(), tables = page_tables_kib(), began = cpu_ns();
    for (long i = 0; i < count; i++)
        check(green_spawn_detached("parked", waits, NULL), "green_spawn_detached");
    while (waiting < count)
        check(green_yield(), "green_yield");
    double made = cpu_ns();
    resident = resident_kib() - resident;
    tables = page_tables_kib() - tables;
    double measured = cpu_ns();
    green_event_set(&gate);
    check(green_run(GREEN_FOREVER), "green_run");
    double ended = cpu_ns();
    check(done == count ? 0 : -EPROTO, "the number of greenlets that went on");

    double n = (double)count;
    printf("parked %ld: %.3f KiB each, page tables %.3f KiB each, %.0f ns to make, %.0f ns to end\n", count,
           resident / n, tables / n, (made - began) / n, (ended - measured) / n);
    return 0;
}
