/* Addresses as text, both ways. */
#include "support.h"

#include <arpa/inet.h>

static const struct {
    const char *host;
    int port, family;
    const char *with_port, *without; /* NULL: not an address */
} addresses[] = {
    {"127.0.0.1", 80, AF_INET, "127.0.0.1:80", "127.0.0.1"},
    {"0.0.0.0", 0, AF_INET, "0.0.0.0:0", "0.0.0.0"},
    {"255.255.255.255", 65535, AF_INET, "255.255.255.255:65535", "255.255.255.255"},
    {"1.20.100.9", 8080, AF_INET, "1.20.100.9:8080", "1.20.100.9"},
    {"::1", 443, AF_INET6, "[::1]:443", "::1"},
    {"[::1]", 443, AF_INET6, "[::1]:443", "::1"},
    {"::", 1, AF_INET6, "[::]:1", "::"},
    {"2001:DB8::0:1", 5, AF_INET6, "[2001:db8::1]:5", "2001:db8::1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535, AF_INET6,
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fe80::1%7", 80, AF_INET6, "[fe80::1%7]:80", "fe80::1%7"},
    {"[fe80::1%4294967295]", 80, AF_INET6, "[fe80::1%4294967295]:80", "fe80::1%4294967295"},
    {"::ffff:1.2.3.4", 5, AF_INET6, "[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4"},
    {"/run/x.sock", 0, AF_UNIX, "unix:/run/x.sock", "unix:/run/x.sock"},
    {"/run/x.sock", -1, AF_UNIX, "unix:/run/x.sock", "unix:/run/x.sock"}, /* a path has no port */
    {"127.0.0.1", -1, 0, NULL, NULL},
    {"127.0.0.1", 65536, 0, NULL, NULL},
    {"", 80, 0, NULL, NULL},
    {"localhost", 80, 0, NULL, NULL},
    {"127.1", 80, 0, NULL, NULL},
    {"127.0.0.1 ", 80, 0, NULL, NULL},
    {"0x7f.0.0.1", 80, 0, NULL, NULL},
    {"1.2.3.256", 80, 0, NULL, NULL},
    {"[127.0.0.1]", 80, 0, NULL, NULL},
    {"[::1", 80, 0, NULL, NULL},
    {"::1]", 80, 0, NULL, NULL},
    {"[]", 80, 0, NULL, NULL},
    {"[", 80, 0, NULL, NULL},
    {"::1%", 80, 0, NULL, NULL},
    {"fe80::1%nosuchinterface", 80, 0, NULL, NULL},
    {"fe80::1%0", 80, 0, NULL, NULL},
    {"1:2:3:4:5:6:7:8:9", 80, 0, NULL, NULL},
    {"11111111111111111111111111111111111111111111111111111111111111111111111111111111", 80, 0, NULL, NULL},
};

START_TEST(address_text_both_ways)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT];
    int r = green_address_parse(&address, addresses[_i].host, addresses[_i].port);
    if (!addresses[_i].with_port) {
        ck_assert_int_eq(r, -EINVAL);
        return;
    }
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(address.any.sa_family, addresses[_i].family);
    ck_assert_int_eq(green_address_port(&address), addresses[_i].family == AF_UNIX ? 0 : addresses[_i].port);
    ck_assert_ptr_eq(green_address_text(&address, true, text), text);
    ck_assert_str_eq(text, addresses[_i].with_port);
    ck_assert_str_eq(green_address_text(&address, false, text), addresses[_i].without);
}
END_TEST

START_TEST(every_byte_of_an_address_is_written)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT], expected[GREEN_ADDRESS_TEXT];
    for (int n = 0; n < 65536; n += n < 300 ? 1 : 251) {
        snprintf(expected, sizeof expected, "%d.%d.%d.%d", n % 256, 255 - n % 256, n / 256, n % 7);
        ck_assert_int_eq(green_address_parse(&address, expected, n), 0);
        ck_assert_str_eq(green_address_text(&address, false, text), expected);
        size_t length = strlen(expected);
        snprintf(expected + length, sizeof expected - length, ":%d", n);
        ck_assert_str_eq(green_address_text(&address, true, text), expected);
    }
}
END_TEST

START_TEST(unusual_addresses)
{
    green_address_t address;
    char text[GREEN_ADDRESS_TEXT], path[200];
    ck_assert_int_eq(green_address_parse(&address, "fe80::1%7", 80), 0);
    ck_assert_uint_eq(address.in6.sin6_scope_id, 7);
    ck_assert_int_eq(green_address_parse(&address, "[fe80::1%lo]", 80), 0);
    ck_assert_uint_gt(address.in6.sin6_scope_id, 0);
    char zoned[32]; /* the name of a zone becomes its number */
    snprintf(zoned, sizeof zoned, "[fe80::1%%%u]:80", address.in6.sin6_scope_id);
    ck_assert_str_eq(green_address_text(&address, true, text), zoned);
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[107] = 0; /* the longest there is */
    ck_assert_int_eq(green_address_parse(&address, path, 0), 0);
    ck_assert_str_eq(green_address_text(&address, true, text) + 5, path);
    path[107] = 'p';
    path[108] = 0;
    ck_assert_int_eq(green_address_parse(&address, path, 0), -EINVAL);
    memset(&address, 'x',
           sizeof address); /* a unix socket without a name: nothing behind the family is its own */
    address.un.sun_family = AF_UNIX;
    address.length = sizeof address.un.sun_family;
    ck_assert_str_eq(green_address_text(&address, true, text), "unix:");
    address = (green_address_t){.length = 0};
    ck_assert_str_eq(green_address_text(&address, true, text), "unknown");
    ck_assert_int_eq(green_address_port(&address), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {address_text_both_ways, sizeof addresses / sizeof addresses[0]},
        {every_byte_of_an_address_is_written, 0},
        {unusual_addresses, 0},
    };
    return RUN_TESTS("address", tests);
}
