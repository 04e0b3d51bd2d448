/* The environment in values. */
#include "loading.h"

#include "expand.h"

static const struct {
    const char *text, *expanded, *wrong;
} cases[] = {
    {"plain", "plain", NULL},
    {"", "", NULL},
    {"${CONF_A}", "one", NULL},
    {"x${CONF_A}y${CONF_A}z", "xoneyonez", NULL},
    {"${CONF_A:-two}", "one", NULL},
    {"${CONF_UNSET:-two}", "two", NULL},
    {"${CONF_EMPTY:-two}", "two", NULL},
    {"${CONF_EMPTY}", "", NULL},
    {"${CONF_UNSET:-}", "", NULL},
    {"${CONF_UNSET:-a:-b}", "a:-b", NULL},
    {"${CONF_DOLLAR}", "${CONF_A}", NULL}, /* once is enough */
    {"${CONF_BLANKS}", "a b", NULL},
    {"$", "$", NULL},
    {"a$b", "a$b", NULL},
    {"$$", "$", NULL},
    {"$${CONF_A}", "${CONF_A}", NULL},
    {"$$$", "$$", NULL},
    {"$$${CONF_A}", "$one", NULL},
    {"${CONF_UNSET}", NULL,
     "CONF_UNSET is not set in the environment; write ${CONF_UNSET:-default} to do without"},
    {"${CONF_A", NULL, "'${CONF_A' has no '}'"},
    {"${", NULL, "'${' has no '}'"},
    {"${}", NULL,
     "'${}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; write $$ for a plain '$'"},
    {"${uri}", NULL,
     "'${uri}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; write $$ for a plain '$'"},
    {"${1A}", NULL,
     "'${1A}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; write $$ for a plain '$'"},
    {"${A-b}", NULL,
     "'${A-b}' is not ${NAME} or ${NAME:-default} with an upper-case NAME; write $$ for a plain '$'"},
    {"${CONF_NEWLINE}", NULL, "a variable holds a control character"},
    {"${CONF_COMMENT}", NULL,
     "a value cannot hold a ';' at its start or behind a blank, where it would be a comment"},
    {";x", NULL, "a value cannot hold a ';' at its start or behind a blank, where it would be a comment"},
    {"a;x", "a;x", NULL},
};

START_TEST(values_are_expanded)
{
    struct conf_arena arena = {0};
    const char *wrong = NULL;

    setenv("CONF_A", "one", 1);
    setenv("CONF_EMPTY", "", 1);
    setenv("CONF_DOLLAR", "${CONF_A}", 1);
    setenv("CONF_BLANKS", "  a b\t ", 1);
    setenv("CONF_NEWLINE", "a\nworkers = 1", 1);
    setenv("CONF_COMMENT", "a ;b", 1);
    unsetenv("CONF_UNSET");
    const char *text = conf_expand(&arena, cases[_i].text, false, &wrong);

    if (cases[_i].expanded) {
        ck_assert_msg(text != NULL, "'%s': %s", cases[_i].text, wrong);
        ck_assert_str_eq(text, cases[_i].expanded);
    } else {
        ck_assert_ptr_null(text);
        ck_assert_str_eq(wrong, cases[_i].wrong);
    }
    conf_arena_free(&arena);
}
END_TEST

START_TEST(large_variables_fit)
{
    struct conf_arena arena = {0};
    const char *wrong = NULL;
    char *large = malloc(100001);

    ck_assert_ptr_nonnull(large);
    memset(large, 'x', 100000);
    large[100000] = 0;
    setenv("CONF_LARGE", large, 1);
    const char *text = conf_expand(&arena, "a${CONF_LARGE}b${CONF_LARGE}c", false, &wrong);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), 200003);
    ck_assert_int_eq(text[0], 'a');
    ck_assert_int_eq(text[100001], 'b');
    ck_assert_int_eq(text[200002], 'c');
    free(large);
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/expand");
    TCase *tests = tcase_create("expand");

    tcase_add_loop_test(tests, values_are_expanded, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, large_variables_fit);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
