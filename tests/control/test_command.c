/* Lines of the control socket taken apart. */
#include "control/command.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct control_command command;
static char line[CONTROL_LINE_BYTES + 1];

static const char *parse(const char *text, size_t n)
{
    memcpy(line, text, n);
    line[n] = '\n';
    return control_parse(line, n, &command);
}

#define PARSE(text) parse(text, sizeof(text) - 1)

START_TEST(words)
{
    ck_assert_ptr_null(PARSE("  drain\tapp  10.0.0.1:80 \r"));
    ck_assert_int_eq(command.count, 3);
    ck_assert_str_eq(command.words[0], "drain");
    ck_assert_str_eq(command.words[1], "app");
    ck_assert_str_eq(command.words[2], "10.0.0.1:80");
    ck_assert_ptr_null(command.words[3]);
    ck_assert(!command.json);
}
END_TEST

START_TEST(json_stands_in_front_once)
{
    ck_assert_ptr_null(PARSE("json status"));
    ck_assert(command.json);
    ck_assert_int_eq(command.count, 1);
    ck_assert_str_eq(command.words[0], "status");
    ck_assert_ptr_null(PARSE("json json x"));
    ck_assert_int_eq(command.count, 2);
    ck_assert_str_eq(command.words[0], "json");
    ck_assert_ptr_null(PARSE("jsonstatus"));
    ck_assert(!command.json);
    ck_assert_ptr_null(PARSE("status json"));
    ck_assert(!command.json);
    ck_assert_int_eq(command.count, 2);
    ck_assert_ptr_nonnull(PARSE("json"));
    ck_assert(command.json);
    ck_assert_int_eq(command.count, 0);
}
END_TEST

START_TEST(nothing)
{
    static const char *const blank[] = {"", "\r", " ", "\t \r"};
    for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++) {
        ck_assert_ptr_null(parse(blank[i], strlen(blank[i])));
        ck_assert_int_eq(command.count, 0);
    }
}
END_TEST

START_TEST(what_is_refused)
{
    ck_assert_ptr_nonnull(PARSE("sta\0tus"));
    ck_assert_int_eq(command.count, 0);
    ck_assert_ptr_nonnull(PARSE("sta\x1btus"));
    ck_assert_ptr_nonnull(PARSE("status\x7f"));
    ck_assert_ptr_nonnull(PARSE("sta\rtus"));
    ck_assert_ptr_nonnull(PARSE("json sta\x01tus"));
    ck_assert(command.json);
    ck_assert_ptr_null(PARSE("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"));
    ck_assert_int_eq(command.count, CONTROL_WORDS);
    ck_assert_ptr_nonnull(PARSE("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"));
    ck_assert_int_eq(command.count, 0);
}
END_TEST

START_TEST(numbers)
{
    unsigned long long n;
    ck_assert(control_number("1", 1, 256, &n) && n == 1);
    ck_assert(control_number("0256", 1, 256, &n) && n == 256);
    ck_assert(control_number("18446744073709551615", 0, ~0ULL, &n) && n == ~0ULL);
    static const char *const wrong[] = {"",   "0",  "257", "-1",   "+1",
                                        " 1", "1 ", "1.0", "0x10", "9999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!control_number(wrong[i], 1, 256, &n), "%s", wrong[i]);
    ck_assert(!control_number("18446744073709551616", 0, ~0ULL, &n));
    ck_assert(!control_number("9", 0, 5, &n));
}
END_TEST

START_TEST(options)
{
    ck_assert_str_eq(control_option("limit=10", "limit"), "10");
    ck_assert_str_eq(control_option("limit=", "limit"), "");
    ck_assert_ptr_null(control_option("limits=10", "limit"));
    ck_assert_ptr_null(control_option("limit", "limit"));
    ck_assert_ptr_null(control_option("", "limit"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control/command");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, words);
    tcase_add_test(tests, json_stands_in_front_once);
    tcase_add_test(tests, nothing);
    tcase_add_test(tests, what_is_refused);
    tcase_add_test(tests, numbers);
    tcase_add_test(tests, options);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
