/*
 * A function applied to many things by many greenlets (gevent's map, imap and imap_unordered), and the loop whose rounds
 * run side by side.
 *
 *     green_map_t *map;
 *     green_mapped_t page;
 *     int r = green_map_start(&map, &(green_map_attr_t){.concurrency = 20}, fetch, urls, count);
 *     while (r >= 0 && (r = green_map_next(map, &page, deadline)) > 0)
 *         use(page.item, page.status, page.result);
 *     green_map_close(map);
 *
 * Each item has a greenlet of its own that runs fn(item); it fails by green_fail(). One item's failure is that item's
 * status, and the others go on.
 */
#ifndef GREEN_POOL_MAP_H
#define GREEN_POOL_MAP_H

#include "pool.h"

/* How to map; zero in every field is the default. */
typedef struct green_map_attr {
    size_t concurrency; /* items that run at a time; 0: 10 */
    green_pool_t *pool; /* run them as members of this pool instead, which bounds them */
    size_t ahead; /* items that have begun and whose results were not taken, at most; 0: twice those that may
                         * run at a time, but not more than 1000 */
    bool unordered; /* results come as items end, not in their order */
    void (*discard)(
        void *result); /* for results other than NULL that nobody took; must not wait; may be NULL */
} green_map_attr_t;

/* What became of an item. */
typedef struct green_mapped {
    size_t index; /* its number, from 0 on */
    void *item;
    int status;   /* 0, or its failure: green_status() of its greenlet, or what the source returned for it */
    void *result; /* what fn returned, if status is 0 */
} green_mapped_t;

typedef struct green_map green_map_t;

/* Begins to apply fn to items[0] to items[count - 1]; none runs before the caller waits. The array must stay until the
 * map is closed. attr may be NULL. Started by a member of attr->pool, one item at a time may run beyond the pool's
 * bound, so that the map cannot wait for its own caller. -EINVAL: fn is NULL, or items is with a count; -ENOMEM; -EPERM.
 * Never switches. */
int green_map_start(green_map_t **out, const green_map_attr_t *attr, green_fn fn, void *const *items,
                    size_t count) GREEN_MUST_CHECK;

/* The same for items from a function: 1 and an item in *item, 0 at the end, or an error, which becomes the status of an
 * item and is not the end. It is called in a greenlet of the map's own and may wait. */
int green_map_start_from(green_map_t **out, const green_map_attr_t *attr, green_fn fn,
                         int (*source)(void *arg, void **item), void *arg) GREEN_MUST_CHECK;

/* Waits for the next item's end: 1 and what became of it; 0: that was all. The result is the caller's then. On an error
 * nothing is lost: call it again. May switch. */
int green_map_next(green_map_t *map, green_mapped_t *out, green_time deadline) GREEN_MUST_CHECK;

/* Cancels what still runs, waits for its end, discards the results that were not taken, frees the map. Nobody may be in
 * green_map_next(). NULL is harmless. May switch. */
void green_map_close(green_map_t *map);

/* Applies fn to all items: results[i] is what became of items[i], NULL if it failed, and statuses[i] (the array may be
 * NULL) its status. 0, or the first status in order that is not 0, when all have ended. When the deadline passes or the
 * caller is cancelled the rest is cancelled (statuses -ECANCELED, results NULL) and waited for; what had been done
 * stays. Otherwise as green_map_start(). May switch. */
int green_map(const green_map_attr_t *attr, green_fn fn, void *const *items, void **results, int *statuses,
              size_t count, green_time deadline) GREEN_MUST_CHECK;

/* Runs fn(arg, 0) to fn(arg, count - 1), `most` at a time. 0 when all have returned 0 or more; a negative result ends
 * it: no further round begins, those that run are cancelled and waited for, and it is returned. So it is when the
 * deadline passes or the caller is cancelled. -EINVAL: most is 0; -ENOMEM. May switch. */
int green_parallel_for(size_t count, size_t most, int (*fn)(void *arg, size_t index), void *arg,
                       green_time deadline) GREEN_MUST_CHECK;

#endif
