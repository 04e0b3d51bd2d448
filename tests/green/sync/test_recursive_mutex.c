/* Recursive mutexes: depth and ownership. */
#include "support.h"

static green_recursive_mutex_t mutex = GREEN_RECURSIVE_MUTEX_INIT;

static void *lock_twice(void *arg)
{
    int r = green_recursive_mutex_lock(&mutex, GREEN_FOREVER);
    if (r == 0) {
        ck_assert_int_eq(green_recursive_mutex_try_lock(&mutex), 0);
        ck_assert_uint_eq(green_recursive_mutex_depth(&mutex), 2);
        ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), 0);
        ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), 0);
    }
    return (void *)(intptr_t)r;
}

/* Case 66: its owner comes in again; it is free when it has left as often. */
START_TEST(its_owner_may_lock_again)
{
    uint64_t before = switches();
    green_recursive_mutex_init(&mutex);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(green_recursive_mutex_depth(&mutex), i);
        ck_assert_int_eq(green_recursive_mutex_lock(&mutex, GREEN_NOWAIT), 0);
    }
    mutex.depth = UINT_MAX;
    ck_assert_int_eq(green_recursive_mutex_lock(&mutex, GREEN_NOWAIT), -EOVERFLOW);
    ck_assert_int_eq(green_recursive_mutex_try_lock(&mutex), -EOVERFLOW);
    mutex.depth = 5;
    ck_assert_uint_eq(switches(), before);
    green_t *g = spawn(lock_twice, NULL);
    yields(1);
    for (unsigned i = 5; i > 0; i--) {
        ck_assert(!green_done(g));
        ck_assert_int_eq(green_recursive_mutex_destroy(&mutex), -EBUSY);
        ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), 0);
        yields(2);
    }
    ck_assert(green_done(g));
    green_release(g);
    ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), -EPERM);
    ck_assert_int_eq(green_recursive_mutex_destroy(&mutex), 0);
}
END_TEST

static void *try_and_fail(void *arg)
{
    ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), -EPERM);
    ck_assert_int_eq(green_recursive_mutex_try_lock(&mutex), -EAGAIN);
    ck_assert_int_eq(green_recursive_mutex_lock(&mutex, GREEN_NOWAIT), -EAGAIN);
    ck_assert_int_eq(green_recursive_mutex_lock(&mutex, green_in_ms(1)), -ETIMEDOUT);
    ck_assert_uint_eq(green_recursive_mutex_depth(&mutex), 0);
    return arg;
}

/* Case 66: nobody else may unlock it. */
START_TEST(others_are_kept_out)
{
    ck_assert_int_eq(green_recursive_mutex_lock(&mutex, soon()), 0);
    ck_assert_int_eq(green_recursive_mutex_lock(&mutex, soon()), 0);
    finish(spawn(try_and_fail, NULL));
    ck_assert_uint_eq(green_recursive_mutex_depth(&mutex), 2);
    green_t *killed = spawn(lock_twice, NULL), *next = spawn(lock_twice, NULL);
    void *result;
    yields(1);
    ck_assert_int_eq(green_kill(killed, soon()), 0);
    ck_assert_int_eq(green_get(killed, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, -ECANCELED);
    green_release(killed);
    ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_recursive_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(green_get(next, &result, soon()), 0);
    ck_assert_int_eq((intptr_t)result, 0);
    green_release(next);
    ck_assert_int_eq(green_recursive_mutex_destroy(&mutex), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {its_owner_may_lock_again, 0},
        {others_are_kept_out, 0},
    };
    return RUN_TESTS("recursive_mutex", tests);
}
