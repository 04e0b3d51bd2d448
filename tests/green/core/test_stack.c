/* Stacks: guards, the cache, memory given back, and the report of an overflow. */
#include "support.h"

#include <signal.h>
#include <sys/mman.h>

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void touch(const struct stack *s)
{
    memset(s->low + page(), 1, s->size - page());
}

/* How many pages of the stack are in memory. */
static size_t resident_pages(const struct stack *s)
{
    size_t pages = s->size / page(), count = 0;
    unsigned char *vector = calloc(pages, 1);
    ck_assert_int_eq(mincore(s->low + page(), s->size - page(), vector), 0);
    for (size_t i = 0; i < pages - 1; i++)
        count += vector[i] & 1;
    free(vector);
    return count;
}

START_TEST(mapped_writable_and_aligned)
{
    static const size_t sizes[] = {STACK_SIZE_MIN, STACK_SIZE_DEFAULT, 1024 * 1024};
    struct stack s;
    ck_assert_int_eq(green__stack_map(&s, sizes[_i]), 0);
    ck_assert_uint_eq(s.size, sizes[_i] + page());
    ck_assert_uint_eq((uintptr_t)s.low % page(), 0);
    touch(&s);
    green__stack_unmap(&s);
    ck_assert_ptr_null(s.low);
}
END_TEST

static void write_into_guard(void)
{
    struct stack s;
    if (green__stack_map(&s, STACK_SIZE_DEFAULT) == 0)
        *(volatile char *)(s.low + page() - 1) = 1;
}

START_TEST(the_page_below_is_guarded)
{
    char text[4096];
    int status = in_child(write_into_guard, text, sizeof text);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

START_TEST(the_last_one_back_is_the_first_one_out)
{
    struct stack_cache cache = {0};
    struct stack a, b, s;
    ck_assert_int_eq(stack_take(&cache, &a), 0);
    ck_assert_int_eq(stack_take(&cache, &b), 0);
    char *low_a = a.low, *low_b = b.low;
    stack_give(&cache, &a);
    stack_give(&cache, &b);
    ck_assert_uint_eq(cache.count, 2);
    ck_assert_int_eq(stack_take(&cache, &s), 0);
    ck_assert_ptr_eq(s.low, low_b);
    ck_assert_int_eq(stack_take(&cache, &a), 0);
    ck_assert_ptr_eq(a.low, low_a);
    stack_give(&cache, &a);
    stack_give(&cache, &s);
    green__stack_cache_destroy(&cache);
    ck_assert_uint_eq(cache.count, 0);
}
END_TEST

START_TEST(other_sizes_are_not_kept)
{
    struct stack_cache cache = {0};
    struct stack s;
    ck_assert_int_eq(green__stack_map(&s, 2 * STACK_SIZE_DEFAULT), 0);
    ck_assert_uint_eq(s.size, 2 * STACK_SIZE_DEFAULT + page());
    stack_give(&cache, &s);
    ck_assert_uint_eq(cache.count, 0);
    green__stack_cache_destroy(&cache);
}
END_TEST

START_TEST(trimming_gives_unused_memory_back)
{
    enum { COUNT = 10, USED = 3 };
    struct stack_cache cache = {0};
    struct stack stacks[COUNT], copies[COUNT];
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(stack_take(&cache, &stacks[i]), 0);
        touch(&stacks[i]);
        copies[i] = stacks[i];
    }
    for (int i = 0; i < COUNT; i++)
        stack_give(&cache, &stacks[i]);
    green__stack_trim(&cache, 0); /* all were used since the last time, which never was */
    for (int i = 0; i < USED; i++)
        ck_assert_int_eq(stack_take(&cache, &stacks[i]), 0);
    for (int i = USED; i-- > 0;)
        stack_give(&cache, &stacks[i]);
    green__stack_trim(&cache, 0);
    for (int i = 0; i < COUNT; i++) {
        if (i < COUNT - USED)
            ck_assert_uint_eq(resident_pages(&copies[i]), 0);
        else
            ck_assert_uint_eq(resident_pages(&copies[i]), STACK_SIZE_DEFAULT / page());
    }
    green__stack_trim(&cache, 0); /* and now none was used */
    for (int i = 0; i < COUNT; i++)
        ck_assert_uint_eq(resident_pages(&copies[i]), 0);
    ck_assert_uint_eq(cache.count, COUNT); /* the addresses stay */
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(stack_take(&cache, &stacks[i]), 0);
        touch(&stacks[i]);
    }
    for (int i = 0; i < COUNT; i++)
        stack_give(&cache, &stacks[i]);
    green__stack_cache_destroy(&cache);
}
END_TEST

START_TEST(a_reserve_does_not_cool_warm_stacks)
{
    struct stack_cache cache = {0};
    struct stack warm, s;
    ck_assert_int_eq(stack_take(&cache, &warm), 0);
    char *low = warm.low;
    stack_give(&cache, &warm);
    ck_assert_int_eq(green__stack_reserve(&cache, 100), 0);
    ck_assert_uint_eq(cache.count, 100);
    ck_assert_int_eq(green__stack_reserve(&cache, 50), 0); /* there are enough */
    ck_assert_uint_eq(cache.count, 100);
    ck_assert_int_eq(stack_take(&cache, &s), 0);
    ck_assert_ptr_eq(s.low, low);
    stack_give(&cache, &s);
    for (size_t i = 0; i < cache.count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_ptr_ne(cache.stacks[i].low, cache.stacks[j].low);
    green__stack_cache_destroy(&cache);
}
END_TEST

START_TEST(an_excess_is_unmapped_in_time)
{
    size_t many = 5000;
    struct stack_cache cache = {0};
    struct stack s;
    ck_assert_int_eq(green__stack_reserve(&cache, many), 0);
    green__stack_trim(&cache, many); /* all are promised */
    ck_assert_uint_eq(cache.count, many);
    green__stack_trim(&cache, 0);
    ck_assert_uint_lt(cache.count, many);
    ck_assert_uint_gt(cache.count, 0);
    while (cache.count) { /* the rest are whole */
        ck_assert_int_eq(stack_take(&cache, &s), 0);
        s.low[s.size - 1] = 1;
        green__stack_unmap(&s);
    }
    green__stack_cache_destroy(&cache);
}
END_TEST

START_TEST(stacks_begin_at_different_lines)
{
    struct stack s[64];
    size_t offsets = 0;
    bool seen[4096] = {false};
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(green__stack_map(&s[i], STACK_SIZE_DEFAULT), 0);
        size_t below = (size_t)(s[i].low + s[i].size - green__stack_top(&s[i]));
        ck_assert_uint_lt(below, sizeof seen);
        ck_assert_uint_eq((uintptr_t)green__stack_top(&s[i]) % 16, 0);
        offsets += !seen[below];
        seen[below] = true;
    }
    ck_assert_uint_gt(offsets, 8);
    for (int i = 0; i < 64; i++)
        green__stack_unmap(&s[i]);
}
END_TEST

static void *pass_gate(void *arg)
{
    ck_assert_int_eq(gate_wait(arg, GREEN_FOREVER), 0);
    return NULL;
}

START_TEST(an_idle_hub_gives_stacks_back)
{
    enum { COUNT = 200 };
    struct gate gate;
    green_t *g[COUNT];
    gate_init(&gate);
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_nonnull(g[i] = green_spawn(pass_gate, &gate));
    ck_assert_int_eq(green_yield(), 0);
    struct stack first = g[0]->stack;
    ck_assert_uint_gt(resident_pages(&first), 0);
    for (int i = 0; i < COUNT; i++)
        gate_open(&gate);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(green_join(g[i], soon()), 0);
        green_release(g[i]);
    }
    for (int i = 0; i < 300 && resident_pages(&first); i++)
        ck_assert_int_eq(green_sleep(GREEN_MS(100)), 0);
    ck_assert_uint_eq(resident_pages(&first), 0);
}
END_TEST

/* --- overflow
 * ------------------------------------------------------------------------------------------------------ */

__attribute__((noinline)) static int dig(int depth)
{
    volatile char block[512];
    block[0] = (char)depth;
    return depth < 0 ? 0 : dig(depth + 1) + block[0];
}

static void *overflow(void *arg)
{
    return (void *)(intptr_t)dig(*(int *)arg);
}

static const char *overflow_name;

static void overflow_in_greenlet(void)
{
    int depth = 1;
    green_t *g;
    green_attr_t attr = {.name = overflow_name};
    if (green_spawn_ex(&g, &attr, overflow, &depth) == 0)
        (void)green_join(g, GREEN_FOREVER);
}

/* Case 32. */
START_TEST(an_overflow_names_the_greenlet)
{
    if (SANITIZED)
        return;
    char text[4096], endless[1000];
    memset(endless, 'n', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    overflow_name = _i == 0 ? "digger" : endless;
    int status = in_child(overflow_in_greenlet, text, sizeof text);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV); /* it still crashes: a core file shows where */
    ck_assert_ptr_nonnull(strstr(text, "stack overflow in greenlet"));
    if (_i == 0)
        ck_assert_ptr_nonnull(strstr(text, "\"digger\" (64 KiB)"));
    else
        ck_assert_uint_le(strlen(text), 256);
}
END_TEST

static void *null_pointer(void *arg)
{
    int *volatile nowhere = NULL;
    return (void *)(intptr_t)*nowhere;
}

static void crash_in_greenlet(void)
{
    green_t *g = green_spawn(null_pointer, NULL);
    if (g)
        (void)green_join(g, GREEN_FOREVER);
}

START_TEST(another_crash_is_not_called_an_overflow)
{
    if (SANITIZED)
        return;
    char text[4096];
    int status = in_child(crash_in_greenlet, text, sizeof text);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_str_eq(text, "");
}
END_TEST

static int mappings(void)
{
    int lines = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(f);
    for (int c; (c = fgetc(f)) != EOF;)
        lines += c == '\n';
    fclose(f);
    return lines;
}

/* The system allows 65530 mappings; a stack with its guard must not cost more than two. */
START_TEST(stacks_cost_few_mappings)
{
    if (SANITIZED)
        return;
    enum { COUNT = 1000 };
    static struct stack stacks[COUNT];
    int before = mappings();
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(green__stack_map(&stacks[i], STACK_SIZE_DEFAULT), 0);
    ck_assert_int_le(mappings() - before, 2 * COUNT + 10);
    for (int i = 0; i < COUNT; i++)
        green__stack_unmap(&stacks[i]);
    ck_assert_int_le(mappings(), before + 10);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {mapped_writable_and_aligned, 3},
        {the_page_below_is_guarded, 0},
        {the_last_one_back_is_the_first_one_out, 0},
        {other_sizes_are_not_kept, 0},
        {trimming_gives_unused_memory_back, 0},
        {a_reserve_does_not_cool_warm_stacks, 0},
        {an_excess_is_unmapped_in_time, 0},
        {stacks_begin_at_different_lines, 0},
        {an_idle_hub_gives_stacks_back, 0},
        {an_overflow_names_the_greenlet, 2},
        {another_crash_is_not_called_an_overflow, 0},
        {stacks_cost_few_mappings, 0},
    };
    return RUN_TESTS("stack", tests);
}
