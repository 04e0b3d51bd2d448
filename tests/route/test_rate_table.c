/* Token buckets: what a rate lets through, what a full table forgets, and many threads at once. */
#include "route/rate_table.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <green.h>

#include "route/keyed_hash.h"
#include "route/source.h"

static const struct rate ten_a_second = {.interval = 100000000, .burst = 4};

static bool take(struct rate_table *t, uint64_t key, const struct rate *rate, int64_t ms)
{
    struct rate_answer answer;
    return rate_take(t, key, rate, 1000000000000 + ms * 1000000, &answer);
}

START_TEST(a_burst_and_then_the_rate)
{
    struct rate_table *t = rate_table_new(1024);
    struct rate_answer answer;
    for (int64_t left = 4; left >= 0; left--) {
        ck_assert(rate_take(t, 7, &ten_a_second, 5000, &answer));
        ck_assert_int_eq(answer.remaining, left);
        ck_assert_int_eq(answer.wait, 0);
    }
    ck_assert(!rate_take(t, 7, &ten_a_second, 5000, &answer));
    ck_assert_int_eq(answer.wait, 100000000);
    ck_assert(!rate_take(t, 7, &ten_a_second, 5000 + 99999999, &answer));
    ck_assert_int_eq(answer.wait, 1);
    ck_assert(rate_take(t, 7, &ten_a_second, 5000 + 100000000, &answer));
    ck_assert(!rate_take(t, 7, &ten_a_second, 5000 + 100000000, &answer));
    ck_assert(rate_take(t, 8, &ten_a_second, 5000, &answer)); /* somebody else */
    rate_table_free(t);
}
END_TEST

START_TEST(over_time_the_rate_holds)
{
    struct rate_table *t = rate_table_new(1024);
    int taken = 0;
    for (int64_t ms = 0; ms < 10000; ms += 7)
        taken += take(t, 1, &ten_a_second, ms);
    ck_assert_int_ge(taken, 100 + 4 - 1);
    ck_assert_int_le(taken, 100 + 5);
    rate_table_free(t);
}
END_TEST

START_TEST(those_held_back_come_one_by_one)
{
    struct rate_table *t = rate_table_new(1024);
    const struct rate rate = {.interval = 100, .burst = 1, .delay = 250};
    static const int64_t waits[] = {0, 0, 100, 200};
    struct rate_answer answer;
    for (size_t i = 0; i < 4; i++) {
        ck_assert(rate_take(t, 3, &rate, 1000, &answer));
        ck_assert_int_eq(answer.wait, waits[i]);
    }
    ck_assert(!rate_take(t, 3, &rate, 1000, &answer));
    ck_assert_int_eq(answer.wait, 300);
    rate_table_free(t);
}
END_TEST

START_TEST(a_token_given_back_can_be_taken_again)
{
    struct rate_table *t = rate_table_new(1024);
    const struct rate one = {.interval = 1000000000};
    ck_assert(take(t, 0, &one, 0));
    ck_assert(!take(t, 0, &one, 0));
    rate_give_back(t, 0, &one);
    ck_assert(take(t, 0, &one, 0));
    rate_give_back(t, 99, &one); /* not there: nothing happens */
    rate_table_free(t);
}
END_TEST

START_TEST(enormous_bursts_do_not_overflow)
{
    struct rate_table *t = rate_table_new(1024);
    const struct rate rate = {.interval = INT64_C(86400000000000), .burst = 1000000000};
    struct rate_answer answer;
    for (int i = 0; i < 1000; i++)
        ck_assert(rate_take(t, 5, &rate, INT64_C(1) << 60, &answer));
    rate_table_free(t);
}
END_TEST

START_TEST(a_flood_of_keys_does_not_free_whoever_is_held_back)
{
    struct rate_table *t = rate_table_new(1024);
    struct hash_key secret;
    ck_assert_int_eq(hash_key_draw(&secret), 0);
    while (take(t, 42, &ten_a_second, 0))
        ;
    for (uint64_t i = 0; i < 1000000; i++)
        take(t, keyed_hash(&secret, 0, &i, sizeof i), &ten_a_second, 0);
    ck_assert(!take(t, 42, &ten_a_second, 0));
    ck_assert(take(t, 42, &ten_a_second, 100));
    rate_table_free(t);
}
END_TEST

/* --- threads --- */

#define THREADS 4
#define ROUNDS  100000

static struct rate_table *shared;
static pthread_barrier_t start;

static void *hammer(void *arg)
{
    const struct rate rate = {.interval = 1000000, .burst = 999};
    uint64_t noise = (uint64_t)(uintptr_t)arg * 1000003;
    intptr_t taken = 0;
    pthread_barrier_wait(&start);
    for (int i = 0; i < ROUNDS; i++) {
        taken += take(shared, 77, &rate, 0);
        if (i % 8 == 0) /* and others come and go in the same lines */
            take(shared, ++noise * 0x9e3779b97f4a7c15, &rate, 0);
    }
    return (void *)taken;
}

START_TEST(threads_share_a_bucket)
{
    pthread_t threads[THREADS];
    intptr_t taken = 0;
    shared = rate_table_new(1024);
    pthread_barrier_init(&start, NULL, THREADS);
    for (intptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        taken += (intptr_t)result;
    }
    pthread_barrier_destroy(&start);
    rate_table_free(shared);
    /* Only the first takers can meet while its place is being taken: once it is there, the heavy bucket stays. */
    ck_assert_int_ge(taken, 1000);
    ck_assert_int_le(taken, 1000 + 2 * THREADS);
}
END_TEST

/* --- keys --- */

START_TEST(the_hash_is_siphash)
{
    struct hash_key key;
    unsigned char bytes[16];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (unsigned char)i;
    key.a = UINT64_C(0x0706050403020100);
    key.b = UINT64_C(0x0f0e0d0c0b0a0908);
    /* By `openssl mac -macopt c-rounds:1 -macopt d-rounds:3 -macopt size:8 SIPHASH`. */
    ck_assert_uint_eq(keyed_hash(&key, 0, bytes, 0), UINT64_C(0xabac0158050fc4dc));
    ck_assert_uint_eq(keyed_hash(&key, 0, bytes, 10), UINT64_C(0x79de85ee92ff097f));
    ck_assert_uint_ne(keyed_hash(&key, 1, bytes, 10), keyed_hash(&key, 0, bytes, 10));
}
END_TEST

static const struct {
    const char *a, *b;
    unsigned prefix;
    bool same;
} sources[] = {
    {"192.0.2.1", "192.0.2.1", 64, true},          {"192.0.2.1", "192.0.2.2", 64, false},
    {"192.0.2.1", "::ffff:192.0.2.1", 64, true},   {"::ffff:192.0.2.1", "::ffff:192.0.2.2", 64, false},
    {"2001:db8::1", "2001:db8::ffff:1", 64, true}, {"2001:db8::1", "2001:db8:0:1::1", 64, false},
    {"2001:db8::1", "2001:db8:0:1::1", 56, true},  {"2001:db8::1", "2001:db8:0:100::1", 56, false},
    {"2001:db8::1", "2001:db8::2", 128, false},    {"2001:db8::1", "2001:db8::2", 127, false},
    {"2001:db8::2", "2001:db8::3", 127, true},     {"/tmp/a", "/tmp/b", 64, true},
};

START_TEST(sources_are_told_apart)
{
    green_address_t a, b;
    ck_assert_int_eq(green_address_parse(&a, sources[_i].a, 1), 0);
    ck_assert_int_eq(green_address_parse(&b, sources[_i].b, 2), 0);
    struct source x = source_of(&a, sources[_i].prefix), y = source_of(&b, sources[_i].prefix);
    ck_assert_int_eq(memcmp(&x, &y, sizeof x) == 0, sources[_i].same);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/rate_table");
    TCase *tc = tcase_create("rate_table");
    tcase_add_test(tc, a_burst_and_then_the_rate);
    tcase_add_test(tc, over_time_the_rate_holds);
    tcase_add_test(tc, those_held_back_come_one_by_one);
    tcase_add_test(tc, a_token_given_back_can_be_taken_again);
    tcase_add_test(tc, enormous_bursts_do_not_overflow);
    tcase_add_test(tc, a_flood_of_keys_does_not_free_whoever_is_held_back);
    tcase_add_test(tc, threads_share_a_bucket);
    tcase_add_test(tc, the_hash_is_siphash);
    tcase_add_loop_test(tc, sources_are_told_apart, 0, sizeof sources / sizeof sources[0]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
