/* The timer heap, and the clock. */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

#define SETTLE_AHEAD GREEN_MS(10)

green_time green_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (green_time)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

green_time green_turn_time(void)
{
    green_hub_t *hub = green_hub();
    return hub ? hub->now : green_now();
}

green_time green_in(int64_t duration)
{
    green_time now = green_now();
    return duration >= GREEN_FOREVER - now ? GREEN_FOREVER : now + (duration > 0 ? duration : 0);
}

green_time green_in_ms(int64_t milliseconds)
{
    if (milliseconds >= GREEN_FOREVER / 1000000)
        return GREEN_FOREVER;
    return green_in(milliseconds > 0 ? GREEN_MS(milliseconds) : 0);
}

static void place(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    timers->heap[at] = entry;
    entry.timer->slot = at + 1;
}

static void sift_up(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (timers->heap[parent].key <= entry.key)
            break;
        place(timers, at, timers->heap[parent]);
        at = parent;
    }
    place(timers, at, entry);
}

static void sift_down(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    for (;;) {
        uint32_t first = at * 4 + 1, least = first;
        if (first >= timers->count)
            break;
        for (uint32_t child = first + 1; child < timers->count && child < first + 4; child++)
            if (timers->heap[child].key < timers->heap[least].key)
                least = child;
        if (timers->heap[least].key >= entry.key)
            break;
        place(timers, at, timers->heap[least]);
        at = least;
    }
    place(timers, at, entry);
}

static int reserve(struct timers *timers)
{
    if (timers->count < timers->capacity)
        return 0;
    uint32_t capacity = timers->capacity ? timers->capacity * 2 : 64;
    struct timer_entry *heap = realloc(timers->heap, capacity * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    timers->heap = heap;
    timers->capacity = capacity;
    return 0;
}

int green__timer_set(struct timers *timers, struct timer *t, green_time when)
{
    if (t->slot) {
        if (when < timers->heap[t->slot - 1].key)
            sift_up(timers, t->slot - 1, (struct timer_entry){when, t});
    } else if (when != GREEN_FOREVER) {
        if (reserve(timers) < 0)
            return -ENOMEM;
        sift_up(timers, timers->count++, (struct timer_entry){when, t});
    }
    t->when = when;
    return 0;
}

static void remove_at(struct timers *timers, uint32_t at)
{
    timers->heap[at].timer->slot = 0;
    struct timer_entry last = timers->heap[--timers->count];
    if (at == timers->count)
        return;
    if (at > 0 && timers->heap[(at - 1) / 4].key > last.key)
        sift_up(timers, at, last);
    else
        sift_down(timers, at, last);
}

void green__timer_take_out(struct timers *timers, struct timer *t)
{
    remove_at(timers, t->slot - 1);
}

/* Puts right the entries at the top that were switched off or pushed away, as far as `until`. The key at the top. */
static green_time settle(struct timers *timers, green_time until)
{
    while (timers->count) {
        struct timer_entry top = timers->heap[0];
        if (top.timer->when == top.key || top.key > until)
            return top.key;
        if (top.timer->when == GREEN_FOREVER)
            remove_at(timers, 0);
        else
            sift_down(timers, 0, (struct timer_entry){top.timer->when, top.timer});
    }
    return GREEN_FOREVER;
}

green_time green__timers_next(struct timers *timers)
{
    return settle(timers, GREEN_FOREVER);
}

void green__timers_run(struct timers *timers, green_time now)
{
    if (timers_look(timers) > now)
        return;
    /* Entries of old that come up soon are put right along with those that have: they would wake the hub for
     * nothing, one by one. */
    while (settle(timers, now + SETTLE_AHEAD) <= now) {
        struct timer *t = timers->heap[0].timer;
        remove_at(timers, 0);
        t->when = GREEN_FOREVER;
        t->fire(t);
    }
}

void green__timers_destroy(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}
