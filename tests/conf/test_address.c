/* Addresses and servers: each is taken apart or refused for the right reason. */
#include "loading.h"

#include "address.h"

static const char label64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80";

static const struct {
    const char *text, *wrong, *host;
    int port;
    bool is_unix;
} addresses[] = {
    {"127.0.0.1:80", NULL, "127.0.0.1", 80, false},
    {":80", NULL, "", 80, false},
    {"*:80", NULL, "", 80, false},
    {":0", NULL, "", 0, false},
    {"0.0.0.0:65535", NULL, "0.0.0.0", 65535, false},
    {"[::]:80", NULL, "::", 80, false},
    {"[::1]:80", NULL, "::1", 80, false},
    {"[0:0:0:0:0:0:0:1]:80", NULL, "::1", 80, false},
    {"[2001:DB8::A]:80", NULL, "2001:db8::a", 80, false},
    {"LocalHost:80", NULL, "localhost", 80, false},
    {"app.internal.:80", NULL, "app.internal.", 80, false},
    {"my_app:080", NULL, "my_app", 80, false},
    {"unix:/run/a.sock", NULL, "/run/a.sock", 0, true},

    {"80", "is a port without the ':' before it", NULL, 0, false},
    {"", "has no port", NULL, 0, false},
    {":", "has no port behind its ':'", NULL, 0, false},
    {"a:", "has no port behind its ':'", NULL, 0, false},
    {"127.0.0.1", "has no port", NULL, 0, false},
    {"*", "has no port", NULL, 0, false},
    {":65536", "has a port above 65535", NULL, 0, false},
    {":99999999999999999999", "has a port above 65535", NULL, 0, false},
    {":http", "has a port that is not a number", NULL, 0, false},
    {":-1", "has a port that is not a number", NULL, 0, false},
    {":80 ", "has a port that is not a number", NULL, 0, false},
    {"::1:80", "has more than one ':'; an IPv6 address stands in brackets", NULL, 0, false},
    {"[::1", "has no ']'", NULL, 0, false},
    {"[::1]", "has no port", NULL, 0, false},
    {"[::1]80", "has something else than ':' behind its ']'", NULL, 0, false},
    {"[]:80", "is not an IPv6 address within its brackets", NULL, 0, false},
    {"[127.0.0.1]:80", "is not an IPv6 address within its brackets", NULL, 0, false},
    {"[fe80::1%eth0]:80", "has a zone, which is not supported", NULL, 0, false},
    {"1.2.3:80", "is not an IPv4 address", NULL, 0, false},
    {"1.2.3.256:80", "is not an IPv4 address", NULL, 0, false},
    {"a.1:80", "is not an IPv4 address", NULL, 0, false},
    {"http://a:80", "is a URL; leave out the scheme and the path", NULL, 0, false},
    {"a/b:80", "has a character that no host name has", NULL, 0, false},
    {"*.a:80", "has a character that no host name has", NULL, 0, false},
    {"-a:80", "has a label that starts with '-'", NULL, 0, false},
    {"a-:80", "has a label that ends with '-'", NULL, 0, false},
    {"a-.b:80", "has a label that ends with '-'", NULL, 0, false},
    {"a..b:80", "has an empty label", NULL, 0, false},
    {".a:80", "has an empty label", NULL, 0, false},
    {".:80", "has an empty label", NULL, 0, false},
    {"\xc3\xbc:80", "is not ASCII; write the name in its xn-- form", NULL, 0, false},
    {label64, "has a label of more than 63 bytes", NULL, 0, false},
    {"unix:run/a.sock", "has no absolute path behind 'unix:'", NULL, 0, false},
    {"unix:", "has no absolute path behind 'unix:'", NULL, 0, false},
};

START_TEST(addresses_are_taken_apart)
{
    struct conf_arena arena = {0};
    struct conf_address address = {0};
    const char *wrong = conf_address_parse(&arena, addresses[_i].text, &address);

    if (addresses[_i].wrong) {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, addresses[_i].wrong);
    } else {
        ck_assert_msg(!wrong, "'%s' %s", addresses[_i].text, wrong);
        ck_assert_str_eq(address.text, addresses[_i].text);
        ck_assert_str_eq(address.host, addresses[_i].host);
        ck_assert_int_eq(address.port, addresses[_i].port);
        ck_assert_int_eq(address.is_unix, addresses[_i].is_unix);
    }
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *wrong, *where, *host;
    int port, weight;
} servers[] = {
    {"10.0.0.1:8080", NULL, "10.0.0.1:8080", "10.0.0.1", 8080, 1},
    {"a:1 weight=256", NULL, "a:1", "a", 1, 256},
    {"a:1 \t weight=2 ", NULL, "a:1", "a", 1, 2},
    {"[::1]:80 weight=3", NULL, "[::1]:80", "::1", 80, 3},
    {"unix:/a weight=4", NULL, "unix:/a", "/a", 0, 4},
    {":80", "has no host", NULL, NULL, 0, 0},
    {"*:80", "has a character that no host name has", NULL, NULL, 0, 0},
    {"a:0", "has port 0, which nothing listens on", NULL, NULL, 0, 0},
    {"a", "has no port", NULL, NULL, 0, 0},
    {"a:1 weight=", "has a weight that is not a number from 1 to 256", NULL, NULL, 0, 0},
    {"a:1 weight=0", "has a weight that is not a number from 1 to 256", NULL, NULL, 0, 0},
    {"a:1 weight=257", "has a weight that is not a number from 1 to 256", NULL, NULL, 0, 0},
    {"a:1 weight=99999999999999999999", "has a weight that is not a number from 1 to 256", NULL, NULL, 0, 0},
    {"a:1 weight=2x", "has a weight that is not a number from 1 to 256", NULL, NULL, 0, 0},
    {"a:1 weight=1 weight=1", "has more than one weight", NULL, NULL, 0, 0},
    {"a:1 max_connections=10000000 weight=2", NULL, "a:1", "a", 1, 2},
    {"a:1 max_connections=0", "has a max_connections that is not a number from 1 to 10000000", NULL, NULL, 0,
     0},
    {"a:1 max_connections=10000001", "has a max_connections that is not a number from 1 to 10000000", NULL,
     NULL, 0, 0},
    {"a:1 max_connections=off", "has a max_connections that is not a number from 1 to 10000000", NULL, NULL,
     0, 0},
    {"a:1 max_connections=1 max_connections=2", "has more than one max_connections", NULL, NULL, 0, 0},
    {"a:1 wait=2", "has an unknown option", NULL, NULL, 0, 0},
    {"a:1 b:1", "has more than one word; servers are separated by commas", NULL, NULL, 0, 0},
};

START_TEST(servers_are_taken_apart)
{
    struct conf_arena arena = {0};
    struct conf_server server = {0};
    const char *wrong = conf_server_parse(&arena, servers[_i].text, &server);

    if (servers[_i].wrong) {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, servers[_i].wrong);
    } else {
        ck_assert_msg(!wrong, "'%s' %s", servers[_i].text, wrong);
        ck_assert_str_eq(server.text, servers[_i].where);
        ck_assert_str_eq(server.host, servers[_i].host);
        ck_assert_int_eq(server.port, servers[_i].port);
        ck_assert_int_eq(server.weight, servers[_i].weight);
    }
    conf_arena_free(&arena);
}
END_TEST

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {":80", "*:80", true},
    {":80", "0.0.0.0:80", true},
    {"[::]:80", ":80", true},
    {"[::1]:80", "[0::1]:80", true},
    {"A:80", "a:80", true},
    {"unix:/a", "unix:/a", true},
    {"0.0.0.0:80", "[::]:80", false}, /* two families */
    {":80", "127.0.0.1:80", false},   /* the narrower one wins */
    {":80", ":81", false},
    {":0", ":0", false}, /* any free port, twice */
    {"unix:/a", "unix:/b", false},
    {"unix:/a", ":80", false},
};

START_TEST(the_same_address_is_known)
{
    struct conf_arena arena = {0};
    struct conf_address a = {0}, b = {0};

    ck_assert_ptr_null(conf_address_parse(&arena, pairs[_i].a, &a));
    ck_assert_ptr_null(conf_address_parse(&arena, pairs[_i].b, &b));
    ck_assert_int_eq(conf_address_same(&a, &b), pairs[_i].same);
    ck_assert_int_eq(conf_address_same(&b, &a), pairs[_i].same);
    conf_arena_free(&arena);
}
END_TEST

START_TEST(the_longest_names_fit)
{
    struct conf_arena arena = {0};
    struct conf_address address;
    char text[400] = "unix:/";

    memset(text + 6, 'x', 106);
    ck_assert_ptr_null(conf_address_parse(&arena, text, &address));
    text[112] = 'x';
    ck_assert_str_eq(conf_address_parse(&arena, text, &address),
                     "has a path longer than the 107 bytes of a socket's name");
    memset(text, 0, sizeof(text));
    for (size_t i = 0; i < 253; i++)
        text[i] = i % 64 == 63 ? '.' : 'a';
    ck_assert_ptr_null(conf_host_name_check(text, 253));
    text[253] = 'a';
    ck_assert_str_eq(conf_host_name_check(text, 254), "is longer than the 253 bytes of a host name");
    conf_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/address");
    TCase *tests = tcase_create("address");

    tcase_add_loop_test(tests, addresses_are_taken_apart, 0, sizeof(addresses) / sizeof(addresses[0]));
    tcase_add_loop_test(tests, servers_are_taken_apart, 0, sizeof(servers) / sizeof(servers[0]));
    tcase_add_loop_test(tests, the_same_address_is_known, 0, sizeof(pairs) / sizeof(pairs[0]));
    tcase_add_test(tests, the_longest_names_fit);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
