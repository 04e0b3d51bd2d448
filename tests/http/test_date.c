/* The Date text against libc's own formatting, and the cache. */
#include "suite.h"

#include "http/date.h"

START_TEST(dates_are_imf_fixdates)
{
    static const struct {
        time_t now;
        const char *text;
    } table[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},    {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    struct http_date cache = {0};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_span(http_date(&cache, table[i].now), table[i].text);
}
END_TEST

START_TEST(a_time_beyond_all_years_is_long_ago)
{
    struct http_date cache = {0};

    assert_span(http_date(&cache, INT64_MAX), "Thu, 01 Jan 1970 00:00:00 GMT");
}
END_TEST

START_TEST(dates_agree_with_strftime)
{
    struct http_date cache = {0};
    uint32_t seed = 99;

    for (int i = 0; i < 2000; i++) {
        time_t now = (time_t)next_random(&seed);
        char text[64];
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_span(http_date(&cache, now), text);
    }
}
END_TEST

START_TEST(the_text_is_cached_for_its_second)
{
    struct http_date cache = {0};
    struct span first = http_date(&cache, 1000);

    cache.text[0] = '#'; /* seen again only if nothing was formatted */
    ck_assert_int_eq(http_date(&cache, 1000).p[0], '#');
    assert_span(http_date(&cache, 1001), "Thu, 01 Jan 1970 00:16:41 GMT");
    ck_assert_ptr_eq(first.p, cache.text);
}
END_TEST

/* What a text says, or -1. */
static time_t parsed(const char *text)
{
    time_t t;
    return http_date_parse(span_str(text), 784111777, &t) ? t : -1;
}

START_TEST(the_three_forms_are_read)
{
    ck_assert_int_eq(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(parsed("Wed Nov 16 08:49:37 1994"), 784975777);
    ck_assert_int_eq(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
    ck_assert_int_eq(parsed("Saturday, 01-Jan-00 00:00:00 GMT"), 946684800); /* 2000, as seen from 1994 */
    ck_assert_int_eq(parsed("Friday, 01-Jan-44 00:00:00 GMT"), 2335219200);  /* 2044: just 50 years ahead */
    ck_assert_int_eq(parsed("Monday, 01-Jan-45 00:00:00 GMT"), -788918400);  /* 1945 */
    ck_assert_int_eq(parsed("Thu, 31 Dec 2099 23:59:60 GMT"), 4102444800);
}
END_TEST

START_TEST(whatever_was_formatted_is_read)
{
    struct http_date cache = {0};
    uint32_t seed = 5;

    for (int i = 0; i < 2000; i++) {
        time_t now = (time_t)next_random(&seed), back;
        ck_assert(http_date_parse(http_date(&cache, now), now, &back));
        ck_assert_int_eq(now, back);
    }
}
END_TEST

START_TEST(what_is_no_date)
{
    static const char *const bad[] = {
        "",
        "0",
        "Sun",
        "Sun,",
        "yesterday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(parsed(bad[i]) == -1, "%s", bad[i]);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("date");
    tcase_add_test(tc, dates_are_imf_fixdates);
    tcase_add_test(tc, a_time_beyond_all_years_is_long_ago);
    tcase_add_test(tc, dates_agree_with_strftime);
    tcase_add_test(tc, the_text_is_cached_for_its_second);
    tcase_add_test(tc, the_three_forms_are_read);
    tcase_add_test(tc, whatever_was_formatted_is_read);
    tcase_add_test(tc, what_is_no_date);
    return run_suite(tc, "http/date");
}
