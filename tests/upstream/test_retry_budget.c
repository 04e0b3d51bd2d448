/* How many retries traffic pays for. */
#include "upstream/retry_budget.h"

#include "groups.h"

static const green_time began = GREEN_S(1000);

static int spend_all(struct retry_budget *b, unsigned percent, green_time now)
{
    int spent = 0;
    while (spent < 1000000 && retry_budget_spend(b, percent, now))
        spent++;
    return spent;
}

static void requests(struct retry_budget *b, int count)
{
    for (int i = 0; i < count; i++)
        retry_budget_request(b);
}

START_TEST(some_are_always_allowed)
{
    struct retry_budget b = {0};
    ck_assert_int_eq(spend_all(&b, 0, began), 100); /* ten a second, for ten seconds */
    ck_assert_int_eq(spend_all(&b, 0, began), 0);
    ck_assert_int_eq(spend_all(&b, 0, began + GREEN_S(1)), 10);
    ck_assert_int_eq(spend_all(&b, 0, began + GREEN_S(2) + GREEN_MS(500)), 15);
    ck_assert_int_eq(spend_all(&b, 0, began + GREEN_S(100)), 100); /* and no more than that saved up */
}
END_TEST

START_TEST(traffic_pays_for_its_share)
{
    struct retry_budget b = {0};
    ck_assert_int_eq(spend_all(&b, 20, began), 100);
    requests(&b, 10000);
    ck_assert_int_eq(spend_all(&b, 20, began), 2000);
    requests(&b, 4);
    ck_assert_int_eq(spend_all(&b, 20, began), 0); /* four fifths of one */
    requests(&b, 1);
    ck_assert_int_eq(spend_all(&b, 20, began), 1);
    requests(&b, 50);
    ck_assert_int_eq(spend_all(&b, 100, began), 50);
    requests(&b, 50);
    ck_assert_int_eq(spend_all(&b, 0, began), 0);
}
END_TEST

/* A second of 1,000 requests, ten of them: retries are the share of these, and the few that are always allowed. */
START_TEST(a_storm_is_held_to_the_share)
{
    struct retry_budget b = {0};
    int spent = 0;
    for (int ms = 0; ms < 10000; ms++) {
        requests(&b, 1);
        for (int tries = 0; tries < 3; tries++) /* all fail, and each wants three more */
            spent += retry_budget_spend(&b, 20, began + ms * GREEN_MS(1));
    }
    ck_assert_int_ge(spent, 2000);
    ck_assert_int_le(spent, 2000 + 100 + 101);
}
END_TEST

/* Who spends nothing for long has not the traffic of the whole day to spend. */
START_TEST(old_traffic_is_forgotten)
{
    struct retry_budget b = {0};
    ck_assert(retry_budget_spend(&b, 20, began));
    requests(&b, 1000000);
    int spent = spend_all(&b, 20, began + GREEN_S(1000)); /* a thousand a second */
    ck_assert_int_ge(spent, 1900);
    ck_assert_int_le(spent, 2200);
}
END_TEST

START_TEST(a_clock_that_stands_still)
{
    struct retry_budget b = {0};
    requests(&b, 10);
    ck_assert_int_eq(spend_all(&b, 20, 1), 100);
    ck_assert_int_eq(spend_all(&b, 20, 1), 0);
    requests(&b, 10);
    ck_assert_int_eq(spend_all(&b, 20, 1), 2);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("retry budget");
    tcase_add_test(tc, some_are_always_allowed);
    tcase_add_test(tc, traffic_pays_for_its_share);
    tcase_add_test(tc, a_storm_is_held_to_the_share);
    tcase_add_test(tc, old_traffic_is_forgotten);
    tcase_add_test(tc, a_clock_that_stands_still);
    return run_suite(tc, "upstream/retry_budget");
}
