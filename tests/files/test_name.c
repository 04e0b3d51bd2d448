/* From paths to names of files: what is decoded, what is hidden, and what is no name at all. */
#include "../http/suite.h"

#include <errno.h>

#include "files/media_type.h"
#include "files/name.h"
#include "http/target.h"

static char name[FILES_NAME_MAX + 1];
static bool folder;

/* The name that a received path leads to, or what becomes of it. */
static const char *name_of(const char *path, bool dotfiles)
{
    char normalised[8192];
    int n = http_path_normalise(span_str(path), 0, normalised, sizeof(normalised));

    if (n < 0)
        return "refused";
    n = files_name(span_of(normalised, (size_t)n), dotfiles, name, &folder);
    if (n < 0)
        return n == -ENOENT ? "not there" : n == -ENAMETOOLONG ? "too long" : "?";
    ck_assert_uint_eq(strlen(name), (size_t)n);
    return name;
}

START_TEST(names)
{
    ck_assert_str_eq(name_of("/a.html", false), "a.html");
    ck_assert(!folder);
    ck_assert_str_eq(name_of("/", false), "");
    ck_assert(folder);
    ck_assert_str_eq(name_of("/a/b/", false), "a/b");
    ck_assert(folder);
    ck_assert_str_eq(name_of("/a/./b/../c", false), "a/c");
    ck_assert_str_eq(name_of("/a/b/..", false), "a");
    ck_assert(folder);
    ck_assert_str_eq(name_of("/one%20two/%c3%A4", false), "one two/\xc3\xa4");
    ck_assert_str_eq(name_of("/100%25", false), "100%");
    ck_assert_str_eq(name_of("/%252e%252e/x", false), "%2e%2e/x"); /* decoded once */
    ck_assert_str_eq(name_of("/a;b=c", false), "a;b=c");
}
END_TEST

START_TEST(no_way_out)
{
    static const char *const paths[] = {
        "/../etc/passwd",
        "/a/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/..%2fetc/passwd",
        "/%2e%2e%2fetc",
        "/a/%2e./b",
        "/..%5cetc",
        "/..\\etc",
        "/a%00.html",
        "/a%2f..%2fb",
        "//etc/passwd",
        "/a//b",
        "/a//",
        "//",
        "/..;/etc",
        "/a/..;x/b",
        "/%2fetc/passwd",
        "/a%0ab",
        "/a%7f",
        "/a%1b",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *got = name_of(paths[i], true);
        ck_assert_msg(!strcmp(got, "refused") || !strcmp(got, "not there"), "%s is %s", paths[i], got);
    }
}
END_TEST

/* An overlong encoding is no slash and no dot to anybody here: it stays what it is, a name that nobody gives. */
START_TEST(overlong_utf8_is_a_name)
{
    ck_assert_str_eq(name_of("/%c0%ae%c0%ae%c0%afetc", false), "\xc0\xae\xc0\xae\xc0\xaf"
                                                               "etc");
}
END_TEST

/* What another rewriting may hand over without normalising it. */
START_TEST(paths_that_were_not_normalised)
{
    static const char *const paths[] = {"",     "a",    "*",    "/..",  "/a/../b", "/.",
                                        "/%2F", "/%5C", "/%00", "/%zz", "/%",      "/%4"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        ck_assert_msg(files_name(span_str(paths[i]), true, name, &folder) == -ENOENT, "%s", paths[i]);
}
END_TEST

START_TEST(hidden_names)
{
    ck_assert_str_eq(name_of("/.git/config", false), "not there");
    ck_assert_str_eq(name_of("/a/.env", false), "not there");
    ck_assert_str_eq(name_of("/a/.env/", false), "not there");
    ck_assert_str_eq(name_of("/%2eenv", false), "not there");
    ck_assert_str_eq(name_of("/...", false), "not there");
    ck_assert_str_eq(name_of("/a/.env", true), "a/.env");
    ck_assert_str_eq(name_of("/.well-known/acme-challenge/x", false), ".well-known/acme-challenge/x");
    ck_assert_str_eq(name_of("/.well-known/.x", false), "not there");
    ck_assert_str_eq(name_of("/a/.well-known/x", false), "not there");
    ck_assert_str_eq(name_of("/.well-knownx", false), "not there");
}
END_TEST

START_TEST(long_names)
{
    char path[FILES_NAME_MAX + 3];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[FILES_NAME_MAX + 1] = 0;
    ck_assert_uint_eq(strlen(name_of(path, false)), FILES_NAME_MAX);
    path[FILES_NAME_MAX + 1] = 'a';
    path[FILES_NAME_MAX + 2] = 0;
    ck_assert_str_eq(name_of(path, false), "too long");
    path[FILES_NAME_MAX] = '/';
    ck_assert_str_eq(name_of(path, false), "too long");
}
END_TEST

START_TEST(media_types)
{
    assert_span(media_type(SPAN("index.html")), "text/html; charset=utf-8");
    assert_span(media_type(SPAN("a/b.JS")), "text/javascript; charset=utf-8");
    assert_span(media_type(SPAN("x.tar.gz")), "application/gzip");
    assert_span(media_type(SPAN("picture.JpEg")), "image/jpeg");
    assert_span(media_type(SPAN("7.7z")), "application/x-7z-compressed");
    assert_span(media_type(SPAN("z.zst")), "application/zstd");
    assert_span(media_type(SPAN("a.webmanifest")), "application/manifest+json");
    assert_span(media_type(SPAN("a.html/b")), "application/octet-stream");
    assert_span(media_type(SPAN("README")), "application/octet-stream");
    assert_span(media_type(SPAN("a.")), "application/octet-stream");
    assert_span(media_type(SPAN("a.nobody-knows-this-one")), "application/octet-stream");
    assert_span(media_type(SPAN("")), "application/octet-stream");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("name");

    tcase_add_test(tests, names);
    tcase_add_test(tests, no_way_out);
    tcase_add_test(tests, overlong_utf8_is_a_name);
    tcase_add_test(tests, paths_that_were_not_normalised);
    tcase_add_test(tests, hidden_names);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, media_types);
    return run_suite(tests, "files/name");
}
