/* Redirects, fixed answers, error pages, prefixes and maintenance, as an ini file says them. */
#include "loading.h"

#include <unistd.h>

#define LISTENER "[listener web]\nbind = :80\nupstream = app\n"
#define UPSTREAM "[upstream app]\nserver = a:80\n"
#define ROUTE    LISTENER UPSTREAM "[route r]\npath = /r/*\n"

START_TEST(actions_are_read)
{
    struct conf *c = load(ROUTE "redirect = 308 https://www.example.com${uri}\n"
                                "[route s]\nrespond = 404 text/html <b>${uri}</b>\n");

    ck_assert_int_eq(c->routes[0].redirect.status, 308);
    ck_assert(!c->routes[0].redirect.local);
    ck_assert_uint_eq(c->routes[0].redirect.location.count, 2);
    ck_assert_int_eq(c->routes[1].respond.status, 404);
    ck_assert_str_eq(c->routes[1].respond.type, "text/html; charset=utf-8");
    ck_assert_uint_eq(c->routes[1].respond.text.count, 3);
    conf_free(c);
}
END_TEST

static const char *const good_redirects[] = {
    "/b",
    "/b?${query}",
    "${uri}",
    "${path}?a=b",
    "https://a.example",
    "https://a.example:8443/${header:X}",
    "https://a.example?x=${query:x}",
    "https://${host}${uri}",
    "${scheme}://${host}:${port}/x",
    "${scheme}://${authority}",
    "https://${host}.example/",
    "https://${cookie:tenant}.example/",
    "//a.example/x",
    "mailto://a/",
};

START_TEST(safe_redirects_are_taken)
{
    char text[512];

    snprintf(text, sizeof text, ROUTE "redirect = 302 %s\n", good_redirects[_i]);
    conf_free(load(text));
}
END_TEST

#define HOST                                                                                                 \
    "lets what a client sends choose the host, or go on with it; there must be a '/' before that variable, " \
    "or a '.' and "                                                                                          \
    "the rest of the host behind it"
#define NOWHERE "leads nowhere: a URL begins with https://HOST, ${scheme}://HOST, '/', ${uri} or ${path}"

static const struct {
    const char *value, *wrong;
} bad_redirects[] = {
    {"https://a.example/", "does not begin with a status and a blank"},
    {"302", "does not begin with a status and a blank"},
    {"304 /", "has a status that is no redirect"},
    {"200 /", "has a status that is no redirect"},
    {"302 ${query:next}", NOWHERE},
    {"302 ${header:X}/a", NOWHERE},
    {"302 a/b", NOWHERE},
    {"302 www.example.com", NOWHERE},
    {"302 https:///x", "has no host"},
    {"302 https://", "has no host"},
    {"302 https://${uri}", "has no host"},
    {"302 https://a.example${query}", HOST},
    {"302 https://a.example${header:X}", HOST},
    {"302 https://${query:h}/", HOST},
    {"302 https://${query:h}x.example/", HOST},
    {"302 https://${query}.example/", HOST},
    {"302 //${query:h}", HOST},
    {"302 https://${path.1}.example/", HOST},
    {"302 https://a.example${path.1}", HOST},
    {"302 ${path.1}", NOWHERE},
    {"302 https://a.example/a b", "has a character that no URL has; write it as %XX"},
    {"302 /<x>", "has a character that no URL has; write it as %XX"},
    {"302 /${hots}", "has ${hots}, which is no variable; did you mean ${host}?"},
};

START_TEST(open_redirects_are_refused)
{
    char text[512], error[1024];

    snprintf(text, sizeof text, ROUTE "redirect = %s\n", bad_redirects[_i].value);
    snprintf(error, sizeof error,
             "t:8: [route r] redirect: '%s' %s; allowed: 301, 302, 303, 307 or 308 and a URL, which may have "
             "variables "
             "in it\n",
             bad_redirects[_i].value, bad_redirects[_i].wrong);
    refuse(text, error);
}
END_TEST

static const struct {
    const char *value, *type;
} types[] = {
    {"204", NULL},
    {"200 hello there", "text/plain; charset=utf-8"},
    {"200 text/html <b>", "text/html; charset=utf-8"},
    {"200 text/css;charset=latin1 a{}", "text/css;charset=latin1"},
    {"200 application/json {}", "application/json"},
    {"200 and/or else", "text/plain; charset=utf-8"},
    {"200 text/${host} x", "text/plain; charset=utf-8"},
};

START_TEST(types_are_told_from_text)
{
    char text[512];

    snprintf(text, sizeof text, ROUTE "respond = %s\n", types[_i].value);
    struct conf *c = load(text);

    if (types[_i].type)
        ck_assert_str_eq(c->routes[0].respond.type, types[_i].type);
    else
        ck_assert_ptr_null(c->routes[0].respond.type);
    conf_free(c);
}
END_TEST

static const struct {
    const char *value, *wrong;
} bad_answers[] = {
    {"hello", "does not begin with a status of three digits"},
    {"20 hello", "does not begin with a status of three digits"},
    {"2000", "does not begin with a status of three digits"},
    {"100 x", "has a status that is no final answer's"},
    {"600 x", "has a status that is no final answer's"},
    {"204 x", "has content, which no answer of that status has"},
    {"200 text/plain", "has a type without content"},
};

START_TEST(wrong_answers_are_refused)
{
    char text[512], error[512];

    snprintf(text, sizeof text, ROUTE "respond = %s\n", bad_answers[_i].value);
    snprintf(error, sizeof error,
             "t:8: [route r] respond: '%s' %s; allowed: a status from 200 to 599, then perhaps a text, "
             "perhaps with its "
             "type before it\n",
             bad_answers[_i].value, bad_answers[_i].wrong);
    refuse(text, error);
}
END_TEST

START_TEST(a_route_does_one_thing)
{
    refuse(ROUTE "upstream = app\nredirect = 301 /x\n",
           "t:9: [route r] redirect: the route has 'upstream' already, and can do only one of both\n");
}
END_TEST

START_TEST(pages_are_read_at_once)
{
    char path[] = "/tmp/greenway-test-page-XXXXXX", text[512];
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "${sorry}", 8), 8);
    snprintf(text, sizeof text,
             LISTENER "error_page = 404 5xx %s\nerror_page = 502 soon, ${client}\n" UPSTREAM, path);
    struct conf *c = load(text);
    const struct conf_error_pages *pages = &c->listeners[0].error_pages;

    ck_assert_uint_eq(pages->count, 2);
    ck_assert_uint_eq(pages->list[0].status_count, 2);
    ck_assert_int_eq(pages->list[0].statuses[0], 404);
    ck_assert_int_eq(pages->list[0].statuses[1], 5);
    ck_assert_uint_eq(pages->list[0].size, 8);
    ck_assert_mem_eq(pages->list[0].bytes, "${sorry}", 8);
    ck_assert_ptr_null(pages->list[1].path);
    ck_assert_uint_eq(pages->list[1].text.count, 2);
    ck_assert_int_eq(pages->intercept, 0);
    conf_free(c);
    ck_assert_int_eq(ftruncate(fd, CONF_PAGE_BYTES + 1), 0);
    struct conf_errors errors = {0};

    ck_assert_ptr_null(conf_load_text("t", text, strlen(text), &errors));
    conf_errors_free(&errors);
    ck_assert_int_eq(unlink(path), 0);
    close(fd);
}
END_TEST

static const struct {
    const char *value, *wrong;
} bad_pages[] = {
    {"/x", "does not begin with a status"},
    {"200 x", "has a status that is no error's"},
    {"404", "has no page behind the statuses"},
    {"404 /nowhere/x", "cannot be had: No such file or directory"},
    {"404 /tmp", "names no file"},
    {"400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 x",
     "has too many statuses; write a second line"},
};

START_TEST(wrong_pages_are_refused)
{
    char text[512], error[512];

    snprintf(text, sizeof text, LISTENER "error_page = %s\n" UPSTREAM, bad_pages[_i].value);
    snprintf(error, sizeof error,
             "t:4: [listener web] error_page: '%s' %s; allowed: statuses such as 404 or 5xx, then /FILE, or "
             "a text, "
             "perhaps with its type before it\n",
             bad_pages[_i].value, bad_pages[_i].wrong);
    refuse(text, error);
}
END_TEST

START_TEST(a_status_has_one_page)
{
    refuse(LISTENER "error_page = 5xx 404 a\nerror_page = 500 b\nerror_page = 404 c\n" UPSTREAM,
           "t:6: [listener web] error_page: 404 has a page already, at t:4\n");
}
END_TEST

START_TEST(routes_inherit)
{
    struct conf *c = load(
        LISTENER "intercept_errors = on\nmaintenance_file = /run/m\nmaintenance_retry_after = 90s\n" UPSTREAM
                 "[route r]\nupstream = app\nmaintenance = off\n");

    ck_assert_int_eq(c->routes[0].error_pages.intercept, CONF_INHERIT);
    ck_assert_int_eq(c->routes[0].maintenance.retry_after, CONF_INHERIT);
    ck_assert_int_eq(c->routes[0].maintenance.on, 0);
    ck_assert_int_eq(c->listeners[0].maintenance.retry_after, INT64_C(90000000000));
    ck_assert_str_eq(c->listeners[0].maintenance.file.written, "/run/m");
    conf_free(c);
    refuse(LISTENER "maintenance_file = run/m\n" UPSTREAM,
           "t:4: [listener web] maintenance_file: 'run/m' does not start with '/'; allowed: the name of a "
           "file, starting "
           "with '/'\n");
}
END_TEST

static const struct {
    const char *value, *read, *wrong;
} prefixes[] = {
    {"/v1", "/v1", NULL},
    {"/v1/", "/v1", NULL},
    {"/%61/b", "/a/b", NULL},
    {"v1", NULL, "does not start with '/'"},
    {"/", NULL, "is every path's prefix"},
    {"/v1/*", NULL, "has a '*'; a prefix has all that is below it anyway"},
    {"/a/../b", NULL, "has a '.' or '..' segment, which no request has when it is matched"},
    {"/a//b", NULL, "has an empty segment"},
};

START_TEST(prefixes_are_read)
{
    char text[512], error[512];

    snprintf(text, sizeof text, ROUTE "upstream = app\nstrip_prefix = %s\n", prefixes[_i].value);
    snprintf(error, sizeof error, "t:9: [route r] strip_prefix: '%s' %s; allowed: a path such as /v1\n",
             prefixes[_i].value, prefixes[_i].wrong);
    if (prefixes[_i].wrong) {
        refuse(text, error);
        return;
    }
    struct conf *c = load(text);

    ck_assert_str_eq(c->routes[0].rewriting.strip.written, prefixes[_i].read);
    ck_assert_uint_eq(c->routes[0].rewriting.strip.length, strlen(prefixes[_i].read));
    conf_free(c);
}
END_TEST

static const struct {
    const char *value, *wrong;
} bad_rewrites[] = {
    {"^/a$", "has no replacement behind its expression"},
    {"^/a$ b", "has a replacement that does not start with '/'"},
    {"^/(a)$ /$2", "has $2, and its expression has 1 group"},
    {"^/a$ /b?c=$1", "has $1, and its expression has 0 groups"},
    {"^/a$ /b c", "has a character in its replacement that no path has; write it as %XX"},
    {"^/a$ /b#c", "has a character in its replacement that no path has; write it as %XX"},
    {"^/a$ /${hots}", "has ${hots}, which is no variable; did you mean ${host}?"},
};

START_TEST(wrong_rewrites_are_refused)
{
    char text[512], error[512];

    snprintf(text, sizeof text, ROUTE "upstream = app\nrewrite = %s\n", bad_rewrites[_i].value);
    snprintf(error, sizeof error,
             "t:9: [route r] rewrite: '%s' %s; allowed: a regular expression, a blank, and a path, which may "
             "have $1 and "
             "variables in it\n",
             bad_rewrites[_i].value, bad_rewrites[_i].wrong);
    refuse(text, error);
}
END_TEST

#define COUNT(table) (int)(sizeof table / sizeof table[0])

int main(void)
{
    Suite *suite = suite_create("conf/answers");
    TCase *tests = tcase_create("answers");

    tcase_add_test(tests, actions_are_read);
    tcase_add_loop_test(tests, safe_redirects_are_taken, 0, COUNT(good_redirects));
    tcase_add_loop_test(tests, open_redirects_are_refused, 0, COUNT(bad_redirects));
    tcase_add_loop_test(tests, types_are_told_from_text, 0, COUNT(types));
    tcase_add_loop_test(tests, wrong_answers_are_refused, 0, COUNT(bad_answers));
    tcase_add_test(tests, a_route_does_one_thing);
    tcase_add_test(tests, pages_are_read_at_once);
    tcase_add_loop_test(tests, wrong_pages_are_refused, 0, COUNT(bad_pages));
    tcase_add_loop_test(tests, wrong_rewrites_are_refused, 0, COUNT(bad_rewrites));
    tcase_add_test(tests, a_status_has_one_page);
    tcase_add_test(tests, routes_inherit);
    tcase_add_loop_test(tests, prefixes_are_read, 0, COUNT(prefixes));
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
