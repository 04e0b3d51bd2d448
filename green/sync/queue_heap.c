/* The heap under a priority queue. */
#include "queue_heap.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ROOM 16

struct entry {
    void *item;
    uint64_t put; /* the how-manieth */
};

static bool before(const green_queue_t *q, const struct entry *a, const struct entry *b)
{
    int order = q->compare(a->item, b->item);
    return order < 0 || (order == 0 && a->put < b->put);
}

int green__heap_grow(green_queue_t *q)
{
    if (q->room > SIZE_MAX / 2 / sizeof(struct entry))
        return -ENOMEM;
    size_t room = q->room ? q->room * 2 : FIRST_ROOM;
    void *store = realloc(q->store, room * sizeof(struct entry));
    if (!store)
        return -ENOMEM;
    q->store = store;
    q->room = room;
    return 0;
}

void green__heap_push(green_queue_t *q, void *item)
{
    struct entry *heap = q->store, new = {item, q->puts++};
    size_t at = q->count++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(q, &new, &heap[parent]))
            break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = new;
}

void *green__heap_pop(green_queue_t *q)
{
    struct entry *heap = q->store;
    void *first = heap[0].item;
    struct entry last = heap[--q->count];
    size_t at = 0;
    for (size_t child; (child = at * 2 + 1) < q->count; at = child) {
        if (child + 1 < q->count && before(q, &heap[child + 1], &heap[child]))
            child++;
        if (!before(q, &heap[child], &last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

void *green__heap_first(const green_queue_t *q)
{
    return ((const struct entry *)q->store)[0].item;
}
