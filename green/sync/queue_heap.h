/* The store of a priority queue: a binary heap of items, each with the number of its put, which breaks ties. Private to
 * libgreen. */
#ifndef GREEN_SYNC_QUEUE_HEAP_H
#define GREEN_SYNC_QUEUE_HEAP_H

#include "queue.h"

/* Makes room for at least one more: 0 or -ENOMEM. */
int green__heap_grow(green_queue_t *q);

/* There is room. */
void green__heap_push(green_queue_t *q, void *item);

/* There is one. */
void *green__heap_pop(green_queue_t *q);
void *green__heap_first(const green_queue_t *q);

#endif
