/* Maps: a feeder takes items from the source and spawns their greenlets, as far as pool and bound let it; their ends
 * line up for who asks for the next. */
#include "map.h"
#include "../core/waiter.h"

#include <stdlib.h>

#define CONCURRENCY_DEFAULT 10
#define AHEAD_MAX_DEFAULT   1000

/* Of an item that has begun and was not taken. */
struct slot {
    struct green_node begun; /* in the order of the source */
    struct green_node ended; /* in the order of ending */
    green_map_t *map;
    green_t *greenlet; /* while it lives */
    green_link_t link;
    bool done;
    green_mapped_t mapped;
};

struct green_map {
    green_fn fn;
    int (*source)(void *arg, void **item);
    void *source_arg;
    void *const *items;
    size_t count, next_item; /* of an array */
    green_pool_t own, *pool;
    bool unordered;
    bool within_pool; /* started by a member of it */
    bool fed;         /* no further item will begin */
    void (*discard)(void *result);
    green_t *feeder;
    struct green_chain room;   /* struct waiter: the feeder */
    struct green_chain takers; /* struct waiter */
    struct green_chain begun, ended, vacant;
    size_t index;
    struct slot slots[];
};

/* --- results -------------------------------------------------------------------------------------------- */

static struct slot *takeable(const green_map_t *map)
{
    if (map->unordered)
        return map->ended.first ? CONTAINER_OF(map->ended.first, struct slot, ended) : NULL;
    struct slot *first = map->begun.first ? CONTAINER_OF(map->begun.first, struct slot, begun) : NULL;
    return first && first->done ? first : NULL;
}

static bool at_end(const green_map_t *map)
{
    return map->fed && chain_empty(&map->begun);
}

/* Each who is woken looks again, and wakes the next. */
static void tell_taker(green_map_t *map)
{
    if (takeable(map) || at_end(map))
        green__wake_first(&map->takers, 0);
}

static void vacate(struct slot *slot)
{
    chain_remove(&slot->begun);
    chain_remove(&slot->ended);
    chain_push(&slot->map->vacant, &slot->begun);
}

static void end(struct slot *slot, int status, void *result)
{
    slot->done = true;
    slot->mapped.status = status;
    slot->mapped.result = status < 0 ? NULL : result;
    chain_push(&slot->map->ended, &slot->ended);
    tell_taker(slot->map);
}

static void greenlet_ended(green_link_t *link)
{
    struct slot *slot = CONTAINER_OF(link, struct slot, link);
    green_t *g = slot->greenlet;
    slot->greenlet = NULL;
    end(slot, g->status, g->result);
    green_release(g);
}

int green_map_next(green_map_t *map, green_mapped_t *out, green_time deadline)
{
    struct slot *slot;
    while (!(slot = takeable(map))) {
        if (at_end(map)) {
            tell_taker(map);
            return 0;
        }
        struct waiter me;
        int r = green__wait_in(&map->takers, &me, "the next result of a map", map, deadline);
        if (r < 0)
            return r;
    }
    *out = slot->mapped;
    vacate(slot);
    green__wake_first(&map->room, 0);
    tell_taker(map);
    return 1;
}

/* --- items ---------------------------------------------------------------------------------------------- */

static int next_in_array(void *arg, void **item)
{
    green_map_t *map = arg;
    if (map->next_item == map->count)
        return 0;
    *item = map->items[map->next_item++];
    return 1;
}

/* If our own caller is a member of the full pool and waits for us, it may be full for ever: one item, which is waited
 * for, then runs in the caller's stead. */
static int spawn_item(green_map_t *map, green_t **g, void *item, bool *instead)
{
    int r = green_pool_spawn_ex(map->pool, g, NULL, map->fn, item,
                                map->within_pool ? GREEN_NOWAIT : GREEN_FOREVER);
    if (r != -EAGAIN)
        return r;
    *instead = true;
    return green_spawn_ex(g, NULL, map->fn, item);
}

static void begin(struct slot *slot)
{
    green_map_t *map = slot->map;
    bool instead = false;
    green_t *g;
    int r = spawn_item(map, &g, slot->mapped.item, &instead);
    if (r < 0) {
        end(slot, r, NULL);
        return;
    }
    slot->greenlet = g;
    green_retain(g);
    green__link_at_once(&g->waitable, &slot->link, greenlet_ended);
    if (instead)
        (void)green_join(g, GREEN_FOREVER); /* interrupted only when the map is closed */
    green_release(g);
}

static struct slot *next_slot(green_map_t *map)
{
    while (chain_empty(&map->vacant)) {
        struct waiter me;
        if (green__wait_in(&map->room, &me, "room for results of a map", map, GREEN_FOREVER) < 0)
            return NULL;
    }
    return CONTAINER_OF(map->vacant.first, struct slot, begun);
}

static void *feed(void *arg)
{
    green_map_t *map = arg;
    struct slot *slot;
    while (!green_cancelled() && (slot = next_slot(map))) {
        void *item = NULL;
        int r = map->source(map->source_arg, &item);
        if (r == 0)
            break;
        chain_remove(&slot->begun);
        chain_push(&map->begun, &slot->begun);
        slot->done = false;
        slot->mapped = (green_mapped_t){.index = map->index++, .item = item};
        if (r < 0)
            end(slot, r, NULL);
        else
            begin(slot);
    }
    map->fed = true;
    tell_taker(map);
    return NULL;
}

/* --- maps ----------------------------------------------------------------------------------------------- */

static size_t usual_ahead(const green_pool_t *pool)
{
    size_t most = pool->size < AHEAD_MAX_DEFAULT / 2 ? 2 * pool->size : AHEAD_MAX_DEFAULT;
    return most ? most : 1;
}

static green_map_t *make(const green_map_attr_t *attr, green_fn fn)
{
    size_t concurrency = attr->concurrency ? attr->concurrency : CONCURRENCY_DEFAULT;
    green_pool_t own = GREEN_POOL_INIT(concurrency);
    size_t ahead = attr->ahead ? attr->ahead : usual_ahead(attr->pool ? attr->pool : &own);
    if (ahead > (SIZE_MAX - sizeof(green_map_t)) / sizeof(struct slot))
        return NULL;
    green_map_t *map = calloc(1, sizeof *map + ahead * sizeof map->slots[0]);
    if (!map)
        return NULL;
    map->fn = fn;
    map->own = own;
    map->pool = attr->pool ? attr->pool : &map->own;
    map->within_pool = green_group_contains(&map->pool->group, green_self());
    map->unordered = attr->unordered;
    map->discard = attr->discard;
    for (size_t i = 0; i < ahead; i++) {
        map->slots[i].map = map;
        chain_push(&map->vacant, &map->slots[i].begun);
    }
    return map;
}

static int start(green_map_t *map, green_map_t **out)
{
    int r = green_spawn_ex(&map->feeder, &(green_attr_t){.name = "map"}, feed, map);
    if (r < 0)
        free(map);
    else
        *out = map;
    return r;
}

static int check(const green_map_attr_t **attr, green_fn fn)
{
    static const green_map_attr_t usual;
    if (!*attr)
        *attr = &usual;
    if (!fn)
        return -EINVAL;
    return green_self() ? 0 : -EPERM;
}

int green_map_start(green_map_t **out, const green_map_attr_t *attr, green_fn fn, void *const *items,
                    size_t count)
{
    int r = check(&attr, fn);
    if (r < 0 || (count && !items))
        return r < 0 ? r : -EINVAL;
    green_map_t *map = make(attr, fn);
    if (!map)
        return -ENOMEM;
    map->items = items;
    map->count = count;
    map->source = next_in_array;
    map->source_arg = map;
    return start(map, out);
}

int green_map_start_from(green_map_t **out, const green_map_attr_t *attr, green_fn fn,
                         int (*source)(void *arg, void **item), void *arg)
{
    int r = check(&attr, fn);
    if (r < 0 || !source)
        return r < 0 ? r : -EINVAL;
    green_map_t *map = make(attr, fn);
    if (!map)
        return -ENOMEM;
    map->source = source;
    map->source_arg = arg;
    return start(map, out);
}

/* The feeder first: it would begin more. */
static void end_greenlets(green_map_t *map)
{
    green_shield();
    (void)green_kill(map->feeder, GREEN_FOREVER);
    for (struct green_node *node = map->begun.first; node; node = node->next) {
        green_t *g = CONTAINER_OF(node, struct slot, begun)->greenlet;
        if (g)
            green_cancel(g);
    }
    for (struct green_node *node = map->begun.first; node; node = node->next) {
        green_t *g = CONTAINER_OF(node, struct slot, begun)->greenlet;
        if (!g)
            continue;
        green_retain(g);
        (void)green_join(g, GREEN_FOREVER);
        green_release(g);
    }
    green_unshield();
}

void green_map_close(green_map_t *map)
{
    if (!map)
        return;
    end_greenlets(map);
    for (struct green_node *node; (node = chain_pop(&map->begun));) {
        struct slot *slot = CONTAINER_OF(node, struct slot, begun);
        if (map->discard && slot->mapped.result)
            map->discard(slot->mapped.result);
    }
    green_release(map->feeder);
    free(map);
}

/* --- all at once ---------------------------------------------------------------------------------------- */

int green_map(const green_map_attr_t *attr, green_fn fn, void *const *items, void **results, int *statuses,
              size_t count, green_time deadline)
{
    if (count && !results)
        return -EINVAL;
    green_map_attr_t any_order = attr ? *attr : (green_map_attr_t){0};
    any_order.unordered =
        true; /* they are put in their places here: a slow one need not hold up the others */
    green_map_t *map;
    int r = green_map_start(&map, &any_order, fn, items, count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        results[i] = NULL;
        if (statuses)
            statuses[i] = -ECANCELED;
    }
    green_mapped_t one;
    int failure = 0;
    size_t failed = count;
    while ((r = green_map_next(map, &one, deadline)) > 0) {
        results[one.index] = one.result;
        if (statuses)
            statuses[one.index] = one.status;
        if (one.status < 0 && one.index < failed) {
            failed = one.index;
            failure = one.status;
        }
    }
    green_map_close(map);
    return r < 0 ? r : failure;
}

struct loop {
    size_t next, count;
    int (*fn)(void *arg, size_t index);
    void *arg;
};

static void *go_round(void *arg)
{
    struct loop *loop = arg;
    while (loop->next < loop->count && !green_cancelled()) {
        int r = loop->fn(loop->arg, loop->next++);
        if (r < 0)
            green_fail(r); /* the others are cancelled */
    }
    return NULL;
}

int green_parallel_for(size_t count, size_t most, int (*fn)(void *arg, size_t index), void *arg,
                       green_time deadline)
{
    if (!fn || !most)
        return -EINVAL;
    if (!green_self())
        return -EPERM;
    if (!count)
        return 0;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    struct loop loop = {.count = count, .fn = fn, .arg = arg};
    GREEN_SCOPE(scope, GREEN_FAIL_FAST);
    for (size_t i = 0; i < most && i < count; i++) {
        int r = green_group_spawn_ex(scope, NULL, &(green_attr_t){.name = "parallel for"}, go_round, &loop);
        if (r < 0 && i == 0)
            return r;
        if (r < 0)
            break; /* so be it with fewer */
    }
    return green_group_join(scope, deadline);
}
