/* x86-64 System V. A saved stack holds, from its pointer up: r15 r14 r13 r12 rbx rbp and the address to go on at. */

        .text
        .globl  green__switch
        .hidden green__switch
        .type   green__switch, @function
        .p2align 4
green__switch:
        .cfi_startproc
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        /* A jump, not ret: the return predictor holds the other stack's callers. */
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmp     *%rcx
        .cfi_endproc
        .size   green__switch, . - green__switch

/* The first frame of every stack: r12 is the entry function, r13 its argument. Backtraces end here. */
        .type   switch_start, @function
        .p2align 4
switch_start:
        .cfi_startproc
        .cfi_undefined rip
        movq    %r13, %rdi
        callq   *%r12
        ud2
        .cfi_endproc
        .size   switch_start, . - switch_start

/* void *green__switch_init(void *stack_top, void (*entry)(void *), void *arg) */
        .globl  green__switch_init
        .hidden green__switch_init
        .type   green__switch_init, @function
        .p2align 4
green__switch_init:
        .cfi_startproc
        andq    $-16, %rdi
        leaq    -72(%rdi), %rax         /* seven words; the stack is 16-byte aligned where the call is made */
        leaq    switch_start(%rip), %rcx
        xorl    %r8d, %r8d
        movq    %r8, 0(%rax)            /* r15 */
        movq    %r8, 8(%rax)            /* r14 */
        movq    %rdx, 16(%rax)          /* r13 */
        movq    %rsi, 24(%rax)          /* r12 */
        movq    %r8, 32(%rax)           /* rbx */
        movq    %r8, 40(%rax)           /* rbp: ends frame pointer chains */
        movq    %rcx, 48(%rax)
        ret
        .cfi_endproc
        .size   green__switch_init, . - green__switch_init

        .section .note.GNU-stack, "", @progbits
