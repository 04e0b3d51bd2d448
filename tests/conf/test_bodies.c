/* Content codings and media types as text, and the rules about bodies that span several keys. */
#include "loading.h"

#define LISTENER "[listener l]\nbind = :1\nupstream = u\n"
#define UPSTREAM "[upstream u]\nserver = a:1\n"
#define CODINGS  "allowed: off; or gzip, br and zstd, each perhaps with level=N: 1 to 9, for br 0 to 6\n"

START_TEST(codings)
{
    struct conf *c = load(
        LISTENER "compress = zstd level=1, br\n  gzip\n[route r]\npath = /a/*\nupstream = u\ncompress = off\n"
                 "[route s]\nupstream = u\n" UPSTREAM);
    const struct conf_compress *l = &c->listeners[0].compress;

    ck_assert_uint_eq(l->coding_count, 3);
    ck_assert_int_eq(l->codings[0].coding, CONF_CODING_ZSTD);
    ck_assert_int_eq(l->codings[0].level, 1);
    ck_assert_int_eq(l->codings[1].coding, CONF_CODING_BR);
    ck_assert_int_eq(l->codings[1].level, 3);
    ck_assert_int_eq(l->codings[2].coding, CONF_CODING_GZIP);
    ck_assert_str_eq(l->codings[2].written, "gzip level=5");
    ck_assert_uint_eq(c->routes[0].compress.coding_count, 1);
    ck_assert_int_eq(c->routes[0].compress.codings[0].coding, CONF_CODING_OFF);
    ck_assert_uint_eq(c->routes[1].compress.coding_count, 0);
    ck_assert_int_eq(c->routes[1].compress.min_size, CONF_INHERIT);
    ck_assert_int_eq(c->routes[1].compress.private, CONF_INHERIT);
    ck_assert_int_eq(l->min_size, 1024);
    ck_assert_int_eq(l->private, 0);
    conf_free(c);
}
END_TEST

START_TEST(bad_codings)
{
    load_with(LISTENER "compress = gzip br\n" UPSTREAM,
              "t:4: [listener l] compress: 'gzip br' has the option 'br', which is not level=N; codings are "
              "separated "
              "by commas; " CODINGS);
    load_with(LISTENER "compress = deflate\n" UPSTREAM,
              "t:4: [listener l] compress: 'deflate' means two things to clients; use gzip; " CODINGS);
    load_with(LISTENER "compress = lz4\n" UPSTREAM,
              "t:4: [listener l] compress: 'lz4' is not a known coding; " CODINGS);
    load_with(LISTENER "compress = br level=7\n" UPSTREAM,
              "t:4: [listener l] compress: 'br level=7' has a level that br does not have; there are 0 to "
              "6; " CODINGS);
    load_with(
        LISTENER "compress = gzip level=10\n" UPSTREAM,
        "t:4: [listener l] compress: 'gzip level=10' has a level that gzip does not have; there are 1 to "
        "9; " CODINGS);
    load_with(LISTENER "compress = gzip, gzip level=1\n" UPSTREAM,
              "t:4: [listener l] compress: gzip is in the list already\n");
    load_with(
        LISTENER "compress = off, gzip\n" UPSTREAM,
        "t:4: [listener l] compress: 'off' stands in the list beside a coding; allowed: one or the other\n");
}
END_TEST

static const struct {
    const char *pattern, *type;
    bool among;
} types[] = {
    {"text/html", "text/html", true},
    {"Text/HTML", "TEXT/html", true},
    {"text/html", "text/htm", false},
    {"text/html", "text/html5", false},
    {"text/*", "text/plain", true},
    {"text/*", "text/", false},
    {"text/*", "texts/plain", false},
    {"application/*+json", "application/ld+json", true},
    {"application/*+json", "application/json", false},
    {"application/*+json", "application/+json", false},
    {"application/*+json", "text/ld+json", false},
    {"*/*", "image/png", true},
};

START_TEST(media_types)
{
    char text[256];

    snprintf(text, sizeof(text), LISTENER "compress_types = %s\n" UPSTREAM, types[_i].pattern);
    struct conf *c = load(text);
    const struct conf_compress *l = &c->listeners[0].compress;

    ck_assert_uint_eq(l->type_count, 1);
    ck_assert_int_eq(conf_media_type_among(l->types, 1, types[_i].type, strlen(types[_i].type)),
                     types[_i].among);
    conf_free(c);
}
END_TEST

START_TEST(usual_media_types)
{
    static const char *const yes[] = {"text/html", "application/json", "application/problem+json",
                                      "image/svg+xml"};
    static const char *const no[] = {"image/png", "video/mp4", "application/zip", "font/woff2", ""};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        ck_assert(conf_media_type_among(conf_media_types_usual, conf_media_type_usual_count, yes[i],
                                        strlen(yes[i])));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        ck_assert(!conf_media_type_among(conf_media_types_usual, conf_media_type_usual_count, no[i],
                                         strlen(no[i])));
}
END_TEST

static const struct {
    const char *text, *wrong;
} bad_types[] = {
    {"html", "is not TYPE/SUBTYPE"},
    {"text/", "is not TYPE/SUBTYPE"},
    {"/html", "is not TYPE/SUBTYPE"},
    {"text/a/b", "is not TYPE/SUBTYPE"},
    {"text/html;charset=utf-8", "has parameters; a type is matched without"},
    {"*/html", "has a '*' for its type; only */* is every type"},
    {"text/h*", "has a '*' that is not the whole subtype, nor all of it before a '+'"},
    {"text/*l", "has a '*' that is not the whole subtype, nor all of it before a '+'"},
    {"text/*+*", "has a '*' that is not the whole subtype, nor all of it before a '+'"},
};

START_TEST(bad_media_types)
{
    char text[256], expected[512];

    snprintf(text, sizeof(text), LISTENER "compress_types = %s\n" UPSTREAM, bad_types[_i].text);
    snprintf(
        expected, sizeof(expected),
        "t:4: [listener l] compress_types: '%s' %s; allowed: TYPE/SUBTYPE, TYPE/*, TYPE/*+SUFFIX or */*\n",
        bad_types[_i].text, bad_types[_i].wrong);
    load_with(text, expected);
}
END_TEST

START_TEST(buffering)
{
    struct conf *c =
        load("[greenway]\ntemp_path = /tmp\n[limits]\nmax_body = 1m\nbuffer_memory = 8k\n" LISTENER
             "request_buffering = on\n[route r]\nupstream = u\nrequest_buffering = off\n" UPSTREAM);

    ck_assert_int_eq(c->listeners[0].buffering.request, 1);
    ck_assert_int_eq(c->listeners[0].buffering.memory, 8192);
    ck_assert_int_eq(c->routes[0].buffering.request, 0);
    ck_assert_int_eq(c->routes[0].buffering.memory, CONF_INHERIT);
    ck_assert_str_eq(c->temp_path, "/tmp");
    conf_free(c);
}
END_TEST

START_TEST(buffering_needs_a_limit)
{
    load_with(
        "[greenway]\ntemp_path = /tmp\n[limits]\nmax_body = 0\n" LISTENER "request_buffering = on\n" UPSTREAM,
        "t:5: [listener l] request_buffering: bodies would be stored without any limit; set max_body to a "
        "size\n");
    load_with("[greenway]\ntemp_path = /tmp\n[limits]\nmax_body = 0\n" LISTENER
              "[route r]\nupstream = u\nrequest_buffering = on\n" UPSTREAM,
              "t:10: [route r] request_buffering: bodies would be stored without any limit; set max_body to "
              "a size\n");
    conf_free(load_with(
        "[greenway]\ntemp_path = /nowhere/at/all\n" LISTENER
        "request_buffering = on\nmax_body = 1m\n" UPSTREAM,
        "t: warning: [greenway] temp_path: '/nowhere/at/all' is no folder that can be written to here, "
        "so that long bodies cannot be buffered\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/bodies");
    TCase *tests = tcase_create("bodies");

    tcase_add_test(tests, codings);
    tcase_add_test(tests, bad_codings);
    tcase_add_loop_test(tests, media_types, 0, sizeof(types) / sizeof(types[0]));
    tcase_add_test(tests, usual_media_types);
    tcase_add_loop_test(tests, bad_media_types, 0, sizeof(bad_types) / sizeof(bad_types[0]));
    tcase_add_test(tests, buffering);
    tcase_add_test(tests, buffering_needs_a_limit);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
