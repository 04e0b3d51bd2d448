/* Regular expressions: what is found, what is refused, and that no search takes long. */
#include "loading.h"

#include "regexp.h"

#include <errno.h>
#include <pthread.h>

static struct conf_arena arena;

static const struct conf_regex *compiled(const char *pattern)
{
    const struct conf_regex *regex = NULL;
    const char *wrong = conf_regex_parse(&arena, pattern, &regex);

    ck_assert_msg(!wrong, "'%s' %s", pattern, wrong);
    return regex;
}

static void release(void)
{
    conf_arena_free(&arena);
}

static const struct {
    const char *pattern, *text;
    int found;
} searches[] = {
    {"b", "abc", 1},       {"^b", "abc", 0},           {"^abc$", "abc", 1},
    {"^abc$", "abc\n", 0},                                                 /* $ is the very end */
    {"B", "abc", 0},       {"(?i)B", "abc", 1},        {"^.$", "\xff", 1}, /* bytes, not characters */
    {"^$", "", 1},         {"(?<=a)b(?=c)", "abc", 1}, {"^(?:a|b){2,3}$", "abab", 0},
};

START_TEST(texts_are_searched)
{
    ck_assert_int_eq(
        conf_regex_find(compiled(searches[_i].pattern), searches[_i].text, strlen(searches[_i].text), NULL),
        searches[_i].found);
}
END_TEST

START_TEST(a_nul_is_a_byte)
{
    ck_assert_int_eq(conf_regex_find(compiled("^a.b$"), "a\0b", 3, NULL), 1);
}
END_TEST

START_TEST(groups_are_told)
{
    struct conf_capture found[CONF_CAPTURES];
    const struct conf_regex *regex = compiled("/(a)?(b+)()/(c)?");

    ck_assert_uint_eq(conf_regex_groups(regex), 4);
    ck_assert_int_eq(conf_regex_find(regex, "x/bbb/", 6, found), 1);
    ck_assert_uint_eq(found[0].from, 1);
    ck_assert_uint_eq(found[0].to, 6);
    ck_assert_uint_eq(found[1].to - found[1].from, 0); /* took no part */
    ck_assert_uint_eq(found[2].from, 2);
    ck_assert_uint_eq(found[2].to, 5);
    for (int i = 3; i < CONF_CAPTURES; i++)
        ck_assert_uint_eq(found[i].to - found[i].from, 0);
}
END_TEST

START_TEST(more_groups_than_are_kept)
{
    struct conf_capture found[CONF_CAPTURES];
    const struct conf_regex *regex = compiled("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)");

    ck_assert_uint_eq(conf_regex_groups(regex), 12);
    ck_assert_int_eq(conf_regex_find(regex, "abcdefghijkl", 12, found), 1);
    for (size_t i = 1; i < CONF_CAPTURES; i++) {
        ck_assert_uint_eq(found[i].from, i - 1);
        ck_assert_uint_eq(found[i].to, i);
    }
}
END_TEST

static const struct {
    const char *pattern, *part;
} mistakes[] = {
    {"a(", "missing closing parenthesis"},  {"[z-a]", "range out of order"},
    {"*a", "quantifier does not follow"},   {"(*UTF)x", "UTF is disabled"},
    {"(?<n>a)(?<n>b)", "same name"},        {"(?=a\\Kb)", "not allowed in lookarounds"},
    {"", "is an empty regular expression"},
};

START_TEST(mistakes_are_told)
{
    const struct conf_regex *regex;
    const char *wrong = conf_regex_parse(&arena, mistakes[_i].pattern, &regex);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, mistakes[_i].part) != NULL, "%s", wrong);
}
END_TEST

/* Texts that make a backtracking search try everything: each is over within its limit, which one second is far above. */
static const char *const greedy[] = {
    "(a+)+$",
    "^(a+)+$",
    "(a|aa)+$",
    "^(a|aa)+$",
    "(a*)*b",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)*[bc]x",
    "^(.*)(.*)(.*)(.*)(.*)[bc]x",
    "(?:a?){50}a{50}[bc]",
    "^(\\w+\\s?)*$",
    "[a-z]*[a-z]*[a-z]*[bc]x",
    "(?R)?a",
};

START_TEST(no_search_takes_long)
{
    static char text[65536];
    const struct conf_regex *regex = compiled(greedy[_i]);

    memset(text, 'a', sizeof(text));
    for (size_t n = 16; n <= sizeof(text); n *= 4) {
        text[n - 1] = '!';
        int r = conf_regex_find(regex, text, n, NULL);

        ck_assert_msg(r == 0 || r == 1 || r == -E2BIG, "%d", r);
        text[n - 1] = 'a';
    }
    text[4095] = '!';
    if (!strcmp(greedy[_i], "^(a+)+$")) /* there is a limit, and it was reached */
        ck_assert_int_eq(conf_regex_find(regex, text, 4096, NULL), -E2BIG);
    ck_assert_int_eq(conf_regex_find(compiled("^a+$"), text, 4095, NULL),
                     1); /* and the next search is well */
}
END_TEST

static void *search(void *regex)
{
    for (int i = 0; i < 2000; i++)
        if (conf_regex_find(regex, "xxabcxx", 7, NULL) != 1)
            return NULL;
    return regex;
}

START_TEST(threads_share_an_expression)
{
    const struct conf_regex *regex = compiled("a(b)c");
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, search, (void *)(uintptr_t)regex), 0);
    for (int i = 0; i < 4; i++) {
        void *result;

        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, regex);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/regex");
    TCase *tests = tcase_create("regex");

    tcase_add_checked_fixture(tests, NULL, release);
    tcase_add_loop_test(tests, texts_are_searched, 0, sizeof(searches) / sizeof(searches[0]));
    tcase_add_test(tests, a_nul_is_a_byte);
    tcase_add_test(tests, groups_are_told);
    tcase_add_test(tests, more_groups_than_are_kept);
    tcase_add_loop_test(tests, mistakes_are_told, 0, sizeof(mistakes) / sizeof(mistakes[0]));
    tcase_add_loop_test(tests, no_search_takes_long, 0, sizeof(greedy) / sizeof(greedy[0]));
    tcase_add_test(tests, threads_share_an_expression);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
