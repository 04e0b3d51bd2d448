/* The proxy's own answers: each must pass our own strict parser and say what it should. */
#include "suite.h"

#include <errno.h>

#include "http/page.h"

static char out[HTTP_PAGE_BYTES];

static int make(const struct http_page *page, struct http_head *head)
{
    int n = http_page(page, out, sizeof(out));

    ck_assert_int_gt(n, 0);
    assert_error(parse_response(out, (size_t)n, page->method, head), 1, out);
    ck_assert_int_eq(head->status, page->status);
    return n;
}

static struct span value(const struct http_head *head, const char *name)
{
    const struct http_field *f = http_head_find(head, span_str(name));
    ck_assert_msg(f != NULL, "no %s", name);
    return f->value;
}

START_TEST(every_status_makes_a_valid_answer)
{
    static const int statuses[] = {301, 308, 400, 403, 404, 405, 408, 413, 414, 417,
                                   429, 431, 500, 501, 502, 503, 504, 505, 599};
    struct http_head head;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct http_page page = {
            .status = statuses[i], .minor = 1, .keepalive = true, .method = HTTP_METHOD_GET};
        int n = make(&page, &head);
        assert_span(head.reason, http_reason_phrase(statuses[i]));
        ck_assert_uint_eq(head.bytes + head.content_length, (size_t)n);
        ck_assert(head.keepalive && head.content_length > 0);
        ck_assert_int_eq(http_head_find(&head, SPAN("proxy-status")) != NULL, statuses[i] >= 400);
        ck_assert_int_eq(http_head_find(&head, SPAN("allow")) != NULL, statuses[i] == 405);
    }
}
END_TEST

START_TEST(head_gets_no_body)
{
    struct http_page page = {.status = 404, .method = HTTP_METHOD_HEAD, .keepalive = true};
    struct http_head head;
    int n = make(&page, &head);

    ck_assert_uint_eq(head.bytes, (size_t)n);
    ck_assert_uint_gt(head.content_length, 0);
    assert_span(value(&head, "connection"), "keep-alive"); /* for HTTP/1.0 */
}
END_TEST

START_TEST(further_fields_are_said)
{
    struct http_edit edit = {HTTP_EDIT_ADD, SPAN("WWW-Authenticate"), SPAN("Basic realm=\"x\"")};
    struct http_page page = {
        .status = 401, .minor = 1, .keepalive = true, .method = HTTP_METHOD_GET, .fields = {&edit, 1}};
    struct http_head head;

    make(&page, &head);
    assert_span(value(&head, "www-authenticate"), "Basic realm=\"x\"");
}
END_TEST

START_TEST(reasons_are_said_and_cleaned)
{
    struct http_page page = {.status = 502,
                             .minor = 1,
                             .error = "connection_refused",
                             .details = "a \"quoted\" \\ \r\nX-Evil: 1 \xc3\xa9",
                             .date = SPAN("Thu, 01 Jan 1970 00:00:00 GMT"),
                             .retry_after = 7};
    struct http_head head;
    int n = make(&page, &head);

    ck_assert(!head.keepalive);
    ck_assert_ptr_null(http_head_find(&head, SPAN("x-evil")));
    assert_span(value(&head, "proxy-status"),
                "greenway; error=connection_refused; details=\"a \\\"quoted\\\" \\\\ ??X-Evil: 1 ??\"");
    assert_span(value(&head, "date"), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_span(value(&head, "retry-after"), "7");
    assert_span(span_of(out + head.bytes, (size_t)n - head.bytes),
                "502 Bad Gateway\n\na \"quoted\" \\ ??X-Evil: 1 ??\n");
}
END_TEST

START_TEST(long_details_are_cut)
{
    char details[2000];
    struct http_page page = {.status = 400, .minor = 1, .details = details};
    struct http_head head;

    memset(details, '"', sizeof(details) - 1); /* the worst case: each is escaped */
    details[sizeof(details) - 1] = '\0';
    make(&page, &head);
    ck_assert_uint_lt(head.bytes, 1024);
}
END_TEST

START_TEST(redirects_name_their_place)
{
    struct http_page page = {.status = 308, .minor = 1, .location = "https://www.example.com/a"};
    struct http_head head;

    make(&page, &head);
    assert_span(value(&head, "location"), "https://www.example.com/a");
}
END_TEST

START_TEST(small_buffers_are_never_overrun)
{
    struct http_page page = {.status = 503, .minor = 1, .details = "no server is up"};
    int n = http_page(&page, out, sizeof(out));

    for (int cap = 0; cap <= n; cap++) {
        char *exact = malloc(cap ? (size_t)cap : 1); /* an overrun is an error under the sanitizers */
        ck_assert_int_eq(http_page(&page, exact, (size_t)cap), -ENOBUFS);
        free(exact);
    }
    ck_assert_int_eq(http_page(&page, out, (size_t)n + 1), n);
}
END_TEST

START_TEST(content_of_another_makes_a_head_for_it)
{
    struct http_page page = {.status = 502,
                             .minor = 1,
                             .keepalive = true,
                             .method = HTTP_METHOD_GET,
                             .type = SPAN("text/html"),
                             .content = SPAN("<b>sorry</b>")};
    struct http_head head;
    int n = make(&page, &head);

    ck_assert_uint_eq(head.bytes, (size_t)n);
    ck_assert_uint_eq(head.content_length, page.content.n);
    assert_span(value(&head, "content-type"), "text/html");
}
END_TEST

START_TEST(a_configuration_has_the_last_word)
{
    struct http_edit field = {HTTP_EDIT_ADD, SPAN("WWW-Authenticate"), SPAN("Basic")};
    struct http_edit edits[] = {{HTTP_EDIT_SET, SPAN("server"), SPAN("mine")},
                                {HTTP_EDIT_REMOVE, SPAN("Proxy-Status"), {NULL, 0}},
                                {HTTP_EDIT_REMOVE, SPAN("WWW-Authenticate"), {NULL, 0}},
                                {HTTP_EDIT_ADD, SPAN("X-A"), SPAN("1")},
                                {HTTP_EDIT_ADD, SPAN("X-A"), SPAN("2")}};
    struct http_page page = {.status = 405,
                             .minor = 1,
                             .keepalive = true,
                             .method = HTTP_METHOD_GET,
                             .allow = "GET",
                             .fields = {&field, 1},
                             .edits = {edits, 5}};
    struct http_head head;
    unsigned servers = 0, added = 0;

    make(&page, &head);
    for (unsigned i = 0; i < head.count; i++) {
        servers += span_equal_nocase(head.fields[i].name, SPAN("server"));
        added += span_equal_nocase(head.fields[i].name, SPAN("x-a"));
    }
    ck_assert_uint_eq(servers, 1);
    ck_assert_uint_eq(added, 2);
    assert_span(value(&head, "server"), "mine");
    assert_span(value(&head, "allow"), "GET");
    ck_assert_ptr_null(http_head_find(&head, SPAN("proxy-status")));
    ck_assert_ptr_null(http_head_find(&head, SPAN("www-authenticate")));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("page");
    tcase_add_test(tc, every_status_makes_a_valid_answer);
    tcase_add_test(tc, head_gets_no_body);
    tcase_add_test(tc, further_fields_are_said);
    tcase_add_test(tc, content_of_another_makes_a_head_for_it);
    tcase_add_test(tc, a_configuration_has_the_last_word);
    tcase_add_test(tc, reasons_are_said_and_cleaned);
    tcase_add_test(tc, long_details_are_cut);
    tcase_add_test(tc, redirects_name_their_place);
    tcase_add_test(tc, small_buffers_are_never_overrun);
    return run_suite(tc, "http/page");
}
