/* Groups of greenlets. Membership is a node in the greenlet; its end takes it out (green__leave_group). */
#include "../core/waiter.h"
#include "member.h"

#include <string.h>

static green_group_t *group_of(const green_t *g)
{
    return g->member.chain ? CONTAINER_OF(g->member.chain, green_group_t, members) : NULL;
}

static green_t *first_of(const green_group_t *group)
{
    return group->members.first ? CONTAINER_OF(group->members.first, green_t, member) : NULL;
}

bool green__group_ready(const green_waitable_t *w)
{
    return CONTAINER_OF(w, green_group_t, waitable)->count == 0;
}

void green_group_init(green_group_t *group, unsigned flags)
{
    *group = (green_group_t)GREEN_GROUP_INIT_FLAGS(flags);
}

/* --- coming and going ----------------------------------------------------------------------------------- */

/* Members belong to one thread, and so does the group while it has any. */
static int check_thread(const green_group_t *group)
{
    const green_t *first = first_of(group);
    return first && first->hub != green_hub() ? -EXDEV : 0;
}

static void enter(green_group_t *group, green_t *g)
{
    chain_push(&group->members, &g->member);
    group->count++;
    if (group->killing || group->failure)
        green_cancel(g);
}

static int take_failure(green_group_t *group)
{
    int failure = group->failure;
    group->failure = 0;
    return failure;
}

static void leave(green_group_t *group, green_t *g)
{
    chain_remove(&g->member);
    group->count--;
    if (!group->count) {
        if (!chain_empty(&group->joiners))
            green__wake_all(&group->joiners, take_failure(group));
        green__notify(&group->waitable);
    }
    if (group->left)
        group->left(group);
}

static void cancel_all(green_group_t *group)
{
    for (struct green_node *node = group->members.first, *next; node; node = next) {
        next = node->next; /* it leaves at once if it never ran */
        green_cancel(CONTAINER_OF(node, green_t, member));
    }
}

void green__leave_group(green_t *g)
{
    green_group_t *group = group_of(g);
    bool failed = g->status < 0 && g->status != g->cancelled;
    if (failed && group->flags & GREEN_FAIL_FAST && !group->failure) {
        group->failure = g->status;
        cancel_all(group);
    }
    leave(group, g);
}

int green__group_spawn(green_group_t *group, green_t **out, const green_attr_t *attr, green_fn fn, void *arg)
{
    int r = check_thread(group);
    if (r < 0)
        return r;
    green_t *g;
    r = green_spawn_ex(&g, attr, fn, arg);
    if (r < 0)
        return r;
    enter(group, g);
    if (out)
        *out = g;
    else
        green_release(g);
    return 0;
}

int green__group_add(green_group_t *group, green_t *g)
{
    if (g->hub != green_hub() || check_thread(group) < 0)
        return -EXDEV;
    if (green_done(g) || group_of(g) == group)
        return 0;
    if (group_of(g))
        return -EBUSY;
    enter(group, g);
    return 0;
}

int green_group_spawn_ex(green_group_t *group, green_t **out, const green_attr_t *attr, green_fn fn,
                         void *arg)
{
    return group->left ? -EINVAL : green__group_spawn(group, out, attr, fn, arg);
}

int green_group_spawn(green_group_t *group, green_fn fn, void *arg)
{
    return green_group_spawn_ex(group, NULL, NULL, fn, arg);
}

int green_group_add(green_group_t *group, green_t *g)
{
    return group->left ? -EINVAL : green__group_add(group, g);
}

bool green_group_discard(green_group_t *group, green_t *g)
{
    if (group_of(g) != group)
        return false;
    leave(group, g);
    return true;
}

/* --- looking at them ------------------------------------------------------------------------------------ */

bool green_group_contains(const green_group_t *group, const green_t *g)
{
    return group_of(g) == group;
}

size_t green_group_len(const green_group_t *group)
{
    return group->count;
}

void green_group_each(green_group_t *group, void (*fn)(green_t *g, void *arg), void *arg)
{
    for (struct green_node *node = group->members.first, *next; node; node = next) {
        next = node->next;
        fn(CONTAINER_OF(node, green_t, member), arg);
    }
}

/* --- all of them ---------------------------------------------------------------------------------------- */

/* May the caller wait for the group? */
static int may_wait(const green_group_t *group)
{
    const green_t *self = green_self();
    int r = check_thread(group);
    return r == 0 && self && group_of(self) == group ? -EDEADLK : r;
}

static int wait_until_empty(green_group_t *group, green_time deadline)
{
    if (!group->count)
        return take_failure(group);
    struct waiter me;
    return green__wait_in(&group->joiners, &me, "the end of a group", group, deadline);
}

int green_group_join(green_group_t *group, green_time deadline)
{
    int r = may_wait(group);
    return r < 0 ? r : wait_until_empty(group, deadline);
}

int green_group_cancel(green_group_t *group)
{
    int r = check_thread(group);
    if (r == 0)
        cancel_all(group);
    return r;
}

int green_group_kill(green_group_t *group, green_time deadline)
{
    int r = may_wait(group);
    if (r < 0 || !group->count)
        return r;
    group->killing++;
    cancel_all(group);
    r = wait_until_empty(group, deadline);
    group->killing--;
    return group->count ? r : 0;
}

void green_group_destroy(green_group_t *group)
{
    green_t *self = green_self();
    if (self) {
        green_group_discard(group, self);
        green_shield();
        (void)green_group_kill(group, GREEN_FOREVER);
        green_unshield();
    } else {
        cancel_all(group);
    }
    for (green_t *g;
         (g = first_of(group));) /* it can be waited for in no way: let it at least not come back here */
        leave(group, g);
    group->failure = 0;
}

/* --- scopes --------------------------------------------------------------------------------------------- */

static void destroy_at_exit(void *arg)
{
    green_group_destroy(arg);
}

green_group_t *green_scope_enter(green_scope_t *scope, unsigned flags)
{
    green_group_init(&scope->group, flags);
    green_cleanup_push(&scope->cleanup, destroy_at_exit, &scope->group);
    return &scope->group;
}

/* Handlers pushed within the scope and never popped are above its own. */
void green_scope_leave(green_scope_t *scope)
{
    green_group_destroy(&scope->group);
    for (green_cleanup_t **c = &green_self()->cleanups; *c; c = &(*c)->next)
        if (*c == &scope->cleanup) {
            *c = scope->cleanup.next;
            return;
        }
}
