/*
 * Results (gevent's AsyncResult): a value or an error that arrives once, for any number of greenlets of one thread to
 * wait for.
 */
#ifndef GREEN_SYNC_RESULT_H
#define GREEN_SYNC_RESULT_H

#include <stdbool.h>

#include "../core/waitable.h"

typedef struct green_result {
    green_waitable_t waitable; /* ready once it has arrived */
    void *value;               /* private */
    int error;                 /* private */
    bool arrived;              /* private */
} green_result_t;

bool green__result_ready(const green_waitable_t *w);

#define GREEN_RESULT_INIT                                                                                    \
    {                                                                                                        \
        .waitable = {.ready = green__result_ready }                                                          \
    }

/* The same as GREEN_RESULT_INIT: not arrived. Never switches. */
void green_result_init(green_result_t *r);

/* The memory may go, once those who were in green_result_get() have returned from it. 0; -EBUSY: somebody waits for it
 * or has a link on it, and nothing was done. Never switches. */
int green_result_destroy(green_result_t *r) GREEN_MUST_CHECK;

/* Delivers a value, which stays the caller's to manage, or an error: 0, and all who wait go on. -EALREADY: something
 * was delivered before, that stands. green_result_fail() also: -EINVAL, `error` is not negative. Never switch. */
int green_result_set(green_result_t *r, void *value);
int green_result_fail(green_result_t *r, int error);

/* Waits for it: 0 with the value in *value (may be NULL), or the error that was delivered. An error that could also be
 * one of the wait is the delivered one exactly if green_result_try() gives it, too. May switch. */
int green_result_get(green_result_t *r, void **value, green_time deadline) GREEN_MUST_CHECK;

/* The same without waiting: -EAGAIN if nothing has arrived yet. Never switches. */
int green_result_try(const green_result_t *r, void **value) GREEN_MUST_CHECK;

/* Whether a value or an error has arrived. Never switches. */
static inline bool green_result_arrived(const green_result_t *r)
{
    return r->arrived;
}

#endif
