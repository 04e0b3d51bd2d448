/* The keys about mirrors. */
#include "loading.h"

#define AROUND "[listener web]\nbind = :80\n[upstream app]\nserver = a:1\n[upstream shadow]\nserver = b:1\n"
#define ROUTE  AROUND "[route r]\nupstream = app\n"

START_TEST(a_mirror)
{
    struct conf *conf = load(ROUTE "mirror = shadow\n");
    const struct conf_mirroring *mirror = &conf->routes[0].mirror;

    ck_assert_ptr_eq(mirror->to.to.upstream, &conf->upstreams[1]);
    ck_assert_int_eq(mirror->to.percent, 100);
    ck_assert_int_eq(mirror->max_body, CONF_INHERIT);
    ck_assert_int_eq(mirror->timeout, CONF_INHERIT);
    ck_assert_int_eq(conf->mirror.max_body, 1024 * 1024);
    ck_assert_int_eq(conf->mirror.timeout, INT64_C(5000000000));
    ck_assert_int_eq(conf->mirror.requests, 64);
    conf_free(conf);
}
END_TEST

START_TEST(with_everything)
{
    struct conf *conf = load("[greenway]\nmirror_requests = 7\nmirror_max_body = 0\n" ROUTE
                             "mirror = shadow \t 25%\nmirror_max_body = 64k\nmirror_timeout = 1s\n");
    const struct conf_mirroring *mirror = &conf->routes[0].mirror;

    ck_assert_int_eq(mirror->to.percent, 25);
    ck_assert_str_eq(mirror->to.written, "shadow 25%");
    ck_assert_int_eq(mirror->max_body, 65536);
    ck_assert_int_eq(mirror->timeout, 1000000000);
    ck_assert_int_eq(conf->mirror.max_body, 0);
    ck_assert_int_eq(conf->mirror.requests, 7);
    conf_free(conf);
}
END_TEST

START_TEST(wrong_values)
{
    static const char *const bad[] = {
        "shadow 0%",   "shadow 101%", "shadow 10", "shadow -1%",
        "shadow 5% x", "shadow x%",   "shadow %",  "shadow 99999999999999999999%"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512], expected[512];

        snprintf(text, sizeof(text), ROUTE "mirror = %s\n", bad[i]);
        snprintf(
            expected, sizeof(expected),
            "t:9: [route r] mirror: '%s' has something behind the name that is not a percentage from 1%% to "
            "100%%; allowed: the name of an upstream, and a percentage: shadow, or shadow 10%%\n",
            bad[i]);
        refuse(text, expected);
    }
    refuse(ROUTE "mirror = shadwo\n",
           "t:9: [route r] mirror: there is no [upstream shadwo]; did you mean 'shadow'?\n");
}
END_TEST

START_TEST(mirrors_of_nothing)
{
    refuse(AROUND "[route r]\nroot = www\nmirror = shadow\n",
           "t:9: [route r] mirror: the key copies what goes to an upstream, and the route has none\n");
    refuse(ROUTE "mirror_timeout = 1s\n", "t:9: [route r] mirror_timeout: the key is about a mirror, and the "
                                          "route has none; set mirror, or leave "
                                          "it out\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mirror");
    TCase *tests = tcase_create("mirror");

    tcase_add_test(tests, a_mirror);
    tcase_add_test(tests, with_everything);
    tcase_add_test(tests, wrong_values);
    tcase_add_test(tests, mirrors_of_nothing);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
