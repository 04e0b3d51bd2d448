/* Networks: what is one, and what is in it. */
#include "loading.h"

#include "network.h"

#include <arpa/inet.h>
#include <sys/un.h>

static const struct {
    const char *network, *address;
    bool in;
} cases[] = {
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "10.0.0.1", true}, /* IPv4 is a part of it */
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"::1", "::1", true},
    {"unix", "127.0.0.1", false},
    {"192.168.1.128/25", "192.168.1.127", false},
    {"192.168.1.128/25", "192.168.1.200", true},
};

START_TEST(an_address_is_in_a_network_or_not)
{
    struct conf_arena arena = {0};
    struct conf_network network = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool six = strchr(cases[_i].address, ':') != NULL;

    ck_assert_pstr_eq(conf_network_parse(&arena, cases[_i].network, &network), NULL);
    ck_assert_int_eq(six ? inet_pton(AF_INET6, cases[_i].address, &v6.sin6_addr)
                         : inet_pton(AF_INET, cases[_i].address, &v4.sin_addr),
                     1);
    ck_assert_int_eq(conf_network_has(&network, six ? (void *)&v6 : (void *)&v4), cases[_i].in);
    conf_arena_free(&arena);
}
END_TEST

START_TEST(peers_of_unix_sockets_are_a_network)
{
    struct conf_arena arena = {0};
    struct conf_network network = {0};
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    ck_assert_pstr_eq(conf_network_parse(&arena, "unix", &network), NULL);
    ck_assert(conf_network_has(&network, (void *)&un));
    conf_arena_free(&arena);
}
END_TEST

static const char *const wrong[] = {"",
                                    "10",
                                    "10.0.0.0/33",
                                    "10.0.0.1/8",
                                    "10.0.0.0/",
                                    "10.0.0.0/08",
                                    "10.0.0.0/-1",
                                    "::/129",
                                    "2001:db8::1/32",
                                    "example.com",
                                    "10.0.0.0/8/8",
                                    "10.0.0.0/1e1",
                                    "UNIX"};

START_TEST(anything_else_is_none)
{
    struct conf_arena arena = {0};
    struct conf_network network = {0};

    ck_assert_ptr_nonnull(conf_network_parse(&arena, wrong[_i], &network));
    conf_arena_free(&arena);
}
END_TEST

START_TEST(a_list_belongs_to_its_section)
{
    struct conf_errors errors = {0};
    static const char text[] =
        "[listener web]\nbind = :0\nupstream = app\nallow = 10.0.0.0/8, ::1\nallow = unix\n"
        "[route r]\nupstream = app\ndeny = 10.1.0.0/16\n"
        "[upstream app]\nserver = 127.0.0.1:1\n";
    struct conf *c = conf_load_text("t.ini", text, sizeof text - 1, &errors);

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->listeners[0].access.allow_count, 3);
    ck_assert_str_eq(c->listeners[0].access.allow[1].written, "::1");
    ck_assert_int_eq(c->listeners[0].access.allow[2].origin.line, 5);
    ck_assert_uint_eq(c->listeners[0].access.deny_count, 0);
    ck_assert_uint_eq(c->routes[0].access.deny_count, 1);
    conf_errors_free(&errors);
    conf_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/network");
    TCase *tests = tcase_create("network");

    tcase_add_loop_test(tests, an_address_is_in_a_network_or_not, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, peers_of_unix_sockets_are_a_network);
    tcase_add_loop_test(tests, anything_else_is_none, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(tests, a_list_belongs_to_its_section);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
