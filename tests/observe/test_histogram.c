/* Buckets, percentiles, and what Prometheus is told of them. */
#include "observe/histogram.h"

#include <check.h>
#include <stdlib.h>

START_TEST(every_duration_has_its_bucket)
{
    int64_t before = -1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        int64_t bound = histogram_bound(i);
        ck_assert_int_gt(bound, before);
        ck_assert_uint_eq(histogram_bucket(bound), i);
        ck_assert_uint_eq(histogram_bucket(before + 1), i);
        ck_assert_uint_eq(histogram_bucket(before + (bound - before) / 2), i);
        before = bound;
    }
    ck_assert_uint_eq(histogram_bucket(-1), 0);
    ck_assert_uint_eq(histogram_bucket(INT64_MIN), 0);
    ck_assert_uint_eq(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
    for (unsigned power = 0; power < 63; power++)
        for (int64_t off = -1; off <= 1; off++) {
            int64_t ns = ((int64_t)1 << power) + off;
            unsigned bucket = histogram_bucket(ns);
            ck_assert_int_le(ns, histogram_bound(bucket));
            ck_assert(bucket == 0 || ns > histogram_bound(bucket - 1));
        }
}
END_TEST

START_TEST(percentiles)
{
    struct histogram h = {0};
    struct histogram_reading all = {0}, later = {0}, since;
    ck_assert_int_eq(histogram_percentile(&all, 0.5), -1);
    for (int64_t ms = 1; ms <= 100; ms++)
        histogram_count(&h, histogram_bucket(ms * 1000000), ms * 1000000);
    histogram_read(&all, &h);
    ck_assert_uint_eq(all.count, 100);
    ck_assert_uint_eq(all.sum, UINT64_C(5050) * 1000000);
    ck_assert_int_eq(histogram_within(&all, 10 * 1000000), 10);
    ck_assert_int_eq(histogram_within(&all, 100 * 1000000), 100);
    for (unsigned percent = 1; percent < 100; percent++) {
        double seen = (double)histogram_percentile(&all, percent / 100.0) / 1e6;
        ck_assert_double_ge(seen, percent * 0.75 - 1);
        ck_assert_double_le(seen, percent * 1.25 + 1);
    }
    histogram_count(&h, histogram_bucket(INT64_C(500000000000)), INT64_C(500000000000));
    histogram_read(&later, &h);
    histogram_since(&since, &later, &all);
    ck_assert_uint_eq(since.count, 1);
    ck_assert_int_eq(histogram_percentile(&since, 0.99), INT64_C(100000000000)); /* as far as it is known */
}
END_TEST

/* Those that the exposition tells. */
START_TEST(the_usual_bounds_are_exact)
{
    static const int64_t us[] = {500,    1000,   2500,    5000,    10000,   25000,    50000,    100000,
                                 250000, 500000, 1000000, 2500000, 5000000, 10000000, 25000000, 100000000};
    for (size_t i = 0; i < sizeof us / sizeof us[0]; i++)
        ck_assert_int_eq(histogram_bound(histogram_bucket(us[i] * 1000)), us[i] * 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tc = tcase_create("histogram");
    tcase_add_test(tc, every_duration_has_its_bucket);
    tcase_add_test(tc, percentiles);
    tcase_add_test(tc, the_usual_bounds_are_exact);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
