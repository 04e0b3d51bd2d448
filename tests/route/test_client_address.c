/* Addresses in fields that proxies write, and who the client is after all of them. */
#include "route/client_address.h"

#include <check.h>
#include <stdlib.h>

#include "load.h"

static struct conf *conf;
static struct http_head head;

static void load(const char *keys)
{
    char text[1024];
    struct conf_errors errors = {0};
    snprintf(text, sizeof text,
             "[listener web]\nbind = :80\nupstream = app\n%s\n[upstream app]\nserver = 127.0.0.1:1\n", keys);
    conf = conf_load_text("test", text, strlen(text), &errors);
    if (!conf)
        conf_errors_print(stderr, &errors, false);
    ck_assert_ptr_nonnull(conf);
    conf_errors_free(&errors);
}

/* The client that these fields name to a trusted peer, "" for none. */
static const char *client(const char *fields)
{
    static char text[GREEN_ADDRESS_TEXT], request[8192];
    struct http_parser parser;
    green_address_t found;
    int n = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    http_request_begin(&parser, NULL);
    ck_assert_int_eq(http_head_feed(&parser, request, (size_t)n, &head), 1);
    if (!client_address_find(&conf->listeners[0].client, &head, &found))
        return "";
    return green_address_text(&found, false, text);
}

static const struct {
    const char *text, *address;
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:80", "192.0.2.1"},
    {"192.0.2.1:65535", "192.0.2.1"},
    {"2001:db8::1", "2001:db8::1"},
    {"[2001:db8::1]", "2001:db8::1"},
    {"[2001:db8::1]:443", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"[::ffff:192.0.2.1]:1", "192.0.2.1"},
    {"", NULL},
    {" 192.0.2.1", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.1:", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:8o", NULL},
    {"192.0.2.1/32", NULL},
    {"[192.0.2.1]", NULL},
    {"[2001:db8::1", NULL},
    {"[2001:db8::1]x", NULL},
    {"[2001:db8::1]:", NULL},
    {"[]", NULL},
    {"[", NULL},
    {"2001:db8::1%eth0", NULL},
    {"fe80::1%1", NULL},
    {"/tmp/socket", NULL},
    {"unix:", NULL},
    {"unknown", NULL},
    {"_hidden", NULL},
    {"localhost", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL},
};

START_TEST(one_address)
{
    green_address_t found;
    char text[GREEN_ADDRESS_TEXT];
    int r = client_address_parse(span_str(addresses[_i].text), &found);
    ck_assert_int_eq(r == 0, addresses[_i].address != NULL);
    if (r == 0)
        ck_assert_str_eq(green_address_text(&found, true, text) ? green_address_text(&found, false, text)
                                                                : "",
                         addresses[_i].address);
}
END_TEST

#define XFF(list) "X-Forwarded-For: " list "\r\n"

static const struct {
    const char *fields, *client;
} lists[] = {
    {"", ""},
    {XFF("192.0.2.1"), "192.0.2.1"},
    {XFF("192.0.2.1, 192.0.2.2"), "192.0.2.2"}, /* what comes first is the client's own invention */
    {XFF("192.0.2.1, 10.0.0.1"), "192.0.2.1"},  /* a chain of trusted ones is followed */
    {XFF("192.0.2.1, 192.0.2.2, 10.0.0.2, 10.0.0.1"), "192.0.2.2"},
    {XFF("10.0.0.3, 10.0.0.2"), "10.0.0.3"}, /* all are trusted: the first one */
    {XFF("192.0.2.1") XFF("192.0.2.2"), "192.0.2.2"},
    {XFF("192.0.2.1") XFF("10.0.0.1"), "192.0.2.1"},
    {XFF("192.0.2.1,10.0.0.1 ,\t10.0.0.2"), "192.0.2.1"},
    {XFF("192.0.2.1:5000, [2001:db8:1::1]:443"), "192.0.2.1"},
    {XFF("192.0.2.1, , 10.0.0.1,"), "192.0.2.1"},
    {XFF("192.0.2.1, nonsense"), ""}, /* what cannot be read ends the search */
    {XFF("192.0.2.1, nonsense, 10.0.0.1"), "10.0.0.1"},
    {XFF("nonsense, 192.0.2.1"), "192.0.2.1"},
    {XFF("192.0.2.1 192.0.2.2"), ""},
    {XFF("unknown"), ""},
    {XFF(""), ""},
    {"Forwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n", ""},
};

START_TEST(x_forwarded_for)
{
    load("trusted = 10.0.0.0/8, 2001:db8:1::/48");
    ck_assert_str_eq(client(lists[_i].fields), lists[_i].client);
    conf_free(conf);
}
END_TEST

START_TEST(long_lists_are_given_up)
{
    char fields[2048] = "X-Forwarded-For: 192.0.2.1";
    load("trusted = 10.0.0.0/8, 2001:db8:1::/48");
    for (int i = 1; i <= 31; i++)
        sprintf(fields + strlen(fields), ", 10.0.0.%d", i);
    strcat(fields, "\r\n");
    ck_assert_str_eq(client(fields), "192.0.2.1");
    strcpy(fields + strlen(fields) - 2, ", 10.0.0.32\r\n");
    ck_assert_str_eq(client(fields), "10.0.0.1");
    conf_free(conf);
}
END_TEST

#define FW(list) "Forwarded: " list "\r\n"

static const struct {
    const char *fields, *client;
} forwarded[] = {
    {FW("for=192.0.2.1"), "192.0.2.1"},
    {FW("For=\"[2001:db8::7]:4711\""), "2001:db8::7"},
    {FW("for=\"192.0.2.1:80\";proto=http;by=10.0.0.1"), "192.0.2.1"},
    {FW("proto=http;for=192.0.2.1;host=\"a,b;for=9.9.9.9\""), "192.0.2.1"},
    {FW("for=192.0.2.1, for=192.0.2.2"), "192.0.2.2"},
    {FW("for=192.0.2.1 , for=10.0.0.1"), "192.0.2.1"},
    {FW("for=192.0.2.1") FW("for=10.0.0.1"), "192.0.2.1"},
    {FW("for=192.0.2.1, for=unknown"), ""},
    {FW("for=192.0.2.1, for=_secret, for=10.0.0.1"), "10.0.0.1"},
    {FW("for=192.0.2.1, proto=http"), ""}, /* that proxy does not say */
    {FW("for=192.0.2.1;for=192.0.2.2"), ""},
    {FW("for=\"192.0.2.1"), ""},
    {FW("for=\"192.0.\\2.1\""), ""},
    {FW("for="), ""},
    {FW("for"), ""},
    {FW("=192.0.2.1"), ""},
    {FW("for=192.0.2.1 for=10.0.0.1"), ""},
    {FW("for=192.0.2.1,") FW("nonsense"), ""},
    {XFF("192.0.2.1"), ""},
};

START_TEST(forwarded_field)
{
    load("trusted = 10.0.0.0/8\nclient_address_from = forwarded");
    ck_assert_str_eq(client(forwarded[_i].fields), forwarded[_i].client);
    conf_free(conf);
}
END_TEST

START_TEST(long_forwarded_fields_are_given_up)
{
    char fields[4096] = "Forwarded: for=192.0.2.1";
    load("trusted = 10.0.0.0/8\nclient_address_from = forwarded");
    for (int i = 1; i <= 40; i++)
        sprintf(fields + strlen(fields), ", for=10.0.0.%d", i);
    strcat(fields, "\r\n");
    ck_assert_str_eq(client(fields), "10.0.0.9");
    conf_free(conf);
}
END_TEST

START_TEST(x_real_ip)
{
    load("trusted = 10.0.0.0/8\nclient_address_from = x_real_ip");
    ck_assert_str_eq(client("X-Real-IP: 192.0.2.1\r\n"), "192.0.2.1");
    ck_assert_str_eq(client("X-Real-IP: 10.0.0.7\r\n"), "10.0.0.7");
    ck_assert_str_eq(client("X-Real-IP: 192.0.2.1, 192.0.2.2\r\n"), "");
    ck_assert_str_eq(client("X-Real-IP: 192.0.2.1\r\nX-Real-IP: 192.0.2.2\r\n"), "");
    ck_assert_str_eq(client(XFF("192.0.2.1")), "");
    conf_free(conf);
}
END_TEST

START_TEST(who_is_trusted)
{
    green_address_t peer;
    load("trusted = 10.0.0.0/8, unix");
    ck_assert_int_eq(green_address_parse(&peer, "10.1.1.1", 5), 0);
    ck_assert(client_trusted(&conf->listeners[0].client, &peer));
    ck_assert_int_eq(green_address_parse(&peer, "11.1.1.1", 5), 0);
    ck_assert(!client_trusted(&conf->listeners[0].client, &peer));
    ck_assert_int_eq(green_address_parse(&peer, "/tmp/x", 0), 0);
    ck_assert(client_trusted(&conf->listeners[0].client, &peer));
    conf_free(conf);
    load("");
    ck_assert(!client_trusted(&conf->listeners[0].client, &peer));
    conf_free(conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route/client_address");
    TCase *tc = tcase_create("client_address");
    tcase_add_loop_test(tc, one_address, 0, sizeof addresses / sizeof addresses[0]);
    tcase_add_loop_test(tc, x_forwarded_for, 0, sizeof lists / sizeof lists[0]);
    tcase_add_test(tc, long_lists_are_given_up);
    tcase_add_loop_test(tc, forwarded_field, 0, sizeof forwarded / sizeof forwarded[0]);
    tcase_add_test(tc, long_forwarded_fields_are_given_up);
    tcase_add_test(tc, x_real_ip);
    tcase_add_test(tc, who_is_trusted);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
