/* Places to wait at, found by address: buckets with a lock each, held for a few instructions. */
#include "places.h"

#include <dlfcn.h>

#define PLACES 256

struct place {
    pthread_mutex_t lock;
    struct green_chain waiters; /* at all addresses that fall here, first come first */
};

static struct place places[PLACES] = {[0 ... PLACES - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
atomic_uint green__place_waiters;

static struct place *place_of(const void *address)
{
    uint64_t h = (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15u;
    return &places[h >> 56];
}

static void lock(struct place *p)
{
    REAL(pthread_mutex_lock)(&p->lock);
}

static void unlock(struct place *p)
{
    REAL(pthread_mutex_unlock)(&p->lock);
}

/* With the lock held. */
static void enter(struct place_waiter *me, struct place *p, const void *address, bool ends)
{
    *me = (struct place_waiter){.address = address, .place = p};
    atomic_fetch_add_explicit(&green__place_waiters, 1, memory_order_seq_cst);
    if (!ends)
        green_shield();
    if (green__shared_enqueue(&p->waiters, &me->waiter, GREEN_FOREVER) < 0)
        me->place = NULL; /* cancelled: there is nothing to wait for */
    if (!ends)
        green_unshield();
}

void green__place_enter(struct place_waiter *me, const void *address, bool ends)
{
    struct place *p = place_of(address);
    lock(p);
    enter(me, p, address, ends);
    unlock(p);
}

int green__place_wait(struct place_waiter *me, const char *what, green_time deadline, bool ends)
{
    int r = -ECANCELED;
    if (!ends)
        green_shield();
    if (me->place)
        r = green__shared_await(&me->place->lock, &me->waiter, what, me->address, deadline);
    if (!ends)
        green_unshield();
    atomic_fetch_sub_explicit(&green__place_waiters, 1, memory_order_relaxed);
    return r;
}

/* Whoever has claimed us meanwhile meant somebody who waits: the next one gets it. */
void green__place_leave(struct place_waiter *me)
{
    const void *address = me->address;
    if (green__place_wait(me, "its own place", GREEN_NOWAIT, false) == 0)
        green__place_wake(address, 1);
}

static unsigned claim(struct place *p, const void *address, unsigned count, struct green_chain *claimed)
{
    unsigned n = 0;
    for (struct green_node *node = p->waiters.first, *next; node && n < count; node = next) {
        struct shared_waiter *w = CONTAINER_OF(node, struct shared_waiter, node);
        next = node->next;
        if (CONTAINER_OF(w, struct place_waiter, waiter)->address != address)
            continue;
        chain_remove(node);
        w->claimed = true;
        w->result = 0;
        chain_push(claimed, node);
        n++;
    }
    return n;
}

void green__place_wake_slowly(const void *address, unsigned count)
{
    struct green_chain claimed = {0};
    struct place *p = place_of(address);
    lock(p);
    claim(p, address, count, &claimed);
    unlock(p);
    green__shared_tell(&claimed);
}

bool green__place_wake_or_enter(struct place_waiter *me, const void *address, unsigned count)
{
    struct green_chain claimed = {0};
    struct place *p = place_of(address);
    unsigned there = 0;
    lock(p);
    for (const struct green_node *node = p->waiters.first; node; node = node->next)
        there += CONTAINER_OF(CONTAINER_OF(node, struct shared_waiter, node), struct place_waiter, waiter)
                     ->address == address;
    bool all = there >= count;
    if (all)
        claim(p, address, there, &claimed);
    else
        enter(me, p, address, false);
    unlock(p);
    green__shared_tell(&claimed);
    return all;
}

green_time green__deadline_by(clockid_t clock, const struct timespec *until)
{
    struct timespec now;
    if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000 || clock_gettime(clock, &now) < 0)
        return 0;
    int64_t left = green__ns(until) - green__ns(&now);
    return green_in(left > 0 ? left : 0);
}

bool green__calls_from_libuv(const void *return_address)
{
    static struct dl_find_object uv;
    static atomic_bool known;
    if (UNLIKELY(!atomic_load_explicit(&known, memory_order_acquire))) {
        struct dl_find_object found;
        if (_dl_find_object((void *)(uintptr_t)uv_version, &found) == 0)
            uv = found;
        atomic_store_explicit(&known, true, memory_order_release);
    }
    return return_address >= uv.dlfo_map_start && return_address < uv.dlfo_map_end;
}
