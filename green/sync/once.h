/* Doing something once, whoever comes first, with the others waiting until it is done. */
#ifndef GREEN_SYNC_ONCE_H
#define GREEN_SYNC_ONCE_H

#include "mutex.h"

/* All zeros: not done yet. */
typedef struct green_once {
    green_mutex_t mutex; /* private: held by who does it */
    bool done;           /* private */
} green_once_t;

#define GREEN_ONCE_INIT                                                                                      \
    {                                                                                                        \
        .done = false                                                                                        \
    }

int green__once_do(green_once_t *once, int (*fn)(void *arg), void *arg, green_time deadline);

/* Runs fn(arg) unless that has been done: 0. fn may wait; meanwhile others who come here wait for its end, until their
 * deadline. A negative result of fn is returned to its caller, and the next one in line tries again. -EDEADLK also: fn
 * itself came here. May switch, but not when it is done already. */
GREEN_MUST_CHECK static inline int green_once(green_once_t *once, int (*fn)(void *arg), void *arg,
                                              green_time deadline)
{
    return once->done ? 0 : green__once_do(once, fn, arg, deadline);
}

#endif
