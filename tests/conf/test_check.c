/* What no single key can tell. */
#include "loading.h"

#define WEB "[listener web]\nbind = :80\nupstream = app\n"
#define APP "[upstream app]\nserver = a:80\n"

#define NEVER(line)                                                                                          \
    "t:" #line                                                                                               \
    ": warning: [route b]: the route is never reached: [route a] at t:6 comes first and takes all of its "   \
    "requests\n"
#define SHARES    "the name of an upstream, or several with their shares: NAME weight=90, NAME weight=10\n"
#define FIELD     "NAME, NAME: VALUE, NAME: ~REGEX, or !NAME\n"
#define PARAMETER "NAME, NAME=VALUE, NAME=~REGEX, or !NAME\n"

static const struct {
    const char *text, *expected;
    bool good;
} cases[] = {
    /* names that lead nowhere */
    {"[listener web]\nbind = :80\nupstream = ap\n" APP,
     "t:3: [listener web] upstream: there is no [upstream ap]; did you mean 'app'?\n", false},
    {"[listener web]\nbind = :80\nupstream = zzz\n" APP,
     "t:3: [listener web] upstream: there is no [upstream zzz]\n", false},
    {WEB APP "[route r]\nlistener = wbe, web,\n  other\nupstream = App\n",
     "t:7: [route r] listener: there is no [listener wbe]; did you mean 'web'?\n"
     "t:8: [route r] listener: there is no [listener other]\n"
     "t:9: [route r] upstream: there is no [upstream App]; did you mean 'app'?\n",
     false},
    /* what is missing may be in what could not be read, so nothing is said about it */
    {WEB "[upstraem app]\nserver = a:80\n",
     "t:4: [upstraem app]: unknown section; did you mean 'upstream'?\n", false},
    {WEB "[upstream app\nserver = a:80\n", "t:4: the section header has no ']'\n", false},

    /* listeners that nothing is behind */
    {APP "[listener web]\nbind = :80\n",
     "t:3: [listener web] upstream: the listener leads nowhere: it has no upstream, and no [route NAME] is "
     "for it\n",
     false},
    {APP "[listener web]\nbind = :80\n[listener x]\nbind = :81\n[route r]\nlistener = x\nupstream = app\n",
     "t:3: [listener web] upstream: the listener leads nowhere: it has no upstream, and no [route NAME] is "
     "for it\n",
     false},
    {APP
     "[listener web]\nbind = :80\n[listener x]\nbind = :81\n[route r]\nlistener = x, web\nupstream = app\n",
     "", true},
    {APP "[listener web]\nbind = :80\n[route r]\nhost = a\nupstream = app\n", "", true},
    {APP "[listener t]\nbind = :80\nprotocol = tcp\n[route r]\nupstream = app\n",
     "t:3: [listener t] upstream: the key is required with protocol = tcp: the name of an [upstream NAME]\n",
     false},
    {APP
     "[listener t]\nbind = :80\nprotocol = tcp\nupstream = app\n[route r]\nlistener = t\nupstream = app\n",
     "t:8: [route r] listener: [listener t] has protocol = tcp, which has no routes; set its upstream "
     "instead\n",
     false},
    {APP, "t: there is no [listener NAME], so nothing would be served\n", false},

    /* addresses bound twice */
    {WEB APP "[listener x]\nbind = 127.0.0.1:80, *:81\nupstream = app\n", "", true},
    {WEB APP "[listener x]\nbind = :81,\n  *:80\nupstream = app\n",
     "t:8: [listener x] bind: '*:80' is already bound as ':80' by [listener web] at t:2\n", false},
    {WEB APP "[listener x]\nbind = 0.0.0.0:80 [::]:80\nupstream = app\n",
     "t:7: [listener x] bind: '0.0.0.0:80' is already bound as ':80' by [listener web] at t:2\n"
     "t:7: [listener x] bind: '[::]:80' is already bound as ':80' by [listener web] at t:2\n",
     false},
    {"[listener x]\nbind = 0.0.0.0:80 [::]:80\nupstream = app\n" APP, "", true},
    {"[listener x]\nbind = 0.0.0.0:80\nupstream = app\n" APP WEB,
     "t:7: [listener web] bind: ':80' is already bound as '0.0.0.0:80' by [listener x] at t:2\n", false},
    {"[listener x]\nbind = [::1]:80, b:80, a:80, [0::1]:80, b:80\nbind = B:80\nupstream = app\n" APP,
     "t:2: [listener x] bind: '[0::1]:80' is already bound as '[::1]:80' by [listener x] at t:2\n"
     "t:2: [listener x] bind: 'b:80' is already bound as 'b:80' by [listener x] at t:2\n"
     "t:3: [listener x] bind: 'B:80' is already bound as 'b:80' by [listener x] at t:2\n",
     false},
    {"[listener x]\nbind = unix:/a, unix:/b, unix:/a\nupstream = app\n" APP,
     "t:2: [listener x] bind: 'unix:/a' is already bound as 'unix:/a' by [listener x] at t:2\n", false},
    {"[listener x]\nbind = :0, :0, 127.0.0.1:0\nupstream = app\n" APP, "", true},

    /* routes that are never used */
    {WEB APP "[route a]\nhost = a\nupstream = app\n[route b]\nhost = a\nupstream = app\n",
     "t:9: warning: [route b]: the route is never reached: [route a] at t:6 comes first and takes all of its "
     "requests\n",
     true},
    {WEB APP "[route a]\nupstream = app\n[route b]\nhost = b\npath = /b/*\nupstream = app\n",
     "t:8: warning: [route b]: the route is never reached: [route a] at t:6 comes first and takes all of its "
     "requests\n",
     true},
    {WEB APP
     "[route a]\nhost = *.b, c\npath = /x/*\nupstream = app\n[route b]\nhost = c, a.b\npath = =/x, /x/y/*\n"
     "upstream = app\n",
     "t:10: warning: [route b]: the route is never reached: [route a] at t:6 comes first and takes all of "
     "its "
     "requests\n",
     true},
    {WEB APP "[route a]\npath = /*\nupstream = app\n[route b]\nupstream = app\n",
     "t:9: warning: [route b]: the route is never reached: [route a] at t:6 comes first and takes all of its "
     "requests\n",
     true},
    {WEB APP "[route a]\nhost = *.b\nupstream = app\n[route b]\nhost = b, a.b\nupstream = app\n", "", true},
    {WEB APP "[route a]\nhost = b\nupstream = app\n[route b]\nupstream = app\n", "", true},
    {WEB APP "[route a]\npath = /a/*\nupstream = app\n[route b]\npath = /*\nupstream = app\n", "", true},
    {WEB APP "[listener x]\nbind = :81\nupstream = app\n[route a]\nlistener = web\nupstream = app\n"
             "[route b]\nupstream = app\n",
     "", true},
    {WEB APP "[listener x]\nbind = :81\nupstream = app\n[route a]\nlistener = web, x\nupstream = app\n"
             "[route b]\nupstream = app\n",
     "t:12: warning: [route b]: the route is never reached: [route a] at t:9 comes first and takes all of "
     "its "
     "requests\n",
     true},
    {APP "[listener t]\nbind = :80\nprotocol = tcp\nupstream = app\n[route r]\nupstream = app\n",
     "t:7: warning: [route r]: the route is never used: there is no http listener\n", true},

    /* routes that ask for more than a host and a path */
    {WEB APP "[route a]\nmethod = GET\nupstream = app\n[route b]\nupstream = app\n", "", true},
    {WEB APP "[route a]\nmethod = GET\nupstream = app\n[route b]\nmethod = HEAD\nupstream = app\n", NEVER(9),
     true},
    {WEB APP "[route a]\nheader = X-A\nupstream = app\n[route b]\nupstream = app\n", "", true},
    {WEB APP "[route a]\nquery = a\nupstream = app\n[route b]\nquery = b\nupstream = app\n", "", true},
    {WEB APP "[route a]\ncookie = a=1\nupstream = app\n[route b]\ncookie = a\nupstream = app\n", "", true},
    {WEB APP
     "[route a]\nsource = 10.0.0.0/9\nupstream = app\n[route b]\nsource = 10.0.0.0/8\nupstream = app\n",
     "", true},
    {WEB APP "[route a]\npath = ~^/a\nupstream = app\n[route b]\npath = /a/*\nupstream = app\n", "", true},
    {WEB APP "[route a]\nmethod = GET, POST\nupstream = app\n[route b]\nmethod = POST\nheader = "
             "X-A\nupstream = app\n",
     NEVER(9), true},
    {WEB APP
     "[route a]\nsource = 10.0.0.0/8\nupstream = app\n[route b]\nsource = 10.1.0.0/16\nupstream = app\n",
     NEVER(9), true},
    {WEB APP
     "[route a]\nheader = x-a\nupstream = app\n[route b]\nheader = X-A: 1\nquery = q\nupstream = app\n",
     NEVER(9), true},
    {WEB APP
     "[route a]\nquery = q=~^[0-9]$\nupstream = app\n[route b]\nquery = q=1\nquery = q=2\nupstream = app\n",
     NEVER(9), true},
    {WEB APP
     "[route a]\nquery = q=~^[0-9]$\nupstream = app\n[route b]\nquery = q=1\nquery = q=x\nupstream = app\n",
     "", true},
    {WEB APP "[route a]\ncookie = !c\nupstream = app\n[route b]\ncookie = !c\nupstream = app\n", NEVER(9),
     true},
    {WEB APP "[route a]\ncookie = !c\nupstream = app\n[route b]\ncookie = c\nupstream = app\n", "", true},
    {WEB APP "[route a]\npath = ~^/a\nupstream = app\n[route b]\npath = =/ab\nupstream = app\n", NEVER(9),
     true},
    {WEB APP "[route a]\nheader = A\n B\nupstream = app\n[route b]\nheader = A\nupstream = app\n", "", true},
    {WEB APP "[route a]\nheader = A\nupstream = app\n[route b]\nheader = A\n B\nupstream = app\n", NEVER(9),
     true},

    /* shares */
    {WEB APP "[route a]\nupstream = app weight=1, ap weight=2, app\n",
     "t:7: [route a] upstream: there is no [upstream ap]; did you mean 'app'?\n"
     "t:7: [route a] upstream: 'app' has a share already\n",
     false},
    {"[listener web]\nbind = :80\nupstream = app weight=0\n" APP,
     "t:3: [listener web] upstream: all weights are 0, so no upstream would get anything\n", false},
    {"[listener web]\nbind = :80\nupstream = app weight=10001\n" APP,
     "t:3: [listener web] upstream: 'app weight=10001' has a weight that is not a number from 0 to 10000; "
     "allowed: " SHARES,
     false},
    {"[listener web]\nbind = :80\nupstream = app app\n" APP,
     "t:3: [listener web] upstream: 'app app' has more than one word; upstreams are separated by commas; "
     "allowed: " SHARES,
     false},
    {"[listener web]\nbind = :80\nupstream = app weight=\n" APP,
     "t:3: [listener web] upstream: 'app weight=' has a weight that is not a number from 0 to 10000; "
     "allowed: " SHARES,
     false},
    {"[listener web]\nbind = :80\nupstream = app\nsplit_by = source\n" APP,
     "t:4: warning: [listener web] split_by: the key means nothing without several upstreams\n", true},
    {WEB APP "[route a]\nupstream = app, b\nsplit_by = ip\n[upstream b]\nserver = b:1\n",
     "t:8: [route a] split_by: 'ip' is not known; allowed: request, source, header:NAME or cookie:NAME\n",
     false},

    /* conditions */
    {WEB APP "[route a]\nheader = X A: 1\n  : b\n  !A: b\n  A:\nupstream = app\n",
     "t:7: [route a] header: 'X A: 1' has no name of a header field before its ':'; allowed: " FIELD
     "t:8: [route a] header: ': b' has no name of a header field before its ':'; allowed: " FIELD
     "t:9: [route a] header: '!A: b' has a '!' and a value; '!' asks that there is none of that name; "
     "allowed: " FIELD "t:10: [route a] header: 'A:' has no value behind its ':'; leave the ':' out if any "
     "value will do; allowed: " FIELD,
     false},
    {WEB APP "[route a]\nmethod = get\nquery = =1\ncookie = a=~(\nupstream = app\n",
     "t:7: [route a] method: 'get' has small letters, and methods differ by case; allowed: names of methods, "
     "such as "
     "GET or POST\n"
     "t:8: [route a] query: '=1' has no name before its '='; allowed: " PARAMETER
     "t:9: [route a] cookie: 'a=~(' is no regular expression: at its character 2, missing closing "
     "parenthesis; allowed: " PARAMETER,
     false},

    /* upstreams that nobody uses */
    {WEB APP "[upstream spare]\nserver = b:80\n",
     "t:6: warning: [upstream spare]: nothing refers to the upstream\n", true},
    {WEB APP "[upstream spare]\nserver = b:80\n[route r]\nhost = x\nupstream = spare\n", "", true},
};

START_TEST(the_whole_is_checked)
{
    struct conf *c = load_with(cases[_i].text, cases[_i].expected);

    ck_assert_int_eq(c != NULL, cases[_i].good);
    conf_free(c);
}
END_TEST

/* A large configuration takes neither long nor the stack. */
START_TEST(a_route_does_something)
{
    struct conf_errors errors = {0};
    static const char text[] =
        "[listener web]\nbind = :1\nupstream = app\n[upstream app]\nserver = a:1\n[route r]\n";

    ck_assert_ptr_null(conf_load_text("t", text, sizeof text - 1, &errors));
    char *found = findings(&errors);

    ck_assert_ptr_nonnull(strstr(found,
                                 "t:6: [route r]: the route says nothing of what becomes of its requests; "
                                 "set one of: upstream"));
    free(found);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(many_sections)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    fputs("[listener web]\nbind = :80\n", out);
    for (int i = 0; i < 3000; i++)
        fprintf(out, "[route r%d]\nhost = h%d.example\nupstream = u%d\n[upstream u%d]\nserver = s%d:80\n", i,
                i, i, i, i);
    ck_assert_int_eq(fclose(out), 0);
    struct conf *c = load(text);

    ck_assert_uint_eq(c->route_count, 3000);
    for (size_t i = 0; i < 3000; i++)
        ck_assert_ptr_eq(c->routes[i].split.shares[0].to.upstream, &c->upstreams[i]);
    conf_free(c);
    free(text);
}
END_TEST

START_TEST(too_many_sections)
{
    struct conf_errors errors = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 20002; i++)
        fprintf(out, "[route r%d]\n", i);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_null(conf_load_text("t", text, n, &errors));
    char *found = findings(&errors);

    ck_assert_uint_eq(errors.errors, 1); /* what else is missing may be in what was not read */
    ck_assert_ptr_nonnull(strstr(found, "t:20001: [route r20000]: more than 20000 sections\n"));
    free(found);
    free(text);
    conf_errors_free(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/check");
    TCase *tests = tcase_create("check");

    tcase_add_loop_test(tests, the_whole_is_checked, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, a_route_does_something);
    tcase_add_test(tests, many_sections);
    tcase_add_test(tests, too_many_sections);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
