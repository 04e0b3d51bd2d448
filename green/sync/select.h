/*
 * Select: sends to and receives from several channels, of which exactly one happens.
 *
 *     green_case_t cases[] = {
 *         GREEN_CASE_RECEIVE(requests, &request),
 *         GREEN_CASE_SEND(answers, &answer),
 *     };
 *     switch (green_select(cases, 2, 0, GREEN_FOREVER)) {
 *     case 0: ... // cases[0].result: 0, or -EPIPE when `requests` is closed and empty
 *     case 1: ...
 *     }
 *
 * The default branch of other languages is GREEN_NOWAIT with its -EAGAIN; their timer channel is the deadline.
 */
#ifndef GREEN_SYNC_SELECT_H
#define GREEN_SYNC_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "../core/chain.h"
#include "../core/error.h"
#include "../core/park.h"
#include "../core/time.h"
#include "channel.h"

typedef struct green_case {
    green_channel_t *channel; /* NULL: this case never happens */
    void *element;            /* what is sent, or where what is received goes */
    enum green_direction { GREEN_SEND, GREEN_RECEIVE } direction;
    int result;             /* of the case that happened: 0 or -EPIPE */
    struct green_node node; /* private, like all that follows */
    green_park_t *park;
    int index;
} green_case_t;

#define GREEN_CASE_SEND(to, from)                                                                            \
    {                                                                                                        \
        .channel = (to), .element = (void *)(uintptr_t)(from), .direction = GREEN_SEND                       \
    }
#define GREEN_CASE_RECEIVE(from, into)                                                                       \
    {                                                                                                        \
        .channel = (from), .element = (into), .direction = GREEN_RECEIVE                                     \
    }

#define GREEN_SELECT_FIRST 1u /* of the cases that could happen take the first in order, not any of them */

/* Waits until one of the cases can happen and lets it: its index; its `result` says how it went (a case of a closed
 * channel happens, with -EPIPE). If several can, chance decides, each with the same probability, unless the flags say
 * otherwise. On an error none has happened. A channel may occur several times, for both directions too: a select never
 * meets itself. -EINVAL: unknown flags or direction, or more than INT_MAX cases. The cases are the caller's, may be used
 * again, and must stay where they are meanwhile. May switch; not with GREEN_NOWAIT. */
int green_select(green_case_t *cases, size_t count, unsigned flags, green_time deadline) GREEN_MUST_CHECK;

#endif
