/* Shares of upstreams: how often each is chosen, and what keeps a client with one. */
#include "route/split.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static const struct conf_upstream upstreams[3];
static struct conf_share shares[3] = {{.to = {.upstream = &upstreams[0]}},
                                      {.to = {.upstream = &upstreams[1]}},
                                      {.to = {.upstream = &upstreams[2]}}};
static struct route_random generator;
static const struct sockaddr_in nowhere = {.sin_family = AF_INET};

static struct conf_split split_of(int64_t a, int64_t b, int64_t c)
{
    shares[0].weight = a;
    shares[1].weight = b;
    shares[2].weight = c;
    return (struct conf_split){.shares = shares, .share_count = 3, .total = a + b + c};
}

static size_t chosen(const struct conf_split *split, const struct http_head *head,
                     const struct sockaddr *source)
{
    const struct conf_upstream *u = route_split(split, head, source, &generator);
    ck_assert_ptr_nonnull(u);
    return (size_t)(u - upstreams);
}

START_TEST(weights_are_kept)
{
    struct conf_split split = split_of(90, 10, 0);
    int counts[3] = {0};
    generator.state = (uint64_t)_i;
    for (int i = 0; i < 100000; i++)
        counts[chosen(&split, NULL, (const struct sockaddr *)&nowhere)]++;
    /* The deviation of such a count is 95: this is ten of them. */
    ck_assert_int_gt(counts[1], 10000 - 950);
    ck_assert_int_lt(counts[1], 10000 + 950);
    ck_assert_int_eq(counts[2], 0);
}
END_TEST

START_TEST(one_share_and_none)
{
    struct conf_split split = split_of(1, 1, 1);
    split.share_count = 1;
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(chosen(&split, NULL, (const struct sockaddr *)&nowhere), 0);
    split.share_count = 0;
    ck_assert_ptr_null(route_split(&split, NULL, (const struct sockaddr *)&nowhere, &generator));
}
END_TEST

/* A source stays where it is, sources are spread as the weights say, and a shift of weights moves only as many. */
START_TEST(by_source)
{
    int counts[3] = {0}, moved = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + i)};
        struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
        struct conf_split split = split_of(80, 20, 0), later = split;
        mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
        memcpy(mapped.sin6_addr.s6_addr + 12, &a.sin_addr, 4);
        split.by.by = CONF_SPLIT_SOURCE;
        size_t first = chosen(&split, NULL, (struct sockaddr *)&a);
        a.sin_port = 7;
        ck_assert_uint_eq(chosen(&split, NULL, (struct sockaddr *)&a), first);
        ck_assert_uint_eq(chosen(&split, NULL, (struct sockaddr *)&mapped), first);
        counts[first]++;
        later = split_of(70, 30, 0);
        later.by.by = CONF_SPLIT_SOURCE;
        size_t second = chosen(&later, NULL, (struct sockaddr *)&a);
        moved += first != second;
        ck_assert(first != 1 || second == 1);
    }
    ck_assert_int_gt(counts[1], 3400);
    ck_assert_int_lt(counts[1], 4600);
    ck_assert_int_gt(moved, 1500);
    ck_assert_int_lt(moved, 2500);
}
END_TEST

static void parse(struct http_head *head, const char *fields)
{
    static char text[1024];
    struct http_parser parser;
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    http_request_begin(&parser, NULL);
    ck_assert_int_eq(http_head_feed(&parser, text, strlen(text), head), 1);
}

START_TEST(by_field_and_cookie)
{
    static struct http_head head;
    struct conf_split split = split_of(1, 1, 1);
    int counts[3] = {0}, without[3] = {0};
    for (int i = 0; i < 300; i++) {
        char fields[128];
        split.by.by = i % 2 ? CONF_SPLIT_COOKIE : CONF_SPLIT_HEADER;
        split.by.name = "who";
        snprintf(fields, sizeof fields, i % 2 ? "Cookie: x=y; who=%d\r\n" : "WHO: %d\r\n", i);
        parse(&head, fields);
        size_t first = chosen(&split, &head, (const struct sockaddr *)&nowhere);
        for (int again = 0; again < 10; again++)
            ck_assert_uint_eq(chosen(&split, &head, (const struct sockaddr *)&nowhere), first);
        counts[first]++;
        parse(&head, "who2: 1\r\nCookie: who=\r\n");
        without[chosen(&split, &head, (const struct sockaddr *)&nowhere)]++;
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(counts[i], 40);
        ck_assert_int_gt(without[i], 40); /* who has none goes anywhere */
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("split");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, weights_are_kept, 0, 5);
    tcase_add_test(tc, one_share_and_none);
    tcase_add_test(tc, by_source);
    tcase_add_test(tc, by_field_and_cookie);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
