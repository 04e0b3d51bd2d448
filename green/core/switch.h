/*
 * The raw switch between two stacks: the callee-saved registers, the stack pointer and where to go on, nothing else.
 * The floating point control words are not saved (they are the thread's): a greenlet that changes the rounding mode
 * changes it back before it waits. Private to libgreen.
 */
#ifndef GREEN_CORE_SWITCH_H
#define GREEN_CORE_SWITCH_H

#ifndef GREEN_INTERNAL
#error "private to libgreen: include <green.h>"
#endif

/* Prepares a new stack (green__stack_top is its high end) so that the first switch to the returned pointer calls
 * entry(arg), which must never return. */
void *green__switch_init(void *green__stack_top, void (*entry)(void *), void *arg);

#if defined(GREEN_SWITCH_INLINE) && defined(__x86_64__)

#ifdef __AVX512F__
#define SWITCH_MORE_REGISTERS                                                                                \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26",     \
        "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define SWITCH_MORE_REGISTERS
#endif

/* Saves where we are in *save and goes on at `to`. A saved stack holds, from its pointer up: rbp, and the address to go
 * on at; of the other registers the compiler saves those that it needs here. Neither call nor return: they would leave
 * the processor's return predictor with the addresses of the other stack, and mispredict all the way up. */
static inline __attribute__((always_inline)) void green__switch(void **save, void *to)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t" /* what leaf functions keep below their stack pointer */
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "pushq %%rbp\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq %1, %%rsp\n\t"
                     "popq %%rbp\n\t"
                     "popq %%rax\n\t"
                     "jmpq *%%rax\n"
                     "1:\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(save), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15" SWITCH_MORE_REGISTERS, "cc",
                       "memory");
}

#else

/* Saves where we are in *save and goes on at `to`. */
void green__switch(void **save, void *to);

#endif
#endif
