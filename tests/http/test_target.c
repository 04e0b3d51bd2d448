/* Request targets, authorities and normalised paths. */
#include "suite.h"

START_TEST(forms)
{
    static const struct {
        const char *target;
        int rc;
        enum http_target_form form;
        const char *authority, *path, *query;
    } table[] = {
        {"/", 0, HTTP_TARGET_ORIGIN, "", "/", ""},
        {"/a/b?c?d", 0, HTTP_TARGET_ORIGIN, "", "/a/b", "?c?d"},
        {"/?", 0, HTTP_TARGET_ORIGIN, "", "/", "?"},
        {"//a/b", 0, HTTP_TARGET_ORIGIN, "", "//a/b", ""},
        {"/a?b=%zz&c={d}\\^`|", 0, HTTP_TARGET_ORIGIN, "", "/a", "?b=%zz&c={d}\\^`|"},
        {"http://a", 0, HTTP_TARGET_ABSOLUTE, "a", "", ""},
        {"http://a?b", 0, HTTP_TARGET_ABSOLUTE, "a", "", "?b"},
        {"HTTPS://a.b:1/c?d", 0, HTTP_TARGET_ABSOLUTE, "a.b:1", "/c", "?d"},
        {"http://[::1]:80/", 0, HTTP_TARGET_ABSOLUTE, "[::1]:80", "/", ""},
        {"", HTTP_E_TARGET, 0, "", "", ""},
        {"a/b", HTTP_E_TARGET, 0, "", "", ""},
        {"?a", HTTP_E_TARGET, 0, "", "", ""},
        {"@evil.example/", HTTP_E_TARGET, 0, "", "", ""},
        {"a.example:80", HTTP_E_TARGET, 0, "", "", ""},
        {"ftp://a/", HTTP_E_TARGET, 0, "", "", ""},
        {"http:/a", HTTP_E_TARGET, 0, "", "", ""},
        {"http://", HTTP_E_TARGET, 0, "", "", ""},
        {"http:///a", HTTP_E_TARGET, 0, "", "", ""},
        {"http://u@a/", HTTP_E_TARGET, 0, "", "", ""},
        {"http://u:p@a/", HTTP_E_TARGET, 0, "", "", ""},
        {"http://a:x/", HTTP_E_TARGET, 0, "", "", ""},
        {"http://a:99999/", HTTP_E_TARGET, 0, "", "", ""},
        {"http://a\\b/", HTTP_E_TARGET, 0, "", "", ""},
        {"*", HTTP_E_TARGET, 0, "", "", ""},
        {"/a%", HTTP_E_TARGET, 0, "", "", ""},
        {"/a%4", HTTP_E_TARGET, 0, "", "", ""},
        {"/a%4g", HTTP_E_TARGET, 0, "", "", ""},
        {"/a%4?1", HTTP_E_TARGET, 0, "", "", ""},
        {"/a\\b", HTTP_E_TARGET, 0, "", "", ""},
        {"/a{b", HTTP_E_TARGET, 0, "", "", ""},
        {"http://a/b^", HTTP_E_TARGET, 0, "", "", ""},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_target t;
        assert_error(http_target_parse(span_str(table[i].target), false, false, &t), table[i].rc,
                     table[i].target);
        if (table[i].rc < 0)
            continue;
        ck_assert_int_eq(t.form, table[i].form);
        assert_span(t.authority, table[i].authority);
        assert_span(t.path, table[i].path);
        assert_span(t.query, table[i].query);
    }
}
END_TEST

START_TEST(forms_of_options_and_connect)
{
    struct http_target t;

    ck_assert_int_eq(http_target_parse(SPAN("*"), true, false, &t), 0);
    ck_assert_int_eq(t.form, HTTP_TARGET_ASTERISK);
    ck_assert_int_eq(http_target_parse(SPAN("*a"), true, false, &t), HTTP_E_TARGET);
    ck_assert_int_eq(http_target_parse(SPAN("a:443"), false, true, &t), 0);
    ck_assert_int_eq(t.form, HTTP_TARGET_AUTHORITY);
    ck_assert_int_eq(http_target_parse(SPAN("a"), false, true, &t), HTTP_E_TARGET);
    ck_assert_int_eq(http_target_parse(SPAN("a:"), false, true, &t), HTTP_E_TARGET);
    ck_assert_int_eq(http_target_parse(SPAN("a:0"), false, true, &t), HTTP_E_TARGET);
    ck_assert_int_eq(http_target_parse(SPAN("/"), false, true, &t), HTTP_E_TARGET);
    ck_assert_int_eq(http_target_parse(SPAN("*"), false, true, &t), HTTP_E_TARGET);
}
END_TEST

START_TEST(authorities)
{
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"a", "a", -1},
        {"a.example:80", "a.example", 80},
        {"a:", "a", -1},
        {"a_b-c~d:65535", "a_b-c~d", 65535},
        {"192.0.2.1:1", "192.0.2.1", 1},
        {"[2001:db8::1]", "[2001:db8::1]", -1},
        {"[::ffff:192.0.2.1]:8", "[::ffff:192.0.2.1]", 8},
        {"%c3%a9.example", "%c3%a9.example", -1},
    };
    static const char *const bad[] = {
        "",      ":80",    "a:65536", "a:8o",     "a:-1",      "a:+1",   "a:080000", "::1",
        "a:1:2", "u@a",    "a@",      "a/b",      "a?b",       "a#b",    "a,b",      "a b",
        "a\tb",  "a\\b",   "a\"b",    "<a>",      "[",         "[]",     "[::1",     "::1]",
        "[a]",   "[::1]a", "[::1]80", "[::1%1]",  "[1.2.3.4]", "[v1.a]", "\xc3\xa9", "a%",
        "a%4",   "a%0a",   "a%00",    "http://a", "a%zz"};
    struct http_authority a, b;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_error(http_authority_parse(span_str(good[i].text), &a), 0, good[i].text);
        assert_span(a.host, good[i].host);
        ck_assert_int_eq(a.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_error(http_authority_parse(span_str(bad[i]), &a), HTTP_E_HOST, bad[i]);
    assert_error(http_authority_parse(SPAN("a\0b"), &a), HTTP_E_HOST, "a NUL b");

    http_authority_parse(SPAN("A.example"), &a);
    http_authority_parse(SPAN("a.EXAMPLE:80"), &b);
    ck_assert(http_authority_same(&a, &b, 80));
    ck_assert(!http_authority_same(&a, &b, 443));
}
END_TEST

START_TEST(normalised_paths)
{
    static const struct {
        const char *path, *want;
    } table[] = {
        {"", "/"},
        {"/", "/"},
        {"*", "*"},
        {"/a/b", "/a/b"},
        {"/a//b/", "/a//b/"},
        {"/%61%2d%2E%5f%7e%41", "/a-._~A"},
        {"/a%c0%afb", "/a%C0%AFb"},
        {"/a%0d%0ab%20c", "/a%0D%0Ab%20c"},
        {"/%25%32%46", "/%252F"},
        {"/./a", "/a"},
        {"/a/.", "/a/"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/a/../b", "/b"},
        {"/a/b/../../c", "/c"},
        {"/a/b/..", "/a/"},
        {"/a//../b", "/a/b"},
        {"/..a/.b/c../...", "/..a/.b/c../..."},
        {"/a;b=c/d;e", "/a;b=c/d;e"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char out[64];
        size_t n = strlen(table[i].path);
        int length = http_path_normalise(span_str(table[i].path), 0, out, sizeof(out));
        ck_assert_msg(length >= 0, "%s: %s", table[i].path, error_name(length));
        assert_span(span_of(out, (size_t)length), table[i].want);
        ck_assert_int_eq(http_path_normalise(span_str(table[i].path), 0, out, n ? n : 1), length);
        ck_assert_int_eq(http_path_normalise(span_str(table[i].path), 0, out, n ? n - 1 : 0),
                         HTTP_E_PATH_TOO_LONG);
    }
}
END_TEST

START_TEST(paths_that_servers_read_differently)
{
    static const struct {
        const char *path;
        int error;
    } table[] = {
        {"/a%00b", HTTP_E_PATH_ENCODING},
        {"/a%", HTTP_E_PATH_ENCODING},
        {"/a%1", HTTP_E_PATH_ENCODING},
        {"/a%zz", HTTP_E_PATH_ENCODING},
        {"/%u0041", HTTP_E_PATH_ENCODING},
        {"/a%2fb", HTTP_E_PATH_AMBIGUOUS},
        {"/a%2Fb", HTTP_E_PATH_AMBIGUOUS},
        {"/a%5cb", HTTP_E_PATH_AMBIGUOUS},
        {"/a\\b", HTTP_E_PATH_AMBIGUOUS},
        {"/a/..;/b", HTTP_E_PATH_AMBIGUOUS},
        {"/a/.;x/b", HTTP_E_PATH_AMBIGUOUS},
        {"/a/..%3bx", HTTP_E_PATH_AMBIGUOUS},
        {"/a/%2e%2e/b", HTTP_E_PATH_AMBIGUOUS},
        {"/a/.%2E/b", HTTP_E_PATH_AMBIGUOUS},
        {"/a/%2e/b", HTTP_E_PATH_AMBIGUOUS},
        {"/%2e%2e;/b", HTTP_E_PATH_AMBIGUOUS},
        {"/..", HTTP_E_PATH_CLIMBS},
        {"/../a", HTTP_E_PATH_CLIMBS},
        {"/a/../../b", HTTP_E_PATH_CLIMBS},
        {"/./..", HTTP_E_PATH_CLIMBS},
        {"a/b", HTTP_E_TARGET},
    };
    char out[64];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_error(http_path_normalise(span_str(table[i].path), 0, out, sizeof(out)), table[i].error,
                     table[i].path);
    ck_assert_int_eq(http_path_normalise(SPAN("/a%2fb%5Cc"), HTTP_PATH_ENCODED_SLASH, out, sizeof(out)), 10);
    assert_span(span_of(out, 10), "/a%2Fb%5Cc");
    assert_error(http_path_normalise(SPAN("/a%00"), HTTP_PATH_ENCODED_SLASH, out, sizeof(out)),
                 HTTP_E_PATH_ENCODING, "/a%00");
    assert_error(http_path_normalise(SPAN("/a\\b"), HTTP_PATH_ENCODED_SLASH, out, sizeof(out)),
                 HTTP_E_PATH_AMBIGUOUS, "/a\\b");
}
END_TEST

/* Random paths: the result is never longer, needs no second pass, and holds no dot segment. */
START_TEST(normalising_twice_changes_nothing)
{
    static const char alphabet[] = "/./..//ab%;2eF4\\";
    uint32_t seed = 4711;
    int accepted = 0;

    for (int round = 0; round < 100000; round++) {
        char path[16], once[16], twice[16];
        size_t n = 1 + next_random(&seed) % (sizeof(path) - 1);
        int length, again;

        path[0] = '/';
        for (size_t i = 1; i < n; i++)
            path[i] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        length = http_path_normalise(span_of(path, n), 0, once, n);
        if (length < 0)
            continue;
        accepted++;
        ck_assert_uint_le((size_t)length, n);
        again = http_path_normalise(span_of(once, (size_t)length), 0, twice, sizeof(twice));
        ck_assert_msg(again == length && memcmp(once, twice, (size_t)length) == 0, "%.*s gives %.*s", (int)n,
                      path, length, once);
        ck_assert_ptr_null(memmem(once, (size_t)length, "/../", 4));
        ck_assert_ptr_null(memmem(once, (size_t)length, "/./", 3));
    }
    ck_assert_int_gt(accepted, 1000);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("target");
    tcase_add_test(tc, forms);
    tcase_add_test(tc, forms_of_options_and_connect);
    tcase_add_test(tc, authorities);
    tcase_add_test(tc, normalised_paths);
    tcase_add_test(tc, paths_that_servers_read_differently);
    tcase_add_test(tc, normalising_twice_changes_nothing);
    return run_suite(tc, "http/target");
}
