/* How long a share of recent answers has taken. */
#include "groups.h"
#include "upstream/usual_time.h"

static struct trial trial;
static struct metrics *metrics;
static struct metrics_view *view;

static void begin(void)
{
    trial_begin(&trial, "server = a:1\nserver = b:1\nhedge_after = 95%\n");
    metrics = metrics_new();
    ck_assert_ptr_nonnull(metrics);
    view = metrics_view_new(metrics, trial.conf, 1);
    ck_assert_ptr_nonnull(view);
    group_count(&trial.group, view, 0);
}

static void end(void)
{
    metrics_view_free(view);
    metrics_free(metrics);
    trial_end(&trial);
}

static void answer(int server, int count, int64_t took)
{
    for (int i = 0; i < count; i++)
        histogram_count(&trial.group.servers[server].counts->first_byte, histogram_bucket(took), took);
}

/* The width of a bucket. */
static void assert_about(int64_t got, int64_t want)
{
    ck_assert_msg(got > want * 3 / 4 && got < want * 4 / 3, "%lld is not about %lld", (long long)got,
                  (long long)want);
}

START_TEST(nothing_is_known_before_there_were_enough)
{
    green_time now = GREEN_S(1000);
    begin();
    answer(0, 1000, GREEN_MS(1)); /* of the time before */
    ck_assert_int_eq(usual_time(&trial.group, 95, now), 0);
    answer(0, 50, GREEN_MS(10));
    answer(1, 49, GREEN_MS(10));
    ck_assert_int_eq(usual_time(&trial.group, 95, now += GREEN_S(1)), 0);
    ck_assert_int_eq(usual_time(&trial.group, 95, now += GREEN_S(100)), 0);
    answer(1, 1, GREEN_MS(10));
    ck_assert_int_eq(usual_time(&trial.group, 95, now + GREEN_MS(900)), 0); /* once a second */
    assert_about(usual_time(&trial.group, 95, now += GREEN_S(1)), GREEN_MS(10));
    end();
}
END_TEST

START_TEST(slow_ones_count_as_far_as_the_share_says)
{
    green_time now = GREEN_S(1000);
    begin();
    ck_assert_int_eq(usual_time(&trial.group, 95, now), 0);
    answer(0, 930, GREEN_MS(10));
    answer(1, 70, GREEN_MS(500));
    assert_about(usual_time(&trial.group, 90, now += GREEN_S(1)), GREEN_MS(10));
    assert_about(usual_time(&trial.group, 95, now += GREEN_S(1)), GREEN_MS(500));
    end();
}
END_TEST

START_TEST(old_ones_are_forgotten)
{
    green_time now = GREEN_S(1000);
    begin();
    ck_assert_int_eq(usual_time(&trial.group, 95, now), 0);
    answer(0, 100000, GREEN_MS(10));
    assert_about(usual_time(&trial.group, 95, now += GREEN_S(11)), GREEN_MS(10));
    answer(0, 200, GREEN_MS(200));
    assert_about(usual_time(&trial.group, 95, now += GREEN_S(1)), GREEN_MS(200));
    assert_about(usual_time(&trial.group, 95, now += GREEN_S(60)), GREEN_MS(200)); /* nothing new */
    end();
}
END_TEST

START_TEST(who_has_not_asked_for_a_share_knows_nothing)
{
    trial_begin(&trial, "server = a:1\nserver = b:1\nhedge_after = 10ms\n");
    ck_assert_ptr_null(trial.group.usual);
    ck_assert_int_eq(usual_time(&trial.group, 95, GREEN_S(1)), 0);
    trial_end(&trial);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("usual_time");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, nothing_is_known_before_there_were_enough);
    tcase_add_test(tc, slow_ones_count_as_far_as_the_share_says);
    tcase_add_test(tc, old_ones_are_forgotten);
    tcase_add_test(tc, who_has_not_asked_for_a_share_knows_nothing);
    return run_suite(tc, "upstream/usual_time");
}
