/* The Range field: what is obeyed, merged, ignored and refused, and that nothing it says leads out of the file. */
#include "suite.h"

#include <errno.h>

#include "http/range.h"

/* The ranges as "first+length ...", or "ignored", or "unsatisfiable". */
static const char *ranges(const char *value, uint64_t size)
{
    static char text[2048];
    struct http_ranges r;
    int count = http_ranges_parse(span_str(value), size, &r);
    size_t n = 0;

    if (count <= 0)
        return count == 0 ? "ignored" : "unsatisfiable";
    ck_assert_int_eq(count, r.count);
    text[0] = 0;
    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu+%llu", i ? " " : "",
                              (unsigned long long)r.list[i].first, (unsigned long long)r.list[i].length);
    return text;
}

START_TEST(one_range)
{
    ck_assert_str_eq(ranges("bytes=0-499", 10000), "0+500");
    ck_assert_str_eq(ranges("bytes=500-999", 10000), "500+500");
    ck_assert_str_eq(ranges("bytes=-500", 10000), "9500+500");
    ck_assert_str_eq(ranges("bytes=9500-", 10000), "9500+500");
    ck_assert_str_eq(ranges("bytes=0-0", 10000), "0+1");
    ck_assert_str_eq(ranges("bytes=-1", 10000), "9999+1");
    ck_assert_str_eq(ranges("BYTES=1-2", 10000), "1+2");
    ck_assert_str_eq(ranges("bytes= 1-2 ,", 10000), "1+2");
}
END_TEST

START_TEST(what_lies_beyond_the_end_is_cut_off)
{
    ck_assert_str_eq(ranges("bytes=0-10000", 10000), "0+10000");
    ck_assert_str_eq(ranges("bytes=9999-99999999999999999999999999", 10000), "9999+1");
    ck_assert_str_eq(ranges("bytes=-99999999999999999999999999", 10000), "0+10000");
    ck_assert_str_eq(ranges("bytes=-18446744073709551615", 10000), "0+10000");
}
END_TEST

START_TEST(nothing_to_be_had)
{
    ck_assert_str_eq(ranges("bytes=10000-", 10000), "unsatisfiable");
    ck_assert_str_eq(ranges("bytes=10000-10001", 10000), "unsatisfiable");
    ck_assert_str_eq(ranges("bytes=-0", 10000), "unsatisfiable");
    ck_assert_str_eq(ranges("bytes=18446744073709551615-", 10000), "unsatisfiable");
    ck_assert_str_eq(ranges("bytes=99999999999999999999999-", 10000), "unsatisfiable");
    ck_assert_str_eq(ranges("bytes=-0,20000-,5-6", 10000), "5+2");
    ck_assert_str_eq(ranges("bytes=-5", 0), "ignored");
    ck_assert_str_eq(ranges("bytes=0-", 0), "ignored");
}
END_TEST

START_TEST(what_is_malformed_is_ignored)
{
    static const char *const bad[] = {
        "",           "bytes",       "bytes=",     "bytes=,",     "bytes=-",       "bytes=a-b",
        "bytes=5-4",  "bytes=1-2-3", "bytes=--1",  "bytes=1",     "bytes=0x1-2",   "bytes=1 -2",
        "bytes =1-2", "lines=1-2",   "bytes=1-2;", "bytes=0-1,x", "bytes=0-1,9-8", "bytes=+1-2",
        "bytes:1-2",  "bytes=1-2 3", " bytes=1-2", "none=0-1",    "bytes==0-1",    "bytes=0-1,-",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!strcmp(ranges(bad[i], 10000), "ignored"), "%s", bad[i]);
}
END_TEST

START_TEST(several_ranges_keep_their_order)
{
    ck_assert_str_eq(ranges("bytes=0-0,5000-5001,-1", 10000), "0+1 5000+2 9999+1");
    ck_assert_str_eq(ranges("bytes=9000-9001,100-101", 10000), "9000+2 100+2");
}
END_TEST

START_TEST(those_that_overlap_or_nearly_touch_are_one)
{
    ck_assert_str_eq(ranges("bytes=0-99,50-149", 10000), "0+150");
    ck_assert_str_eq(ranges("bytes=100-199,0-99", 10000), "0+200");
    ck_assert_str_eq(ranges("bytes=0-9,20-29", 10000), "0+30");
    ck_assert_str_eq(ranges("bytes=0-9999,5-6,100-200", 10000), "0+10000");
    ck_assert_str_eq(ranges("bytes=5000-5001,0-0,1-1,5000-6000", 10000), "0+2 5000+1001");
    ck_assert_str_eq(ranges("bytes=0-,0-,0-,0-", 10000), "0+10000");
    /* Near the largest numbers there are. */
    ck_assert_str_eq(ranges("bytes=0-1,-1,9223372036854775000-9223372036854775806", INT64_MAX),
                     "0+2 9223372036854775000+807");
}
END_TEST

START_TEST(too_many_are_ignored)
{
    char text[8192] = "bytes=";
    size_t n = strlen(text);

    for (int i = 0; i < HTTP_RANGES_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d-%d,", i * 1000, i * 1000 + 1);
    ck_assert_str_ne(ranges(text, 1000000), "ignored");
    snprintf(text + n, sizeof(text) - n, "900000-");
    ck_assert_str_eq(ranges(text, 1000000), "ignored");

    n = strlen(strcpy(text, "bytes=0-1"));
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",9-9999");
    ck_assert_str_eq(ranges(text, 1000000), "ignored");
    n = strlen(strcpy(text, "bytes=0-1"));
    for (int i = 0; i < 1000; i++) /* none of which could be satisfied */
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",20-");
    ck_assert_str_eq(ranges(text, 10), "ignored");
}
END_TEST

START_TEST(whatever_is_asked_for_lies_within_and_apart)
{
    static const char alphabet[] = "0123456789,,--  5";
    uint32_t seed = 7;

    for (int i = 0; i < 200000; i++) {
        char text[64] = "bytes=";
        size_t length = 6 + next_random(&seed) % 50;
        uint64_t size = next_random(&seed) % 2000;
        struct http_ranges r;

        for (size_t j = 6; j < length; j++)
            text[j] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        if (http_ranges_parse(span_of(text, length), size, &r) <= 0)
            continue;
        ck_assert_uint_le(r.count, HTTP_RANGES_MAX);
        for (unsigned j = 0; j < r.count; j++) {
            ck_assert_uint_gt(r.list[j].length, 0);
            ck_assert_uint_le(r.list[j].first + r.list[j].length, size);
            for (unsigned k = 0; k < j; k++)
                ck_assert(r.list[j].first >= r.list[k].first + r.list[k].length ||
                          r.list[k].first >= r.list[j].first + r.list[j].length);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("range");

    tcase_add_test(tests, one_range);
    tcase_add_test(tests, what_lies_beyond_the_end_is_cut_off);
    tcase_add_test(tests, nothing_to_be_had);
    tcase_add_test(tests, what_is_malformed_is_ignored);
    tcase_add_test(tests, several_ranges_keep_their_order);
    tcase_add_test(tests, those_that_overlap_or_nearly_touch_are_one);
    tcase_add_test(tests, too_many_are_ignored);
    tcase_add_test(tests, whatever_is_asked_for_lies_within_and_apart);
    return run_suite(tests, "http/range");
}
