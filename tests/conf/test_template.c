/* Templates are taken apart, and what is wrong with one is said so that it can be put right. */
#include "conf.h"
#include "loading.h"

static struct conf_arena arena;

static const char *parse(const char *text, unsigned scope, struct conf_template *t)
{
    *t = (struct conf_template){NULL, 0};
    return conf_template_parse(&arena, text, scope, t);
}

static void release(void)
{
    conf_arena_free(&arena);
}

START_TEST(text_and_variables_take_turns)
{
    struct conf_template t;

    ck_assert_ptr_null(parse("https://${host}:8443${uri}", 0, &t));
    ck_assert_uint_eq(t.count, 4);
    ck_assert_int_eq(t.parts[0].variable, CONF_V_TEXT);
    ck_assert_str_eq(t.parts[0].text, "https://");
    ck_assert_uint_eq(t.parts[0].length, 8);
    ck_assert_int_eq(t.parts[1].variable, CONF_V_HOST);
    ck_assert_str_eq(t.parts[2].text, ":8443");
    ck_assert_int_eq(t.parts[3].variable, CONF_V_URI);
}
END_TEST

START_TEST(variables_may_have_names)
{
    struct conf_template t;

    ck_assert_ptr_null(parse("${header:X-Foo}${cookie:a_b}${query:a b}", 0, &t));
    ck_assert_uint_eq(t.count, 3);
    ck_assert_int_eq(t.parts[0].variable, CONF_V_HEADER_NAMED);
    ck_assert_str_eq(t.parts[0].text, "X-Foo");
    ck_assert_uint_eq(t.parts[0].length, 5);
    ck_assert_int_eq(t.parts[1].variable, CONF_V_COOKIE_NAMED);
    ck_assert_str_eq(t.parts[1].text, "a_b");
    ck_assert_int_eq(t.parts[2].variable, CONF_V_QUERY_NAMED);
    ck_assert_str_eq(t.parts[2].text, "a b");
}
END_TEST

START_TEST(dollars_stand_for_themselves)
{
    struct conf_template t;

    ck_assert_ptr_null(parse("a$$b $5 $", 0, &t));
    ck_assert_uint_eq(t.count, 1);
    ck_assert_str_eq(t.parts[0].text, "a$b $5 $");
    ck_assert_ptr_null(parse("$${host}", 0, &t));
    ck_assert_uint_eq(t.count, 1);
    ck_assert_str_eq(t.parts[0].text, "${host}");
    ck_assert_ptr_null(parse("", 0, &t));
    ck_assert_uint_eq(t.count, 0);
}
END_TEST

START_TEST(captures_count_where_there_are_some)
{
    struct conf_template t;

    ck_assert_ptr_null(parse("/a/$1$$1", CONF_KNOWS_CAPTURES, &t));
    ck_assert_uint_eq(t.count, 3);
    ck_assert_int_eq(t.parts[1].variable, CONF_V_CAPTURE);
    ck_assert_uint_eq(t.parts[1].number, 1);
    ck_assert_str_eq(t.parts[2].text, "$1");
}
END_TEST

static const struct {
    const char *text;
    unsigned scope;
    const char *wrong;
} bad[] = {
    {"${hots}", 0, "has ${hots}, which is no variable; did you mean ${host}?"},
    {"x ${heeder:X-A}", 0, "has ${heeder:X-A}, which is no variable; did you mean ${header:X-A}?"},
    {"${}", ~0u, NULL},
    {"${path.10}", 0, "has ${path.10}; a group is one digit: ${path.1}"},
    {"${path.x}", 0, "has ${path.x}; a group is one digit: ${path.1}"},
    {"${path.}", 0, "has ${path.}; a group is one digit: ${path.1}"},
    {"${host", 0, "has a '${' without its '}'"},
    {"${host ", 0, "has a '${' without its '}'"},
    {"${host:x}", 0, "has ${host:x}, which is written ${host}"},
    {"${header}", 0, "has ${header}, which is written ${header:NAME}"},
    {"${query:}", 0, "has ${query:}, which names nothing behind its ':'"},
    {"${header:a b}", 0, "has ${header:a b}, and 'a b' has a character that no such name has"},
    {"${cookie:a;b}", 0, "has ${cookie:a;b}, and 'a;b' has a character that no such name has"},
    {"${status}", 0, "has ${status}, which is not known here: there is no answer yet"},
    {"${server}", CONF_KNOWS_STATUS, "has ${server}, which is not known here: no server has been chosen yet"},
};

START_TEST(what_is_wrong_is_said)
{
    struct conf_template t;
    const char *wrong = parse(bad[_i].text, bad[_i].scope, &t);

    ck_assert_msg(wrong != NULL, "'%s' is taken", bad[_i].text);
    if (bad[_i].wrong)
        ck_assert_str_eq(wrong, bad[_i].wrong);
    else /* nothing is near: all that there are */
        ck_assert_msg(strstr(wrong, "there are ${method}, ${scheme}, ") && strstr(wrong, "${cookie:NAME}"),
                      "%s", wrong);
}
END_TEST

START_TEST(there_is_a_limit)
{
    char text[CONF_TEMPLATE_PARTS * 9 + 9];
    struct conf_template t;
    size_t n = 0;

    for (int i = 0; i < CONF_TEMPLATE_PARTS; i++)
        n += (size_t)sprintf(text + n, "${path}");
    ck_assert_ptr_null(parse(text, 0, &t));
    ck_assert_uint_eq(t.count, CONF_TEMPLATE_PARTS);
    strcpy(text + n, "x");
    ck_assert_ptr_nonnull(parse(text, 0, &t));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/template");
    TCase *tests = tcase_create("template");

    tcase_add_checked_fixture(tests, NULL, release);
    tcase_add_test(tests, text_and_variables_take_turns);
    tcase_add_test(tests, variables_may_have_names);
    tcase_add_test(tests, dollars_stand_for_themselves);
    tcase_add_test(tests, captures_count_where_there_are_some);
    tcase_add_loop_test(tests, what_is_wrong_is_said, 0, sizeof bad / sizeof bad[0]);
    tcase_add_test(tests, there_is_a_limit);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
