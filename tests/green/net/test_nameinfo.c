/* getnameinfo and reverse lookups: numbers beside libc's, names from a name server of our own. */
#include <arpa/inet.h>
#include <netdb.h>

#include "resolving.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static green_address_t address_of(const char *text, int port)
{
    green_address_t address;
    ck_assert_int_eq(green_address_parse(&address, text, port), 0);
    return address;
}

/* --- beside libc's ------------------------------------------------------------------------------------------------- */

static void compare(const green_address_t *address, socklen_t length, socklen_t host_size,
                    socklen_t service_size, int flags)
{
    char theirs[2][300] = {"", ""}, ours[2][300] = {"", ""};
    int expected = getnameinfo(&address->any, length, theirs[0], host_size, theirs[1], service_size, flags);
    int got = green_eai(green_getnameinfo(&address->any, length, ours[0], host_size, ours[1], service_size,
                                          flags, GREEN_NOWAIT));
    ck_assert_int_eq(got, expected);
    if (!got) {
        ck_assert_str_eq(ours[0], theirs[0]);
        ck_assert_str_eq(ours[1], theirs[1]);
    }
}

START_TEST(numbers_are_as_with_libc)
{
    static const char *const texts[] = {"127.0.0.1",      "0.0.0.0",     "::1",   "fe80::1%1",
                                        "::ffff:1.2.3.4", "2001:db8::1", "/run/x"};
    static const int ports[] = {0, 53, 80, 514, 65535};
    static const int flags[] = {0, NI_NUMERICSERV, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN, 0x10000};
    static const socklen_t sizes[] = {300, 0, 1, 3};
    for (size_t t = 0; t < COUNT(texts); t++)
        for (size_t p = 0; p < COUNT(ports); p++)
            for (size_t f = 0; f < COUNT(flags); f++)
                for (size_t h = 0; h < COUNT(sizes); h++)
                    for (size_t s = 0; s < COUNT(sizes); s++) {
                        green_address_t address = address_of(texts[t], ports[p]);
                        compare(&address, address.length, sizes[h], sizes[s], flags[f] | NI_NUMERICHOST);
                    }
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

START_TEST(what_is_no_address)
{
    green_address_t address = address_of("127.0.0.1", 80);
    compare(&address, sizeof address.in - 1, 300, 300, 0);
    compare(&address, 1, 300, 300, NI_NUMERICHOST);
    compare(&address, 0, 300, 300, 0);
    address.any.sa_family = AF_APPLETALK;
    compare(&address, address.length, 300, 300, 0);
    char host[300];
    ck_assert_int_eq(green_getnameinfo(NULL, 0, host, sizeof host, NULL, 0, 0, soon()), GREEN_EAI_FAMILY);
    ck_assert_int_eq(green_resolve_address(&address, host, soon()), GREEN_EAI_FAMILY);
    ck_assert_int_eq(name_server_count(server, NULL), 0);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------------------------- */

static int name_of(const char *text, char name[GREEN_NAME_SIZE])
{
    green_address_t address = address_of(text, 80);
    return green_resolve_address(&address, name, soon());
}

START_TEST(addresses_have_names)
{
    char name[GREEN_NAME_SIZE];
    ck_assert_int_eq(name_of("192.0.2.1", name), 0);
    ck_assert_str_eq(name, "named.test");
    ck_assert_int_eq(name_of("192.0.2.1", name), 0);
    ck_assert_int_eq(name_of("::ffff:192.0.2.1", name), 0); /* the same address */
    ck_assert_int_eq(name_server_count(server, "1.2.0.192.in-addr.arpa"), 1);
    ck_assert_int_eq(name_of("2001:db8::1", name), 0);
    ck_assert_str_eq(name, "named.test");
    ck_assert_int_eq(
        name_server_count(server, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        1);
    ck_assert_int_eq(name_of("127.0.0.1", name), 0); /* the hosts file */
    ck_assert_int_eq(name_server_count(server, NULL), 2);
}
END_TEST

START_TEST(failures_of_reverse_lookups)
{
    char name[GREEN_NAME_SIZE];
    ck_assert_int_eq(green_dns_patience(GREEN_MS(500), 1), 0);
    ck_assert_int_eq(name_of("192.0.2.2", name), GREEN_EAI_NONAME);
    ck_assert_int_eq(name_of("192.0.2.3", name), GREEN_EAI_AGAIN); /* silence */
    ck_assert_int_eq(name_of("192.0.2.4", name), GREEN_EAI_FAIL);  /* not a host name */
    ck_assert_int_eq(name_of("192.0.2.5", name), GREEN_EAI_AGAIN); /* SERVFAIL */
}
END_TEST

static int info(const char *text, char *host, socklen_t size, int flags)
{
    char service[32] = "";
    green_address_t address = address_of(text, 80);
    int r =
        green_getnameinfo(&address.any, address.length, host, size, service, sizeof service, flags, soon());
    if (r == 0)
        ck_assert_str_eq(service, flags & NI_NUMERICSERV ? "80" : "http");
    return r;
}

START_TEST(a_name_or_else_the_number)
{
    char host[300];
    ck_assert_int_eq(green_dns_patience(GREEN_MS(500), 1), 0);
    ck_assert_int_eq(info("192.0.2.1", host, sizeof host, NI_NUMERICSERV), 0);
    ck_assert_str_eq(host, "named.test");
    ck_assert_int_eq(info("192.0.2.2", host, sizeof host, 0), 0);
    ck_assert_str_eq(host, "192.0.2.2");
    ck_assert_int_eq(info("192.0.2.4", host, sizeof host, 0), 0);
    ck_assert_str_eq(host, "192.0.2.4");
    ck_assert_int_eq(info("192.0.2.2", host, sizeof host, NI_NAMEREQD), GREEN_EAI_NONAME);
    ck_assert_int_eq(info("192.0.2.3", host, sizeof host, 0), GREEN_EAI_AGAIN);
    ck_assert_int_eq(info("192.0.2.1", host, 10, 0), -EOVERFLOW);
    ck_assert_int_eq(info("192.0.2.1", host, 11, 0), 0);
    ck_assert_int_eq(info("192.0.2.2", host, 9, 0), -EOVERFLOW);
    ck_assert_int_eq(green_eai(-EOVERFLOW), EAI_OVERFLOW);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {numbers_are_as_with_libc, 0},    {what_is_no_address, 0},        {addresses_have_names, 0},
        {failures_of_reverse_lookups, 0}, {a_name_or_else_the_number, 0},
    };
    return RUN_DNS_TESTS(tests);
}
