/* What the tests of child processes share. */
#ifndef TESTS_GREEN_OS_CHILDREN_H
#define TESTS_GREEN_OS_CHILDREN_H

#include "support.h"

#include <signal.h>

static inline green_process_t *start(const green_process_options_t *o)
{
    green_process_t *p = NULL;
    ck_assert_int_eq(green_process_spawn(&p, o), 0);
    ck_assert_ptr_nonnull(p);
    return p;
}

static inline green_process_t *start_shell(const char *command)
{
    return start(&(green_process_options_t){.shell = command});
}

static inline int end_of(green_process_t *p)
{
    int status = -1;
    ck_assert_int_eq(green_process_wait(p, &status, soon()), 0);
    return status;
}

static inline void no_children_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* What a command writes to its stdout, without the newline at the end. */
static inline void capture(const green_process_options_t *o, char *text, size_t size)
{
    green_communication_t c = {0};
    int status = -1;
    ck_assert_int_eq(green_capture(o, &c, &status, soon()), 0);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_lt(c.out_size, size);
    memcpy(text, c.out ? c.out : "", c.out_size + 1);
    if (c.out_size && text[c.out_size - 1] == '\n')
        text[c.out_size - 1] = 0;
    green_communication_free(&c);
}

#endif
