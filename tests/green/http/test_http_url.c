/* URLs: what is taken, what is refused, and references relative to others. */
#include <http/url.h>

#include "support.h"

static const struct {
    const char *text;
    bool secure;
    const char *host;
    int port;
    const char *target;
} good[] = {
    {"http://example.com", false, "example.com", 80, "/"},
    {"https://example.com", true, "example.com", 443, "/"},
    {"HTTP://Example.COM/A?b=C", false, "example.com", 80, "/A?b=C"},
    {"http://example.com:8080/a/b", false, "example.com", 8080, "/a/b"},
    {"http://example.com?q", false, "example.com", 80, "/?q"},
    {"http://example.com/a#fragment", false, "example.com", 80, "/a"},
    {"http://example.com#f", false, "example.com", 80, "/"},
    {"http://127.0.0.1:1/", false, "127.0.0.1", 1, "/"},
    {"http://[::1]:65535/", false, "::1", 65535, "/"},
    {"http://[2001:DB8::1]/", false, "2001:db8::1", 80, "/"},
    {"http://a_b.example/", false, "a_b.example", 80, "/"},
    {"http://h/%41%ff?%20{}", false, "h", 80, "/%41%ff?%20{}"},
};

START_TEST(urls_that_are_taken)
{
    green_http_url_t url;
    ck_assert_int_eq(green_http_url_parse(&url, good[_i].text), 0);
    ck_assert_int_eq(url.secure, good[_i].secure);
    ck_assert_str_eq(url.host, good[_i].host);
    ck_assert_int_eq(url.port, good[_i].port);
    ck_assert_str_eq(url.target, good[_i].target);
}
END_TEST

static const char *const bad[] = {
    "",
    "example.com",
    "/path",
    "//example.com/",
    "ftp://example.com/",
    "http:/example.com",
    "http://",
    "http:///path",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:99999999999/",
    "http://example.com:-1/",
    "http://example.com:8o/",
    "http://exa mple.com/",
    "http://example.com/a b",
    "http://example.com/\r\nX: y",
    "http://example.com/\x80",
    "http://example.com/<>",
    "http://example.com/%4",
    "http://example.com/%zz",
    "http://example.com/?%z1",
    "http://example.com/a\\b",
    "http://exam,ple.com/",
    "http://[::1/",
    "http://[::1]x/",
    "http://[nonsense]/",
    "http://[]/",
    "http://1.2.3/",
    "http://1.2.3.400/",
    "http://010.0.0.1/",
    "http://0x7f.1/\x7f",
};

START_TEST(urls_that_are_refused)
{
    green_http_url_t url;
    ck_assert_int_eq(green_http_url_parse(&url, bad[_i]), -EINVAL);
}
END_TEST

START_TEST(urls_that_are_too_long)
{
    green_http_url_t url;
    char text[GREEN_HTTP_TARGET_SIZE + 20] = "http://h/";
    memset(text + 9, 'a', GREEN_HTTP_TARGET_SIZE - 2);
    ck_assert_int_eq(green_http_url_parse(&url, text), 0);
    ck_assert_uint_eq(strlen(url.target), GREEN_HTTP_TARGET_SIZE - 1);
    strcat(text, "a");
    ck_assert_int_eq(green_http_url_parse(&url, text), -ENAMETOOLONG);
    memset(text + 7, 'a', 300);
    text[307] = 0;
    ck_assert_int_eq(green_http_url_parse(&url, text), -EINVAL);
}
END_TEST

/* The normal and some abnormal examples of RFC 3986 section 5.4, with a base of http. */
static const struct {
    const char *reference, *host, *target;
} references[] = {
    {"g", "a", "/b/c/g"},
    {"./g", "a", "/b/c/g"},
    {"g/", "a", "/b/c/g/"},
    {"/g", "a", "/g"},
    {"//g", "g", "/"},
    {"?y", "a", "/b/c/d;p?y"},
    {"g?y", "a", "/b/c/g?y"},
    {"#s", "a", "/b/c/d;p?q"},
    {"g#s", "a", "/b/c/g"},
    {"", "a", "/b/c/d;p?q"},
    {".", "a", "/b/c/"},
    {"./", "a", "/b/c/"},
    {"..", "a", "/b/"},
    {"../", "a", "/b/"},
    {"../g", "a", "/b/g"},
    {"../..", "a", "/"},
    {"../../g", "a", "/g"},
    {"../../../g", "a", "/g"},
    {"/./g", "a", "/g"},
    {"/../g", "a", "/g"},
    {"g.", "a", "/b/c/g."},
    {"..g", "a", "/b/c/..g"},
    {"./../g", "a", "/b/g"},
    {"g/./h", "a", "/b/c/g/h"},
    {"g/../h", "a", "/b/c/h"},
    {"g?y/../x", "a", "/b/c/g?y/../x"},
    {"http://other:81/x/../y", "other", "/y"},
};

START_TEST(references_are_resolved)
{
    green_http_url_t base;
    ck_assert_int_eq(green_http_url_parse(&base, "http://a/b/c/d;p?q"), 0);
    ck_assert_int_eq(green_http_url_resolve(&base, &base, references[_i].reference), 0);
    ck_assert_str_eq(base.host, references[_i].host);
    ck_assert_str_eq(base.target, references[_i].target);
}
END_TEST

START_TEST(references_that_are_refused)
{
    green_http_url_t base, out;
    char text[GREEN_HTTP_TARGET_SIZE + 2];
    ck_assert_int_eq(green_http_url_parse(&base, "https://a/b"), 0);
    ck_assert_int_eq(green_http_url_resolve(&out, &base, "mailto:x@example.com"), -EINVAL);
    ck_assert_int_eq(green_http_url_resolve(&out, &base, "//user@b/"), -EINVAL);
    ck_assert_int_eq(green_http_url_resolve(&out, &base, "a b"), -EINVAL);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ck_assert_int_eq(green_http_url_resolve(&out, &base, text), -ENAMETOOLONG);
    ck_assert_int_eq(green_http_url_resolve(&out, &base, "//b:1/c"), 0);
    ck_assert(out.secure);
    ck_assert_int_eq(out.port, 1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {urls_that_are_taken, sizeof good / sizeof good[0]},
        {urls_that_are_refused, sizeof bad / sizeof bad[0]},
        {urls_that_are_too_long, 0},
        {references_are_resolved, sizeof references / sizeof references[0]},
        {references_that_are_refused, 0},
    };
    return RUN_TESTS("http_url", tests);
}
