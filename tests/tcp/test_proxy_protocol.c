/* Headers of the PROXY protocol: those of the specification, damaged ones, and our own read back. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/proxy_protocol.h"

static void check_address(const green_address_t *a, const char *expected)
{
    char text[GREEN_ADDRESS_TEXT];
    ck_assert_str_eq(green_address_text(a, true, text), expected);
}

static int read_v1(const char *line, struct proxy_header *out)
{
    return proxy_v1_read(line, strlen(line), out);
}

START_TEST(version_1)
{
    struct proxy_header h;
    ck_assert_int_eq(read_v1("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", &h), 0);
    ck_assert(h.known);
    check_address(&h.source, "192.0.2.1:56324");
    check_address(&h.destination, "198.51.100.2:443");
    ck_assert_int_eq(read_v1("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", &h), 0);
    check_address(&h.source, "[2001:db8::1]:1");
    ck_assert_int_eq(read_v1("PROXY UNKNOWN\r\n", &h), 0);
    ck_assert(!h.known);
    ck_assert_int_eq(read_v1("PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n", &h), 0);
}
END_TEST

START_TEST(version_1_malformed)
{
    static const char *const lines[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.2 56324 443\r\n",
        "PROXY TCP4 2001:db8::1 198.51.100.2 56324 443\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.2 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
        "PROXY TCP4 192.0.2.999 198.51.100.2 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 4 5\r\n",
        "PROXY \r\nxxxxxxx",
        "PROXY tcp4 192.0.2.1 198.51.100.2 56324 443\r\n",
    };
    struct proxy_header h;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(read_v1(lines[i], &h) == -EPROTO, "%s", lines[i]);
    char line[200] = "PROXY UNKNOWN ";
    memset(line + 14, 'x', 120);
    strcpy(line + 134, "\r\n");
    ck_assert_int_eq(read_v1(line, &h), -EPROTO);
}
END_TEST

static size_t write_example(bool v6, char *out)
{
    struct proxy_header h = {.known = true};
    struct proxy_facts facts = {.alpn = "h2",
                                .authority = "www.example.com",
                                .tls_version = "TLSv1.3",
                                .tls_cipher = "TLS_AES_256_GCM_SHA384",
                                .client_subject = "CN=Ada",
                                .client_verified = true};
    ck_assert_int_eq(green_address_parse(&h.source, v6 ? "2001:db8::1" : "192.0.2.1", 1234), 0);
    ck_assert_int_eq(green_address_parse(&h.destination, v6 ? "2001:db8::2" : "192.0.2.2", 443), 0);
    return proxy_v2_write(&h, &facts, out);
}

START_TEST(version_2_there_and_back)
{
    char bytes[PROXY_WRITE_BYTES];
    struct proxy_header h;
    for (int v6 = 0; v6 < 2; v6++) {
        size_t n = write_example(v6, bytes);
        ck_assert_int_eq(proxy_version(bytes), 2);
        ck_assert_uint_eq(proxy_v2_size(bytes), n);
        ck_assert_int_eq(proxy_v2_read(bytes, n, &h), 0);
        ck_assert(h.known);
        check_address(&h.source, v6 ? "[2001:db8::1]:1234" : "192.0.2.1:1234");
        check_address(&h.destination, v6 ? "[2001:db8::2]:443" : "192.0.2.2:443");
    }
    struct proxy_header nobody = {.known = false};
    size_t n = proxy_v2_write(&nobody, NULL, bytes);
    ck_assert_int_eq(proxy_v2_read(bytes, n, &h), 0);
    ck_assert(!h.known);
}
END_TEST

START_TEST(version_1_there_and_back)
{
    char line[PROXY_WRITE_BYTES];
    struct proxy_header h = {.known = true}, back;
    ck_assert_int_eq(green_address_parse(&h.source, "192.0.2.1", 1234), 0);
    ck_assert_int_eq(green_address_parse(&h.destination, "192.0.2.2", 443), 0);
    size_t n = proxy_v1_write(&h, line);
    ck_assert_int_eq(proxy_version(line), 1);
    ck_assert_int_eq(proxy_v1_read(line, n, &back), 0);
    check_address(&back.source, "192.0.2.1:1234");
    h.known = false;
    n = proxy_v1_write(&h, line);
    ck_assert_int_eq(proxy_v1_read(line, n, &back), 0);
    ck_assert(!back.known);
}
END_TEST

/* The checksum notices every changed bit behind the signature, the bounds of the TLVs every wrong length. */
START_TEST(version_2_damaged)
{
    char bytes[PROXY_WRITE_BYTES];
    struct proxy_header h;
    size_t n = write_example(false, bytes);
    for (size_t i = 16; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            char *copy = malloc(n);
            memcpy(copy, bytes, n);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            /* a TLV that hides the checksum by its type is no TLV that we know */
            if (proxy_v2_read(copy, n, &h) == 0)
                ck_assert_uint_eq(i, n - 7);
            free(copy);
        }
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_eq(proxy_v2_read(bytes, cut, &h), -EPROTO);
}
END_TEST

START_TEST(version_2_bounds)
{
    char bytes[PROXY_V2_MOST + 16] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0b";
    struct proxy_header h;
    ck_assert_int_eq(proxy_v2_read(bytes, 16 + 11, &h), -EPROTO); /* shorter than its addresses */
    bytes[15] = 13;
    ck_assert_int_eq(proxy_v2_read(bytes, 16 + 13, &h), -EPROTO); /* a TLV of one byte */
    bytes[15] = 15;
    bytes[16 + 12] = 5, bytes[16 + 13] = 0, bytes[16 + 14] = 1;
    ck_assert_int_eq(proxy_v2_read(bytes, 16 + 15, &h), -EPROTO); /* one that goes on behind the end */
    bytes[16 + 14] = 0;
    ck_assert_int_eq(proxy_v2_read(bytes, 16 + 15, &h), 0);
    bytes[13] = 0x31; /* unix sockets */
    ck_assert_int_eq(proxy_v2_read(bytes, 16 + 15, &h), 0);
    ck_assert(!h.known);
    bytes[14] = 0x20; /* 8 KiB */
    ck_assert_uint_eq(proxy_v2_size(bytes), 0);
    bytes[14] = 0, bytes[12] = 0x31; /* version 3 */
    ck_assert_uint_eq(proxy_v2_size(bytes), 0);
    ck_assert_int_eq(proxy_version("GET / HTTP/1"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_protocol");
    TCase *t = tcase_create("all");
    tcase_add_test(t, version_1);
    tcase_add_test(t, version_1_malformed);
    tcase_add_test(t, version_1_there_and_back);
    tcase_add_test(t, version_2_there_and_back);
    tcase_add_test(t, version_2_damaged);
    tcase_add_test(t, version_2_bounds);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
