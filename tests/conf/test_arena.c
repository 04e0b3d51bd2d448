/* The arena: what it hands out does not overlap, and running out of memory jumps. */
#include "loading.h"

#include "arena.h"

#include <stdint.h>

static bool all(const unsigned char *memory, size_t n, size_t value)
{
    while (n && memory[n - 1] == value)
        n--;
    return n == 0;
}

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    struct conf_arena arena = {0};
    unsigned char *parts[500];

    for (size_t i = 0; i < 500; i++) {
        parts[i] = conf_arena_alloc(&arena, i * 37 + 1);
        ck_assert_uint_eq((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
        ck_assert(all(parts[i], i * 37 + 1, 0));
        memset(parts[i], (int)(i & 255), i * 37 + 1);
    }
    for (size_t i = 0; i < 500; i++)
        ck_assert(all(parts[i], i * 37 + 1, i & 255));
    conf_arena_free(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(arrays_grow)
{
    struct conf_arena arena = {0};
    int *array = NULL;

    for (int i = 0; i < 1000; i++) {
        array = conf_arena_extend(&arena, array, (size_t)i, sizeof(*array));
        ck_assert_int_eq(array[i], 0);
        array[i] = i + 1;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(array[i], i + 1);
    conf_arena_free(&arena);
}
END_TEST

START_TEST(text_is_copied_and_printed)
{
    struct conf_arena arena = {0};

    ck_assert_str_eq(conf_arena_copy(&arena, "abcdef", 3), "abc");
    ck_assert_str_eq(conf_arena_copy(&arena, NULL, 0), "");
    ck_assert_str_eq(conf_arena_print(&arena, "%d-%s", 7, "x"), "7-x");
    ck_assert_uint_eq(strlen(conf_arena_print(&arena, "%50000d", 1)), 50000);
    conf_arena_free(&arena);
}
END_TEST

START_TEST(running_out_of_memory_jumps)
{
    struct conf_arena arena = {0};
    jmp_buf out_of_memory;

    arena.out_of_memory = &out_of_memory;
    if (!setjmp(out_of_memory)) {
        conf_arena_alloc(&arena, SIZE_MAX - 4);
        ck_abort_msg("an impossible size was given");
    }
    if (!setjmp(out_of_memory)) {
        conf_arena_extend(&arena, NULL, (size_t)1 << 62, 64);
        ck_abort_msg("an impossible array was given");
    }
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/arena");
    TCase *tests = tcase_create("arena");

    tcase_add_test(tests, memory_is_zeroed_aligned_and_apart);
    tcase_add_test(tests, arrays_grow);
    tcase_add_test(tests, text_is_copied_and_printed);
    tcase_add_test(tests, running_out_of_memory_jumps);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
