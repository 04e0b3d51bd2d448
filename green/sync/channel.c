/*
 * Channels. Those who wait are cases (select.h) in the chains of their channel; a plain send or receive is a select of
 * one. Two things hold whenever nobody is inside a call: if somebody waits to receive, the channel is empty; if somebody
 * waits to send, it is full. Records whose wait has been decided otherwise may still be in the chains.
 */
#include "../core/turn.h"
#include "channel_case.h"
#include "foreign.h"

#include <stdlib.h>
#include <string.h>

struct green_channel {
    size_t element, capacity;
    size_t head, count;
    struct green_chain senders, receivers; /* green_case_t */
    unsigned references;
    bool closed;
    _Alignas(max_align_t) unsigned char ring[];
};

/* --- elements ------------------------------------------------------------------------------------------------------- */

static inline void copy(const green_channel_t *c, void *to, const void *from)
{
    if (LIKELY(c->element == sizeof(void *)))
        memcpy(to, from, sizeof(void *)); /* a load and a store */
    else if (c->element)
        memcpy(to, from, c->element);
}

static inline void *slot(green_channel_t *c, size_t index)
{
    size_t at = c->head + index;
    return c->ring + (at < c->capacity ? at : at - c->capacity) * c->element;
}

static inline void push(green_channel_t *c, const void *element)
{
    copy(c, slot(c, c->count++), element);
}

static inline void pop(green_channel_t *c, void *element)
{
    copy(c, element, slot(c, 0));
    c->count--;
    if (++c->head == c->capacity)
        c->head = 0;
}

/* --- those who wait --------------------------------------------------------------------------------------------------- */

static inline green_case_t *first_waiting(struct green_chain *chain)
{
    for (struct green_node *node; (node = chain->first); chain_remove(node)) {
        green_case_t *c = CONTAINER_OF(node, green_case_t, node);
        if (LIKELY(!c->park->woken))
            return c;
    }
    return NULL;
}

/* Its element has been seen to. */
static inline void settle(green_case_t *waiting, int result)
{
    chain_remove(&waiting->node);
    waiting->result = result;
    green_wake(waiting->park, waiting->index);
}

static inline struct green_chain *chain_of(const green_case_t *c)
{
    return c->direction == GREEN_SEND ? &c->channel->senders : &c->channel->receivers;
}

static bool others_wait(struct green_chain *chain)
{
    const green_case_t *first = first_waiting(chain);
    return first && green__is_foreign(first->park);
}

int green__case_enlist(green_case_t *c, green_park_t *park)
{
    struct green_chain *chain = chain_of(c);
    if (UNLIKELY(others_wait(chain)))
        return -EXDEV;
    c->park = park;
    chain_push(chain, &c->node);
    return 0;
}

bool green__case_ready(const green_case_t *c)
{
    green_channel_t *channel = c->channel;
    if (channel->closed)
        return true;
    if (c->direction == GREEN_SEND)
        return channel->count < channel->capacity || first_waiting(&channel->receivers);
    return channel->count || first_waiting(&channel->senders);
}

/* Inline, and so is meet(): after a switch every return goes somewhere else than the processor expects, so that each
 * level of calls costs some ns. */
static inline __attribute__((always_inline)) int wait_for_peer(green_case_t *me, const char *what,
                                                               green_time deadline)
{
    green_park_t park = GREEN_PARK_INIT;
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    int r = green__case_enlist(me, &park);
    if (r < 0)
        return r;
    green__waits_for(what, me->channel);
    r = turn_park(&park, deadline);
    chain_remove(&me->node);
    return r < 0 ? r : me->result;
}

/* --- sending and receiving -------------------------------------------------------------------------------------------- */

/* The element goes straight across. Without capacity the receiver then goes on first, as it does when the sender came
 * first; that is as good as a wait to a greenlet that was cancelled. In the hub nobody can be let go first. */
static inline __attribute__((always_inline)) int meet(green_channel_t *c, green_case_t *receiver,
                                                      const void *element, green_time deadline)
{
    green_hub_t *hub = green__hub;
    if (UNLIKELY(green__is_foreign(receiver->park)))
        return -EXDEV;
    green_t *steps_back = c->capacity || deadline <= GREEN_NOWAIT ? NULL : hub->current;
    if (steps_back && UNLIKELY(steps_back->interrupt))
        return green__interruption(steps_back);
    copy(c, receiver->element, element);
    settle(receiver, 0);
    if (steps_back) {
        green__make_ready(steps_back);
        turn_leave(hub, steps_back);
    }
    return 0;
}

int green_channel_send(green_channel_t *c, const void *element, green_time deadline)
{
    if (UNLIKELY(c->closed))
        return -EPIPE;
    green_case_t *receiver = first_waiting(&c->receivers);
    if (receiver)
        return meet(c, receiver, element, deadline);
    if (c->count < c->capacity) {
        push(c, element);
        return 0;
    }
    green_case_t me = GREEN_CASE_SEND(c, element);
    return wait_for_peer(&me, "room in a channel", deadline);
}

int green_channel_receive(green_channel_t *c, void *element, green_time deadline)
{
    green_case_t *sender = first_waiting(&c->senders);
    if (sender && UNLIKELY(green__is_foreign(sender->park)))
        return -EXDEV;
    if (c->count) {
        pop(c, element);
        if (sender)
            push(c, sender->element);
    } else if (sender) {
        copy(c, element, sender->element);
    } else if (c->closed) {
        return -EPIPE;
    } else {
        green_case_t me = GREEN_CASE_RECEIVE(c, element);
        return wait_for_peer(&me, "an element in a channel", deadline);
    }
    if (sender)
        settle(sender, 0);
    return 0;
}

/* --- beginning and end ------------------------------------------------------------------------------------------------ */

green_channel_t *green_channel_new(size_t element, size_t capacity)
{
    size_t bytes;
    if (__builtin_mul_overflow(element, capacity, &bytes) || bytes > PTRDIFF_MAX - sizeof(green_channel_t))
        return NULL;
    green_channel_t *c = malloc(sizeof *c + bytes);
    if (c)
        *c = (green_channel_t){.element = element, .capacity = capacity, .references = 1};
    return c;
}

green_channel_t *green_channel_retain(green_channel_t *c)
{
    c->references++;
    return c;
}

void green_channel_release(green_channel_t *c)
{
    if (!c || --c->references)
        return;
    if (green_channel_close(c) == 0)
        free(c); /* else somebody of another thread waits in it: better lost than pulled away */
}

static void settle_all(struct green_chain *chain)
{
    for (green_case_t *c; (c = first_waiting(chain));)
        settle(c, -EPIPE);
}

int green_channel_close(green_channel_t *c)
{
    if (others_wait(&c->senders) || others_wait(&c->receivers))
        return -EXDEV;
    c->closed = true;
    settle_all(&c->senders);
    settle_all(&c->receivers);
    return 0;
}

size_t green_channel_len(const green_channel_t *c)
{
    return c->count;
}

size_t green_channel_capacity(const green_channel_t *c)
{
    return c->capacity;
}

bool green_channel_closed(const green_channel_t *c)
{
    return c->closed;
}
