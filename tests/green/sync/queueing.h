/* What the tests of queues share: items are strings, and greenlets that put, get or peek once. */
#ifndef TESTS_GREEN_QUEUEING_H
#define TESTS_GREEN_QUEUEING_H

#include "support.h"

static inline void put(green_queue_t *q, const char *item)
{
    ck_assert_int_eq(green_queue_put(q, (void *)(uintptr_t)item, GREEN_NOWAIT), 0);
}

/* What comes out now; NULL: nothing. */
static inline const char *taken(green_queue_t *q)
{
    void *item = NULL;
    int r = green_queue_get(q, &item, GREEN_NOWAIT);
    ck_assert_int_eq(r, item ? 0 : -EAGAIN);
    return item;
}

static inline void destroy(green_queue_t *q)
{
    ck_assert_int_eq(green_queue_destroy(q), 0);
}

/* A greenlet that puts or gets once. */
struct party {
    green_queue_t *queue;
    void *item;
    green_time deadline;
    int result;
    green_t *greenlet;
};

static inline void *gets(void *arg)
{
    struct party *p = arg;
    p->result = green_queue_get(p->queue, &p->item, p->deadline);
    return NULL;
}

static inline void *puts_in(void *arg)
{
    struct party *p = arg;
    p->result = green_queue_put(p->queue, p->item, p->deadline);
    return NULL;
}

static inline void *peeks(void *arg)
{
    struct party *p = arg;
    p->result = green_queue_peek(p->queue, &p->item, p->deadline);
    return NULL;
}

static inline struct party party(green_queue_t *q, const char *item)
{
    return (struct party){.queue = q, .item = (void *)(uintptr_t)item, .deadline = soon(), .result = 1};
}

static inline void launch(struct party *p, green_fn fn)
{
    p->greenlet = spawn(fn, p);
}

static inline const char *end_of(struct party *p)
{
    finish(p->greenlet);
    return p->item;
}

#endif
