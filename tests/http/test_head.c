/* Heads taken apart: the facts of good ones, the refusal of bad ones, and that splits do not matter. */
#include "suite.h"

START_TEST(a_request_is_taken_apart)
{
    static const char text[] =
        "POST /a/b?c=d HTTP/1.1\r\nHost: h.example:81\r\nX-Empty:\r\nX-Space: \t a b \t\r\n"
        "content-LENGTH: 007\r\n\r\nbody";
    struct http_head head;

    ck_assert_int_eq(request(text, &head), 1);
    ck_assert_int_eq(head.kind, HTTP_KIND_REQUEST);
    ck_assert_int_eq(head.method, HTTP_METHOD_POST);
    assert_span(head.method_name, "POST");
    assert_span(head.target, "/a/b?c=d");
    assert_span(head.uri.path, "/a/b");
    assert_span(head.uri.query, "?c=d");
    assert_span(head.host, "h.example:81");
    ck_assert_int_eq(head.minor, 1);
    ck_assert_int_eq(head.count, 4);
    assert_span(head.fields[0].name, "Host");
    ck_assert_int_eq(head.fields[0].id, HTTP_F_HOST);
    assert_span(head.fields[1].value, "");
    assert_span(head.fields[2].name, "X-Space");
    assert_span(head.fields[2].value, "a b");
    ck_assert_int_eq(head.fields[2].id, HTTP_F_OTHER);
    ck_assert_int_eq(head.framing, HTTP_FRAMING_LENGTH);
    ck_assert_uint_eq(head.content_length, 7);
    ck_assert(head.keepalive && !head.upgrade && !head.expect_continue);
    ck_assert_uint_eq(head.bytes, strlen(text) - 4);
    ck_assert_ptr_eq(http_head_field(&head, HTTP_F_CONTENT_LENGTH), &head.fields[3]);
    ck_assert_ptr_eq(http_head_find(&head, SPAN("x-space")), &head.fields[2]);
    ck_assert_ptr_null(http_head_find(&head, SPAN("x-spac")));
    ck_assert_ptr_null(http_head_field(&head, HTTP_F_COOKIE));
}
END_TEST

START_TEST(a_response_is_taken_apart)
{
    struct http_head head;

    ck_assert_int_eq(
        response("HTTP/1.0 404 Not \xc3\xa9 Found\r\nKeep-Alive: max=3, timeout=15\r\nDate: x\r\n"
                 "Connection: keep-alive\r\nContent-Length: 12\r\n\r\n",
                 &head),
        1);
    ck_assert_int_eq(head.kind, HTTP_KIND_RESPONSE);
    ck_assert_int_eq(head.status, 404);
    ck_assert_int_eq(head.minor, 0);
    assert_span(head.reason, "Not \xc3\xa9 Found");
    ck_assert_int_eq(head.keepalive_timeout, 15);
    ck_assert(head.has_date && head.keepalive);
    ck_assert_int_eq(response("HTTP/1.1 200\r\n\r\n", &head), 1);
    assert_span(head.reason, "");
    ck_assert_int_eq(head.keepalive_timeout, -1);
    ck_assert_int_eq(response("HTTP/1.1 200 \r\n\r\n", &head), 1);
    assert_span(head.reason, "");
    ck_assert_int_eq(response("HTTP/1.1 200 \r\nKeep-Alive: timeout=15, max=0\r\n\r\n", &head), 1);
    ck_assert_int_eq(head.keepalive_timeout, 0);
    ck_assert_int_eq(response("HTTP/1.1 200 \r\nKeep-Alive: max=x, timeout=99999999999, max=\r\n\r\n", &head),
                     1);
    ck_assert_int_eq(head.keepalive_timeout, INT32_MAX);
}
END_TEST

START_TEST(an_empty_line_before_a_request_is_skipped)
{
    static const char text[] = "\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_head head;

    ck_assert_int_eq(request(text, &head), 1);
    assert_span(head.target, "/x");
    ck_assert_uint_eq(head.bytes, strlen(text));
    assert_error(request("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", &head), HTTP_E_REQUEST_LINE,
                 "two empty lines");
}
END_TEST

/* The buffer moves and the text arrives in two pieces, cut at every place. */
START_TEST(facts_do_not_depend_on_splits)
{
    static const char text[] = "\r\nPUT http://h.example/x HTTP/1.1\r\nHost: h.example\r\nA: b\r\n"
                               "Transfer-Encoding: chunked\r\n\r\nrest";
    size_t n = sizeof(text) - 1, head_bytes = n - 4;

    for (size_t cut = 0; cut <= n; cut++) {
        struct http_parser p;
        struct http_head head;
        char *first = malloc(cut + 1), *all = malloc(n);
        int rc;

        memcpy(first, text, cut);
        memcpy(all, text, n);
        http_request_begin(&p, NULL);
        rc = http_head_feed(&p, first, cut, &head);
        ck_assert_int_eq(rc, cut >= head_bytes);
        ck_assert_int_eq(http_head_idle(&p), cut <= 2);
        free(first);
        if (rc == 0)
            ck_assert_int_eq(http_head_feed(&p, all, n, &head), 1);
        if (rc == 0) {
            assert_span(head.uri.path, "/x");
            assert_span(head.fields[1].value, "b");
            ck_assert(head.fields[1].value.p > all && head.fields[1].value.p < all + n);
        }
        ck_assert_uint_eq(head.bytes, head_bytes);
        ck_assert_int_eq(head.framing, HTTP_FRAMING_CHUNKED);
        free(all);
    }
}
END_TEST

START_TEST(an_error_stays)
{
    struct http_parser p;
    struct http_head head;

    http_request_begin(&p, NULL);
    ck_assert_int_eq(http_head_feed(&p, "GET /\n", 6, &head), HTTP_E_REQUEST_LINE);
    ck_assert_int_eq(http_head_feed(&p, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, &head), HTTP_E_REQUEST_LINE);
    http_request_begin(&p, NULL);
    ck_assert_int_eq(http_head_feed(&p, "GET / HTTP/1.1\r\n\r\n", 18, &head), HTTP_E_HOST_MISSING);
    ck_assert_int_eq(http_head_feed(&p, "GET / HTTP/1.1\r\n\r\n", 18, &head), HTTP_E_HOST_MISSING);
}
END_TEST

START_TEST(methods)
{
    static const struct {
        const char *name;
        enum http_method method;
        int rc;
    } table[] = {
        {"GET", HTTP_METHOD_GET, 1},
        {"HEAD", HTTP_METHOD_HEAD, 1},
        {"POST", HTTP_METHOD_POST, 1},
        {"PUT", HTTP_METHOD_PUT, 1},
        {"DELETE", HTTP_METHOD_DELETE, 1},
        {"OPTIONS", HTTP_METHOD_OPTIONS, 1},
        {"PATCH", HTTP_METHOD_PATCH, 1},
        {"PROPFIND", HTTP_METHOD_OTHER, 1},
        {"M-SEARCH", HTTP_METHOD_OTHER, 1},
        {"get", HTTP_METHOD_OTHER, HTTP_E_METHOD_UNKNOWN},
        {"GETS", HTTP_METHOD_OTHER, HTTP_E_METHOD_UNKNOWN},
        {"X!#$%&'*+-.^_`|~9", HTTP_METHOD_OTHER, HTTP_E_METHOD_UNKNOWN},
        {"PRI", HTTP_METHOD_OTHER, HTTP_E_METHOD_UNKNOWN},
        {"DESCRIBE", HTTP_METHOD_OTHER, HTTP_E_METHOD_UNKNOWN}, /* RTSP's */
        {"SOURCE", HTTP_METHOD_OTHER, 1},
        {"TRACE", HTTP_METHOD_TRACE, HTTP_E_METHOD_REFUSED},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_head head;
        char text[128];
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: h\r\n\r\n", table[i].name);
        assert_error(request(text, &head), table[i].rc, text);
        if (table[i].rc == 1)
            ck_assert_int_eq(head.method, table[i].method);
        ck_assert_int_eq(http_method_of(span_str(table[i].name)), table[i].method);
    }
}
END_TEST

/* What only a limit or an option forbids. */
START_TEST(options_of_the_limits)
{
    static const char trace[] = "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n";
    static const char connect[] = "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n";
    struct http_limits limits = {.allow_trace = true, .allow_connect = true};
    struct http_head head;

    ck_assert_int_eq(parse_request(trace, strlen(trace), &limits, &head), 1);
    ck_assert_int_eq(parse_request(connect, strlen(connect), &limits, &head), 1);
    ck_assert_int_eq(head.method, HTTP_METHOD_CONNECT);
    assert_span(head.host, "h.example:443");
    ck_assert_int_eq(head.uri.form, HTTP_TARGET_AUTHORITY);
    ck_assert_int_eq(parse_request("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 36, &limits, &head), 1);
    assert_error(request(connect, &head), HTTP_E_METHOD_REFUSED, connect);
    assert_error(request("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", &head), HTTP_E_TARGET, "CONNECT /");

    limits = (struct http_limits){.head_bytes = UINT32_MAX, .fields = UINT32_MAX, .target_bytes = 4};
    assert_error(parse_request("GET /1234 ", 10, &limits, &head), HTTP_E_TARGET_TOO_LONG,
                 "target of 5 with limit 4");
}
END_TEST

/* As many fields as the structure can hold, and one more, whatever the limits say. */
START_TEST(fields_never_pass_the_array)
{
    struct http_limits limits = {.fields = 1000};
    struct http_head head;
    char text[4096];

    for (int extra = 0; extra <= 1; extra++) {
        int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n");
        for (int i = 1; i < HTTP_MAX_FIELDS + extra; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "a:b\r\n");
        n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
        assert_error(parse_request(text, (size_t)n, &limits, &head), extra ? HTTP_E_FIELDS_TOO_MANY : 1,
                     "fields");
    }
}
END_TEST

/* Names of 255 to 300 bytes: a length kept in eight bits would wrap and hide the next field. */
START_TEST(long_names_do_not_wrap)
{
    for (int length = 250; length <= 300; length++) {
        char text[512];
        struct http_head head;
        snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: h\r\na%0*d: x\r\nContent-Length: 5\r\n\r\n",
                 length - 1, 0);
        ck_assert_int_eq(request(text, &head), 1);
        ck_assert_uint_eq(head.fields[1].name.n, (size_t)length);
        ck_assert_uint_eq(head.content_length, 5);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("head");
    tcase_add_test(tc, a_request_is_taken_apart);
    tcase_add_test(tc, a_response_is_taken_apart);
    tcase_add_test(tc, an_empty_line_before_a_request_is_skipped);
    tcase_add_test(tc, facts_do_not_depend_on_splits);
    tcase_add_test(tc, an_error_stays);
    tcase_add_test(tc, methods);
    tcase_add_test(tc, options_of_the_limits);
    tcase_add_test(tc, fields_never_pass_the_array);
    tcase_add_test(tc, long_names_do_not_wrap);
    return run_suite(tc, "http/head");
}
