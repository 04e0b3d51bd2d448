/* Routes as an ini file says them, and the requests that take them. */
#include "route/match.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
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

static struct http_head head;
static struct route_request request;
static struct route_match match;

/* Parses a head and matches it as it would be while serving. Returns what route_match() does. */
static int match_head(int listener, const char *text, const char *source)
{
    static char path[8192];
    struct http_parser parser;
    static struct sockaddr_in address = {.sin_family = AF_INET};
    http_request_begin(&parser, NULL);
    ck_assert_msg(http_head_feed(&parser, text, strlen(text), &head) == 1, "no head: %s", text);
    int n = http_path_normalise(head.uri.path, 0, path, sizeof path);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(inet_pton(AF_INET, source, &address.sin_addr), 1);
    request.listener = &conf->listeners[listener];
    request.head = &head;
    request.path = span_of(path, (size_t)n);
    request.source = (struct sockaddr *)&address;
    request.scratch = path + n;
    return route_match(conf, &request, &match);
}

/* Which route: its name, or "" for none. */
static const char *taken_with(const char *line, const char *fields)
{
    char text[4096];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: h\r\n%s\r\n", line, fields);
    ck_assert_int_eq(match_head(0, text, "192.0.2.1"), 0);
    return match.route ? match.route->name : "";
}

/* Hosts and paths that no head would have are tried as well. */
static const char *taken_at(int listener, const char *host, const char *path)
{
    ck_assert_int_eq(match_head(listener, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "192.0.2.1"), 0);
    head.authority.host = span_str(host);
    request.path = span_str(path);
    ck_assert_int_eq(route_match(conf, &request, &match), 0);
    return match.route ? match.route->name : "";
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

/* --- regular expressions --------------------------------------------------------------------------- */

static bool is(struct span s, const char *text)
{
    return span_equal(s, span_str(text));
}

START_TEST(expressions_and_what_they_found)
{
    load("[route user]\npath = ~^/users/([0-9]+)(/.*)?$, =/plain\nupstream = app\n"
         "[route shop]\nhost = ~^shop([0-9]+)[.](.+)$\nupstream = app\n"
         "[route anywhere]\npath = ~(?i)SECRET\nupstream = app\n");
    ck_assert_str_eq(taken("h", "/users/17/xA"), "user");
    ck_assert_uint_gt(match.captures.path_count, 2);
    ck_assert_uint_eq(match.captures.host_count, 0);
    ck_assert(is(match.captures.path[0], "/users/17/xA"));
    ck_assert(is(match.captures.path[1], "17"));
    ck_assert(is(match.captures.path[2], "/xA"));
    ck_assert(is(match.captures.path[3], ""));
    ck_assert_str_eq(taken("h", "/users/17"), "user");
    ck_assert(is(match.captures.path[2], ""));
    ck_assert_str_eq(taken("h", "/plain"), "user");
    ck_assert_uint_eq(match.captures.path_count, 0);
    ck_assert_str_eq(taken("h", "/users/x"), "");
    ck_assert_str_eq(taken("h", "/x/users/17"), "");
    ck_assert_str_eq(taken("SHOP7.Example.com.", "/"), "shop");
    ck_assert(is(match.captures.host[1], "7"));
    ck_assert(is(match.captures.host[2], "example.com"));
    ck_assert_str_eq(taken("xshop7.example.com", "/"), "");
    ck_assert_str_eq(taken("", "/"), "");
    ck_assert_str_eq(taken("h", "/x/sEcret/y"), "anywhere");
    unload();
}
END_TEST

START_TEST(what_an_earlier_route_found_is_forgotten)
{
    load("[route a]\npath = ~^/(.*)$\nhost = only.example\nupstream = app\n[route b]\nupstream = app\n");
    ck_assert_str_eq(taken("h", "/x"), "b");
    ck_assert_uint_eq(match.captures.path_count, 0);
    unload();
}
END_TEST

/* A route that might have been meant is not passed over because its expression takes too long. */
START_TEST(a_search_that_takes_too_long)
{
    static const char *const routes[][2] = {
        {"path = ~^/(a+)+$", "path"},
        {"header = X-Long: ~^(a+)+$", "header"},
        {"query = q=~^(a+)+$", "query"},
        {"cookie = c=~^(a+)+$", "cookie"},
    };
    char text[16384], run[3000], config[256];
    memset(run, 'a', sizeof run - 2);
    strcpy(run + sizeof run - 2, "!");
    snprintf(text, sizeof text, "GET /%s?q=%s HTTP/1.1\r\nHost: h\r\nX-Long: %s\r\nCookie: c=%s\r\n\r\n", run,
             run, run, run);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        snprintf(config, sizeof config, "[route slow]\n%s\nupstream = app\n[route all]\nupstream = app\n",
                 routes[i][0]);
        load(config);
        ck_assert_int_eq(match_head(0, text, "192.0.2.1"), -E2BIG);
        ck_assert_str_eq(match.route->name, "slow");
        ck_assert_str_eq(match.key, routes[i][1]);
        unload();
    }
}
END_TEST

/* --- other conditions ------------------------------------------------------------------------------ */

START_TEST(methods)
{
    load("[route write]\nmethod = POST, PUT\n  DELETE\nupstream = app\n[route read]\nmethod = GET\nupstream "
         "= app\n");
    ck_assert_str_eq(taken_with("POST /", "Content-Length: 0\r\n"), "write");
    ck_assert_str_eq(taken_with("DELETE /", ""), "write");
    ck_assert_str_eq(taken_with("GET /", ""), "read");
    ck_assert_str_eq(taken_with("HEAD /", ""), "read");
    ck_assert_str_eq(taken_with("PATCH /", "Content-Length: 0\r\n"), "");
    unload();
}
END_TEST

START_TEST(headers)
{
    load("[route two]\nheader = X-A: 1\nheader = !X-B\n  X-C: ~^[0-9]+$\n  X-A: a, b\nupstream = app\n"
         "[route any]\nheader = X-a\nupstream = app\n"
         "[route empty]\nheader = X-D: ~^$\nupstream = app\n");
    static const char *const requests[][2] = {
        {"X-A: 1\r\nX-C: 5\r\n", "two"},
        {"x-a: a, b\r\nx-c: 5\r\n", "two"},
        {"X-A: 0\r\nX-A: 1\r\nX-C: x\r\nX-C: 5\r\n", "two"}, /* one of several lines */
        {"X-A: 1\r\nX-C: x5\r\n", "any"},
        {"X-A: 1\r\n", "any"},
        {"X-A: 2\r\nX-C: 5\r\n", "any"},
        {"X-A: 1\r\nX-C: 5\r\nX-B: \r\n", "any"},
        {"X-A:\r\n", "any"},
        {"X-AB: 1\r\nX-C: 5\r\n", ""},
        {"X-D:\r\n", "empty"},
        {"X-D: x\r\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_msg(!strcmp(taken_with("GET /", requests[i][0]), requests[i][1]),
                      "'%s' takes '%s', not '%s'", requests[i][0], taken_with("GET /", requests[i][0]),
                      requests[i][1]);
    unload();
}
END_TEST

START_TEST(queries)
{
    load("[route deep]\nquery = a=1\nquery = !c\n  b\nupstream = app\n"
         "[route text]\nquery = q=a b&c\nupstream = app\n"
         "[route regex]\nquery = r=~^x+$\nupstream = app\n"
         "[route name]\nquery = a b\nupstream = app\n"
         "[route none]\nquery = e=\nupstream = app\n");
    static const char *const requests[][2] = {
        {"GET /?a=1&b", "deep"},
        {"GET /?b=&a=2&a=1", "deep"},
        {"GET /?%61=%31&b", "deep"},
        {"GET /?a=1&b&c", ""},
        {"GET /?a=1&b&%63=0", ""},
        {"GET /?a=1", ""},
        {"GET /?a=12&b", ""},
        {"GET /?q=a+b%26c", "text"},
        {"GET /?q=a%20b%26c", "text"},
        {"GET /?q=a+b&c", ""},
        {"GET /?x&&r=xx", "regex"},
        {"GET /?r=xy", ""},
        {"GET /?r=%78", "regex"},
        {"GET /?a%20b", "name"},
        {"GET /?a+b=7", "name"},
        {"GET /?e", "none"},
        {"GET /?e=", "none"},
        {"GET /?e=1", ""},
        {"GET /?", ""},
        {"GET /", ""},
        {"GET /?=&=1&", ""},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_msg(!strcmp(taken_with(requests[i][0], ""), requests[i][1]), "'%s' takes '%s', not '%s'",
                      requests[i][0], taken_with(requests[i][0], ""), requests[i][1]);
    unload();
}
END_TEST

START_TEST(cookies)
{
    load("[route beta]\ncookie = beta=yes\ncookie = beta=ja\ncookie = !old\nupstream = app\n"
         "[route id]\ncookie = id=~^[0-9]+$\nupstream = app\n");
    static const char *const requests[][2] = {
        {"Cookie: beta=yes\r\n", "beta"},
        {"Cookie: x=1; beta=\"ja\"; y=2\r\n", "beta"},
        {"Cookie: x=1\r\nCookie: beta=yes\r\n", "beta"},
        {"Cookie: x=1;beta = yes \r\n", "beta"},
        {"Cookie: beta=yes; old=\r\n", ""},
        {"Cookie: Beta=yes\r\n", ""},
        {"Cookie: beta=yes2\r\n", ""},
        {"Cookie: xbeta=yes\r\n", ""},
        {"Cookie: beta\r\n", ""},
        {"Cookie: id=12\r\n", "id"},
        {"Cookie: id=12=3; ;;id=\r\n", ""},
        {"X-Cookie: beta=yes\r\n", ""},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        ck_assert_msg(!strcmp(taken_with("GET /", requests[i][0]), requests[i][1]),
                      "'%s' takes '%s', not '%s'", requests[i][0], taken_with("GET /", requests[i][0]),
                      requests[i][1]);
    unload();
}
END_TEST

START_TEST(sources)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    load("[route inside]\nsource = 10.0.0.0/8, 192.0.2.7\nupstream = app\n");
    ck_assert_int_eq(match_head(0, text, "10.1.2.3"), 0);
    ck_assert_ptr_nonnull(match.route);
    ck_assert_int_eq(match_head(0, text, "192.0.2.7"), 0);
    ck_assert_ptr_nonnull(match.route);
    ck_assert_int_eq(match_head(0, text, "192.0.2.8"), 0);
    ck_assert_ptr_null(match.route);
    unload();
}
END_TEST

START_TEST(the_first_key_that_does_not_hold)
{
    int error = 0;
    load("[route r]\nlistener = web\nhost = h\npath = /x/*\nmethod = GET\nheader = a\nquery = b\ncookie = c\n"
         "source = 192.0.2.1\nupstream = app\n");
    static const char *const requests[][2] = {
        {"POST /x?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nA: 1\r\nCookie: c=1\r\n\r\n", "method"},
        {"GET /y?b HTTP/1.1\r\nHost: h\r\nA: 1\r\nCookie: c=1\r\n\r\n", "path"},
        {"GET /x?b HTTP/1.1\r\nHost: i\r\nA: 1\r\nCookie: c=1\r\n\r\n", "host"},
        {"GET /x?b HTTP/1.1\r\nHost: h\r\nCookie: c=1\r\n\r\n", "header"},
        {"GET /x HTTP/1.1\r\nHost: h\r\nA: 1\r\nCookie: c=1\r\n\r\n", "query"},
        {"GET /x?b HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n", "cookie"},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        ck_assert_int_eq(match_head(0, requests[i][0], "192.0.2.1"), 0);
        ck_assert_ptr_null(match.route);
        ck_assert_str_eq(route_mismatch(&conf->routes[0], &request, &match.captures, &error), requests[i][1]);
    }
    static const char right[] = "GET /x?b HTTP/1.1\r\nHost: h\r\nA: 1\r\nCookie: c=1\r\n\r\n";
    ck_assert_int_eq(match_head(0, right, "192.0.2.1"), 0);
    ck_assert_ptr_nonnull(match.route);
    ck_assert_int_eq(match_head(0, right, "192.0.2.2"), 0);
    ck_assert_str_eq(route_mismatch(&conf->routes[0], &request, &match.captures, &error), "source");
    ck_assert_int_eq(match_head(1, right, "192.0.2.1"), 0);
    ck_assert_str_eq(route_mismatch(&conf->routes[0], &request, &match.captures, &error), "listener");
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
    tcase_add_test(tc, expressions_and_what_they_found);
    tcase_add_test(tc, what_an_earlier_route_found_is_forgotten);
    tcase_add_test(tc, a_search_that_takes_too_long);
    tcase_add_test(tc, methods);
    tcase_add_test(tc, headers);
    tcase_add_test(tc, queries);
    tcase_add_test(tc, cookies);
    tcase_add_test(tc, sources);
    tcase_add_test(tc, the_first_key_that_does_not_hold);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
