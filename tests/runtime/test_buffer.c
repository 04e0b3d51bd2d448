/* Buffers and pipes: no two owners, the last one back comes first, and idle ones give their memory back. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/buffer.h"

#define MANY 300

static struct buffers store;

static void begin(void)
{
    buffers_init(&store);
}

static void end(void)
{
    buffers_destroy(&store);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Takes `count` buffers and writes on every byte of each. */
static void take(char **taken, int count)
{
    for (int i = 0; i < count; i++) {
        taken[i] = buffer_take(&store);
        ck_assert_ptr_nonnull(taken[i]);
        memset(taken[i], i, BUFFER_SIZE);
    }
}

static void give(char **taken, int count)
{
    for (int i = 0; i < count; i++)
        buffer_give(&store, taken[i]);
}

static bool all_are(const char *buffer, char value)
{
    return buffer[0] == value && memcmp(buffer, buffer + 1, BUFFER_SIZE - 1) == 0;
}

/* How many of the pages that lie wholly within the buffers are in memory. */
static int pages_resident(char **taken, int count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int resident = 0;
    for (int i = 0; i < count; i++) {
        uintptr_t from = ((uintptr_t)taken[i] + page - 1) / page * page;
        for (uintptr_t at = from; at + page <= (uintptr_t)taken[i] + BUFFER_SIZE; at += page) {
            unsigned char in_memory;
            ck_assert_int_eq(mincore((void *)at, page, &in_memory), 0);
            resident += in_memory & 1;
        }
    }
    return resident;
}

START_TEST(no_two_owners_share_a_byte)
{
    char *taken[MANY];
    take(taken, MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert(all_are(taken[i], (char)i));
    give(taken, MANY);
}
END_TEST

START_TEST(the_last_one_back_comes_first)
{
    char *a = buffer_take(&store), *b = buffer_take(&store);
    ck_assert_ptr_ne(a, b);
    buffer_give(&store, b);
    buffer_give(&store, a);
    ck_assert_ptr_eq(buffer_take(&store), a);
    ck_assert_ptr_eq(buffer_take(&store), b);
    buffer_give(&store, a);
    buffer_give(&store, b);
}
END_TEST

START_TEST(a_trim_frees_what_an_interval_did_not_need)
{
    char *taken[MANY];
    take(taken, MANY);
    give(taken, MANY);
    buffers_trim(&store); /* all were needed in the interval that ends here */
    int before = pages_resident(taken, MANY);
    ck_assert_int_ge(before, MANY * 3);
    char *used = buffer_take(&store);
    memset(used, 1, BUFFER_SIZE);
    buffer_give(&store, used);
    buffers_trim(&store);
    ck_assert_int_le(pages_resident(taken, MANY), 8); /* the one that was used, and edges that it shares */
    take(taken, MANY);                                /* and all can be used again */
    give(taken, MANY);
}
END_TEST

START_TEST(a_trim_leaves_what_is_in_use_alone)
{
    char *taken[MANY];
    take(taken, MANY);
    give(taken, MANY / 2);
    for (int i = 0; i < 3; i++)
        buffers_trim(&store);
    for (int i = MANY / 2; i < MANY; i++)
        ck_assert(all_are(taken[i], (char)i));
    give(taken + MANY / 2, MANY - MANY / 2);
}
END_TEST

START_TEST(memory_stays_bounded_by_what_is_in_use_at_once)
{
    char *taken[8];
    take(taken, 8);
    give(taken, 8);
    size_t slabs = store.slab_count;
    for (int i = 0; i < 10000; i++) {
        take(taken, 8);
        give(taken, 8);
    }
    ck_assert_uint_eq(store.slab_count, slabs);
}
END_TEST

START_TEST(an_empty_pipe_is_used_again)
{
    green_pipe_t a, b;
    ck_assert_int_eq(pipe_take(&store, &a), 0);
    ck_assert_uint_ge(a.capacity, 65536);
    ck_assert_uint_eq(a.held, 0);
    int read_end = a.read_end;
    pipe_give(&store, &a);
    ck_assert_int_eq(pipe_take(&store, &b), 0);
    ck_assert_int_eq(b.read_end, read_end);
    pipe_give(&store, &b);
    buffers_destroy(&store);
    ck_assert(!is_open(read_end));
}
END_TEST

START_TEST(a_pipe_that_holds_bytes_is_not_used_again)
{
    green_pipe_t pipe;
    ck_assert_int_eq(pipe_take(&store, &pipe), 0);
    ck_assert_int_eq(write(pipe.write_end, "x", 1), 1);
    pipe.held = 1;
    int read_end = pipe.read_end;
    pipe_give(&store, &pipe);
    ck_assert(!is_open(read_end));
}
END_TEST

START_TEST(idle_pipes_are_bounded_and_closed_by_a_trim)
{
    green_pipe_t pipes[100];
    int still_open = 0;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(pipe_take(&store, &pipes[i]), 0);
    for (int i = 0; i < 100; i++)
        pipe_give(&store, &pipes[i]);
    for (int i = 0; i < 100; i++)
        still_open += is_open(pipes[i].read_end);
    ck_assert_int_ge(still_open, 1);
    ck_assert_int_lt(still_open, 100);
    buffers_trim(&store); /* the interval that needed them all */
    green_pipe_t used;
    ck_assert_int_eq(pipe_take(&store, &used), 0);
    pipe_give(&store, &used);
    buffers_trim(&store); /* one that needed one */
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(is_open(pipes[i].read_end), pipes[i].read_end == used.read_end);
    buffers_trim(&store); /* one that needed none */
    ck_assert(!is_open(used.read_end));
}
END_TEST

START_TEST(running_out_of_descriptors_is_an_error_and_leaves_nothing_open)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(0);
    ck_assert_int_ge(next, 0);
    close(next);
    limit.rlim_cur = (rlim_t)next + 1; /* one more, a pipe needs two */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    green_pipe_t pipe;
    ck_assert_int_eq(pipe_take(&store, &pipe), -EMFILE);
    int same = dup(0);
    ck_assert_int_eq(same, next);
    close(same);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_two_owners_share_a_byte,
        the_last_one_back_comes_first,
        a_trim_frees_what_an_interval_did_not_need,
        a_trim_leaves_what_is_in_use_alone,
        memory_stays_bounded_by_what_is_in_use_at_once,
        an_empty_pipe_is_used_again,
        a_pipe_that_holds_bytes_is_not_used_again,
        idle_pipes_are_bounded_and_closed_by_a_trim,
        running_out_of_descriptors_is_an_error_and_leaves_nothing_open,
    };
    Suite *suite = suite_create("runtime/buffer");
    TCase *tcase = tcase_create("buffer");
    tcase_add_checked_fixture(tcase, begin, end);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
