/* Waiting for nothing to be left to do: green_idle(), green_run(). */
#include "waiter.h"

int green_idle(green_time deadline)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    struct waiter me;
    return green__wait_in(&hub->idlers, &me, "nothing else to be ready", NULL, deadline);
}

static bool others_left(const green_hub_t *hub)
{
    return hub->alive - hub->background > 1;
}

int green_run(green_time deadline)
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (hub->current != hub->root)
        return -EPERM;
    for (;;) {
        int r;
        struct waiter me;
        if (others_left(hub))
            r = green__wait_in(&hub->enders, &me, "all others to end", NULL, deadline);
        else if (!chain_empty(&hub->due)) /* links may spawn */
            r = deadline <= GREEN_NOWAIT ? -EAGAIN : green_yield();
        else
            return 0;
        if (r < 0)
            return r;
    }
}
