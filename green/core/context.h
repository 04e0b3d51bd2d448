/* A switch as the rest of libgreen makes it: the raw one, with the sanitizers told of it. Private to libgreen. */
#ifndef GREEN_CORE_CONTEXT_H
#define GREEN_CORE_CONTEXT_H

#include "sanitize.h"
#include "switch.h"

/* The first thing to do on a stack that was just switched to. */
static inline void green__context_arrived(struct context *self)
{
    (void)self;
#ifdef GREEN_ASAN
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#endif
}

/* `from` is left and `to` goes on. from_ends: nothing will ever come back to `from`. */
static inline void green__switch_context(struct context *from, struct context *to, bool from_ends)
{
    (void)from_ends;
#ifdef GREEN_ASAN
    __sanitizer_start_switch_fiber(from_ends ? NULL : &from->fake_stack, to->stack_low, to->stack_size);
#endif
#ifdef GREEN_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
    if (green__tsan_deaf && !to->deaf) {
        to->deaf = true;
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
#endif
    green__switch(&from->sp, to->sp);
    green__context_arrived(from);
}

#endif
