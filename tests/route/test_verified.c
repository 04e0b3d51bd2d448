/* What is remembered, for how long, and what makes room for what; and passwords themselves. */
#include "route/password.h"
#include "route/verified.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static int released;

static void release(void *value)
{
    released++;
    free(value);
}

static struct verified_key key_of(struct verified *v, const char *a, const char *b)
{
    struct span parts[] = {span_str(a), span_str(b)};
    struct verified_key key;
    ck_assert(verified_key(v, parts, 2, &key));
    return key;
}

START_TEST(an_entry_lives_until_it_expires)
{
    struct verified *v = verified_new(release);
    struct verified_key key = key_of(v, "a", "b"), other = key_of(v, "a", "c");
    ck_assert_ptr_null(verified_find(v, &key, 1));
    void *value = malloc(1);
    verified_add(v, &key, value, 10);
    ck_assert_ptr_eq(verified_find(v, &key, 9), value);
    ck_assert_ptr_null(verified_find(v, &other, 9));
    ck_assert_int_eq(released, 0);
    ck_assert_ptr_null(verified_find(v, &key, 10));
    ck_assert_int_eq(released, 1);
    verified_free(v);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(the_borders_of_parts_count)
{
    struct verified *v = verified_new(NULL), *w = verified_new(NULL);
    struct verified_key one = key_of(v, "ab", "c"), two = key_of(v, "a", "bc"), again = key_of(v, "ab", "c"),
                        elsewhere = key_of(w, "ab", "c");
    ck_assert_int_ne(memcmp(&one, &two, sizeof one), 0);
    ck_assert_int_eq(memcmp(&one, &again, sizeof one), 0);
    ck_assert_int_ne(memcmp(&one, &elsewhere, sizeof one), 0); /* each table has a secret of its own */
    verified_free(v);
    verified_free(w);
}
END_TEST

START_TEST(there_are_never_more_than_so_many)
{
    struct verified *v = verified_new(release);
    int kept = 0, added = 5 * VERIFIED_ENTRIES;
    for (int i = 0; i < added; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        struct verified_key key = key_of(v, text, "");
        verified_add(v, &key, malloc(1), 1000 + i);
        ck_assert_ptr_nonnull(verified_find(v, &key, 0)); /* the newest is always there */
    }
    kept = added - released;
    ck_assert_int_gt(kept, VERIFIED_ENTRIES / 2);
    ck_assert_int_le(kept, VERIFIED_ENTRIES);
    verified_free(v);
    ck_assert_int_eq(released, added);
}
END_TEST

START_TEST(the_same_entry_again_takes_its_own_place)
{
    struct verified *v = verified_new(release);
    struct verified_key key = key_of(v, "a", "");
    verified_add(v, &key, malloc(1), 10);
    verified_add(v, &key, malloc(1), 20);
    ck_assert_int_eq(released, 1);
    ck_assert_ptr_nonnull(verified_find(v, &key, 15));
    verified_free(v);
    ck_assert_int_eq(released, 2);
}
END_TEST

START_TEST(a_password_matches_its_hash_alone)
{
    char hash[PASSWORD_HASH], other[PASSWORD_HASH];
    ck_assert_int_eq(password_hash("geheim", hash), 0);
    ck_assert_int_eq(password_hash("geheim", other), 0);
    ck_assert_str_ne(hash, other);
    ck_assert(password_matches("geheim", hash));
    ck_assert(password_matches("geheim", other));
    ck_assert(!password_matches("geheim ", hash));
    ck_assert(!password_matches("", hash));
    hash[strlen(hash) - 1] ^= 1;
    ck_assert(!password_matches("geheim", hash));
    ck_assert(!password_matches("geheim", "*0"));
    ck_assert(!password_matches("geheim", ""));
    ck_assert(!password_matches("geheim", "geheim"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/verified");
    TCase *tests = tcase_create("verified");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_entry_lives_until_it_expires);
    tcase_add_test(tests, the_borders_of_parts_count);
    tcase_add_test(tests, there_are_never_more_than_so_many);
    tcase_add_test(tests, the_same_entry_again_takes_its_own_place);
    tcase_add_test(tests, a_password_matches_its_hash_alone);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
