/* The ends of greenlets: joining, cancelling, links. */
#include "waiter.h"

#include <stdio.h>
#include <stdlib.h>

/* --- waiting for the end ------------------------------------------------------------------------------------------ */

/* May the caller wait for g? */
static int may_join(const green_hub_t *hub, const green_t *g)
{
    if (UNLIKELY(!hub || g->hub != hub))
        return -EXDEV;
    if (g->state == GREEN_DONE)
        return 0;
    return UNLIKELY(g == hub->current) ? -EDEADLK : 0;
}

int green_join(green_t *g, green_time deadline)
{
    green_hub_t *hub = green_hub();
    int r = may_join(hub, g);
    if (r < 0 || g->state == GREEN_DONE)
        return r;
    if (UNLIKELY(!hub->current))
        return -EPERM;
    struct waiter me;
    return green__wait_in(&g->joiners, &me, "the end of a greenlet", g, deadline);
}

int green_get(green_t *g, void **out, green_time deadline)
{
    int r = green_join(g, deadline);
    if (r < 0)
        return r;
    if (g->status < 0)
        return g->status;
    if (out)
        *out = g->result;
    return 0;
}

/* Those who wait for several greenlets; each of these has a link to it. */
struct joining {
    green_park_t park;
    size_t ended, enough;
    bool fail_fast;
};

struct joined {
    green_link_t link;
    struct joining *joining;
    green_t *greenlet;
};

static void note_end(green_link_t *link)
{
    struct joined *one = CONTAINER_OF(link, struct joined, link);
    struct joining *j = one->joining;
    j->ended++;
    if (j->fail_fast && one->greenlet->status < 0)
        green_wake(&j->park, one->greenlet->status);
    else if (j->ended == j->enough)
        green_wake(&j->park, 0);
}

static int join_linked(struct joining *j, struct joined *joined, green_t *const *greenlets, size_t count,
                       green_time deadline)
{
    for (size_t i = 0; i < count; i++) {
        joined[i] = (struct joined){.joining = j, .greenlet = greenlets[i]};
        green__link_at_once(&greenlets[i]->waitable, &joined[i].link, note_end);
    }
    green__waits_for("the ends of several greenlets", greenlets);
    int r = green_park(&j->park, deadline);
    for (size_t i = 0; i < count; i++)
        green_unlink(&joined[i].link);
    return r < 0 ? r : (int)j->ended;
}

#define FEW 16 /* links that fit the frame */

int green_joinall(green_t *const *greenlets, size_t count, size_t enough, unsigned flags, green_time deadline)
{
    green_hub_t *hub = green_hub();
    struct joining joining = {.enough = enough ? enough : count, .fail_fast = flags & GREEN_FAIL_FAST};
    struct joined few[FEW], *joined = few;
    if (enough > count || count > INT_MAX || flags & ~(unsigned)GREEN_FAIL_FAST)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int r = greenlets[i] ? may_join(hub, greenlets[i]) : -EINVAL;
        if (r < 0)
            return r;
    }
    if (!count)
        return 0;
    if (!hub || !hub->current)
        return -EPERM;
    if (count > FEW && !(joined = calloc(count, sizeof *joined)))
        return -ENOMEM;
    int r = join_linked(&joining, joined, greenlets, count, deadline);
    if (joined != few)
        free(joined);
    return r;
}

int green_join_any(green_t *const *greenlets, size_t count, green_time deadline)
{
    if (!count)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (greenlets[i] && greenlets[i]->state == GREEN_DONE)
            return (int)i;
    int r = green_joinall(greenlets, count, 1, 0, deadline);
    for (size_t i = 0; r >= 0 && i < count; i++)
        if (greenlets[i]->state == GREEN_DONE)
            return (int)i;
    return r;
}

/* --- bringing it about ---------------------------------------------------------------------------------------------- */

/* One that never ran leaves at once. */
static void cancel_unstarted(green_hub_t *hub, green_t *g)
{
    if (g->state == GREEN_READY) {
        list_remove(&g->queued);
        hub->made_ready--;
    }
    g->state = GREEN_DONE;
    g->status = g->cancelled;
    green__locals_destroy(g);
    green__finish(hub, g);
}

int green_cancel_with(green_t *g, int reason)
{
    green_hub_t *hub = green_hub();
    if (reason >= 0)
        return -EINVAL;
    if (!hub || g->hub != hub)
        return -EXDEV;
    if (g->state == GREEN_DONE || g->cancelled)
        return 0;
    g->cancelled = reason;
    green__update_interrupt(g);
    if (g->never_ran)
        cancel_unstarted(hub, g);
    else
        green__interrupt_park(g, reason);
    return 0;
}

int green_cancel(green_t *g)
{
    return green_cancel_with(g, -ECANCELED);
}

int green_kill(green_t *g, green_time deadline)
{
    int r = green_cancel(g);
    if (r < 0 || g == g->hub->current)
        return r;
    return green_join(g, deadline);
}

int green_killall(green_t *const *greenlets, size_t count, green_time deadline)
{
    for (size_t i = 0; i < count; i++) {
        if (!greenlets[i])
            return -EINVAL;
        if (greenlets[i]->hub != green_hub())
            return -EXDEV;
    }
    for (size_t i = 0; i < count; i++)
        green_cancel(greenlets[i]);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        if (greenlets[i] != green_self())
            r = green_join(greenlets[i], deadline);
    return r;
}

/* --- links that run in a greenlet ------------------------------------------------------------------------------------ */

static void give_up(void *g)
{
    green_release(g);
}

/* fn may leave by green_exit() or green_fail(). */
static void run_after(void *arg)
{
    green_after_t after = *(green_after_t *)arg;
    green_cleanup_t cleanup;
    green_cleanup_push(&cleanup, give_up, after.greenlet);
    after.fn(after.greenlet, after.arg);
    green_cleanup_pop(true);
}

static void on_end(green_link_t *link)
{
    green_after_t *after = CONTAINER_OF(link, green_after_t, link);
    green_t *g = after->greenlet;
    if (!(after->endings & (g->status < 0 ? GREEN_ON_FAILURE : GREEN_ON_SUCCESS)))
        return;
    green_retain(g);
    if (green_spawn_detached("link", run_after, after) < 0) {
        green_release(g);
        fprintf(stderr, "libgreen: no memory for a link of greenlet %llu \"%s\"\n", (unsigned long long)g->id,
                green_name(g));
    }
}

void green_link(green_t *g, green_after_t *after, unsigned endings, void (*fn)(green_t *g, void *arg),
                void *arg)
{
    *after = (green_after_t){.greenlet = g, .endings = endings, .fn = fn, .arg = arg};
    green_rawlink(&g->waitable, &after->link, on_end);
}
