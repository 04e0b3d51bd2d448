/* The raw switch between two stacks: callee-saved registers and the stack pointer, nothing else. The floating point
 * control words are not saved (they are the thread's): a greenlet that changes the rounding mode changes it back
 * before it waits. Private to libgreen. */
#ifndef GREEN_CORE_SWITCH_H
#define GREEN_CORE_SWITCH_H

#ifndef GREEN_INTERNAL
#error "private to libgreen: include <green.h>"
#endif

/* Saves where we are in *save and goes on at `to`. */
void green__switch(void **save, void *to);

/* Prepares a new stack (stack_top is its high end) so that the first switch to the returned pointer calls
 * entry(arg), which must never return. */
void *green__switch_init(void *stack_top, void (*entry)(void *), void *arg);

#endif
