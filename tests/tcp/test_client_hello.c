/* A TLS client's first message: cut anywhere, damaged, too large. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/client_hello.h"

static unsigned char scratch[CLIENT_HELLO_MOST];

/* Messages are written from the back to the front of nothing: a growing buffer with lengths filled in afterwards. */
struct message {
    unsigned char bytes[40000];
    size_t n;
};

static void put(struct message *m, const void *data, size_t n)
{
    memcpy(m->bytes + m->n, data, n);
    m->n += n;
}

static void put_number(struct message *m, size_t value, int bytes)
{
    while (bytes--)
        m->bytes[m->n++] = (unsigned char)(value >> 8 * bytes);
}

static void put_name(struct message *m, const char *name)
{
    size_t n = strlen(name);
    put_number(m, 0, 2);
    put_number(m, n + 5, 2);
    put_number(m, n + 3, 2);
    put_number(m, 0, 1);
    put_number(m, n, 2);
    put(m, name, n);
}

static void put_alpn(struct message *m, const char *one, const char *two)
{
    size_t n = strlen(one), k = strlen(two);
    put_number(m, 16, 2);
    put_number(m, n + k + 4, 2);
    put_number(m, n + k + 2, 2);
    put_number(m, n, 1);
    put(m, one, n);
    put_number(m, k, 1);
    put(m, two, k);
}

/* The handshake message with these extensions, and `padding` bytes of one that nobody knows. */
static struct message *hello(const struct message *extensions, size_t padding)
{
    static struct message m;
    static const unsigned char nothing[40000];
    size_t all = extensions->n + (padding ? padding + 4 : 0);
    m.n = 0;
    put_number(&m, 1, 1);
    put_number(&m, 2 + 32 + 1 + 2 + 2 + 2 + 2 + all, 3);
    put_number(&m, 0x0303, 2);
    put(&m, nothing, 32);
    put_number(&m, 0, 1);
    put_number(&m, 2, 2);
    put_number(&m, 0x1301, 2);
    put_number(&m, 1, 1);
    put_number(&m, 0, 1);
    put_number(&m, all, 2);
    put(&m, extensions->bytes, extensions->n);
    if (padding) {
        put_number(&m, 21, 2);
        put_number(&m, padding, 2);
        put(&m, nothing, padding);
    }
    return &m;
}

/* In records of at most `size` bytes. */
static struct message *records(const struct message *message, size_t size)
{
    static struct message m;
    m.n = 0;
    for (size_t at = 0; at < message->n; at += size) {
        size_t part = message->n - at < size ? message->n - at : size;
        put_number(&m, 22, 1);
        put_number(&m, 0x0301, 2);
        put_number(&m, part, 2);
        put(&m, message->bytes + at, part);
    }
    return &m;
}

static struct message *usual(void)
{
    static struct message extensions;
    extensions.n = 0;
    put_name(&extensions, "WWW.Example.COM");
    put_alpn(&extensions, "h2", "http/1.1");
    return hello(&extensions, 0);
}

static void check_usual(const struct client_hello *h)
{
    ck_assert_str_eq(h->name, "www.example.com");
    ck_assert(client_hello_offers(h, "h2") && client_hello_offers(h, "http/1.1"));
    ck_assert(!client_hello_offers(h, "http/1.0") && !client_hello_offers(h, "h") &&
              !client_hello_offers(h, ""));
}

START_TEST(cut_into_records_and_segments)
{
    struct client_hello h;
    for (size_t size = 1; size < 200; size += 7) {
        const struct message *m = records(usual(), size);
        for (size_t n = 0; n < m->n; n++) {
            unsigned char *exact = malloc(n ? n : 1); /* so that sanitizers see a read beyond */
            memcpy(exact, m->bytes, n);
            ck_assert_int_eq(client_hello_read(exact, n, scratch, &h), CLIENT_HELLO_MORE);
            free(exact);
        }
        ck_assert_int_eq(client_hello_read(m->bytes, m->n, scratch, &h), CLIENT_HELLO_DONE);
        check_usual(&h);
    }
}
END_TEST

START_TEST(large_ones)
{
    struct message name = {.n = 0};
    struct client_hello h;
    put_name(&name, "big.example");
    const struct message *m = records(hello(&name, 15000), 16384);
    ck_assert_int_eq(client_hello_read(m->bytes, m->n, scratch, &h), CLIENT_HELLO_DONE);
    ck_assert_str_eq(h.name, "big.example");
    m = records(hello(&name, 17000), 16384);
    ck_assert_int_eq(client_hello_read(m->bytes, m->n, scratch, &h), CLIENT_HELLO_TOO_LARGE);
    ck_assert_int_eq(client_hello_read(m->bytes, 12, scratch, &h), CLIENT_HELLO_TOO_LARGE);
}
END_TEST

START_TEST(without_extensions)
{
    static const unsigned char bytes[] = {22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, [43] = 0, 0, 2, 0x13, 1, 1, 0};
    struct client_hello h;
    unsigned char copy[50] = {0};
    memcpy(copy, bytes, sizeof bytes);
    ck_assert_int_eq(client_hello_read(copy, sizeof copy, scratch, &h), CLIENT_HELLO_DONE);
    ck_assert_str_eq(h.name, "");
    ck_assert(!client_hello_offers(&h, "h2"));
}
END_TEST

START_TEST(what_is_not_tls)
{
    static const char *const starts[] = {"GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x80\x2e\x01",
                                         "\x16\x02\x01",       "\x15\x03\x01",  "\x16\x03\x01\xff\xff"};
    struct client_hello h;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        ck_assert_int_eq(client_hello_read((const unsigned char *)starts[i], strlen(starts[i]), scratch, &h),
                         CLIENT_HELLO_NOT_TLS);
}
END_TEST

START_TEST(twice_the_same)
{
    struct message extensions = {.n = 0};
    struct client_hello h;
    put_name(&extensions, "one.example");
    put_name(&extensions, "two.example");
    const struct message *m = records(hello(&extensions, 0), 16384);
    ck_assert_int_eq(client_hello_read(m->bytes, m->n, scratch, &h), CLIENT_HELLO_BAD);
}
END_TEST

START_TEST(names_that_are_none)
{
    static const char *const names[] = {"a b", "a\tb", "\xc3\xa4.example", ""};
    char longest[300] = "";
    memset(longest, 'a', 256);
    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        struct message extensions = {.n = 0};
        struct client_hello h;
        put_name(&extensions, i < sizeof names / sizeof names[0] ? names[i] : longest);
        const struct message *m = records(hello(&extensions, 0), 16384);
        ck_assert_int_eq(client_hello_read(m->bytes, m->n, scratch, &h), CLIENT_HELLO_BAD);
    }
}
END_TEST

/* Whatever is changed, the answer is one of those that there are, and no byte beyond the message is read. */
START_TEST(damaged)
{
    struct client_hello h;
    const struct message *m = records(usual(), 60);
    for (size_t i = 0; i < m->n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned char *copy = malloc(m->n);
            memcpy(copy, m->bytes, m->n);
            copy[i] ^= (unsigned char)(1u << bit);
            enum client_hello_result r = client_hello_read(copy, m->n, scratch, &h);
            ck_assert(r <= CLIENT_HELLO_TOO_LARGE && strlen(h.name) < sizeof h.name);
            free(copy);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_hello");
    TCase *t = tcase_create("all");
    tcase_add_test(t, cut_into_records_and_segments);
    tcase_add_test(t, large_ones);
    tcase_add_test(t, without_extensions);
    tcase_add_test(t, what_is_not_tls);
    tcase_add_test(t, twice_the_same);
    tcase_add_test(t, names_that_are_none);
    tcase_add_test(t, damaged);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
