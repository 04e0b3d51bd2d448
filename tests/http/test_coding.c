/* Accept-Encoding: what a client takes, in which order. */
#include "suite.h"

#include "http/coding.h"

/* The codings in their order, "br zstd"; "" for none. */
static const char *accepted(const char *fields)
{
    static char text[2048];
    static struct http_head head;
    struct http_codings codings;
    size_t n = 0;

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    ck_assert_int_eq(request(text, &head), 1);
    http_codings_accepted(&head, &codings);
    text[0] = 0;
    for (unsigned i = 0; i < codings.count; i++) {
        struct span name = http_coding_name(codings.list[i]);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? " " : "", (int)name.n, name.p);
    }
    return text;
}

START_TEST(nothing_said_nothing_taken)
{
    ck_assert_str_eq(accepted(""), "");
    ck_assert_str_eq(accepted("Accept-Encoding:\r\n"), "");
    ck_assert_str_eq(accepted("Accept-Encoding: identity\r\n"), "");
    ck_assert_str_eq(accepted("Accept-Encoding: deflate, compress\r\n"), "");
}
END_TEST

START_TEST(our_order_where_there_is_no_other)
{
    ck_assert_str_eq(accepted("Accept-Encoding: gzip, deflate, br, zstd\r\n"), "br zstd gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: GZIP\r\nAccept-Encoding: BR\r\n"), "br gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: x-gzip\r\n"), "gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: *\r\n"), "br zstd gzip");
}
END_TEST

START_TEST(weights)
{
    ck_assert_str_eq(accepted("Accept-Encoding: br;q=0.5, gzip;q=1, zstd ; q=0.75\r\n"), "gzip zstd br");
    ck_assert_str_eq(accepted("Accept-Encoding: br;q=0, gzip\r\n"), "gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: *;q=0.1, br;q=0.000\r\n"), "zstd gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: gzip, *;q=0\r\n"), "gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: br;q=0.001\r\n"), "br");
    ck_assert_str_eq(accepted("Accept-Encoding: br;Q=1.000\r\n"), "br");
}
END_TEST

START_TEST(none_may_be_preferred)
{
    ck_assert_str_eq(accepted("Accept-Encoding: identity;q=1, gzip;q=0.5\r\n"), "");
    ck_assert_str_eq(accepted("Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n"), "gzip");
    ck_assert_str_eq(accepted("Accept-Encoding: identity;q=0, gzip;q=0.2\r\n"), "gzip");
}
END_TEST

START_TEST(a_malformed_weight_is_a_refusal)
{
    static const char *const bad[] = {
        "br;q=2",     "br;q=1.5", "br;q=0.5555", "br;q=",    "br;q=-1",  "br;q=a",
        "br;level=1", "br;",      "br;q=0,5x",   "br;q=1.x", "br;q=00.5"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char field[64];
        snprintf(field, sizeof(field), "Accept-Encoding: %s\r\n", bad[i]);
        ck_assert_msg(!*accepted(field), "%s", bad[i]);
    }
}
END_TEST

/* Among those that a configuration offers, in its order. */
static const struct {
    const char *fields; /* of the request */
    enum http_coding expected;
} cases[] = {
    {"", HTTP_CODING_NONE},
    {"Accept-Encoding:\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: x-gzip\r\n", HTTP_CODING_GZIP},
    {"accept-encoding: GZip\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: gzip, deflate, br, zstd\r\n", HTTP_CODING_ZSTD}, /* our order among equals */
    {"Accept-Encoding: gzip, deflate, br\r\n", HTTP_CODING_BROTLI},
    {"Accept-Encoding: zstd;q=0.5, br;q=0.8, gzip;q=0.9\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", HTTP_CODING_BROTLI},
    {"Accept-Encoding: gzip;q=0\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=0.000, br;q=0.001\r\n", HTTP_CODING_BROTLI},
    {"Accept-Encoding: *\r\n", HTTP_CODING_ZSTD},
    {"Accept-Encoding: *;q=0\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: zstd;q=0, *\r\n", HTTP_CODING_BROTLI},
    {"Accept-Encoding: *;q=0, gzip\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: identity\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: identity, gzip;q=0.5\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: identity;q=0, gzip;q=0.1\r\n", HTTP_CODING_GZIP},
    {"Accept-Encoding: identity;q=0\r\n", HTTP_CODING_NONE}, /* nothing else is accepted either */
    {"Accept-Encoding: identity;q=0, deflate\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip ; q=0.5 , br\t;\tQ=0.7\r\n", HTTP_CODING_BROTLI},
    {"Accept-Encoding: ,, gzip ,,\r\n", HTTP_CODING_GZIP},
    /* What is not well-formed is not accepted. */
    {"Accept-Encoding: gzip;q=\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=2\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=1.001\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=0.1234\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=-1\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=.5\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=0,5\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;level=1\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=1;x\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip br\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzipped, brr, zst\r\n", HTTP_CODING_NONE},
    {"Accept-Encoding: gzip;q=1., br;q=0.\r\n", HTTP_CODING_GZIP}, /* the grammar allows the bare dot */
};

START_TEST(the_best_is_chosen)
{
    static const enum http_coding offered[] = {HTTP_CODING_ZSTD, HTTP_CODING_BROTLI, HTTP_CODING_GZIP};
    struct http_codings accepted;
    struct http_head head;
    char text[1024];

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", cases[_i].fields);
    ck_assert_int_eq(request(text, &head), 1);
    http_codings_accepted(&head, &accepted);
    ck_assert_msg(http_coding_choose(&accepted, offered, 3) == cases[_i].expected, "%s", cases[_i].fields);
}
END_TEST

START_TEST(only_what_is_offered)
{
    static const enum http_coding gzip = HTTP_CODING_GZIP, none = HTTP_CODING_NONE;
    struct http_codings accepted = {.weights = {1000, 1000, 1000}};

    ck_assert_int_eq(http_coding_choose(&accepted, &gzip, 1), HTTP_CODING_GZIP);
    ck_assert_int_eq(http_coding_choose(&accepted, &none, 1), HTTP_CODING_NONE);
    ck_assert_int_eq(http_coding_choose(&accepted, NULL, 0), HTTP_CODING_NONE);
    accepted.weights[HTTP_CODING_GZIP] = 0;
    ck_assert_int_eq(http_coding_choose(&accepted, &gzip, 1), HTTP_CODING_NONE);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("coding");

    tcase_add_test(tests, nothing_said_nothing_taken);
    tcase_add_test(tests, our_order_where_there_is_no_other);
    tcase_add_test(tests, weights);
    tcase_add_loop_test(tests, the_best_is_chosen, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, only_what_is_offered);
    tcase_add_test(tests, none_may_be_preferred);
    tcase_add_test(tests, a_malformed_weight_is_a_refusal);
    return run_suite(tests, "http/coding");
}
