/* Drawing by weight. */
#include "groups.h"

#include "upstream/alias.h"

static void draw(const uint32_t *weights, size_t n, size_t draws, size_t *counts)
{
    struct alias a;
    ck_assert_int_eq(alias_init(&a, n), 0);
    alias_fill(&a, weights, n);
    for (uint64_t i = 0; i < draws; i++)
        counts[alias_draw(&a, HASH(i))]++;
    alias_destroy(&a);
}

START_TEST(any_weights_can_be_drawn_by)
{
    enum { N = 97 };
    uint32_t weights[N];
    size_t counts[N] = {0};
    int64_t expected[N];
    for (int i = 0; i < N; i++)
        expected[i] = weights[i] = i % 7 == 3 ? 0 : (uint32_t)(HASH(i) % 256) + 1;
    draw(weights, N, 1000000, counts);
    assert_by_chance(counts, expected, N);
}
END_TEST

START_TEST(few_weights)
{
    size_t counts[3] = {0};
    draw((const uint32_t[]){5, 3, 2}, 3, 100000, counts);
    assert_by_chance(counts, (const int64_t[]){5, 3, 2}, 3);
}
END_TEST

START_TEST(one_alone)
{
    size_t counts[4] = {0};
    draw((const uint32_t[]){0, 0, 9, 0}, 4, 1000, counts);
    ck_assert_uint_eq(counts[2], 1000);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("alias");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, any_weights_can_be_drawn_by);
    tcase_add_test(tc, few_weights);
    tcase_add_test(tc, one_alone);
    return run_suite(tc, "upstream/alias");
}
