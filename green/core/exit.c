/* How greenlets end: by themselves, from the middle, and with their cleanup done. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

void green_cleanup_push(green_cleanup_t *cleanup, void (*fn)(void *arg), void *arg)
{
    green_t *g = green_self();
    *cleanup = (green_cleanup_t){.next = g->cleanups, .fn = fn, .arg = arg};
    g->cleanups = cleanup;
}

void green_cleanup_pop(bool run)
{
    green_t *g = green_self();
    green_cleanup_t *last = g->cleanups;
    if (!last)
        return;
    g->cleanups = last->next;
    if (run)
        last->fn(last->arg);
}

/* What the greenlet leaves behind, while it can still wait. */
static void clean_up(green_t *g)
{
    green_shield();
    while (g->cleanups)
        green_cleanup_pop(true);
    green__locals_destroy(g);
    green__timeouts_end(g);
    green_unshield();
}

_Noreturn void green__end(green_t *g)
{
    if (UNLIKELY(g->cleanups || g->locals || g->timeouts.first))
        clean_up(g);
    if (UNLIKELY(g == green__forked)) /* there is nothing to go back to: as if main had returned */
        exit(g->status < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    green__depart(g->hub, g);
}

static green_t *who_may_leave(const char *call)
{
    green_t *g = green_self();
    if (!g || g == &g->hub->main) {
        fprintf(stderr, "libgreen: %s() was called in %s, which it cannot end\n", call,
                g ? "a thread's main greenlet" : "the hub");
        abort();
    }
    return g;
}

_Noreturn void green_exit(void *result)
{
    green_t *g = who_may_leave("green_exit");
    g->result = result;
    green__end(g);
}

_Noreturn void green_fail(int error)
{
    green_t *g = who_may_leave("green_fail");
    g->status = error < 0 ? error : -EINVAL;
    green__end(g);
}
