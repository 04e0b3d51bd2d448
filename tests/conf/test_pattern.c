/* Host and path patterns, and which of them take all that another one takes. */
#include "loading.h"

#include "pattern.h"

static const struct {
    const char *text, *wrong, *stored;
    bool wildcard;
} hosts[] = {
    {"example.com", NULL, "example.com", false},
    {"EXAMPLE.com", NULL, "example.com", false},
    {"*.Example.com", NULL, ".example.com", true},
    {"*.com", NULL, ".com", true},
    {"localhost", NULL, "localhost", false},
    {"xn--bcher-kva.example", NULL, "xn--bcher-kva.example", false},
    {"127.0.0.1", NULL, "127.0.0.1", false},
    {"[0::1]", NULL, "[::1]", false},
    {"*", "is every host; leave the key out for that", NULL, false},
    {"*.", "has no host", NULL, false},
    {"*.*.a", "has a '*' that is not the whole first label", NULL, false},
    {"a*.b", "has a '*' that is not the whole first label", NULL, false},
    {"a.*", "has a '*' that is not the whole first label", NULL, false},
    {"a:80", "has a ':'; a host is matched without its port, and an IPv6 address stands in brackets", NULL,
     false},
    {"*.a:80", "has a ':'; a host is matched without its port, and an IPv6 address stands in brackets", NULL,
     false},
    {"::1", "has a ':'; a host is matched without its port, and an IPv6 address stands in brackets", NULL,
     false},
    {"[::1]:80", "has a port; a host is matched without", NULL, false},
    {"[::1]x", "goes on behind its ']'", NULL, false},
    {"[::1", "has no ']'", NULL, false},
    {"[x]", "is not an IPv6 address within its brackets", NULL, false},
    {"a.", "ends with a '.'; leave it out", NULL, false},
    {"b\xc3\xbc"
     "cher.example",
     "is not ASCII; write the name in its xn-- form", NULL, false},
    {"http://a", "has a ':'; a host is matched without its port, and an IPv6 address stands in brackets",
     NULL, false},
    {"a/b", "has a character that no host name has", NULL, false},
    {"~^A[.]example$", NULL, "^A[.]example$", false},
    {"~", "is an empty regular expression, which is found in everything", NULL, false},
    {"~a(b", "is no regular expression: at its character 4, missing closing parenthesis", NULL, false},
    {"~a,~b",
     "has a ',' right before a '~'; put a blank behind it if another expression begins there, and write "
     "'[~]' "
     "if not",
     NULL, false},
    {"a..b", "has an empty label", NULL, false},
};

START_TEST(hosts_are_read)
{
    struct conf_arena arena = {0};
    struct conf_host host = {0};
    const char *wrong = conf_host_parse(&arena, hosts[_i].text, &host);

    if (hosts[_i].wrong) {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, hosts[_i].wrong);
    } else {
        ck_assert_msg(!wrong, "'%s' %s", hosts[_i].text, wrong);
        ck_assert_str_eq(host.text, hosts[_i].stored);
        ck_assert_int_eq(host.wildcard, hosts[_i].wildcard);
    }
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *wrong, *stored;
    bool exact;
} paths[] = {
    {"/*", NULL, "", false},
    {"/v1/*", NULL, "/v1", false},
    {"/a/b/*", NULL, "/a/b", false},
    {"=/", NULL, "/", true},
    {"=/v1", NULL, "/v1", true},
    {"=/v1/", NULL, "/v1/", true},
    {"/%61%7E%c3%bc%3b/*", NULL, "/a~%C3%BC%3B", false}, /* in the form that paths are matched in */
    {"/%c3/%3b%3b/*", NULL, "/%C3/%3B%3B", false},
    {"/a%2fb/*", "has %00, %2F or %5C, which no request has when it is matched", NULL, false},
    {"=/%5c", "has %00, %2F or %5C, which no request has when it is matched", NULL, false},
    {"=/%00", "has %00, %2F or %5C, which no request has when it is matched", NULL, false},
    {"/%2e%2E/*", "has a '.' or '..' segment, which no request has when it is matched", NULL, false},
    {"/%2g/*", "has a '%' without two hexadecimal digits behind it", NULL, false},
    {"/.well-known/*", NULL, "/.well-known", false},
    {"/.../*", NULL, "/...", false},
    {"/a.b..c/*", NULL, "/a.b..c", false},
    {"/v1",
     "could mean either of two things; write '/v1/*' for it and everything below it, or '=/v1' for it alone",
     NULL, false},
    {"/v1/",
     "could mean either of two things; write '/v1/*' for it and everything below it, or '=/v1/' for it alone",
     NULL, false},
    {"/", "could mean either of two things; write '/*' for it and everything below it, or '=/' for it alone",
     NULL, false},
    {"v1/*", "does not start with '/'", NULL, false},
    {"=v1", "does not start with '/'", NULL, false},
    {"=", "does not start with '/'", NULL, false},
    {"*", "does not start with '/'", NULL, false},
    {"/v1*", "has a '*' that is not its last segment", NULL, false},
    {"/*/a", "has a '*' that is not its last segment", NULL, false},
    {"/*/*", "has a '*' that is not its last segment", NULL, false},
    {"=/v1/*", "has a '*' that is not its last segment", NULL, false},
    {"//*", "has an empty segment", NULL, false},
    {"/a//*", "has an empty segment", NULL, false},
    {"/a//b/*", "has an empty segment", NULL, false},
    {"/a/./*", "has a '.' or '..' segment, which no request has when it is matched", NULL, false},
    {"/a/../b/*", "has a '.' or '..' segment, which no request has when it is matched", NULL, false},
    {"=/..", "has a '.' or '..' segment, which no request has when it is matched", NULL, false},
    {"/a?b/*", "has a '?' or '#'; only the path is matched", NULL, false},
    {"/a#b/*", "has a '?' or '#'; only the path is matched", NULL, false},
    {"/a b/*", "has a character that no path has; write it as %XX", NULL, false},
    {"/a\\b/*", "has a character that no path has; write it as %XX", NULL, false},
    {"/%/*", "has a '%' without two hexadecimal digits behind it", NULL, false},
    {"/%2/*", "has a '%' without two hexadecimal digits behind it", NULL, false},
    {"~^/a{1,3}$", NULL, "^/a{1,3}$", false},
    {"~(*UTF)a", "is no regular expression: at its character 7, using UTF is disabled by the application",
     NULL, false},
    {"~\\Ca", "is no regular expression: at its character 3, using \\C is disabled by the application", NULL,
     false},
    {"~", "is an empty regular expression, which is found in everything", NULL, false},
    {"=/%", "has a '%' without two hexadecimal digits behind it", NULL, false},
    {"/\xc3\xbc/*", "is not ASCII; write other characters as %XX", NULL, false},
};

START_TEST(paths_are_read)
{
    struct conf_arena arena = {0};
    struct conf_path path = {0};
    const char *wrong = conf_path_parse(&arena, paths[_i].text, &path);

    if (paths[_i].wrong) {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, paths[_i].wrong);
    } else {
        ck_assert_msg(!wrong, "'%s' %s", paths[_i].text, wrong);
        ck_assert_str_eq(path.text, paths[_i].stored);
        ck_assert_uint_eq(path.length, path.regex ? 0 : strlen(path.text));
        ck_assert_int_eq(path.exact, paths[_i].exact);
    }
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *a, *b;
    bool covers, reverse;
} host_pairs[] = {
    {"a.b", "a.b", true, true},    {"a.b", "c.b", false, false},  {"*.b", "a.b", true, false},
    {"*.b", "x.a.b", true, false}, {"*.b", "*.a.b", true, false}, {"*.b", "*.b", true, true},
    {"*.b", "b", false, false},    {"*.b", "ab", false, false},   {"*.b.c", "xb.c", false, false},
    {"~^a", "a.b", true, false},   {"~^a", "b.a", false, false},  {"~^a", "~^a", true, true},
    {"~^a", "~^aa", false, false}, {"~b$", "*.b", false, false},
};

START_TEST(hosts_cover_others)
{
    struct conf_arena arena = {0};
    struct conf_host a, b;

    ck_assert_ptr_null(conf_host_parse(&arena, host_pairs[_i].a, &a));
    ck_assert_ptr_null(conf_host_parse(&arena, host_pairs[_i].b, &b));
    ck_assert_int_eq(conf_host_covers(&a, &b), host_pairs[_i].covers);
    ck_assert_int_eq(conf_host_covers(&b, &a), host_pairs[_i].reverse);
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *a, *b;
    bool covers, reverse;
} path_pairs[] = {
    {"/*", "/v1/*", true, false},      {"/*", "=/", true, false},         {"/*", "/*", true, true},
    {"/v1/*", "/v1/a/*", true, false}, {"/v1/*", "=/v1", true, false},    {"/v1/*", "=/v1/", true, false},
    {"/v1/*", "=/v1/a", true, false},  {"/v1/*", "/v12/*", false, false}, {"/v1/*", "=/v12", false, false},
    {"=/v1", "=/v1", true, true},      {"=/v1", "=/v1/", false, false},   {"/*", "~^/a", true, false},
    {"~^/a", "=/ab", true, false},     {"~^/a", "=/b", false, false},     {"~^/a", "/a/*", false, false},
    {"~^/a", "~^/a", true, true},      {"/a/*", "~^/a/", false, false},
};

START_TEST(paths_cover_others)
{
    struct conf_arena arena = {0};
    struct conf_path a, b;

    ck_assert_ptr_null(conf_path_parse(&arena, path_pairs[_i].a, &a));
    ck_assert_ptr_null(conf_path_parse(&arena, path_pairs[_i].b, &b));
    ck_assert_int_eq(conf_path_covers(&a, &b), path_pairs[_i].covers);
    ck_assert_int_eq(conf_path_covers(&b, &a), path_pairs[_i].reverse);
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/pattern");
    TCase *tests = tcase_create("pattern");

    tcase_add_loop_test(tests, hosts_are_read, 0, sizeof(hosts) / sizeof(hosts[0]));
    tcase_add_loop_test(tests, paths_are_read, 0, sizeof(paths) / sizeof(paths[0]));
    tcase_add_loop_test(tests, hosts_cover_others, 0, sizeof(host_pairs) / sizeof(host_pairs[0]));
    tcase_add_loop_test(tests, paths_cover_others, 0, sizeof(path_pairs) / sizeof(path_pairs[0]));
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
