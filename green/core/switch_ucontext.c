/* The switch for CPUs without an assembly version, by ucontext(3): correct everywhere, slow (it saves the signal
 * mask with a system call each time). */
#include "switch.h"

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#define START_SIZE 8192 /* makecontext wants a size; only the top of it matters */

void green__switch(void **save, void *to)
{
    ucontext_t here;
    here.uc_stack = (stack_t){0}; /* sanitizers look at it, getcontext does not set it */
    *save = &here;
    swapcontext(&here, to);
}

/* makecontext passes ints only: the pointers travel in halves. */
static void start(unsigned entry_high, unsigned entry_low, unsigned arg_high, unsigned arg_low)
{
    uintptr_t entry = (uintptr_t)((uint64_t)entry_high << 32 | entry_low);
    uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);
    ((void (*)(void *))entry)((void *)arg);
}

void *green__switch_init(void *green__stack_top, void (*entry)(void *), void *arg)
{
    uintptr_t top = ((uintptr_t)green__stack_top - sizeof(ucontext_t)) & ~(uintptr_t)63;
    ucontext_t *context = (ucontext_t *)top;
    uint64_t e = (uintptr_t)entry, a = (uintptr_t)arg;
    getcontext(context);
    context->uc_stack.ss_sp = (void *)(top - START_SIZE);
    context->uc_stack.ss_size = START_SIZE;
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))start, 4, (unsigned)(e >> 32), (unsigned)e, (unsigned)(a >> 32),
                (unsigned)a);
    return context;
}
