/* Conversations with child processes: all of the input in, all of the output out, resumed and bounded. */
#include "children.h"

#include <sys/stat.h>

#define MEGABYTE ((size_t)1024 * 1024)

static char *noise(size_t size)
{
    char *data = malloc(size);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 251);
    return data;
}

/* Case 122. */
START_TEST(a_megabyte_both_ways)
{
    int status = -1;
    char *data = noise(MEGABYTE);
    green_communication_t c = {.input = data, .input_size = MEGABYTE};
    ck_assert_int_eq(
        green_capture(&(green_process_options_t){.shell = "tee /dev/stderr", .err = {GREEN_STDIO_PIPE, 0}},
                      &c, &status, soon()),
        0);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(c.input_done, MEGABYTE);
    ck_assert_uint_eq(c.out_size, MEGABYTE);
    ck_assert_uint_eq(c.err_size, MEGABYTE);
    ck_assert_int_eq(memcmp(c.out, data, MEGABYTE), 0);
    ck_assert_int_eq(memcmp(c.err, data, MEGABYTE), 0);
    ck_assert_int_eq(c.out[c.out_size], 0);
    green_communication_free(&c);
    free(data);
}
END_TEST

/* Case 122. */
START_TEST(a_conversation_goes_on_after_a_timeout)
{
    char folder[] = "/tmp/green-process-XXXXXX", command[256], fifo[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/go", folder);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    /* Says a word, waits until it may, then copies its input. */
    snprintf(command, sizeof command, "echo first; read line < %s; cat; exit 4", fifo);
    char *data = noise(MEGABYTE);
    green_communication_t c = {.input = data, .input_size = MEGABYTE};
    green_process_t *p = start(&(green_process_options_t){
        .shell = command, .in = {GREEN_STDIO_PIPE, 0}, .out = {GREEN_STDIO_PIPE, 0}});
    do {
        ck_assert_int_eq(green_process_communicate(p, &c, green_in_ms(20)), -ETIMEDOUT);
        ck_assert_uint_lt(c.input_done, MEGABYTE); /* the pipe holds less */
    } while (c.out_size < 6);
    ck_assert_str_eq(c.out, "first\n");
    ck_assert_int_eq(green_process_communicate(p, &c, GREEN_NOWAIT), -EAGAIN);
    int go = open(fifo, O_WRONLY);
    ck_assert_int_eq((int)write(go, "\n", 1), 1);
    close(go);
    ck_assert_int_eq(green_process_communicate(p, &c, soon()), 0);
    ck_assert_uint_eq(c.out_size, MEGABYTE + 6);
    ck_assert_int_eq(memcmp(c.out + 6, data, MEGABYTE), 0);
    ck_assert_int_eq(WEXITSTATUS(end_of(p)), 4);
    ck_assert_int_eq(green_process_communicate(p, &c, soon()), 0); /* nothing left to do */
    green_process_close(p);
    green_communication_free(&c);
    free(data);
    unlink(fifo);
    rmdir(folder);
}
END_TEST

struct conversation {
    green_process_t *process;
    green_communication_t c;
    int result;
};

static void *converse(void *arg)
{
    struct conversation *v = arg;
    v->result = green_process_communicate(v->process, &v->c, GREEN_FOREVER);
    return NULL;
}

START_TEST(a_conversation_is_cancelled_or_closed)
{
    for (int closed = 0; closed < 2; closed++) {
        struct conversation v = {.process = start(&(green_process_options_t){
                                     .shell = "echo x; exec sleep 1000", .out = {GREEN_STDIO_PIPE, 0}})};
        green_t *g = spawn(converse, &v);
        while (!v.c.out_size)
            ck_assert_int_eq(green_sleep(GREEN_MS(1)), 0);
        green_communication_t other = {0};
        ck_assert_int_eq(green_process_communicate(v.process, &other, soon()), -EBUSY);
        green_process_kill(v.process, SIGKILL);
        if (closed)
            green_process_close(v.process);
        else
            ck_assert_int_eq(green_cancel(g), 0);
        finish(g);
        ck_assert_int_eq(v.result, closed ? -EBADF : -ECANCELED);
        ck_assert_str_eq(v.c.out, "x\n");
        if (!closed) {
            end_of(v.process);
            green_process_close(v.process);
        }
        green_communication_free(&v.c);
    }
}
END_TEST

START_TEST(a_child_may_ignore_its_input)
{
    int status;
    char *data = noise(MEGABYTE);
    green_communication_t c = {.input = data, .input_size = MEGABYTE};
    ck_assert_int_eq(green_capture(&(green_process_options_t){.shell = "echo enough"}, &c, &status, soon()),
                     0);
    ck_assert_uint_lt(c.input_done, MEGABYTE);
    ck_assert_str_eq(c.out, "enough\n");
    green_communication_free(&c);
    free(data);
}
END_TEST

START_TEST(too_much_output)
{
    int status;
    green_communication_t c = {.limit = 1000};
    ck_assert_int_eq(
        green_capture(&(green_process_options_t){.shell = "exec cat /dev/zero"}, &c, &status, soon()),
        -EMSGSIZE);
    ck_assert_uint_eq(c.out_size, 1000);
    green_communication_free(&c);
    c = (green_communication_t){.limit = 5}; /* as much as allowed is not too much */
    ck_assert_int_eq(green_capture(&(green_process_options_t){.shell = "printf 12345"}, &c, &status, soon()),
                     0);
    ck_assert_str_eq(c.out, "12345");
    green_communication_free(&c);
    no_children_left();
}
END_TEST

/* Case 122. */
START_TEST(what_takes_too_long_is_killed)
{
    int status, before = open_descriptors();
    green_communication_t c = {0};
    ck_assert_int_eq(
        green_capture(&(green_process_options_t){.shell = "exec sleep 1000"}, &c, &status, green_in_ms(20)),
        -ETIMEDOUT);
    ck_assert_int_eq(
        green_run_process(&(green_process_options_t){.shell = "exec sleep 1000"}, &status, green_in_ms(20)),
        -ETIMEDOUT);
    ck_assert_int_eq(green_run_process(&(green_process_options_t){.shell = "exit 9"}, &status, soon()), 0);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    green_communication_free(&c);
    no_children_left();
    ck_assert_int_le(open_descriptors(), before + 8); /* the hub's own */
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_megabyte_both_ways, 0},
        {a_conversation_goes_on_after_a_timeout, 0},
        {a_conversation_is_cancelled_or_closed, 0},
        {a_child_may_ignore_its_input, 0},
        {too_much_output, 0},
        {what_takes_too_long_is_killed, 0},
    };
    return RUN_TESTS("communicate", tests);
}
