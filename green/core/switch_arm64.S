/* AArch64 AAPCS. A saved stack holds, from its pointer up: x19-x30 and d8-d15, 160 bytes. */

        .text
        .globl  green__switch
        .hidden green__switch
        .type   green__switch, %function
        .p2align 4
green__switch:
        .cfi_startproc
        sub     sp, sp, #160
        .cfi_adjust_cfa_offset 160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        .cfi_restore x29
        .cfi_restore x30
        add     sp, sp, #160
        .cfi_adjust_cfa_offset -160
        br      x30
        .cfi_endproc
        .size   green__switch, . - green__switch

/* The first frame of every stack: x19 is the entry function, x20 its argument. Backtraces end here. */
        .type   switch_start, %function
        .p2align 4
switch_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   switch_start, . - switch_start

/* void *green__switch_init(void *green__stack_top, void (*entry)(void *), void *arg) */
        .globl  green__switch_init
        .hidden green__switch_init
        .type   green__switch_init, %function
        .p2align 4
green__switch_init:
        .cfi_startproc
        and     x0, x0, #-16
        sub     x0, x0, #160
        adrp    x9, switch_start
        add     x9, x9, :lo12:switch_start
        stp     x1, x2, [x0, #0]        /* x19, x20 */
        stp     xzr, x9, [x0, #80]      /* x29, x30 */
        ret
        .cfi_endproc
        .size   green__switch_init, . - green__switch_init

        .section .note.GNU-stack, "", %progbits
