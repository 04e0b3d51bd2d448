/* What a health_check asks and what it takes for an answer; what is wrong with one. */
#include "loading.h"
#include "regexp.h"

#define BASE                                                                                                 \
    "[listener web]\nbind = :80\nupstream = app\n[upstream app]\nserver = 127.0.0.1:1\nhealth_check = "

#define SECOND INT64_C(1000000000)

static struct conf *conf;

static const struct conf_health_check *check_of(const char *value)
{
    char text[2048];

    snprintf(text, sizeof(text), BASE "%s\n", value);
    conf = load(text);
    return &conf->upstreams[0].health_check;
}

START_TEST(little_is_needed)
{
    const struct conf_health_check *c = check_of("GET /healthz");

    ck_assert_int_eq(c->kind, CONF_CHECK_HTTP);
    ck_assert_str_eq(c->method, "GET");
    ck_assert_str_eq(c->path, "/healthz");
    ck_assert_ptr_null(c->host);
    ck_assert_ptr_null(c->match);
    ck_assert_int_eq(c->every, 2 * SECOND);
    ck_assert_int_eq(c->timeout, SECOND);
    ck_assert_int_eq(c->rise, 2);
    ck_assert_int_eq(c->fall, 3);
    ck_assert_int_eq(c->status_min, 200);
    ck_assert_int_eq(c->status_max, 399);
    ck_assert_int_eq(c->port, 0);
    ck_assert(!c->start_down);
    conf_free(conf);
}
END_TEST

START_TEST(all_can_be_said)
{
    const struct conf_health_check *c =
        check_of("GET /a?b=c  every=10ms\ttimeout=1d rise=1 fall=1000 port=65535 start=down "
                 "status=500-599 host=[::1]:80 match=\"a b|\\d\"");

    ck_assert_str_eq(c->path, "/a?b=c");
    ck_assert_int_eq(c->every, SECOND / 100);
    ck_assert_int_eq(c->timeout, 86400 * SECOND);
    ck_assert_int_eq(c->rise, 1);
    ck_assert_int_eq(c->fall, 1000);
    ck_assert_int_eq(c->port, 65535);
    ck_assert(c->start_down);
    ck_assert_int_eq(c->status_min, 500);
    ck_assert_int_eq(c->status_max, 599);
    ck_assert_str_eq(c->host, "[::1]:80");
    ck_assert_int_gt(conf_regex_find(c->match, "xa bx", 5, NULL), 0);
    ck_assert_int_gt(conf_regex_find(c->match, "7", 1, NULL), 0); /* what means nothing is the expression's */
    ck_assert_int_eq(conf_regex_find(c->match, "a", 1, NULL), 0);
    conf_free(conf);
}
END_TEST

START_TEST(bytes_of_all_kinds)
{
    static const char sent[] = {'a', '\r', '\n', '\t', 0, (char)0xff, '"', '\\', 'z'};
    const struct conf_health_check *c = check_of("send=\"a\\r\\n\\t\\0\\xfF\\\"\\\\z\" expect=\"+ \\x4\"");

    ck_assert_int_eq(c->kind, CONF_CHECK_DIALOGUE);
    ck_assert_uint_eq(c->send_size, sizeof(sent));
    ck_assert_mem_eq(c->send, sent, sizeof(sent));
    ck_assert_uint_eq(c->expect_size, 5); /* that is no byte in hexadecimal */
    ck_assert_mem_eq(c->expect, "+ \\x4", 5);
    conf_free(conf);
}
END_TEST

static const char *const forms[] = {"tcp", "smtp", "redis", "postgresql", "mysql", "HEAD /", "OPTIONS /x"};

START_TEST(protocols_by_name)
{
    const struct conf_health_check *c = check_of(forms[_i]);

    ck_assert_int_ne(c->kind, CONF_CHECK_NONE);
    ck_assert((c->kind == CONF_CHECK_DIALOGUE) == (c->expect || c->match));
    conf_free(conf);
}
END_TEST

static const struct {
    const char *value, *wrong;
} wrongs[] = {
    {"GET", "has no path behind the method"},
    {"GET healthz", "has no path behind the method"},
    {"GET every=1s", "has no path behind the method"},
    {"GET \"/a b\"", "has a path with a byte that no path has"},
    {"GET \"/a\\0b\"", "has a path with a byte that no path has"},
    {"GET \"/a\\r\\nX: y\"", "has a path with a byte that no path has"},
    {"POST /", "does not begin with GET, HEAD or OPTIONS and a path"},
    {"get /", "does not begin with GET, HEAD or OPTIONS and a path"},
    {"GET / every=0", "has no every from 10ms to 1d, such as 2s"},
    {"GET / every=9ms", "has no every from 10ms to 1d, such as 2s"},
    {"GET / timeout=25h", "has no timeout from 10ms to 1d, such as 2s"},
    {"GET / timeout=99999999999999999999s", "has no timeout from 10ms to 1d, such as 2s"},
    {"GET / rise=0", "has no rise from 1 to 1000"},
    {"GET / fall=1001", "has no fall from 1 to 1000"},
    {"GET / port=65536", "has no port from 1 to 65535"},
    {"GET / start=maybe", "has a start that is not up or down"},
    {"GET / status=99", "has no status from 100 to 599"},
    {"GET / status=600", "has no status from 100 to 599"},
    {"GET / status=300-200", "has no status from 100 to 599"},
    {"GET / status=200-", "has no status from 100 to 599"},
    {"GET / status=200-299-399", "has no status from 100 to 599"},
    {"GET / status=2xx", "has no status from 100 to 599"},
    {"GET / host=", "has a host with a byte that no host has"},
    {"GET / host=\"a\\r\\nX: y\"", "has a host with a byte that no host has"},
    {"GET / nonsense", "has a word that is no option"},
    {"GET / evrey=1s", "has the option evrey=, which this kind of check does not know"},
    {"GET / send=x", "has the option send=, which this kind of check does not know"},
    {"tcp expect=x", "has the option expect=, which this kind of check does not know"},
    {"tcp status=200", "has the option status=, which this kind of check does not know"},
    {"HEAD / match=x", "looks for something in the body, which HEAD has not"},
    {"send=x", "expects nothing; expect= or match= says what an answer has to have"},
    {"send= expect=x", "has nothing to send or to expect"},
    {"expect=\"\"", "has nothing to send or to expect"},
    {"GET / match=\"abc", "has a '\"' without the one that closes it"},
    {"\"GET /", "has a '\"' without the one that closes it"},
};

START_TEST(wrong_ones_are_named)
{
    char text[1024], start[512];
    struct conf_errors errors = {0};

    snprintf(text, sizeof(text), BASE "%s\n", wrongs[_i].value);
    snprintf(start, sizeof(start), "t:6: [upstream app] health_check: '%s' %s", wrongs[_i].value,
             wrongs[_i].wrong);
    ck_assert_ptr_null(conf_load_text("t", text, strlen(text), &errors));
    char *found = findings(&errors);
    ck_assert_msg(!strncmp(found, start, strlen(start)), "%s", found);
    free(found);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(so_many_bytes_and_no_more)
{
    for (int more = 0; more < 2; more++) {
        char text[2048];
        struct conf_errors errors = {0};

        snprintf(text, sizeof(text), BASE "expect=%0*d\n", CONF_CHECK_BYTES + more, 7);
        conf = conf_load_text("t", text, strlen(text), &errors);
        ck_assert_int_eq(conf != NULL, !more);
        if (conf)
            conf_free(conf);
        conf_errors_free(&errors);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/health");
    TCase *tc = tcase_create("health");

    tcase_add_test(tc, little_is_needed);
    tcase_add_test(tc, all_can_be_said);
    tcase_add_test(tc, bytes_of_all_kinds);
    tcase_add_loop_test(tc, protocols_by_name, 0, sizeof(forms) / sizeof(forms[0]));
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(tc, so_many_bytes_and_no_more);
    suite_add_tcase(suite, tc);
    return run_tests(suite);
}
