/* x86-64 System V: how a stack begins. The switch itself is inline assembly (switch.h). */

        .text

/* The first frame of every stack: on it lie the entry function and its argument. Backtraces end here. Not a call, for
 * nothing ever returns to it, and the processor's return predictor would wait for that: the next return on the stack that
 * follows this one would be mispredicted. */
        .type   switch_start, @function
        .p2align 4
switch_start:
        .cfi_startproc
        .cfi_undefined rip
        popq    %rax
        popq    %rdi
        leaq    1f(%rip), %rcx
        pushq   %rcx
        jmpq    *%rax
1:      ud2
        .cfi_endproc
        .size   switch_start, . - switch_start

/* void *green__switch_init(void *green__stack_top, void (*entry)(void *), void *arg) */
        .globl  green__switch_init
        .hidden green__switch_init
        .type   green__switch_init, @function
        .p2align 4
green__switch_init:
        .cfi_startproc
        andq    $-16, %rdi
        leaq    -32(%rdi), %rax         /* four words; the stack is 16-byte aligned where the call is made */
        leaq    switch_start(%rip), %rcx
        xorl    %r8d, %r8d
        movq    %r8, 0(%rax)            /* rbp: ends frame pointer chains */
        movq    %rcx, 8(%rax)           /* where to go on */
        movq    %rsi, 16(%rax)
        movq    %rdx, 24(%rax)
        ret
        .cfi_endproc
        .size   green__switch_init, . - green__switch_init

        .section .note.GNU-stack, "", @progbits
