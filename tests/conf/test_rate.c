/* Rate limits and methods: what they say, and what is wrong with them. */
#include "loading.h"

#define BASE "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\n[limits]\n"

#define SECOND INT64_C(1000000000)

START_TEST(a_limit_in_full)
{
    struct conf *conf =
        load(BASE "rate_limit = 100/s burst=50 by=source+header:X-Key, 6/m by=path delay=1500ms dry_run\n");
    const struct conf_demand *d = &conf->listeners[0].demand;

    ck_assert_uint_eq(d->rate_count, 2);
    ck_assert_int_eq(d->rates[0].interval, SECOND / 100);
    ck_assert_int_eq(d->rates[0].burst, 50);
    ck_assert_int_eq(d->rates[0].delay, 0);
    ck_assert(!d->rates[0].dry_run);
    ck_assert_uint_eq(d->rates[0].parts, 2);
    ck_assert_int_eq(d->rates[0].by[0].by, CONF_BY_SOURCE);
    ck_assert_int_eq(d->rates[0].by[1].by, CONF_BY_HEADER);
    ck_assert_str_eq(d->rates[0].by[1].name, "X-Key");
    ck_assert_int_eq(d->rates[1].interval, 10 * SECOND);
    ck_assert_int_eq(d->rates[1].delay, 3 * SECOND / 2);
    ck_assert(d->rates[1].dry_run);
    ck_assert_int_eq(d->rates[1].by[0].by, CONF_BY_PATH);
    conf_free(conf);
}
END_TEST

START_TEST(by_source_unless_said_otherwise)
{
    struct conf *conf = load(BASE "rate_limit = 1/d\n");
    const struct conf_rate_limit *limit = conf->listeners[0].demand.rates;

    ck_assert_uint_eq(limit->parts, 1);
    ck_assert_int_eq(limit->by[0].by, CONF_BY_SOURCE);
    ck_assert_int_eq(limit->interval, 86400 * SECOND);
    ck_assert_int_eq(conf->listeners[0].demand.rate_status, 429);
    conf_free(conf);
}
END_TEST

START_TEST(a_route_inherits_nothing_here)
{
    struct conf *conf = load(BASE "rate_limit = 1/s\nmethods = GET\n[route a]\nupstream = app\npath = /a/*\n"
                                  "[route b]\nupstream = app\nrate_limit = off\nmethods = GET POST\n");

    ck_assert_uint_eq(conf->routes[0].demand.rate_count, 0);
    ck_assert_int_eq(conf->routes[0].demand.rate_status, CONF_INHERIT);
    ck_assert_uint_eq(conf->routes[0].demand.method_count, 0);
    ck_assert(conf->routes[1].demand.rates[0].off);
    ck_assert_uint_eq(conf->routes[1].demand.method_count, 2);
    ck_assert_uint_eq(conf->routes[1].demand.methods[1].length, 4);
    conf_free(conf);
}
END_TEST

static const struct {
    const char *value, *wrong;
} wrongs[] = {
    {"100", "has no '/' between number and time"},
    {"/s", "has no number from 1 to 1000000000 at its front"},
    {"0/s", "has no number from 1 to 1000000000 at its front"},
    {"-1/s", "has no number from 1 to 1000000000 at its front"},
    {"99999999999999999999/s", "has no number from 1 to 1000000000 at its front"},
    {"1/w", "is not per s, m, h or d"},
    {"1/", "is not per s, m, h or d"},
    {"1/s burst=", "has a burst that is not a number from 0 to 1000000000"},
    {"1/s burst=-1", "has a burst that is not a number from 0 to 1000000000"},
    {"1/s burst=1k", "has a burst that is not a number from 0 to 1000000000"},
    {"1/s burst=1 burst=2", "has an option twice"},
    {"1/s brust=1", "has an unknown option"},
    {"1/s delay=1", "has a delay that is not a duration from 1ms to 1m"},
    {"1/s delay=0s", "has a delay that is not a duration from 1ms to 1m"},
    {"1/s delay=61s", "has a delay that is not a duration from 1ms to 1m"},
    {"1/s delay=9000000000m", "has a delay that is not a duration from 1ms to 1m"},
    {"1/s dry_run=yes", "has a dry_run with a value; it is a word alone"},
    {"1/s by=", "is by something unknown"},
    {"1/s by=ip", "is by something unknown"},
    {"1/s by=source+", "is by something unknown"},
    {"1/s by=source:x", "is by something unknown"},
    {"1/s by=header:", "has no valid name behind its ':'"},
    {"1/s by=header:a/b", "has no valid name behind its ':'"},
    {"1/s by=path+host+route+source+path", "is by more than 4 things at once"},
    {"off burst=1", "has no number from 1 to 1000000000 at its front"},
};

START_TEST(wrong_limits_are_named)
{
    char text[512], start[256];
    struct conf_errors errors = {0};

    snprintf(text, sizeof(text), BASE "rate_limit = %s\n", wrongs[_i].value);
    snprintf(start, sizeof(start), "t:7: [limits] rate_limit: '%s' %s; allowed: N/s", wrongs[_i].value,
             wrongs[_i].wrong);
    ck_assert_ptr_null(conf_load_text("t", text, strlen(text), &errors));
    char *found = findings(&errors);
    ck_assert_msg(!strncmp(found, start, strlen(start)), "%s", found);
    free(found);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(wrong_methods_are_named)
{
    refuse(BASE "methods = get\n", "t:7: [limits] methods: 'get' has small letters, and methods differ by "
                                   "case; allowed: names of methods, "
                                   "such as GET or POST\n");
    refuse(BASE "methods = G(T\n",
           "t:7: [limits] methods: 'G(T' is not a method; allowed: names of methods, such as GET or POST\n");
}
END_TEST

START_TEST(what_is_odd_about_several)
{
    refuse(BASE "rate_limit = 1/s, off\n[listener other]\nbind = :81\nupstream = app\n",
           "t:7: [listener web] rate_limit: off stands beside other limits; it is right only alone\n");
    char text[1024] = BASE "rate_limit = 1/s";
    for (int i = 0; i < 64; i++)
        strcat(text, ", 1/s");
    refuse(strcat(text, "\n"), "t:7: [listener web] rate_limit: there are more than 64 limits\n");
}
END_TEST

START_TEST(trust_in_everybody_is_warned_of)
{
    struct conf *conf = load_with("[greenway]\ntrusted = 10.0.0.0/8, 0.0.0.0/0\n" BASE
                                  "[listener own]\nbind = :81\nupstream = app\n"
                                  "trusted = ::/0, unix, ::ffff:10.0.0.0/104\n",
                                  "t:2: warning: [greenway] trusted: '0.0.0.0/0' is everybody: clients can "
                                  "claim whatever address they like\n"
                                  "t:12: warning: [listener own] trusted: '::/0' is everybody: clients can "
                                  "claim whatever address they like\n");

    ck_assert_ptr_nonnull(conf);
    ck_assert_uint_eq(conf->listeners[0].client.trusted_count, 2);
    ck_assert_uint_eq(conf->listeners[1].client.trusted_count, 3);
    conf_free(conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/rate");
    TCase *tc = tcase_create("rate");

    tcase_add_test(tc, a_limit_in_full);
    tcase_add_test(tc, by_source_unless_said_otherwise);
    tcase_add_test(tc, a_route_inherits_nothing_here);
    tcase_add_loop_test(tc, wrong_limits_are_named, 0, sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(tc, wrong_methods_are_named);
    tcase_add_test(tc, what_is_odd_about_several);
    tcase_add_test(tc, trust_in_everybody_is_warned_of);
    suite_add_tcase(suite, tc);
    return run_tests(suite);
}
