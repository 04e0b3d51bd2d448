/* Select: look whether one of the cases can happen; if not, leave all of them with their channels and wait. */
#include "channel_case.h"

/* A number below n, each as likely; xorshift is chance enough for being fair. */
static uint32_t below(uint32_t n)
{
    static __thread uint32_t state = 2463534242;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (uint32_t)(((uint64_t)state * n) >> 32);
}

/* One of those that can happen; NULL if none can. The k-th replaces the one chosen before with probability 1/k, which
 * makes all of them equally likely. */
static green_case_t *choose(green_case_t *cases, size_t count, unsigned flags)
{
    green_case_t *chosen = NULL;
    uint32_t ready = 0;
    for (green_case_t *c = cases; c < cases + count; c++) {
        if (!c->channel || !green__case_ready(c))
            continue;
        if (flags & GREEN_SELECT_FIRST)
            return c;
        if (++ready == 1 || below(ready) == 0)
            chosen = c;
    }
    return chosen;
}

/* It can happen, so this does not wait. */
static int carry_out(green_case_t *c, green_time deadline)
{
    int r = c->direction == GREEN_SEND ? green_channel_send(c->channel, c->element, deadline)
                                       : green_channel_receive(c->channel, c->element, deadline);
    if (r < 0 && r != -EPIPE)
        return r;
    c->result = r;
    return c->index;
}

static int wait_for_one(green_case_t *cases, size_t count, green_time deadline)
{
    green_park_t park = GREEN_PARK_INIT;
    int r = 0;
    for (green_case_t *c = cases; r == 0 && c < cases + count; c++)
        if (c->channel)
            r = green__case_enlist(c, &park);
    if (r == 0) {
        green__waits_for("one of several channels", cases);
        r = green_park(&park, deadline);
    }
    for (green_case_t *c = cases; c < cases + count; c++)
        chain_remove(&c->node);
    return r;
}

int green_select(green_case_t *cases, size_t count, unsigned flags, green_time deadline)
{
    if (count > INT_MAX || (flags & ~GREEN_SELECT_FIRST))
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (cases[i].direction != GREEN_SEND && cases[i].direction != GREEN_RECEIVE)
            return -EINVAL;
        cases[i].node.chain = NULL;
        cases[i].index = (int)i;
    }
    green_case_t *ready = choose(cases, count, flags);
    if (ready)
        return carry_out(ready, deadline);
    if (deadline <= GREEN_NOWAIT)
        return -EAGAIN;
    return wait_for_one(cases, count, deadline);
}
