/* Doing something once: under a mutex, whose hand-over makes the next in line try when the first has failed. */
#include "../core/internal.h"

int green__once_do(green_once_t *once, int (*fn)(void *arg), void *arg, green_time deadline)
{
    int r = green_mutex_lock(&once->mutex, deadline);
    if (r < 0)
        return r;
    if (!once->done) {
        r = fn(arg);
        once->done = r >= 0;
    }
    green_mutex_unlock(&once->mutex);
    return r < 0 ? r : 0;
}
