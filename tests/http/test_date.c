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

int main(void)
{
    TCase *tc = tcase_create("date");
    tcase_add_test(tc, dates_are_imf_fixdates);
    tcase_add_test(tc, a_time_beyond_all_years_is_long_ago);
    tcase_add_test(tc, dates_agree_with_strftime);
    tcase_add_test(tc, the_text_is_cached_for_its_second);
    return run_suite(tc, "http/date");
}
