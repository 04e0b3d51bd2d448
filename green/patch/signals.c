/* What a signal does to the call that the main thread is in. */
#include "signals.h"

__thread enum interruptible green__interruptible;

/* Which signal it was is not known: only if every handler there is would interrupt. */
static bool no_handler_restarts(void)
{
    struct sigaction a;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        if (sigaction(signal, NULL, &a) == 0 && a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN &&
            (a.sa_flags & SA_RESTART))
            return false;
    return true;
}

/* In the hub: a handler ran while it waited for events. */
static void on_signal(green_hub_t *hub)
{
    if (green__interruptible == INTERRUPTED_NEVER || !hub->root->park)
        return;
    if (green__interruptible == INTERRUPTED_ALWAYS || no_handler_restarts())
        green_wake(hub->root->park, -EINTR);
}

static __attribute__((constructor)) void begin(void)
{
    green__on_signal = on_signal;
}
