/* Hooks on what happens to greenlets. */
#include "internal.h"

void green__hooks_changed(green_hub_t *hub)
{
    hub->hook_kinds = hub->slices ? HOOK_SLICES : 0;
    for (struct green_node *node = hub->hooks.first; node; node = node->next)
        hub->hook_kinds |= CONTAINER_OF(node, green_hook_t, node)->kinds;
}

int green_hook_add(green_hook_t *hook, unsigned kinds,
                   void (*fn)(green_hook_t *hook, enum green_event_kind kind, green_t *g))
{
    green_hub_t *hub = green_hub();
    if (!hub)
        return -ENOMEM;
    if (!kinds || kinds & ~(unsigned)(GREEN_HOOK_SPAWN | GREEN_HOOK_END | GREEN_HOOK_SWITCH) || !fn)
        return -EINVAL;
    *hook = (green_hook_t){.kinds = kinds, .fn = fn};
    chain_push(&hub->hooks, &hook->node);
    green__hooks_changed(hub);
    return 0;
}

void green_hook_remove(green_hook_t *hook)
{
    chain_remove(&hook->node);
    if (green__hub)
        green__hooks_changed(green__hub);
}

void green__call_hooks(green_hub_t *hub, enum green_event_kind kind, green_t *g)
{
    for (struct green_node *node = hub->hooks.first, *next; node; node = next) {
        next = node->next;
        green_hook_t *hook = CONTAINER_OF(node, green_hook_t, node);
        if (hook->kinds & (unsigned)kind)
            hook->fn(hook, kind, g);
    }
}
