/* The resolver's memory: shared queries, answers and failures that are kept, and for how long. */
#include "resolving.h"

#define CROWD 100

START_TEST(a_crowd_shares_one_query)
{
    struct task tasks[CROWD];
    green_t *greenlets[CROWD];
    for (int i = 0; i < CROWD; i++)
        greenlets[i] = start(&tasks[i], i % 3 ? "held.test" : "HELD.test", 80 + i % 2, soon());
    ck_assert_int_eq(green_yield(), 0); /* each has run until it waits */
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(green_state(greenlets[i]), GREEN_WAITING);
    name_server_release(server);
    for (int i = 0; i < CROWD; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, 0);
        assert_address(&tasks[i].answer->addresses[0], i % 2 ? "192.0.2.4:81" : "192.0.2.4:80");
        ck_assert(i % 2 || tasks[i].answer == tasks[0].answer); /* the same port: the same object */
    }
    for (int i = 0; i < CROWD; i++)
        green_dns_release(tasks[i].answer);
    ck_assert_int_eq(name_server_count(server, "held.test"), 1);
}
END_TEST

START_TEST(a_crowd_shares_one_failure)
{
    struct task tasks[CROWD];
    green_t *greenlets[CROWD];
    for (int i = 0; i < CROWD; i++)
        greenlets[i] = start(&tasks[i], "missing.test", 80, soon());
    for (int i = 0; i < CROWD; i++) {
        finish(greenlets[i]);
        ck_assert_int_eq(tasks[i].result, GREEN_EAI_NONAME);
    }
    ck_assert_int_eq(name_server_count(server, "missing.test"), 1);
}
END_TEST

START_TEST(answers_are_kept)
{
    green_dns_answer_t *first = found("one.test", AF_INET);
    green_dns_answer_t *again = found("One.TEST", AF_INET);
    ck_assert_ptr_eq(first, again);
    green_dns_answer_t *other;
    ck_assert_int_eq(green_resolve("one.test", 443, AF_INET, &other, GREEN_NOWAIT), 0);
    assert_address(&other->addresses[0], "192.0.2.1:443");
    assert_address(&first->addresses[0], "192.0.2.1:80");
    ck_assert(other->expires == first->expires);
    green_dns_release(first);
    green_dns_release(again);
    green_dns_release(other);
    ck_assert_int_eq(name_server_count(server, "one.test"), 1);
}
END_TEST

START_TEST(answers_expire)
{
    green_dns_answer_t *first = found("ttl1.test", AF_INET);
    green_sleep_until(first->expires);
    green_dns_answer_t *second = found("ttl1.test", AF_INET);
    ck_assert_ptr_ne(first, second);
    ck_assert(second->expires > first->expires);
    assert_address(&first->addresses[0], "192.0.2.9:80"); /* ours as long as we hold it */
    green_dns_release(first);
    green_dns_release(second);
    ck_assert_int_eq(name_server_count(server, "ttl1.test"), 2);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
    char name[32];
    for (int i = 0; i <= DNS_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "number%d.test", i);
        release_found(name, AF_INET);
        if (i == DNS_CACHE_MAX / 2)
            release_found("number0.test", AF_INET); /* used again: no longer the oldest */
    }
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 1);
    release_found("number0.test", AF_INET);
    release_found(name, AF_INET);
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 1);
    release_found("number1.test", AF_INET); /* had to go */
    ck_assert_int_eq(name_server_count(server, NULL), DNS_CACHE_MAX + 2);
}
END_TEST

START_TEST(failures_are_remembered_for_a_moment)
{
    green_time begin = green_now();
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    if (green_now() - begin < GREEN_S(1))
        ck_assert_int_eq(name_server_count(server, "missing.test"), 1);
    int so_far = name_server_count(server, "missing.test");
    green_sleep(GREEN_MS(1001)); /* it must have expired by then */
    ck_assert_int_eq(failure("missing.test", AF_INET), GREEN_EAI_NONAME);
    ck_assert_int_eq(name_server_count(server, "missing.test"), so_far + 1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {a_crowd_shares_one_query, 0}, {a_crowd_shares_one_failure, 0},
        {answers_are_kept, 0},         {answers_expire, 0},
        {the_cache_is_bounded, 0},     {failures_are_remembered_for_a_moment, 0},
    };
    return RUN_DNS_TESTS(tests);
}
