/* Results: delivered once, looked at by many. */
#include "ready.h"

bool green__result_ready(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_result_t, waitable)->arrived;
}

void green_result_init(green_result_t *r)
{
    *r = (green_result_t)GREEN_RESULT_INIT;
}

int green_result_destroy(green_result_t *r)
{
    return chain_empty(&r->waitable.links) ? 0 : -EBUSY;
}

static int deliver(green_result_t *r, void *value, int error)
{
    if (r->arrived)
        return -EALREADY;
    r->value = value;
    r->error = error;
    r->arrived = true;
    green__notify(&r->waitable);
    return 0;
}

int green_result_set(green_result_t *r, void *value)
{
    return deliver(r, value, 0);
}

int green_result_fail(green_result_t *r, int error)
{
    return error < 0 ? deliver(r, NULL, error) : -EINVAL;
}

int green_result_try(const green_result_t *r, void **value)
{
    if (!r->arrived)
        return -EAGAIN;
    if (r->error < 0)
        return r->error;
    if (value)
        *value = r->value;
    return 0;
}

int green_result_get(green_result_t *r, void **value, green_time deadline)
{
    if (!r->arrived) {
        int waited = green__wait_ready(&r->waitable, "a result", r, deadline);
        if (waited < 0)
            return waited;
    }
    return green_result_try(r, value);
}
