/* Destinations: which texts name one, and which of them the rules let through. */
#include "route/destination.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#include "http/error.h"
#include "load.h"

static struct conf *conf;
static const struct conf_forward *rules;

static void load(const char *keys)
{
    char text[4096];
    struct conf_errors errors = {0};
    snprintf(text, sizeof text, "[listener p]\nbind = 127.0.0.1:1\nprotocol = forward\n%s", keys);
    conf = conf_load_text("test", text, strlen(text), &errors);
    if (!conf)
        conf_errors_print(stderr, &errors, false);
    ck_assert_ptr_nonnull(conf);
    conf_errors_free(&errors);
    rules = &conf->listeners[0].forward;
}

static void unload(void)
{
    conf_free(conf);
    conf = NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* "name:port" as it was read, or "" if it was not. */
static const char *read_as(const char *text)
{
    static char out[300];
    struct http_authority authority;
    struct destination d;
    if (http_authority_parse(span_str(text), &authority) < 0 || destination_read(&authority, 80, &d) < 0)
        return "";
    snprintf(out, sizeof out, "%s%s:%d", d.name, d.numeric ? "#" : "", d.port);
    return out;
}

static const char *const readings[][2] = {
    {"example.com", "example.com:80"},
    {"example.com:443", "example.com:443"},
    {"EXAMPLE.Com.", "example.com:80"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example:80"},
    {"a_b.example", "a_b.example:80"},
    {"localhost", "localhost:80"},
    {"1password.com", "1password.com:80"},
    {"192.0.2.1.example", "192.0.2.1.example:80"},
    {"0xabc.example", "0xabc.example:80"},
    {"192.0.2.1", "192.0.2.1#:80"},
    {"192.0.2.1:8080", "192.0.2.1#:8080"},
    {"[2001:DB8:0:0::1]:443", "2001:db8::1#:443"},
    {"[::ffff:127.0.0.1]", "::ffff:127.0.0.1#:80"},
    /* spellings of 127.0.0.1 and the like that only some resolvers take for an address */
    {"0x7f.1", ""},
    {"0x7f.0.0.1", ""},
    {"0X7F000001", ""},
    {"0x", ""},
    {"2130706433", ""},
    {"0177.0.0.1", ""},
    {"127.1", ""},
    {"127.0.1", ""},
    {"127.0.0.01", ""},
    {"127.0.0.1.", ""},
    {"127.0.0.256", ""},
    {"127.0.0.0x1", ""},
    {"1.2.3.4.5", ""},
    {"%31%32%37.0.0.1", ""},
    {"127%2e0%2e0%2e1", ""},
    {"example%00.com", ""},
    {"localhost%", ""},
    /* no names, no ports, and what is no authority */
    {"", ""},
    {".", ""},
    {"..", ""},
    {".example", ""},
    {"a..b", ""},
    {"-a.example", ""},
    {"a-.example", ""},
    {"a!b.example", ""},
    {"a;b", ""},
    {"user@example.com", ""},
    {"user:secret@example.com:80", ""},
    {"example.com:0", ""},
    {"example.com:65536", ""},
    {"example.com:-1", ""},
    {"example.com:80:80", ""},
    {"example.com:http", ""},
    {"[::1", ""},
    {"[fe80::1%25eth0]", ""},
    {"[::1]x", ""},
    {"[127.0.0.1]", ""},
    {"[v1.x]", ""},
    {"::1", ""},
};

START_TEST(reading)
{
    ck_assert_msg(!strcmp(read_as(readings[_i][0]), readings[_i][1]), "'%s' is read as '%s', not '%s'",
                  readings[_i][0], read_as(readings[_i][0]), readings[_i][1]);
}
END_TEST

START_TEST(long_names)
{
    char name[400];
    struct destination d;
    struct http_authority a = {.port = 80};
    for (size_t n = 240; n < sizeof name; n++) {
        memset(name, 'a', sizeof name);
        for (size_t i = 50; i < n; i += 51)
            name[i] = '.';
        if (name[n - 1] == '.')
            continue;
        a.host = span_of(name, n);
        ck_assert_int_eq(destination_read(&a, 80, &d), n <= 253 ? 0 : HTTP_E_HOST);
    }
    memset(name, 'a', 64);
    a.host = span_of(name, 64);
    ck_assert_int_eq(destination_read(&a, 80, &d), HTTP_E_HOST);
}
END_TEST

/* --- judging ------------------------------------------------------------------------------------------------------ */

static struct destination destination_of(const char *authority)
{
    struct http_authority a;
    struct destination d;
    ck_assert_int_eq(http_authority_parse(span_str(authority), &a), 0);
    ck_assert_int_eq(destination_read(&a, 80, &d), 0);
    return d;
}

static const char *refused(const char *authority)
{
    struct destination d = destination_of(authority);
    const char *key = destination_refused(rules, &d);
    return key ? key : "";
}

static const char *address_refused(const char *authority, const char *address)
{
    struct destination d = destination_of(authority);
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&in;
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
        to = (const struct sockaddr *)(const void *)&in6;
    }
    const char *key = destination_address_refused(rules, &d, to);
    return key ? key : "";
}

START_TEST(ports)
{
    load("");
    ck_assert_str_eq(refused("a.example"), "");
    ck_assert_str_eq(refused("a.example:443"), "");
    ck_assert_str_eq(refused("a.example:25"), "allow_ports");
    ck_assert_str_eq(refused("a.example:8080"), "allow_ports");
    unload();
    load("allow_ports = 8000-8010, 22\n");
    ck_assert_str_eq(refused("a.example"), "allow_ports");
    ck_assert_str_eq(refused("a.example:443"), "allow_ports");
    ck_assert_str_eq(refused("a.example:7999"), "allow_ports");
    ck_assert_str_eq(refused("a.example:8000"), "");
    ck_assert_str_eq(refused("a.example:8010"), "");
    ck_assert_str_eq(refused("a.example:8011"), "allow_ports");
    ck_assert_str_eq(refused("a.example:22"), "");
    unload();
}
END_TEST

START_TEST(hosts)
{
    load("allow_destinations = example.com, *.example.com\ndeny_destinations = bad.example.com, "
         "*.evil.example\n");
    ck_assert_str_eq(refused("example.com"), "");
    ck_assert_str_eq(refused("EXAMPLE.com."), "");
    ck_assert_str_eq(refused("a.b.example.com"), "");
    ck_assert_str_eq(refused("bad.example.com"), "deny_destinations");
    ck_assert_str_eq(refused("BAD.example.com."), "deny_destinations");
    ck_assert_str_eq(refused("x.evil.example"), "deny_destinations");
    ck_assert_str_eq(refused("evil.example"), "allow_destinations");
    ck_assert_str_eq(refused("xexample.com"), "allow_destinations");
    ck_assert_str_eq(refused("example.com.evil.test"), "allow_destinations");
    ck_assert_str_eq(refused("93.184.216.34"), "allow_destinations");
    unload();
}
END_TEST

START_TEST(addresses)
{
    load("");
    ck_assert_str_eq(address_refused("a.example", "93.184.216.34"), "");
    ck_assert_str_eq(address_refused("a.example", "2606:4700::1111"), "");
    ck_assert_str_eq(address_refused("a.example", "127.0.0.1"), "allow_internal");
    ck_assert_str_eq(address_refused("a.example", "::ffff:10.0.0.1"), "allow_internal");
    ck_assert_str_eq(address_refused("127.0.0.1", "127.0.0.1"), "allow_internal");
    unload();
    load("allow_internal = 10.1.0.0/16, fd00::/16\n");
    ck_assert_str_eq(address_refused("a.example", "10.1.2.3"), "");
    ck_assert_str_eq(address_refused("a.example", "::ffff:10.1.2.3"), "");
    ck_assert_str_eq(address_refused("a.example", "fd00::1"), "");
    ck_assert_str_eq(address_refused("a.example", "10.2.0.1"), "allow_internal");
    ck_assert_str_eq(address_refused("a.example", "64:ff9b::10.1.2.3"), "allow_internal");
    ck_assert_str_eq(address_refused("a.example", "93.184.216.34"), "");
    unload();
}
END_TEST

START_TEST(networks)
{
    load("allow_destinations = *.example.com, 93.184.0.0/16, 10.1.0.0/16\n"
         "deny_destinations = 93.184.216.0/24\nallow_internal = 10.0.0.0/8\n");
    ck_assert_str_eq(refused("other.test"), ""); /* its address may be allowed */
    ck_assert_str_eq(address_refused("other.test", "93.184.1.1"), "");
    ck_assert_str_eq(address_refused("other.test", "93.185.1.1"), "allow_destinations");
    ck_assert_str_eq(address_refused("a.example.com", "93.185.1.1"), "");
    ck_assert_str_eq(address_refused("a.example.com", "93.184.216.34"), "deny_destinations");
    ck_assert_str_eq(address_refused("a.example.com", "64:ff9b::93.184.216.34"), "deny_destinations");
    ck_assert_str_eq(address_refused("a.example.com", "2002:5db8:d822::1"), "deny_destinations");
    ck_assert_str_eq(address_refused("93.184.216.34", "93.184.216.34"), "deny_destinations");
    ck_assert_str_eq(address_refused("other.test", "10.1.0.1"), "");
    ck_assert_str_eq(address_refused("other.test", "10.2.0.1"), "allow_destinations");
    ck_assert_str_eq(address_refused("a.example.com", "10.2.0.1"), "");
    ck_assert_str_eq(address_refused("a.example.com", "127.0.0.1"), "allow_internal");
    unload();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("destination");
    TCase *tests = tcase_create("destination");
    tcase_add_loop_test(tests, reading, 0, sizeof readings / sizeof readings[0]);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, ports);
    tcase_add_test(tests, hosts);
    tcase_add_test(tests, addresses);
    tcase_add_test(tests, networks);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
