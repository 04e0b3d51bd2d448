/* The waiting primitive: out to the hub, back when the first waker has decided. */
#include "turn.h"

int green_park(green_park_t *park, green_time deadline)
{
    return turn_park(park, deadline);
}

bool green_wake(green_park_t *park, int result)
{
    if (park->woken)
        return false;
    park->woken = true;
    park->result = result;
    if (park->waiter)
        green__make_ready(park->waiter);
    return true;
}
