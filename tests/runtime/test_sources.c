/* Counting by source: limits, scopes, and threads that come and go. */
#include "runtime/sources.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static struct hash_key key = {1, 2};
static int here, there; /* scopes */

static struct source source_number(unsigned n)
{
    struct source s = {{0}};
    s.bytes[14] = (unsigned char)(n >> 8);
    s.bytes[15] = (unsigned char)n;
    return s;
}

START_TEST(a_source_has_so_many_and_no_more)
{
    struct sources *s = sources_new(&key, 100);
    struct source_count *held[4], *none;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(source_enter(s, &here, source_number(1), 3, &held[i]), 0);
    ck_assert_int_eq(source_enter(s, &here, source_number(1), 3, &none), -EDQUOT);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(source_enter(s, &there, source_number(1), 3, &held[3]), 0);
    source_leave(s, held[3]);
    ck_assert_int_eq(source_enter(s, &here, source_number(2), 3, &held[3]), 0);
    source_leave(s, held[3]);
    source_leave(s, held[0]);
    ck_assert_int_eq(source_enter(s, &here, source_number(1), 3, &held[0]), 0);
    for (int i = 0; i < 3; i++)
        source_leave(s, held[i]);
    sources_free(s);
}
END_TEST

START_TEST(many_more_than_expected_only_make_it_slower)
{
    enum { MANY = 20000 };
    static struct source_count *held[MANY];
    struct sources *s = sources_new(&key, 1);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(source_enter(s, &here, source_number(i), 1, &held[i]), 0);
    struct source_count *none;
    for (unsigned i = 0; i < MANY; i += 997)
        ck_assert_int_eq(source_enter(s, &here, source_number(i), 1, &none), -EDQUOT);
    for (unsigned i = 0; i < MANY; i += 2)
        source_leave(s, held[i]);
    sources_free(s); /* the rest goes with it */
}
END_TEST

#define THREADS 4
#define ROUNDS  20000
#define MOST    3

static struct sources *shared;
static int inside[8]; /* by source, written and read atomically */

static void *come_and_go(void *arg)
{
    unsigned random = (unsigned)(uintptr_t)arg;
    intptr_t over = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct source_count *held;
        random = random * 1103515245 + 12345;
        unsigned n = random >> 16 & 7;
        if (source_enter(shared, &here, source_number(n), MOST, &held) < 0)
            continue;
        over += __atomic_add_fetch(&inside[n], 1, __ATOMIC_SEQ_CST) > MOST;
        __atomic_sub_fetch(&inside[n], 1, __ATOMIC_SEQ_CST);
        source_leave(shared, held);
    }
    return (void *)over;
}

START_TEST(threads_never_exceed_it)
{
    pthread_t threads[THREADS];
    shared = sources_new(&key, 10);
    for (intptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *over;
        pthread_join(threads[i], &over);
        ck_assert_ptr_null(over);
    }
    /* And all of them have left. */
    for (unsigned n = 0; n < 8; n++)
        for (int i = 0; i < MOST; i++) {
            struct source_count *held;
            ck_assert_int_eq(source_enter(shared, &here, source_number(n), MOST, &held), 0);
        }
    sources_free(shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime/sources");
    TCase *tc = tcase_create("sources");
    tcase_add_test(tc, a_source_has_so_many_and_no_more);
    tcase_add_test(tc, many_more_than_expected_only_make_it_slower);
    tcase_add_test(tc, threads_never_exceed_it);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
