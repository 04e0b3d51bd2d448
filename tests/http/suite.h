/*
 * What the message tests share: running a suite, feeding text to the parsers, and looking at the result. Each
 * test program mirrors one source file of proxy/http.
 */
#ifndef TESTS_HTTP_SUITE_H
#define TESTS_HTTP_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/forward.h"
#include "http/head.h"

/* Like Check's ck_assert_str_eq(), for a span. */
#define assert_span(span_value, text)                                                                        \
    do {                                                                                                     \
        struct span got_ = (span_value), want_ = span_str(text);                                             \
        ck_assert_msg(span_equal(got_, want_), "%s is \"%.*s\", not \"%s\"", #span_value, (int)got_.n,       \
                      got_.n ? got_.p : "", want_.p);                                                        \
    } while (0)

static inline const char *error_name(int rc)
{
    return rc < 0 ? http_error_info(rc)->reason : rc == 0 ? "incomplete" : "complete";
}

/* Like ck_assert_int_eq(), saying the reasons by name. */
#define assert_error(got, want, text)                                                                        \
    do {                                                                                                     \
        int got_ = (got), want_ = (want);                                                                    \
        ck_assert_msg(got_ == want_, "%s, not %s, for: %s", error_name(got_), error_name(want_), text);      \
    } while (0)

/* The whole text at once. */
static inline int parse_request(const char *text, size_t n, const struct http_limits *limits,
                                struct http_head *head)
{
    struct http_parser p;
    http_request_begin(&p, limits);
    return http_head_feed(&p, text, n, head);
}

static inline int parse_response(const char *text, size_t n, enum http_method method, struct http_head *head)
{
    struct http_parser p;
    http_response_begin(&p, NULL, method, false);
    return http_head_feed(&p, text, n, head);
}

static inline int request(const char *text, struct http_head *head)
{
    return parse_request(text, strlen(text), NULL, head);
}

static inline int response(const char *text, struct http_head *head)
{
    return parse_response(text, strlen(text), HTTP_METHOD_GET, head);
}

/* Pseudo-random numbers that are the same on every machine (xorshift). */
static inline uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static inline int run_suite(TCase *tc, const char *name)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
