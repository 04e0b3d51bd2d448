/* Routes as an ini file says them, and the requests that take them. */
#include "route/match.h"

#include <check.h>
#include <stdlib.h>

#include "load.h"

static struct conf *conf;

static void load(const char *routes)
{
    char text[4096];
    struct conf_errors errors = {0};
    snprintf(text, sizeof text,
             "[listener web]\nbind = :80\nupstream = app\n[listener other]\nbind = :81\nupstream = app\n"
             "[upstream app]\nserver = 127.0.0.1:1\n%s",
             routes);
    conf = conf_load_text("test", text, strlen(text), &errors);
    if (!conf)
        conf_errors_print(stderr, &errors, false);
    ck_assert_ptr_nonnull(conf);
    conf_errors_free(&errors);
}

static void unload(void)
{
    conf_free(conf);
    conf = NULL;
}

/* Which route: its name, or "" for none. */
static const char *taken_at(int listener, const char *host, const char *path)
{
    const struct conf_route *r =
        route_match(conf, &conf->listeners[listener], span_str(host), span_str(path));
    return r ? r->name : "";
}

static const char *taken(const char *host, const char *path)
{
    return taken_at(0, host, path);
}

START_TEST(no_routes)
{
    load("");
    ck_assert_str_eq(taken("a.example", "/"), "");
}
END_TEST

START_TEST(hosts)
{
    load("[route exact]\nhost = a.example, B.example\nupstream = app\n"
         "[route wild]\nhost = *.c.example\nupstream = app\n");
    static const char *const requests[][2] = {
        {"a.example", "exact"},
        {"A.EXAMPLE", "exact"},
        {"a.example.", "exact"},
        {"b.example", "exact"},
        {"x.a.example", ""},
        {"aa.example", ""},
        {"a.example.evil", ""},
        {"a.exampl", ""},
        {"x.c.example", "wild"},
        {"X.C.Example.", "wild"},
        {"y.x.c.example", "wild"},
        {"c.example", ""},
        {".c.example", ""},
        {"xc.example", ""},
        {"", ""},
        {".", ""},
        {"192.0.2.1", ""},
        {"[::1]", ""},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_msg(!strcmp(taken(requests[i][0], "/"), requests[i][1]), "'%s' takes '%s', not '%s'",
                      requests[i][0], taken(requests[i][0], "/"), requests[i][1]);
    unload();
}
END_TEST

START_TEST(host_addresses)
{
    load("[route four]\nhost = 192.0.2.1\nupstream = app\n"
         "[route six]\nhost = [2001:DB8:0::1]\nupstream = app\n");
    ck_assert_str_eq(taken("192.0.2.1", "/"), "four");
    ck_assert_str_eq(taken("[2001:db8::1]", "/"), "six");
    ck_assert_str_eq(taken("[2001:0DB8:0:0::0:1]", "/"), "six");
    ck_assert_str_eq(taken("[2001:db8::2]", "/"), "");
    ck_assert_str_eq(taken("[2001:db8::1", "/"), "");
    ck_assert_str_eq(taken("[v1.x]", "/"), "");
    ck_assert_str_eq(taken("[", "/"), "");
    ck_assert_str_eq(taken("[]", "/"), "");
    unload();
}
END_TEST

START_TEST(host_too_long_matches_nothing)
{
    char host[1024];
    load("[route wild]\nhost = *.example\nupstream = app\n");
    memset(host, 'a', sizeof host);
    strcpy(host + sizeof host - 9, ".example");
    ck_assert_str_eq(taken(host, "/"), "");
    ck_assert_str_eq(taken(host + sizeof host - 200, "/"), "wild");
    unload();
}
END_TEST

START_TEST(paths)
{
    load("[route exact]\npath = =/exact, =/\nupstream = app\n"
         "[route below]\npath = /v1/*, /a/b/*\nupstream = app\n");
    static const char *const requests[][2] = {
        {"/exact", "exact"}, {"/exact/", ""},   {"/exac", ""},      {"/exactly", ""},    {"/", "exact"},
        {"/v1", "below"},    {"/v1/", "below"}, {"/v1/x", "below"}, {"/v10", ""},        {"/v1x/", ""},
        {"/v", ""},          {"/V1/x", ""},     {"/a/b", "below"},  {"/a/b/c", "below"}, {"/a/bc", ""},
        {"/a", ""},          {"*", ""},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_msg(!strcmp(taken("h", requests[i][0]), requests[i][1]), "'%s' takes '%s', not '%s'",
                      requests[i][0], taken("h", requests[i][0]), requests[i][1]);
    unload();
}
END_TEST

START_TEST(path_that_is_everything)
{
    load("[route all]\npath = /*\nupstream = app\n");
    ck_assert_str_eq(taken("h", "/"), "all");
    ck_assert_str_eq(taken("", "/x"), "all");
    ck_assert_str_eq(taken("h", "*"), "all");
    unload();
}
END_TEST

START_TEST(all_conditions_and_the_order_of_the_file)
{
    load("[route both]\nhost = a.example\npath = /v1/*\nupstream = app\n"
         "[route host]\nhost = a.example\nupstream = app\n"
         "[route path]\npath = /v1/*\nupstream = app\n"
         "[route late]\nhost = *.example\npath = /v1/x/*\nupstream = app\n");
    ck_assert_str_eq(taken("a.example", "/v1/x"), "both");
    ck_assert_str_eq(taken("a.example", "/v2"), "host");
    ck_assert_str_eq(taken("b.example", "/v1/x"), "path");
    ck_assert_str_eq(taken("b.example", "/v2"), "");
    ck_assert_str_eq(taken("", "/v1"), "path");
    unload();
}
END_TEST

START_TEST(listeners)
{
    load("[route web]\nlistener = web\npath = /x/*\nupstream = app\n"
         "[route other]\nlistener = other\nupstream = app\n"
         "[route any]\nupstream = app\n");
    ck_assert_str_eq(taken_at(0, "h", "/x"), "web");
    ck_assert_str_eq(taken_at(0, "h", "/y"), "any");
    ck_assert_str_eq(taken_at(1, "h", "/x"), "other");
    unload();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("match");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, no_routes);
    tcase_add_test(tc, hosts);
    tcase_add_test(tc, host_addresses);
    tcase_add_test(tc, host_too_long_matches_nothing);
    tcase_add_test(tc, paths);
    tcase_add_test(tc, path_that_is_everything);
    tcase_add_test(tc, all_conditions_and_the_order_of_the_file);
    tcase_add_test(tc, listeners);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
