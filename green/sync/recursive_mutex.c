/* Recursive mutexes: a mutex and a count. */
#include "../core/internal.h"

void green_recursive_mutex_init(green_recursive_mutex_t *m)
{
    *m = (green_recursive_mutex_t)GREEN_RECURSIVE_MUTEX_INIT;
}

int green_recursive_mutex_destroy(green_recursive_mutex_t *m)
{
    return green_mutex_destroy(&m->mutex);
}

static int lock_again(green_recursive_mutex_t *m)
{
    if (m->depth == UINT_MAX)
        return -EOVERFLOW;
    m->depth++;
    return 0;
}

int green_recursive_mutex_lock(green_recursive_mutex_t *m, green_time deadline)
{
    if (green_mutex_is_mine(&m->mutex))
        return lock_again(m);
    int r = green_mutex_lock(&m->mutex, deadline);
    if (r == 0)
        m->depth = 1;
    return r;
}

int green_recursive_mutex_try_lock(green_recursive_mutex_t *m)
{
    if (green_mutex_is_mine(&m->mutex))
        return lock_again(m);
    int r = green_mutex_try_lock(&m->mutex);
    if (r == 0)
        m->depth = 1;
    return r;
}

int green_recursive_mutex_unlock(green_recursive_mutex_t *m)
{
    if (!green_mutex_is_mine(&m->mutex))
        return -EPERM;
    return --m->depth ? 0 : green_mutex_unlock(&m->mutex);
}

unsigned green_recursive_mutex_depth(green_recursive_mutex_t *m)
{
    return green_mutex_is_mine(&m->mutex) ? m->depth : 0;
}
