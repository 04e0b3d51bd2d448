/* What a file gives away of the safe defaults is told, once. */
#include "loading.h"

#define APP "[upstream app]\nserver = a:80\n"
#define WEB "[listener web]\nbind = :80\nupstream = app\n"

static void weakens(const char *text, const char *expected)
{
    struct conf *c = load(text);
    char *told = NULL;
    size_t n = 0, lines = 0;
    FILE *out = open_memstream(&told, &n);

    ck_assert_ptr_nonnull(out);
    size_t count = conf_print_weakened(out, c);

    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(told, expected);
    for (const char *p = told; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(count, lines);
    free(told);
    conf_free(c);
}

START_TEST(defaults_and_stricter_values_weaken_nothing)
{
    weakens(WEB APP, "");
    weakens(
        "[timeouts]\ntimeout_head = 1m\ntimeout_tunnel = 1d\nmin_rate = 1\n[limits]\nmax_body = 0\n" WEB APP,
        "");
}
END_TEST

START_TEST(weaker_values_are_told)
{
    weakens(
        WEB
        "min_rate = 0\ntimeout_head = 61s\n[route r]\nhost = a\nupstream = app\ntimeout_response = 2h\n" APP
        "timeout_response = 90m\n",
        "t:5: timeout_head = 61s in place of 10s: a client may hold a connection so long without ever "
        "completing a "
        "request\n"
        "t:4: min_rate = 0/s in place of 240: a client may send its body a byte at a time and hold a "
        "connection for "
        "ever\n"
        "t:9: timeout_response = 2h in place of 30s: a server that hangs holds up requests so long\n"
        "t:12: timeout_response = 90m in place of 30s: a server that hangs holds up requests so long\n");
}
END_TEST

START_TEST(choices_other_than_the_safe_one)
{
    weakens("[greenway]\nsandbox = on\n" WEB APP, "");
    weakens("[greenway]\nsandbox = off\n" WEB APP, "t:2: sandbox = off in place of on: whoever finds a hole "
                                                   "in the program may do whatever its user may\n");
}
END_TEST

START_TEST(an_inherited_value_is_told_once)
{
    weakens(
        "[timeouts]\ntimeout_write = 11m\n" WEB
        "[listener x]\nbind = :81\nupstream = app\ntimeout_write = 12m\n"
        "[listener y]\nbind = :82\nupstream = app\n" APP,
        "t:2: timeout_write = 11m in place of 30s: a peer that stopped reading holds its connection so long\n"
        "t:9: timeout_write = 12m in place of 30s: a peer that stopped reading holds its connection so "
        "long\n");
    /* Nobody inherits it: it weakens nothing. */
    weakens("[timeouts]\ntimeout_head = 11m\n" WEB "timeout_head = 1s\n" APP, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/weakened");
    TCase *tests = tcase_create("weakened");

    tcase_add_test(tests, choices_other_than_the_safe_one);
    tcase_add_test(tests, defaults_and_stricter_values_weaken_nothing);
    tcase_add_test(tests, weaker_values_are_told);
    tcase_add_test(tests, an_inherited_value_is_told_once);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
