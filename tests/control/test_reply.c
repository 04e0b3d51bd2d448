/* Answers as text: names and values, tables, and nothing that steers a terminal. */
#include "control/reply.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *printed;

/* The text of an object that is given as JSON. */
static const char *print(const char *json)
{
    size_t size;
    json_t *object = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &size);
    ck_assert_int_eq(reply_print(out, object), 0);
    ck_assert_int_eq(fclose(out), 0);
    json_decref(object);
    return printed;
}

START_TEST(values)
{
    ck_assert_str_eq(print("{\"a\":1,\"b\":1.5,\"c\":\"text\",\"d\":true,\"e\":null,\"f\":\"\"}"),
                     "a: 1\nb: 1.500\nc: text\nd: yes\ne: -\nf: -\n");
    ck_assert_str_eq(print("{}"), "done\n");
}
END_TEST

START_TEST(lists)
{
    ck_assert_str_eq(print("{\"lines\":[\"one\",\"two\"],\"none\":[]}"), "one\ntwo\nnone: none\n");
}
END_TEST

START_TEST(tables_have_columns)
{
    ck_assert_str_eq(print("{\"rows\":[{\"name\":\"a\",\"count\":5,\"last\":\"x\"},"
                           "{\"name\":\"longer\",\"count\":1234567,\"last\":null}]}"),
                     "name      count  last\n"
                     "a             5  x\n"
                     "longer  1234567  -\n");
    ck_assert_str_eq(
        print("{\"rows\":[{\"n\":\"\\u00e4\\u00e4\\u00e4\",\"x\":1},{\"n\":\"abc\",\"x\":2},{\"n\":\"z\"}]}"),
        "n    x\n\xc3\xa4\xc3\xa4\xc3\xa4  1\nabc  2\nz    -\n");
}
END_TEST

START_TEST(nothing_steers_the_terminal)
{
    ck_assert_str_eq(print("{\"a\":\"\\u001b[31m\\n\\u007f\\u009bx\"}"), "a: \\x1b[31m\\x0a\\x7f\\x9bx\n");
    char json[4096], *at = json + sprintf(json, "{\"a\":\"");
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "\xc3\xa4");
    strcpy(at, "\"}");
    size_t n = strlen(print(json));
    ck_assert_uint_lt(n, REPLY_CELL_BYTES + 8);
    ck_assert_int_eq((n - strlen("a: \n")) % 2, 0);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    json_t *good = reply_text(SPAN("caf\xc3\xa9")), *bad = reply_text(SPAN("a\xff\xc3z"));
    json_t *none = reply_text(span_of(NULL, 0));
    ck_assert_str_eq(json_string_value(good), "caf\xc3\xa9");
    ck_assert_str_eq(json_string_value(bad), "a\\xff\\xc3z");
    ck_assert_str_eq(json_string_value(none), "");
    json_decref(good);
    json_decref(bad);
    json_decref(none);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control/reply");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, values);
    tcase_add_test(tests, lists);
    tcase_add_test(tests, tables_have_columns);
    tcase_add_test(tests, nothing_steers_the_terminal);
    tcase_add_test(tests, bytes_that_are_no_text);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    free(printed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
