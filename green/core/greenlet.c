/* Greenlets: making, running, ending, taking turns. How others wait for their end is in join.c. */
#include "turn.h"
#include "waiter.h"

#include <stdlib.h>
#include <string.h>

#define FREE_GREENLETS_MAX 256 /* structs kept for reuse by each hub */
#define ID_BLOCK           1024

static _Atomic uint64_t next_id = 1;

/* --- being ready, being interrupted --------------------------------------------------------------------------- */

void green__make_ready(green_t *g)
{
    turn_ready(g->hub, g);
}

int green__interruption(const green_t *g)
{
    if (LIKELY(!g->interrupt))
        return 0;
    return g->cancelled ? g->cancelled : -ETIMEDOUT;
}

void green__update_interrupt(green_t *g)
{
    g->interrupt = (g->cancelled || g->fired) && !g->shields;
}

/* Ends the present wait of g, if it is in one that may be interrupted. */
void green__interrupt_park(green_t *g, int result)
{
    if (g->interrupt && g->park)
        green_wake(g->park, result);
}

static void wait_expired(struct timer *t)
{
    green_t *g = CONTAINER_OF(t, green_t, wait_timer);
    if (g->park)
        green_wake(g->park, -ETIMEDOUT);
    else if (g->state == GREEN_SCHEDULED)
        green__make_ready(g);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static bool has_ended(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_t, waitable)->state == GREEN_DONE;
}

/* Hubs take ids by the block: an atomic operation for each would cost as much as a switch. */
static uint64_t take_id(green_hub_t *hub)
{
    if (UNLIKELY(hub->next_id == hub->ids_end)) {
        hub->next_id = atomic_fetch_add_explicit(&next_id, ID_BLOCK, memory_order_relaxed);
        hub->ids_end = hub->next_id + ID_BLOCK;
    }
    return hub->next_id++;
}

/* What is for ever: these structs are used again by their hub. */
static void prepare(green_hub_t *hub, green_t *g)
{
    g->hub = hub;
    g->waitable.ready = has_ended;
    timer_init(&g->wait_timer, wait_expired);
}

/* What is for one run. */
static inline void init(green_hub_t *hub, green_t *g)
{
    memset((char *)g + offsetof(green_t, result), 0, sizeof *g - offsetof(green_t, result));
    g->references = 1;
    g->never_ran = false;
    g->id = take_id(hub);
    list_push(&hub->everyone, &g->everyone);
    hub->alive++;
}

void green__main_init(green_hub_t *hub)
{
    prepare(hub, &hub->main);
    init(hub, &hub->main);
    hub->main.name = "main";
    hub->main.state = GREEN_RUNNING;
    hub->current = hub->root = &hub->main;
#ifdef GREEN_TSAN
    hub->main.context.fiber = __tsan_get_current_fiber();
#endif
#ifdef GREEN_ASAN
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &low, &size);
        pthread_attr_destroy(&attr);
    }
    hub->main.context.stack_low = green__forked ? green__forked->stack.low : low;
    hub->main.context.stack_size = green__forked ? green__forked->stack.size : size;
#endif
}

static green_t *allocate(green_hub_t *hub)
{
    struct list *cached = list_shift(&hub->free_greenlets);
    if (LIKELY(cached)) {
        hub->free_count--;
        return CONTAINER_OF(cached, green_t, queued);
    }
    green_t *g = calloc(1, sizeof *g);
    if (g)
        prepare(hub, g);
    return g;
}

static void unreference(green_t *g)
{
    if (--g->references)
        return;
    green_hub_t *hub = green__hub; /* handles may outlive their hub */
    if (hub == g->hub && hub->free_count < FREE_GREENLETS_MAX) {
        list_push(hub->free_greenlets.next, &g->queued); /* in front: the next to be made finds it warm */
        hub->free_count++;
    } else {
        free(g);
    }
}

void green__free_cached(green_hub_t *hub)
{
    for (struct list *node; (node = list_shift(&hub->free_greenlets));)
        free(CONTAINER_OF(node, green_t, queued));
    hub->free_count = 0;
}

/* The first function on every stack. */
static void run(void *arg)
{
    green_t *g = arg;
    green__context_arrived(&g->context);
    while (UNLIKELY(g->hub->arrival != NULL))
        g->hub->arrival(g->hub, g);
    *g->hub->errno_at = 0;
    if (LIKELY(g->entry == ENTRY_PLAIN))
        g->result = g->fn.plain(g->arg);
    else if (g->entry == ENTRY_PARKED)
        g->fn.parked(g->arg, g->parked_status);
    else
        g->fn.detached(g->arg);
    green__end(g);
}

/* A stack of the usual size is only promised at the spawn and taken at the first turn: greenlets that come and go
 * one after the other then share one warm stack, however many of them were made at once. */
static int promise_stack(green_hub_t *hub, green_t *g, size_t size)
{
    if (size != STACK_SIZE_DEFAULT)
        return green__stack_map(&g->stack, size);
    int r = LIKELY(hub->stacks.count > hub->unstarted)
                ? 0
                : green__stack_reserve(&hub->stacks, hub->unstarted + 1);
    if (r == 0)
        hub->unstarted++;
    return r;
}

static void take_back_promise(green_hub_t *hub, green_t *g)
{
    if (!g->stack.low)
        hub->unstarted--;
}

/* In the hub, before the first turn. */
void green__start(green_hub_t *hub, green_t *g)
{
    g->never_ran = false;
    if (!g->stack.low) {
        hub->unstarted--;
        if (stack_take(&hub->stacks, &g->stack) < 0)
            abort(); /* it was reserved */
    }
    if (UNLIKELY(atomic_load_explicit(&green__census, memory_order_relaxed)))
        green__census_begin(g);
    g->context = (struct context){
        .sp = green__switch_init(green__stack_top(&g->stack), run, g),
        .stack_low = g->stack.low,
        .stack_size = g->stack.size,
    };
#ifdef GREEN_TSAN
    g->context.fiber = __tsan_create_fiber(0);
#endif
}

/* Undoes green__spawn(), for one that was not made ready. */
static void give_up(green_hub_t *hub, green_t *g)
{
    if (g->stack.low)
        green__stack_unmap(&g->stack);
    else
        hub->unstarted--;
    list_remove(&g->everyone);
    hub->alive--;
    unreference(g);
}

static inline __attribute__((always_inline)) int spawn(green_hub_t *hub, green_t **out, size_t stack_size,
                                                       const char *name)
{
    green_t *g = allocate(hub);
    if (!g)
        return -ENOMEM;
    init(hub, g);
    int r = promise_stack(hub, g, stack_size);
    if (r < 0) {
        list_remove(&g->everyone);
        hub->alive--;
        unreference(g);
        return r;
    }
    g->name = name;
    g->parent = hub->current ? hub->current->id : 0;
    g->never_ran = true;
    if (UNLIKELY(hub->current && hub->current->locals) && (r = green__locals_inherit(g, hub->current)) < 0) {
        give_up(hub, g);
        return r;
    }
    *out = g;
    return 0;
}

int green__spawn(green_hub_t *hub, green_t **out, size_t stack_size, const char *name)
{
    return spawn(hub, out, stack_size, name);
}

static inline void begin(green_hub_t *hub, green_t *g)
{
    turn_ready(hub, g);
    green__tell(hub, GREEN_HOOK_SPAWN, g);
}

void green__begin(green_hub_t *hub, green_t *g)
{
    begin(hub, g);
}

static int begin_later(green_hub_t *hub, green_t *g, green_time start)
{
    int r = green__timer_set(&hub->timers, &g->wait_timer, start);
    if (r < 0)
        return r;
    g->state = GREEN_SCHEDULED;
    green__tell(hub, GREEN_HOOK_SPAWN, g);
    return 0;
}

/* Everything that belongs to the run goes, the handle may stay. Not on g's own stack. */
static inline void put_away(green_hub_t *hub, green_t *g)
{
#ifdef GREEN_TSAN
    if (!g->never_ran)
        __tsan_destroy_fiber(g->context.fiber);
#endif
    if (UNLIKELY(g->never_ran))
        take_back_promise(hub, g);
    if (UNLIKELY(g->counted))
        green__census_end(g);
    if (LIKELY(g->stack.low))
        stack_give(&hub->stacks, &g->stack);
    if (UNLIKELY(g->slot))
        green__slot_free(hub, g->slot);
    list_remove(&g->everyone);
    unreference(g);
}

/* The last one to leave is still where it was (green__depart). */
void green__put_away(green_hub_t *hub, green_t *arrived)
{
    (void)arrived;
    hub->arrival = NULL;
    put_away(hub, hub->departed);
}

void green__finish(green_hub_t *hub, green_t *g)
{
    green__tell(hub, GREEN_HOOK_END, g);
    green__announce_end(hub, g);
    green__notify(&g->waitable);
    if (g->member.chain)
        green__leave_group(g);
    put_away(hub, g);
}

static size_t round_stack(size_t size)
{
    size_t rounded = STACK_SIZE_MIN;
    while (rounded < size)
        rounded *= 2;
    return rounded;
}

int green_spawn_ex(green_t **out, const green_attr_t *attr, green_fn fn, void *arg)
{
    static const green_attr_t usual = {0};
    if (!attr)
        attr = &usual;
    size_t size = attr->stack_size ? attr->stack_size : STACK_SIZE_DEFAULT;
    if (!fn || size > STACK_SIZE_MAX)
        return -EINVAL;
    green_hub_t *hub = green_hub();
    if (UNLIKELY(!hub))
        return -ENOMEM;
    green_t *g;
    int r = spawn(hub, &g, size == STACK_SIZE_DEFAULT ? size : round_stack(size), attr->name);
    if (UNLIKELY(r < 0))
        return r;
    g->fn.plain = fn;
    g->arg = arg;
    g->background = attr->background;
    hub->background += attr->background;
    if (LIKELY(attr->start <= 0)) {
        begin(hub, g);
    } else if ((r = begin_later(hub, g, attr->start)) < 0) {
        hub->background -= attr->background;
        give_up(hub, g);
        return r;
    }
    g->references++; /* one for the run, one for the caller */
    *out = g;
    return 0;
}

green_t *green_spawn(green_fn fn, void *arg)
{
    green_t *g;
    return green_spawn_ex(&g, NULL, fn, arg) == 0 ? g : NULL;
}

green_t *green_spawn_at(green_time when, green_fn fn, void *arg)
{
    green_t *g;
    green_attr_t attr = {.start = when};
    return green_spawn_ex(&g, &attr, fn, arg) == 0 ? g : NULL;
}

int green_spawn_detached(const char *name, void (*fn)(void *arg), void *arg)
{
    green_hub_t *hub = green_hub();
    green_t *g;
    if (!hub)
        return -ENOMEM;
    int r = green__spawn(hub, &g, STACK_SIZE_DEFAULT, name);
    if (r < 0)
        return r;
    g->entry = ENTRY_DETACHED;
    g->fn.detached = fn;
    g->arg = arg;
    green__begin(hub, g);
    return 0;
}

green_t *green_retain(green_t *g)
{
    g->references++;
    return g;
}

void green_release(green_t *g)
{
    if (g)
        unreference(g);
}

/* --- shields ------------------------------------------------------------------------------------------------------ */

bool green_cancelled(void)
{
    green_t *g = green_self();
    return g && g->cancelled;
}

void green_shield(void)
{
    green_t *g = green_self();
    g->shields++;
    green__update_interrupt(g);
}

void green_unshield(void)
{
    green_t *g = green_self();
    assert(g->shields);
    g->shields--;
    green__update_interrupt(g);
}

/* --- taking turns ----------------------------------------------------------------------------------------------- */

int green_yield(void)
{
    green_hub_t *hub = green_hub();
    green_t *g = hub ? hub->current : NULL;
    if (!g)
        return -EPERM;
    int r = green__interruption(g);
    if (r < 0)
        return r;
    turn_ready(hub, g);
    turn_leave(hub, g);
    return green__interruption(g);
}

/* Inlined, so that a backtrace names the call that the program made. */
static inline __attribute__((always_inline)) int sleep_until(green_time when)
{
    green_park_t park = GREEN_PARK_INIT;
    green__waits_for("time to pass", NULL);
    int r = green_park(&park, when);
    if (r != -ETIMEDOUT)
        return r;
    return green__interruption(green_self()); /* our own deadline is the aim; an enclosing timeout is not */
}

int green_sleep_until(green_time when)
{
    return when <= green_now() ? green_yield() : sleep_until(when);
}

int green_sleep(int64_t duration)
{
    return duration <= 0 ? green_yield() : sleep_until(green_in(duration));
}

/* --- looking at them -------------------------------------------------------------------------------------------- */

green_t *green_self(void)
{
    green_hub_t *hub = green_hub();
    return hub ? hub->current : NULL;
}

uint64_t green_id(const green_t *g)
{
    return g->id;
}

const char *green_name(const green_t *g)
{
    return g->name ? g->name : "greenlet";
}

void green_set_name(green_t *g, const char *name)
{
    g->name = name;
}

enum green_state green_state(const green_t *g)
{
    return g->state;
}

bool green_done(const green_t *g)
{
    return g->state == GREEN_DONE;
}

int green_status(const green_t *g)
{
    return g->status;
}

green_waitable_t *green_waitable(green_t *g)
{
    return &g->waitable;
}
