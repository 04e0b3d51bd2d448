/* Whose turn it is to use a stream. */
#include "turns.h"

#include "../core/waiter.h"
#include "streams.h"

#include <wchar.h>

__thread struct green_chain green__turns;

static enum stream_kind kind_of(struct turn *t, FILE *f)
{
    int saved = errno;
    t->fd = REAL(fileno)(f);
    errno = saved;
    if (t->fd < 0)
        return green__stream_of(f) ? STREAM_BY_HOOKS : STREAM_PASSES;
    t->about = green__about(t->fd);
    bool waits = t->about && !(t->about & (ABOUT_NONBLOCKING | ABOUT_PLAIN));
    return waits && fwide(f, 0) <= 0 ? STREAM_WAITED : STREAM_PASSES;
}

static struct turn *turn_of(const FILE *f)
{
    for (struct green_node *node = green__turns.first; node; node = node->next)
        if (CONTAINER_OF(node, struct turn, node)->file == f)
            return CONTAINER_OF(node, struct turn, node);
    return NULL;
}

/* Who has it already, further up, goes on. Nothing ends this wait, as with any lock. */
enum stream_kind green__turn_enter(struct turn *t, FILE *f)
{
    green_t *me = green__hub->current;
    struct turn *other;
    *t = (struct turn){.file = f, .owner = me};
    t->kind = kind_of(t, f);
    if (t->kind == STREAM_PASSES)
        return t->kind;
    while ((other = turn_of(f)) && other->owner != me) {
        struct waiter waiter = {0};
        green_shield();
        int r = green__wait_in(&other->waiters, &waiter, "a stream", f, GREEN_FOREVER);
        green_unshield();
        if (r < 0)
            break; /* nothing can wake anybody: as good as any other end */
    }
    chain_push_front(&green__turns, &t->node);
    return t->kind;
}

void green__turn_leave(struct turn *t)
{
    if (t->kind == STREAM_PASSES)
        return;
    chain_remove(&t->node);
    green__wake_all(&t->waiters, 0);
}

/* In the child of a fork(2) there is only who has called that, which is in the middle of no call of libc's. */
static void forget_others(void)
{
    green__turns = (struct green_chain){0};
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, forget_others);
}
