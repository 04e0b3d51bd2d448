/*
 * What a signal does to the call that the main thread is in. Its handler runs while any greenlet has its turn, or the hub
 * waits: handlers are therefore called by one of ours, which notes that and wakes the hub. Handlers that were made
 * unseen are noticed only while the hub waits.
 */
#include "signals.h"

#include "places.h"

__thread enum interruptible green__interruptible;

/* Those of the program, and their flags; the kernel knows only call_handler() of them. */
static struct {
    _Atomic(uintptr_t) fn;
    atomic_int flags;
} handlers[_NSIG];

/* A handler may be of either kind: one that takes a number does not look at the rest. */
static void call_handler(int signal, siginfo_t *info, void *context)
{
    if (green__interruptible == INTERRUPTED_ALWAYS ||
        (green__interruptible == INTERRUPTED_UNRESTARTED && !(handlers[signal].flags & SA_RESTART))) {
        int saved = errno;
        green__signalled = 1;
        green__poller_knock(green__hub);
        errno = saved;
    }
    uintptr_t fn = handlers[signal].fn;
    ((void (*)(int, siginfo_t *, void *))fn)(signal, info, context);
}

static bool is_one(uintptr_t handler)
{
    return handler != (uintptr_t)SIG_DFL && handler != (uintptr_t)SIG_IGN && handler != (uintptr_t)SIG_ERR &&
           handler != (uintptr_t)call_handler;
}

static bool is_noted(int signal, uintptr_t handler)
{
    return signal > 0 && signal < _NSIG && is_one(handler) && green_patched();
}

/* As the program has made it. */
static void show(int signal, struct sigaction *action)
{
    if (action && action->sa_sigaction == call_handler) {
        action->sa_handler = (void (*)(int))handlers[signal].fn;
        action->sa_flags = (action->sa_flags & ~SA_SIGINFO) | (handlers[signal].flags & SA_SIGINFO);
    }
}

HOOK int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    struct sigaction ours, old;
    if (!action || IN_LIBUV || !is_noted(signal, (uintptr_t)action->sa_handler)) {
        int r = REAL(sigaction)(signal, action, before);
        if (r == 0)
            show(signal, before);
        return r;
    }
    ours = *action;
    ours.sa_sigaction = call_handler;
    ours.sa_flags |= SA_SIGINFO;
    if (REAL(sigaction)(signal, NULL, &old) < 0)
        return -1;
    show(signal, &old);
    uintptr_t fn = handlers[signal].fn;
    int flags = handlers[signal].flags;
    handlers[signal].fn = (uintptr_t)action->sa_handler;
    handlers[signal].flags = action->sa_flags;
    int r = REAL(sigaction)(signal, &ours, NULL);
    if (r < 0) {
        handlers[signal].fn = fn;
        handlers[signal].flags = flags;
    } else if (before) {
        *before = old;
    }
    return r;
}

/* signal(3) in one of its forms, which know themselves what flags they give. */
static sighandler_t handle_by(sighandler_t (*real)(int, sighandler_t), int signal, sighandler_t handler)
{
    struct sigaction now;
    bool noted = is_noted(signal, (uintptr_t)handler);
    uintptr_t fn = signal > 0 && signal < _NSIG ? handlers[signal].fn : 0;
    if (noted)
        handlers[signal].fn = (uintptr_t)handler;
    sighandler_t before = real(signal, noted ? (sighandler_t)(uintptr_t)call_handler : handler);
    if (before == SIG_ERR && noted)
        handlers[signal].fn = fn;
    else if (noted && REAL(sigaction)(signal, NULL, &now) == 0)
        handlers[signal].flags = now.sa_flags;
    return (uintptr_t)before == (uintptr_t)call_handler ? (sighandler_t)fn : before;
}

HOOK sighandler_t signal(int number, sighandler_t handler)
{
    return handle_by(REAL(signal), number, handler);
}

HOOK sighandler_t __sysv_signal(int number, sighandler_t handler)
{
    return handle_by(REAL(__sysv_signal), number, handler);
}

HOOK sighandler_t sysv_signal(int number, sighandler_t handler) __attribute__((alias("__sysv_signal")));

/* --- in the hub ----------------------------------------------------------------------------------------------------- */

/* Which signal it was is not known: only if every handler there is would interrupt. */
static bool no_handler_restarts(void)
{
    struct sigaction a;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        if (REAL(sigaction)(signal, NULL, &a) == 0 && a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN &&
            (a.sa_flags & SA_RESTART))
            return false;
    return true;
}

/* A handler has run. */
static void on_signal(green_hub_t *hub)
{
    bool seen = green__signalled;
    green__signalled = 0;
    if (green__interruptible == INTERRUPTED_NEVER || !hub->root->park)
        return;
    if (seen || green__interruptible == INTERRUPTED_ALWAYS || no_handler_restarts())
        green_wake(hub->root->park, -EINTR);
}

static __attribute__((constructor)) void begin(void)
{
    green__on_signal = on_signal;
}
