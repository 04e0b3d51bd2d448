/*
 * Timers: a 4-ary heap per hub, re-armed lazily. `when` is what the owner wants; the heap holds a key that is never
 * later. Pushing a deadline away or switching it off (GREEN_FOREVER) only stores `when`; the entry is put right when
 * its old key comes up. Private to libgreen.
 */
#ifndef GREEN_CORE_TIMER_H
#define GREEN_CORE_TIMER_H

#include <stdint.h>

#include "time.h"

struct timer {
    green_time when;
    void (*fire)(struct timer *t); /* runs in the hub */
    uint32_t slot;                 /* place in the heap, plus one; 0: not in it */
};

struct timer_entry {
    green_time key;
    struct timer *timer;
};

struct timers {
    struct timer_entry *heap;
    uint32_t count, capacity;
};

static inline void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    t->when = GREEN_FOREVER;
    t->fire = fire;
    t->slot = 0;
}

/* 0 or -ENOMEM (then the timer is as it was). */
int green__timer_set(struct timers *timers, struct timer *t, green_time when);

/* The timer will not fire; it may stay in the heap, so its memory must stay valid. */
static inline void timer_disarm(struct timer *t)
{
    t->when = GREEN_FOREVER;
}

/* Takes the timer out of the heap: its memory may go. */
void green__timer_take_out(struct timers *timers, struct timer *t);
static inline void timer_remove(struct timers *timers, struct timer *t)
{
    if (t->slot)
        green__timer_take_out(timers, t);
    t->when = GREEN_FOREVER;
}

/* The first deadline; GREEN_FOREVER if there is none. May have to put many entries right first. */
green_time green__timers_next(struct timers *timers);

/* When the heap wants to be looked at next: never later than the first deadline, and for free. It is earlier when
 * that deadline has been pushed away meanwhile: once for each such timer, the old key comes up for nothing. */
static inline green_time timers_look(const struct timers *timers)
{
    return timers->count ? timers->heap[0].key : GREEN_FOREVER;
}

/* Fires all that are due at `now`. */
void green__timers_run(struct timers *timers, green_time now);
void green__timers_destroy(struct timers *timers);

#endif
