/* Links: who wants to know when an object is ready, and the waits for several objects that are built on them. */
#include "internal.h"

#include <stdlib.h>

#define FEW 16 /* links of a wait that fit its frame */

/* --- links -------------------------------------------------------------------------------------------------------- */

bool green_ready(const green_waitable_t *w)
{
    return w->ready(w);
}

void green_unlink(green_link_t *link)
{
    chain_remove(&link->node);
}

/* Code of the application runs in the hub's next turn: whoever notifies is in the middle of something. */
static void fire(green_hub_t *hub, green_link_t *link)
{
    if (link->at_once) {
        link->fn(link);
        return;
    }
    chain_push(&hub->due, &link->node);
    hub->look_at = 0;
}

void green__notify_links(green_waitable_t *w)
{
    green_hub_t *hub = green_hub();
    for (struct green_node *node; (node = chain_pop(&w->links));)
        fire(hub, CONTAINER_OF(node, green_link_t, node));
}

/* What these add is for the next turn. */
void green__run_due(green_hub_t *hub)
{
    struct green_chain now = {0};
    for (struct green_node *node; (node = chain_pop(&hub->due));)
        chain_push(&now, node);
    for (struct green_node *node; (node = chain_pop(&now));) {
        green_link_t *link = CONTAINER_OF(node, green_link_t, node);
        link->fn(link);
    }
}

static void hang_on(green_waitable_t *w, green_link_t *link)
{
    if (w->ready(w))
        fire(green_hub(), link);
    else
        chain_push(&w->links, &link->node);
}

void green_rawlink(green_waitable_t *w, green_link_t *link, void (*fn)(green_link_t *link))
{
    *link = (green_link_t){.fn = fn};
    hang_on(w, link);
}

void green__link_at_once(green_waitable_t *w, green_link_t *link, void (*fn)(green_link_t *link))
{
    *link = (green_link_t){.fn = fn, .at_once = true};
    hang_on(w, link);
}

/* --- waiting for several ------------------------------------------------------------------------------------------ */

struct gathering {
    green_park_t park;
    size_t enough, ready;
    size_t *which;
};

struct awaited {
    green_link_t link;
    struct gathering *gathering;
    size_t index;
};

static void note_ready(green_link_t *link)
{
    struct awaited *a = CONTAINER_OF(link, struct awaited, link);
    struct gathering *g = a->gathering;
    if (g->which)
        g->which[g->ready] = a->index;
    if (++g->ready == g->enough)
        green_wake(&g->park, 0);
}

static int gather(struct gathering *g, struct awaited *awaited, green_waitable_t *const *objects,
                  size_t count, green_time deadline)
{
    for (size_t i = 0; i < count; i++) {
        awaited[i] =
            (struct awaited){.link = {.fn = note_ready, .at_once = true}, .gathering = g, .index = i};
        hang_on(objects[i], &awaited[i].link);
    }
    green__waits_for("several objects", objects);
    int r = green_park(&g->park, deadline);
    for (size_t i = 0; i < count; i++)
        green_unlink(&awaited[i].link);
    return r;
}

int green_wait_some(green_waitable_t *const *objects, size_t count, size_t enough, size_t *which,
                    size_t *done, green_time deadline)
{
    struct gathering g = {.enough = enough, .which = which};
    struct awaited few[FEW], *awaited = few;
    if (done)
        *done = 0;
    if (enough > count || count > INT_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!objects[i])
            return -EINVAL;
    if (!enough)
        return 0;
    if (!green_self())
        return -EPERM;
    if (count > FEW && !(awaited = calloc(count, sizeof *awaited)))
        return -ENOMEM;
    int r = gather(&g, awaited, objects, count, deadline);
    if (awaited != few)
        free(awaited);
    if (done)
        *done = g.ready;
    return r < 0 ? r : (int)g.ready;
}

int green_wait_all(green_waitable_t *const *objects, size_t count, green_time deadline)
{
    int r = green_wait_some(objects, count, count, NULL, NULL, deadline);
    return r < 0 ? r : 0;
}

static void wake_any(green_link_t *link)
{
    struct awaited *a = CONTAINER_OF(link, struct awaited, link);
    green_wake(&a->gathering->park, (int)a->index);
}

int green_wait_any(green_waitable_t *const *objects, size_t count, green_time deadline)
{
    struct gathering g = {.enough = 1};
    struct awaited few[FEW], *awaited = few;
    if (!count || count > INT_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!objects[i])
            return -EINVAL;
        if (objects[i]->ready(objects[i]))
            return (int)i;
    }
    if (count > FEW && !(awaited = calloc(count, sizeof *awaited)))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        awaited[i] = (struct awaited){.gathering = &g, .index = i};
        green__link_at_once(objects[i], &awaited[i].link, wake_any);
    }
    green__waits_for("one of several objects", objects);
    int r = green_park(&g.park, deadline);
    for (size_t i = 0; i < count; i++)
        green_unlink(&awaited[i].link);
    if (awaited != few)
        free(awaited);
    return r;
}
