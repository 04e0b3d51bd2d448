/* The stack census: high water by entry function. */
#include "support.h"

static green_census_entry_t entry_for(void (*fn)(void))
{
    green_census_entry_t all[64];
    size_t count = green_census_read(all, 64);
    ck_assert_uint_le(count, 64);
    for (size_t i = 0; i < count; i++)
        if (all[i].entry == fn)
            return all[i];
    return (green_census_entry_t){0};
}

__attribute__((noinline)) static void use(size_t size)
{
    volatile char *room = __builtin_alloca(size);
    room[0] = 1;
    for (size_t i = 0; i < size; i += 64)
        room[i] = 1;
}

static void *modest(void *arg)
{
    ck_assert_int_eq(green_sleep(GREEN_US(10)), 0);
    return arg;
}

static void *hungry(void *arg)
{
    use((size_t)(intptr_t)arg);
    return NULL;
}

static void detached(void *arg)
{
    use((size_t)(intptr_t)arg);
}

START_TEST(counts_by_entry)
{
    finish(spawn(hungry, (void *)40000)); /* before it is on; it leaves its traces on the stack */
    ck_assert_uint_eq(green_census_read(NULL, 0), 0);
    green_census(true);
    for (int i = 0; i < 3; i++)
        finish(spawn(modest, NULL));
    finish(spawn(hungry, (void *)10000));
    finish(spawn(hungry, (void *)30000));
    finish(spawn(hungry, (void *)20000));
    ck_assert_int_eq(green_spawn_detached(NULL, detached, (void *)5000), 0);
    yields(2);
    green_t *big;
    const green_attr_t attr = {.stack_size = 256 * 1024};
    ck_assert_int_eq(green_spawn_ex(&big, &attr, modest, NULL), 0);
    finish(big);
    green_t *never = spawn(modest, NULL);
    ck_assert_int_eq(green_kill(never, soon()), 0);
    green_release(never);
    green_census(false);
    finish(spawn(modest, NULL));

    green_census_entry_t m = entry_for((void (*)(void))modest), h = entry_for((void (*)(void))hungry),
                         d = entry_for((void (*)(void))detached), first;
    ck_assert_uint_eq(m.runs, 4);
    ck_assert_uint_eq(h.runs, 3);
    ck_assert_uint_eq(d.runs, 1);
    ck_assert_uint_ge(h.high_water, 30000);
    ck_assert_uint_ge(d.high_water, 5000);
    ck_assert_uint_gt(m.high_water, 100);
    if (!SANITIZED) {
        ck_assert_uint_le(h.high_water, 36000);
        ck_assert_uint_le(d.high_water, 10000);
        ck_assert_uint_le(m.high_water, 8000);
    }
    ck_assert_uint_eq(m.stack_size, 64 * 1024);
    ck_assert_uint_eq(green_census_read(&first, 1), 3);
    ck_assert_ptr_eq((void *)(uintptr_t)first.entry, (void *)(uintptr_t)hungry);
}
END_TEST

START_TEST(writes_a_table)
{
    char *text = NULL;
    size_t size;
    setenv("GREEN_CENSUS", "1", 1);
    finish(spawn(modest, NULL));
    FILE *out = open_memstream(&text, &size);
    green_census_write(out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "high water"));
    ck_assert_ptr_nonnull(strstr(text, "test_green_census"));
    free(text);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {counts_by_entry, 0},
        {writes_a_table, 0},
    };
    return RUN_TESTS("census", tests);
}
