/* Listeners with protocol = forward: their keys, and what must not be written by accident. */
#include "loading.h"

#define WEB "[listener proxy]\nbind = 127.0.0.1:3128\nprotocol = forward\n"

static struct conf *conf;

static const struct conf_forward *forward(const char *text)
{
    conf = load(text);
    ck_assert_int_eq(conf->listeners[0].protocol, CONF_FORWARD);
    return &conf->listeners[0].forward;
}

static void done(void)
{
    conf_free(conf);
    conf = NULL;
}

START_TEST(nothing_but_a_port_is_needed)
{
    const struct conf_forward *f = forward(WEB);

    ck_assert_uint_eq(f->allow_count + f->deny_count + f->internal_count + f->port_count, 0);
    ck_assert_int_eq(f->timeout_connect, INT64_C(3000000000));
    ck_assert_int_eq(f->max_tunnel_time, INT64_C(86400000000000));
    ck_assert_int_eq(f->keepalive, 64);
}
END_TEST

START_TEST(destinations)
{
    const struct conf_forward *f =
        forward(WEB "allow_destinations = Example.COM, *.example.org 93.184.216.0/24\n"
                    "deny_destinations = 2001:db8::/32, [2001:db9::1], 192.0.2.1\n");

    ck_assert_uint_eq(f->allow_count, 3);
    ck_assert_str_eq(f->allow[0].host->text, "example.com");
    ck_assert(!f->allow[0].network && !f->allow[0].host->wildcard);
    ck_assert(f->allow[1].host->wildcard);
    ck_assert_str_eq(f->allow[1].written, "*.example.org");
    ck_assert(f->allow[2].network && !f->allow[2].host);
    ck_assert_uint_eq(f->allow[2].network->bits, 120);
    ck_assert_uint_eq(f->deny_count, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(f->deny[i].network);
    done();
}
END_TEST

START_TEST(ports)
{
    const struct conf_forward *f = forward(WEB "allow_ports = 443, 8000-8999\nallow_ports = 1-65535\n");

    ck_assert_uint_eq(f->port_count, 3);
    ck_assert_int_eq(f->ports[0].first, 443);
    ck_assert_int_eq(f->ports[0].last, 443);
    ck_assert_int_eq(f->ports[1].first, 8000);
    ck_assert_int_eq(f->ports[1].last, 8999);
    ck_assert_int_eq(f->ports[2].last, 65535);
    done();
}
END_TEST

#define PORTS_ALLOWED "; allowed: a port such as 443, or a range such as 8000-8999\n"

START_TEST(wrong_ports)
{
    static const char *const wrong[] = {"0",    "65536", "-80",  "80-",        "80-90-100",
                                        "http", "0-80",  "80-0", "4294967376", "80-99999999999999999999"};
    char text[256], expected[256];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text), WEB "allow_ports = %s\n", wrong[i]);
        snprintf(expected, sizeof(expected),
                 "t:4: [listener proxy] allow_ports: '%s' is not a port or a range of ports" PORTS_ALLOWED,
                 wrong[i]);
        refuse(text, expected);
    }
    refuse(WEB "allow_ports = 90-80\n",
           "t:4: [listener proxy] allow_ports: '90-80' is a range that ends before it begins" PORTS_ALLOWED);
}
END_TEST

START_TEST(wrong_destinations)
{
    static const char *const wrong[] = {"*",     "a..b",    "exa*mple.com",       "10.0.0.1/8", "1.2.3",
                                        "127.1", "host:80", "http://example.com", "[::1",       "300.1.1.1"};
    struct conf_errors errors;
    char text[256];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        errors = (struct conf_errors){0};
        snprintf(text, sizeof(text), WEB "deny_destinations = %s\n", wrong[i]);
        ck_assert_msg(!conf_load_text("t", text, strlen(text), &errors), "'%s' is taken", wrong[i]);
        conf_errors_free(&errors);
    }
}
END_TEST

START_TEST(an_open_proxy_is_refused)
{
    static const char *const open[] = {":3128", "0.0.0.0:3128", "[::]:3128", "192.0.2.1:3128",
                                       "proxy.example:3128"};
    char text[256], expected[512];

    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        snprintf(text, sizeof(text), "[listener proxy]\nbind = 127.0.0.1:1, %s\nprotocol = forward\n",
                 open[i]);
        snprintf(expected, sizeof(expected),
                 "t:2: [listener proxy] bind: '%s' would be a proxy open to everybody; say who may use it "
                 "with allow = "
                 "NETWORKS (allow = 0.0.0.0/0, ::/0 if you mean everybody)\n",
                 open[i]);
        refuse(text, expected);
        strcat(text, "allow = 10.0.0.0/8\n");
        conf_free(load(text));
    }
    conf_free(load(
        "[listener proxy]\nbind = 127.1.2.3:1, [::1]:1, localhost:2, unix:/run/p\nprotocol = forward\n"));
}
END_TEST

START_TEST(it_has_no_upstream_and_no_routes)
{
    refuse(WEB "upstream = app\n[upstream app]\nserver = a:80\n",
           "t:4: [listener proxy] upstream: a listener with protocol = forward has none: each request says "
           "itself "
           "where it goes\n");
    refuse(WEB "[listener web]\nbind = 127.0.0.1:80\n[route r]\nlistener = proxy\nupstream = app\n"
               "[route s]\nlistener = web\nupstream = app\n[upstream app]\nserver = a:80\n",
           "t:7: [route r] listener: [listener proxy] has protocol = forward, which has no routes\n");
}
END_TEST

START_TEST(keys_of_other_protocols)
{
    conf_free(load_with(
        "[listener web]\nbind = :80\nupstream = app\nallow_ports = 1\ntimeout_connect = 1s\n"
        "[upstream app]\nserver = a:80\n",
        "t:4: warning: [listener web] allow_ports: the key means nothing to a listener with protocol = "
        "http\n"
        "t:5: warning: [listener web] timeout_connect: the key means nothing to a listener with "
        "protocol = http\n"));
    conf_free(load_with(
        "[listener db]\nbind = :80\nprotocol = tcp\nupstream = app\nallow_internal = 10.0.0.1\n"
        "[upstream app]\nserver = a:80\n",
        "t:5: warning: [listener db] allow_internal: the key means nothing to a listener with protocol "
        "= tcp\n"));
}
END_TEST

START_TEST(allowed_but_not_public)
{
    conf_free(load_with(
        WEB "allow_destinations = 10.1.0.0/16, 93.184.216.0/24, fd00::/8, 127.0.0.1\n"
            "allow_internal = 127.0.0.0/8\n",
        "t:4: warning: [listener proxy] allow_destinations: '10.1.0.0/16' is not public (private): it "
        "stays refused unless allow_internal names it as well\n"
        "t:4: warning: [listener proxy] allow_destinations: 'fd00::/8' is not public (unique local): it "
        "stays refused unless allow_internal names it as well\n"));
    conf_free(load(WEB "allow_destinations = 10.1.0.0/16\nallow_internal = 10.1.2.0/24\n"));
    conf_free(load(WEB "allow_destinations = 0.0.0.0/0, ::/0\n"));
}
END_TEST

START_TEST(exceptions_weaken)
{
    char *told = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&told, &n);

    forward(WEB "allow_internal = 10.0.0.0/8, ::1\n");
    ck_assert_uint_eq(conf_print_weakened(out, conf), 2);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(told,
                     "t:4: allow_internal = 10.0.0.0/8: clients reach an internal network through the proxy\n"
                     "t:4: allow_internal = ::1: clients reach an internal network through the proxy\n");
    free(told);
    done();
}
END_TEST

START_TEST(name_servers)
{
    conf = load("[greenway]\nname_servers = 192.0.2.53, 192.0.2.54:5353 ::1, [2001:db8::1]:54\n" WEB);
    ck_assert_uint_eq(conf->name_server_count, 4);
    ck_assert_str_eq(conf->name_servers[0].written, "192.0.2.53:53");
    ck_assert_str_eq(conf->name_servers[1].written, "192.0.2.54:5353");
    ck_assert_str_eq(conf->name_servers[2].written, "[::1]:53");
    ck_assert_str_eq(conf->name_servers[3].written, "[2001:db8::1]:54");
    done();
    static const char *const wrong[] = {"ns.example", "192.0.2.1:0", "192.0.2.1:65536",
                                        "1.2.3",      "unix:/x",     "::1:53:x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct conf_errors errors = {0};
        char text[256];

        snprintf(text, sizeof(text), "[greenway]\nname_servers = %s\n" WEB, wrong[i]);
        ck_assert_msg(!conf_load_text("t", text, strlen(text), &errors), "'%s' is taken", wrong[i]);
        conf_errors_free(&errors);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forward");
    TCase *tests = tcase_create("forward");

    tcase_add_test(tests, nothing_but_a_port_is_needed);
    tcase_add_test(tests, destinations);
    tcase_add_test(tests, ports);
    tcase_add_test(tests, wrong_ports);
    tcase_add_test(tests, wrong_destinations);
    tcase_add_test(tests, an_open_proxy_is_refused);
    tcase_add_test(tests, it_has_no_upstream_and_no_routes);
    tcase_add_test(tests, keys_of_other_protocols);
    tcase_add_test(tests, allowed_but_not_public);
    tcase_add_test(tests, exceptions_weaken);
    tcase_add_test(tests, name_servers);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
