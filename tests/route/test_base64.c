/* Base64, strictly: what decodes to what, and what does not. */
#include "route/base64.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static const struct {
    enum base64_alphabet alphabet;
    const char *text, *bytes; /* NULL: refused */
} cases[] = {
    {BASE64_STANDARD, "", ""},
    {BASE64_STANDARD, "Zg==", "f"},
    {BASE64_STANDARD, "Zm8=", "fo"},
    {BASE64_STANDARD, "Zm9v", "foo"},
    {BASE64_STANDARD, "Zm9vYmFy", "foobar"},
    {BASE64_STANDARD, "+/+/", "\xfb\xff\xbf"},
    {BASE64_STANDARD, "Zg", NULL},
    {BASE64_STANDARD, "Zg=", NULL},
    {BASE64_STANDARD, "Zg===", NULL},
    {BASE64_STANDARD, "Z===", NULL},
    {BASE64_STANDARD, "====", NULL},
    {BASE64_STANDARD, "Zh==", NULL}, /* bits behind the end */
    {BASE64_STANDARD, "Zm9=", NULL},
    {BASE64_STANDARD, "Zg==Zg==", NULL},
    {BASE64_STANDARD, "Zm 9", NULL},
    {BASE64_STANDARD, "-_-_", NULL},
    {BASE64_STANDARD, "Zm9\xff", NULL},
    {BASE64_URL, "", ""},
    {BASE64_URL, "Zg", "f"},
    {BASE64_URL, "Zm8", "fo"},
    {BASE64_URL, "-_-_", "\xfb\xff\xbf"},
    {BASE64_URL, "Zg==", NULL},
    {BASE64_URL, "Z", NULL},
    {BASE64_URL, "Zh", NULL},
    {BASE64_URL, "+/+/", NULL},
    {BASE64_URL, "Zm9v.", NULL},
};

START_TEST(decodes_or_refuses)
{
    char out[16];
    struct span text = span_str(cases[_i].text);
    ssize_t n = base64_decode(cases[_i].alphabet, text, out, sizeof out);
    if (!cases[_i].bytes) {
        ck_assert_int_eq(n, -EINVAL);
        return;
    }
    ck_assert_int_eq(n, (ssize_t)strlen(cases[_i].bytes));
    ck_assert_int_eq(memcmp(out, cases[_i].bytes, (size_t)n), 0);
    ck_assert_int_eq(base64_decode(cases[_i].alphabet, text, out, (size_t)n), n);
    if (n > 0)
        ck_assert_int_eq(base64_decode(cases[_i].alphabet, text, out, (size_t)n - 1), -ENOBUFS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/base64");
    TCase *tests = tcase_create("base64");
    tcase_add_loop_test(tests, decodes_or_refuses, 0, sizeof cases / sizeof cases[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
