/* Addresses that are not public, in every spelling and disguise, and their public neighbours. */
#include "loading.h"
#include "special.h"

#include <arpa/inet.h>

static const char *purpose(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return conf_special_purpose((const struct sockaddr *)(const void *)&in);
    ck_assert_msg(inet_pton(AF_INET6, text, &in6.sin6_addr) == 1, "%s is no address", text);
    return conf_special_purpose((const struct sockaddr *)(const void *)&in6);
}

static const struct {
    const char *address, *purpose;
} table[] = {
    /* this network, loopback, private */
    {"0.0.0.0", "unspecified"},
    {"0.255.255.255", "unspecified"},
    {"1.0.0.0", NULL},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "private"},
    {"10.255.255.255", "private"},
    {"11.0.0.0", NULL},
    {"126.255.255.255", NULL},
    {"127.0.0.0", "loopback"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.255", "loopback"},
    {"128.0.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "private"},
    {"172.31.255.255", "private"},
    {"172.32.0.0", NULL},
    {"192.167.255.255", NULL},
    {"192.168.0.0", "private"},
    {"192.168.255.255", "private"},
    {"192.169.0.0", NULL},
    /* carrier-grade NAT, link-local, metadata */
    {"100.63.255.255", NULL},
    {"100.64.0.0", "carrier-grade NAT"},
    {"100.100.100.200", "metadata"},
    {"100.127.255.255", "carrier-grade NAT"},
    {"100.128.0.0", NULL},
    {"168.63.129.15", NULL},
    {"168.63.129.16", "metadata"},
    {"169.253.255.255", NULL},
    {"169.254.0.0", "link-local"},
    {"169.254.169.254", "metadata"},
    {"169.254.255.255", "link-local"},
    {"169.255.0.0", NULL},
    /* the rest of IPv4 that nobody has for the asking */
    {"192.0.0.0", "IETF protocols"},
    {"192.0.0.192", "IETF protocols"},
    {"192.0.1.0", NULL},
    {"192.0.2.1", "documentation"},
    {"192.0.3.0", NULL},
    {"192.88.99.1", "6to4 relay"},
    {"198.17.255.255", NULL},
    {"198.18.0.0", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.20.0.0", NULL},
    {"198.51.100.255", "documentation"},
    {"203.0.113.0", "documentation"},
    {"223.255.255.255", NULL},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.0", "reserved"},
    {"255.255.255.254", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"8.8.8.8", NULL},
    /* IPv6 */
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "reserved"},
    {"::127.0.0.1", "reserved"},
    {"::8.8.8.8", "reserved"},
    {"100::1", "reserved"},
    {"1fff:ffff::", "reserved"},
    {"2000::", NULL},
    {"2001:0200::", NULL},
    {"2001:1::1", "IETF protocols"},
    {"2001:2::1", "IETF protocols"},
    {"2001:10::1", "IETF protocols"},
    {"2001:1ff:ffff::", "IETF protocols"},
    {"2001:db7::1", NULL},
    {"2001:db8::1", "documentation"},
    {"2001:db9::1", NULL},
    {"2001:4860:4860::8888", NULL},
    {"2606:4700::1111", NULL},
    {"3fff::1", "documentation"},
    {"3fff:0fff::1", "documentation"},
    {"3fff:1000::1", NULL},
    {"3ffe::1", NULL},
    {"4000::", "reserved"},
    {"5f00::1", "reserved"},
    {"fbff::1", "reserved"},
    {"fc00::1", "unique local"},
    {"fd00:ec2::253", "unique local"},
    {"fd00:ec2::254", "metadata"},
    {"fdff:ffff::1", "unique local"},
    {"fe00::1", "reserved"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"feff::1", "site-local"},
    {"ff02::1", "multicast"},
    /* IPv4 in disguise: mapped, translated, NAT64, 6to4, Teredo */
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:10.1.2.3", "private"},
    {"::ffff:169.254.169.254", "metadata"},
    {"::ffff:8.8.8.8", NULL},
    {"::ffff:0:127.0.0.1", "reserved"},
    {"64:ff9b::127.0.0.1", "loopback"},
    {"64:ff9b::10.1.2.3", "private"},
    {"64:ff9b::169.254.169.254", "metadata"},
    {"64:ff9b::8.8.8.8", NULL},
    {"64:ff9b:1::8.8.8.8", "reserved"},
    {"64:ff9b:0:1::8.8.8.8", "reserved"},
    {"2002:7f00:1::", "loopback"},
    {"2002:a01:203::1", "private"},
    {"2002:c0a8:1::1", "private"},
    {"2002:a9fe:a9fe::", "metadata"},
    {"2002:808:808::1", NULL},
    {"2001:0:808:808::f7f7:f7f7", NULL},       /* server and client 8.8.8.8 */
    {"2001:0:808:808::80ff:fffe", "loopback"}, /* client 127.0.0.1 */
    {"2001:0:808:808::5601:5601", "metadata"}, /* client 169.254.169.254 */
    {"2001:0:808:808::3f57:fefe", "private"},  /* client 192.168.1.1 */
    {"2001:0:a00:1::f7f7:f7f7", "private"},    /* server 10.0.0.1 */
};

START_TEST(every_range)
{
    const char *found = purpose(table[_i].address), *expected = table[_i].purpose;

    ck_assert_msg(found ? expected && !strcmp(found, expected) : !expected, "%s is %s, not %s",
                  table[_i].address, found ? found : "public", expected ? expected : "public");
}
END_TEST

START_TEST(other_families_are_never_public)
{
    struct sockaddr unknown = {.sa_family = AF_UNIX};

    ck_assert_ptr_nonnull(conf_special_purpose(&unknown));
}
END_TEST

START_TEST(embedded)
{
    static const struct {
        const char *address, *inner;
    } rows[] = {
        {"::ffff:192.0.2.1", "192.0.2.1"}, {"64:ff9b::192.0.2.1", "192.0.2.1"},
        {"2002:c000:201::1", "192.0.2.1"}, {"2001:0:808:808::3fff:fdfe", "192.0.2.1"},
        {"2001:db8::192.0.2.1", NULL},     {"::192.0.2.1", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        struct sockaddr_in inner;
        char text[INET_ADDRSTRLEN] = "";

        ck_assert_int_eq(inet_pton(AF_INET6, rows[i].address, &in6.sin6_addr), 1);
        bool found = conf_embedded_ipv4((const struct sockaddr *)(const void *)&in6, &inner);

        ck_assert_int_eq(found, rows[i].inner != NULL);
        if (found)
            ck_assert_str_eq(inet_ntop(AF_INET, &inner.sin_addr, text, sizeof(text)), rows[i].inner);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("special");
    TCase *tests = tcase_create("special");

    tcase_add_loop_test(tests, every_range, 0, sizeof(table) / sizeof(table[0]));
    tcase_add_test(tests, other_families_are_never_public);
    tcase_add_test(tests, embedded);
    suite_add_tcase(suite, tests);
    return run_tests(suite);
}
