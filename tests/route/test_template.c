/* Templates filled in: what variables bring is harmless wherever it goes. */
#include "route/template.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "http/fields.h"

static struct conf_arena arena;
static struct buffers buffers;
static struct memory memory;
static struct span brought; /* by every variable */

static void begin(void)
{
    buffers_init(&buffers);
    memory_init(&memory, &buffers);
}

static void end(void)
{
    memory_release(&memory);
    buffers_destroy(&buffers);
    conf_arena_free(&arena);
}

static int bring(void *context, const struct conf_part *part, struct span *value)
{
    ck_assert_ptr_eq(context, &arena);
    *value = brought;
    return 0;
}

static int fill(const char *text, enum template_place place, struct span *out)
{
    struct conf_template t;
    const char *wrong = conf_template_parse(&arena, text, CONF_KNOWS_CAPTURES, &t);
    ck_assert_msg(!wrong, "'%s' %s", text, wrong);
    return template_fill(&t, place, bring, &arena, &memory, out);
}

static void gives(const char *text, enum template_place place, struct span value, const char *expected)
{
    struct span out;
    brought = value;
    ck_assert_int_eq(fill(text, place, &out), 0);
    ck_assert_msg(span_equal(out, span_str(expected)), "'%s' gives '%.*s', not '%s'", text, (int)out.n, out.p,
                  expected);
}

START_TEST(a_field_stays_one_field)
{
    gives("a ${method} b", TEMPLATE_FIELD, SPAN("GET"), "a GET b");
    gives("${query:x}", TEMPLATE_FIELD, SPAN("1\r\nX-Evil: 2"), "1??X-Evil: 2");
    gives("x${query:x}", TEMPLATE_FIELD, SPAN("\0\x7f\x01\t\xc3\xa4"), "x???\t\xc3\xa4");
    gives("${query:x}", TEMPLATE_FIELD, SPAN(" a "), "a");
    gives("${query:x}", TEMPLATE_FIELD, SPAN(" \t"), "");
    gives(" ${query:x} ", TEMPLATE_FIELD, SPAN(""), "");
}
END_TEST

START_TEST(a_uri_stays_one_uri)
{
    gives("https://a${uri}", TEMPLATE_URI, SPAN("/b?c=%20&d=[]"), "https://a/b?c=%20&d=[]");
    gives("/x${uri}", TEMPLATE_URI, SPAN("/\xff \"<>\\^`{|}"), "/x/%FF%20%22%3C%3E%5C%5E%60%7B%7C%7D");
    gives("/x?y=${header:z}", TEMPLATE_URI, SPAN("a&b=c/d?e#f%20\r\n"),
          "/x?y=a%26b%3Dc%2Fd%3Fe%23f%2520%0D%0A");
    gives("/$1", TEMPLATE_URI, SPAN("a/b%20c"), "/a/b%20c");
}
END_TEST

START_TEST(markup_stays_text)
{
    gives("<b>${query:x}</b>", TEMPLATE_HTML, SPAN("<i a='\"'>&"),
          "<b>&lt;i a=&#39;&quot;&#39;&gt;&amp;</b>");
    gives("{\"x\":\"${query:x}\"}", TEMPLATE_JSON, SPAN("\"\\\n</b>\x7f"),
          "{\"x\":\"\\\"\\\\\\u000a\\u003c/b>\\u007f\"}");
    gives("${query:x}!", TEMPLATE_TEXT, SPAN("<\r\n>"), "<\r\n>!");
}
END_TEST

START_TEST(what_needs_no_memory_takes_none)
{
    gives("just text", TEMPLATE_FIELD, SPAN(""), "just text");
    gives("${method}", TEMPLATE_FIELD, SPAN("GET"), "GET");
    gives("", TEMPLATE_FIELD, SPAN("GET"), "");
    gives("${method}${method}", TEMPLATE_URI, SPAN(""), "");
    ck_assert_uint_eq(memory.count, 0);
}
END_TEST

START_TEST(length_has_a_limit)
{
    struct span out;
    char *large = malloc(MEMORY_MOST);

    ck_assert_ptr_nonnull(large);
    memset(large, 'a', MEMORY_MOST);
    brought = span_of(large, MEMORY_MOST);
    ck_assert_int_eq(fill("${query:x}", TEMPLATE_URI, &out), 0);
    ck_assert_uint_eq(out.n, MEMORY_MOST);
    ck_assert_int_eq(fill("${query:x}b", TEMPLATE_URI, &out), -EMSGSIZE);
    large[7] = '<';
    ck_assert_int_eq(fill("${query:x}", TEMPLATE_HTML, &out), -EMSGSIZE);
    free(large);
}
END_TEST

static int refuse(void *context, const struct conf_part *part, struct span *value)
{
    return -ENOMEM;
}

START_TEST(a_variable_may_fail)
{
    struct conf_template t;
    struct span out;

    ck_assert_ptr_null(conf_template_parse(&arena, "a${host}", 0, &t));
    ck_assert_int_eq(template_fill(&t, TEMPLATE_FIELD, refuse, NULL, &memory, &out), -ENOMEM);
    ck_assert_uint_eq(out.n, 0);
}
END_TEST

START_TEST(queries_are_decoded)
{
    static const struct {
        const char *text, *decoded;
    } all[] = {{"a", "a"},   {"", ""},           {"a+b%41", "a bA"}, {"%", "%"},
               {"%4", "%4"}, {"%zz%2", "%zz%2"}, {"%2f%2F", "//"}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct span out;
        ck_assert_int_eq(template_decode(span_str(all[i].text), &memory, &out), 0);
        ck_assert_msg(span_equal(out, span_str(all[i].decoded)), "'%s' gives '%.*s'", all[i].text, (int)out.n,
                      out.p);
    }
}
END_TEST

/* The configuration refuses rules about the very fields that the message code wants nobody to edit. */
START_TEST(both_layers_reserve_the_same_fields)
{
    static const char *const known[] = {
#define NAME(id, name, rule) name,
        HTTP_KNOWN_FIELDS(NAME)
#undef NAME
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_msg(conf_header_reserved(known[i]) != http_field_editable(span_str(known[i])), "%s",
                      known[i]);
    ck_assert(!conf_header_reserved("X-Anything"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/template");
    TCase *tests = tcase_create("template");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_field_stays_one_field);
    tcase_add_test(tests, a_uri_stays_one_uri);
    tcase_add_test(tests, markup_stays_text);
    tcase_add_test(tests, what_needs_no_memory_takes_none);
    tcase_add_test(tests, length_has_a_limit);
    tcase_add_test(tests, a_variable_may_fail);
    tcase_add_test(tests, queries_are_decoded);
    tcase_add_test(tests, both_layers_reserve_the_same_fields);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
