/* The If-* fields: each alone, in the order that they are asked, and malformed. */
#include "suite.h"

#include "http/conditional.h"

#define OLDER "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME  "Sun, 06 Nov 1994 08:49:37 GMT"
#define NEWER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validators is = {.etag = {"\"v2\"", 4}, .modified = 784111777, .now = 1700000000};

static struct http_head head;

static void ask(const char *fields)
{
    static char text[2048];

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    ck_assert_int_eq(request(text, &head), 1);
}

/* What the fields come to: "go", "304" or "412". */
static const char *comes_to(const char *fields)
{
    static const char *const names[] = {"go", "304", "412"};

    ask(fields);
    return names[http_preconditions(&head, &is)];
}

START_TEST(none)
{
    ck_assert_str_eq(comes_to(""), "go");
    ck_assert_str_eq(comes_to("If: x\r\nIf-Something: \"v2\"\r\n"), "go");
}
END_TEST

START_TEST(if_none_match)
{
    ck_assert_str_eq(comes_to("If-None-Match: \"v2\"\r\n"), "304");
    ck_assert_str_eq(comes_to("if-none-match: W/\"v2\"\r\n"), "304"); /* compared weakly */
    ck_assert_str_eq(comes_to("If-None-Match: *\r\n"), "304");
    ck_assert_str_eq(comes_to("If-None-Match: \"v1\" , \"a,b\",,W/\"v2\"\r\n"), "304");
    ck_assert_str_eq(comes_to("If-None-Match: \"v1\"\r\nIf-None-Match: \"v2\"\r\n"), "304");
    ck_assert_str_eq(comes_to("If-None-Match: \"v1\"\r\n"), "go");
    ck_assert_str_eq(comes_to("If-None-Match: v2\r\n"), "go");
    ck_assert_str_eq(comes_to("If-None-Match: \"v2\r\n"), "go");
    ck_assert_str_eq(comes_to("If-None-Match: w/\"v2\"\r\n"), "go"); /* W is case-sensitive */
    ck_assert_str_eq(comes_to("If-None-Match: \"v1\" \"v2\"\r\n"), "go");
    ck_assert_str_eq(comes_to("If-None-Match: \r\n"), "go");
}
END_TEST

START_TEST(if_match)
{
    ck_assert_str_eq(comes_to("If-Match: \"v2\"\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Match: *\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Match: \"v1\", \"v2\"\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Match: \"v1\"\r\nIf-Match: \"v2\"\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Match: \"v1\"\r\n"), "412");
    ck_assert_str_eq(comes_to("If-Match: W/\"v2\"\r\n"), "412"); /* compared strongly */
    ck_assert_str_eq(comes_to("If-Match: nonsense\r\n"), "412");
    ck_assert_str_eq(comes_to("If-Match:\r\n"), "412");
}
END_TEST

START_TEST(dates)
{
    ck_assert_str_eq(comes_to("If-Modified-Since: " OLDER "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Modified-Since: " SAME "\r\n"), "304");
    ck_assert_str_eq(comes_to("If-Modified-Since: " NEWER "\r\n"), "304");
    ck_assert_str_eq(comes_to("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n"), "304");
    ck_assert_str_eq(comes_to("If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n"), "304");
    ck_assert_str_eq(comes_to("If-Modified-Since: yesterday\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Modified-Since: " SAME "\r\nIf-Modified-Since: " SAME "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Unmodified-Since: " OLDER "\r\n"), "412");
    ck_assert_str_eq(comes_to("If-Unmodified-Since: " SAME "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Unmodified-Since: " NEWER "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Unmodified-Since: tomorrow\r\n"), "go");
}
END_TEST

START_TEST(tags_rule_over_dates)
{
    ck_assert_str_eq(comes_to("If-None-Match: \"v1\"\r\nIf-Modified-Since: " SAME "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-None-Match: \"v2\"\r\nIf-Modified-Since: " OLDER "\r\n"), "304");
    ck_assert_str_eq(comes_to("If-Match: \"v2\"\r\nIf-Unmodified-Since: " OLDER "\r\n"), "go");
    ck_assert_str_eq(comes_to("If-Match: \"v1\"\r\nIf-None-Match: \"v2\"\r\n"), "412");
    ck_assert_str_eq(comes_to("If-Match: \"v2\"\r\nIf-None-Match: \"v2\"\r\n"), "304");
}
END_TEST

static bool range_holds(const char *fields)
{
    ask(fields);
    return http_if_range(&head, &is);
}

START_TEST(if_range)
{
    ck_assert(range_holds(""));
    ck_assert(range_holds("If-Range: \"v2\"\r\n"));
    ck_assert(range_holds("If-Range: " SAME "\r\n"));
    ck_assert(!range_holds("If-Range: \"v1\"\r\n"));
    ck_assert(!range_holds("If-Range: W/\"v2\"\r\n"));
    ck_assert(!range_holds("If-Range: \"v1\", \"v2\"\r\n"));
    ck_assert(!range_holds("If-Range: *\r\n"));
    ck_assert(!range_holds("If-Range: " OLDER "\r\n"));
    ck_assert(!range_holds("If-Range: " NEWER "\r\n"));
    ck_assert(!range_holds("If-Range: \"v2\"\r\nIf-Range: \"v2\"\r\n"));
    ck_assert(!range_holds("If-Range:\r\n"));
}
END_TEST

START_TEST(a_date_of_just_now_is_too_weak_for_a_range)
{
    struct http_validators fresh = is;

    ask("If-Range: " SAME "\r\n");
    fresh.now = fresh.modified;
    ck_assert(!http_if_range(&head, &fresh));
    fresh.now = fresh.modified + 2;
    ck_assert(http_if_range(&head, &fresh));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("conditional");

    tcase_add_test(tests, none);
    tcase_add_test(tests, if_none_match);
    tcase_add_test(tests, if_match);
    tcase_add_test(tests, dates);
    tcase_add_test(tests, tags_rule_over_dates);
    tcase_add_test(tests, if_range);
    tcase_add_test(tests, a_date_of_just_now_is_too_weak_for_a_range);
    return run_suite(tests, "http/conditional");
}
