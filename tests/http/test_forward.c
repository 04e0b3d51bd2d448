/* Regenerated heads: the exact bytes for each rule, small buffers, and edits. */
#include "suite.h"

#include <errno.h>

#define HOST "Host: h\r\n"
#define XF   "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
#define VIA  "Via: 1.1 greenway\r\n"

static const struct http_forward_request plain = {
    .client = {"192.0.2.1", 9}, .scheme = {"https", 5}, .via = {"greenway", 8}};

static void check_request_with(const struct http_forward_request *facts, const char *text, const char *want)
{
    struct http_head head;
    char out[2048];
    int n;

    assert_error(request(text, &head), 1, text);
    n = http_forward_request(&head, facts, out, sizeof(out));
    ck_assert_int_gt(n, 0);
    assert_span(span_of(out, (size_t)n), want);
    for (int cap = 0; cap < n; cap++) {
        char *exact = malloc(cap ? (size_t)cap : 1);
        ck_assert_int_eq(http_forward_request(&head, facts, exact, (size_t)cap), -ENOBUFS);
        free(exact);
    }
    ck_assert_int_eq(http_forward_request(&head, facts, out, (size_t)n), n);
}

static void check_request(const char *text, const char *want)
{
    check_request_with(&plain, text, want);
}

START_TEST(requests_keep_order_case_and_values)
{
    check_request("GET /a?b HTTP/1.1\r\n" HOST
                  "User-Agent: x\r\naCCept:*/*\r\nX-A: \t1 2\t \r\nX-A: 3\r\nE:\r\n\r\n",
                  "GET /a?b HTTP/1.1\r\n" HOST
                  "User-Agent: x\r\naCCept: */*\r\nX-A: 1 2\r\nX-A: 3\r\nE: \r\n" XF VIA "\r\n");
}
END_TEST

START_TEST(targets_become_origin_form)
{
    check_request("GET http://h/a?b HTTP/1.1\r\nA: b\r\n" HOST "\r\n",
                  "GET /a?b HTTP/1.1\r\n" HOST "A: b\r\n" XF VIA "\r\n");
    check_request("GET http://h?b HTTP/1.1\r\n" HOST "\r\n", "GET /?b HTTP/1.1\r\n" HOST XF VIA "\r\n");
    check_request("GET http://h HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
    check_request("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1\r\n" HOST XF VIA "\r\n");
    check_request("GET /a%0d%0aX:1 HTTP/1.1\r\n" HOST "\r\n",
                  "GET /a%0d%0aX:1 HTTP/1.1\r\n" HOST XF VIA "\r\n");
}
END_TEST

START_TEST(old_requests_become_new_ones)
{
    check_request("GET / HTTP/1.0\r\n\r\n",
                  "GET / HTTP/1.1\r\nHost: \r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
                  "Via: 1.0 greenway\r\n\r\n");
    check_request("POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                  "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" XF "Via: 1.0 greenway\r\n\r\n");
}
END_TEST

START_TEST(request_framing_is_made_anew)
{
    check_request("POST / HTTP/1.1\r\n" HOST "Content-Length: 0010\r\nA: b\r\n\r\n",
                  "POST / HTTP/1.1\r\n" HOST "A: b\r\nContent-Length: 10\r\n" XF VIA "\r\n");
    check_request("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
                  "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" XF VIA "\r\n");
    check_request("POST / HTTP/1.1\r\n" HOST
                  "Transfer-Encoding: CHUNKED\r\nTrailer: X\r\nExpect: 100-Continue\r\n\r\n",
                  "POST / HTTP/1.1\r\n" HOST
                  "Trailer: X\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n" XF VIA "\r\n");
    check_request("GET / HTTP/1.1\r\n" HOST "Trailer: X\r\nExpect: 100-continue\r\n\r\n",
                  "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
}
END_TEST

START_TEST(connection_fields_end_here)
{
    check_request(
        "GET / HTTP/1.1\r\n" HOST "Connection: x-a, Host, close\r\nX-A: 1\r\nX_B: 2\r\nKeep-Alive: 5\r\n"
        "Proxy-Authorization: Basic x\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\nProxy: x\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
    check_request("GET / HTTP/1.1\r\n" HOST "TE: trailers, gzip\r\nConnection: TE\r\n\r\n",
                  "GET / HTTP/1.1\r\n" HOST "Connection: TE\r\nTE: trailers\r\n" XF VIA "\r\n");
    check_request("GET / HTTP/1.1\r\n" HOST "Connection: upgrade, x\r\nUpgrade: h2c, WebSocket\r\n"
                  "Sec-WebSocket-Key: k\r\n\r\n",
                  "GET / HTTP/1.1\r\n" HOST
                  "Sec-WebSocket-Key: k\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" XF VIA "\r\n");
}
END_TEST

START_TEST(max_forwards_counts_down)
{
    check_request("OPTIONS /a HTTP/1.1\r\n" HOST "Max-Forwards: 10\r\n\r\n",
                  "OPTIONS /a HTTP/1.1\r\n" HOST "Max-Forwards: 9\r\n" XF VIA "\r\n");
    check_request("GET /a HTTP/1.1\r\n" HOST "Max-Forwards: 10\r\n\r\n",
                  "GET /a HTTP/1.1\r\n" HOST "Max-Forwards: 10\r\n" XF VIA "\r\n");
}
END_TEST

START_TEST(facts_steer_requests)
{
    struct http_forward_request facts = plain;

    facts.no_upgrade = facts.no_expect = facts.no_forwarded = facts.close = true;
    facts.via = span_of(NULL, 0);
    facts.host = SPAN("upstream:81");
    facts.target = SPAN("/other?x");
    check_request_with(&facts, "GET /a HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                       "GET /other?x HTTP/1.1\r\nHost: upstream:81\r\nConnection: close\r\n\r\n");
    check_request_with(&facts,
                       "PUT /a HTTP/1.1\r\n" HOST
                       "TE: trailers\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
                       "PUT /other?x HTTP/1.1\r\nHost: upstream:81\r\nContent-Length: 1\r\n"
                       "Connection: close, TE\r\nTE: trailers\r\n\r\n");
}
END_TEST

#define SPOOF                                                                                                \
    "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: wss\r\nX-Forwarded-Port: 1\r\nX-Forwarded-User: "        \
    "root\r\n"                                                                                               \
    "X-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-For: 2.2.2.2\r\n"

START_TEST(forwarding_fields_of_strangers_are_dropped)
{
    struct http_forward_request facts = plain;

    check_request("GET / HTTP/1.1\r\n" HOST SPOOF "\r\n", "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
    facts.no_forwarded = true;
    check_request_with(&facts, "GET / HTTP/1.1\r\n" HOST SPOOF "\r\n", "GET / HTTP/1.1\r\n" HOST VIA "\r\n");
}
END_TEST

START_TEST(forwarding_fields_of_trusted_peers_are_kept)
{
    struct http_forward_request facts = plain;

    facts.trusted = true;
    check_request_with(&facts, "GET / HTTP/1.1\r\n" HOST SPOOF "Via: 1.0 other\r\n\r\n",
                       "GET / HTTP/1.1\r\n" HOST "x-forwarded-proto: wss\r\nX-Forwarded-Port: 1\r\n"
                       "X-Forwarded-User: root\r\nX-Forwarded-Host: evil\r\nVia: 1.0 other\r\n"
                       "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n" VIA "\r\n");
    check_request_with(&facts, "GET / HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
    facts.no_forwarded = true;
    check_request_with(&facts, "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1\r\n\r\n",
                       "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1\r\n" VIA "\r\n");
}
END_TEST

/* A trusted proxy vouches for the one field that it writes; others may be its client's. */
START_TEST(only_the_believed_list_is_appended_to)
{
    static const struct {
        enum http_believed believed;
        bool no_forwarded, forwarded;
        const char *want;
    } cases[] = {
        {HTTP_BELIEVED_X_FORWARDED_FOR, false, true,
         "X-Forwarded-For: 1.1.1.1, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
         "Forwarded: for=\"[2001:db8::9]\", for=192.0.2.1;host=\"h\";proto=https\r\n"},
        {HTTP_BELIEVED_FORWARDED, false, true,
         "X-Forwarded-For: 2001:db8::9, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
         "Forwarded: for=2.2.2.2, for=192.0.2.1;host=\"h\";proto=https\r\n"},
        {HTTP_BELIEVED_X_REAL_IP, true, true,
         "Forwarded: for=\"[2001:db8::9]\", for=192.0.2.1;host=\"h\";proto=https\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_forward_request facts = plain;
        char want[1024];

        facts.trusted = true;
        facts.origin = SPAN("2001:db8::9");
        facts.believed = cases[i].believed;
        facts.no_forwarded = cases[i].no_forwarded;
        facts.forwarded = cases[i].forwarded;
        snprintf(want, sizeof(want), "GET / HTTP/1.1\r\n" HOST "%sX-Real-IP: 2001:db8::9\r\n" VIA "\r\n",
                 cases[i].want);
        check_request_with(&facts,
                           "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1\r\n"
                           "Forwarded: for=2.2.2.2\r\nX-Real-IP: 3.3.3.3\r\n\r\n",
                           want);
    }
}
END_TEST

START_TEST(nodes_of_forwarded_are_well_formed)
{
    static const char *const nodes[][2] = {
        {"192.0.2.1", "192.0.2.1"},     {"2001:db8::1", "\"[2001:db8::1]\""},
        {"fe80::1%2", "\"[fe80::1]\""}, /* zones are nobody else's business */
        {"unix:", "unknown"},           {"unix:/a:b", "unknown"},
    };
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        struct http_forward_request facts = plain;
        char want[1024];

        facts.client = span_str(nodes[i][0]);
        facts.no_forwarded = facts.forwarded = true;
        snprintf(want, sizeof(want),
                 "GET / HTTP/1.1\r\n" HOST "Forwarded: for=%s;host=\"h\";proto=https\r\n" VIA "\r\n",
                 nodes[i][1]);
        check_request_with(&facts, "GET / HTTP/1.1\r\n" HOST "Forwarded: for=evil\r\n\r\n", want);
    }
}
END_TEST

START_TEST(a_client_cannot_unset_our_fields)
{
    check_request("GET / HTTP/1.1\r\n" HOST "Connection: close, X-Forwarded-For, Via, Host\r\n\r\n",
                  "GET / HTTP/1.1\r\n" HOST XF VIA "\r\n");
}
END_TEST

static const struct http_edit edits[] = {
    {HTTP_EDIT_SET, {"X-A", 3}, {"new", 3}},
    {HTTP_EDIT_ADD, {"X-B", 3}, {"more", 4}},
    {HTTP_EDIT_REMOVE, {"X-C", 3}, {NULL, 0}},
    {HTTP_EDIT_SET, {"x-forwarded-proto", 17}, {"gopher", 6}},
};

START_TEST(edits_are_applied)
{
    struct http_forward_request facts = plain;
    struct http_forward_response response_facts = {
        .minor = 1, .keepalive = true, .framing = HTTP_FRAMING_LENGTH, .edits = {edits, 3}};
    struct http_head head;
    char out[512];
    int n;

    facts.edits = (struct http_edits){edits, 4};
    check_request_with(
        &facts, "GET / HTTP/1.1\r\n" HOST "x-a: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\nX-A: 5\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X-B: 2\r\nX-D: 4\r\nX-Forwarded-For: 192.0.2.1\r\n"
        "X-Forwarded-Host: h\r\n" VIA "X-A: new\r\nX-B: more\r\nx-forwarded-proto: gopher\r\n\r\n");
    ck_assert_int_eq(response("HTTP/1.1 200 OK\r\nX-C: 1\r\nX-B: 2\r\nContent-Length: 1\r\n\r\n", &head), 1);
    n = http_forward_response(&head, &response_facts, out, sizeof(out));
    assert_span(span_of(out, (size_t)n),
                "HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 1\r\nX-A: new\r\nX-B: more\r\n\r\n");
}
END_TEST

struct response_case {
    enum http_method method;
    uint8_t client_minor;
    bool keepalive;
    const char *text, *want;
};

#define DATE "Date: D\r\n"

static const struct response_case responses[] = {
    {HTTP_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nServer: s\r\nDate: X\r\nContent-Length: 05\r\nETag: e\r\n\r\n",
     "HTTP/1.1 200 OK\r\nServer: s\r\nDate: X\r\nETag: e\r\nContent-Length: 5\r\n\r\n"},
    {HTTP_METHOD_GET, 1, false, "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 \r\nContent-Length: 5\r\n" DATE "Connection: close\r\n\r\n"},
    {HTTP_METHOD_GET, 1, true, "HTTP/1.0 200 OK\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" DATE "\r\n"},
    {HTTP_METHOD_GET, 0, true, "HTTP/1.1 200 OK\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\n\r\n"},
    {HTTP_METHOD_GET, 0, true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\n\r\n"},
    {HTTP_METHOD_GET, 1, true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n" DATE "\r\n"},
    {HTTP_METHOD_GET, 0, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" DATE "Connection: keep-alive\r\n\r\n"},
    {HTTP_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\nX_B: 2\r\nUpgrade: "
     "h2c\r\n"
     "Proxy-Authenticate: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nX_B: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n" DATE "\r\n"},
    {HTTP_METHOD_HEAD, 1, true, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" DATE "\r\n"},
    {HTTP_METHOD_HEAD, 1, true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "\r\n"},
    {HTTP_METHOD_GET, 1, true, "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n" DATE "\r\n"},
    {HTTP_METHOD_GET, 1, true, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 204 No Content\r\n" DATE "\r\n"},
    {HTTP_METHOD_GET, 1, true,
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\nConnection: x\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
    {HTTP_METHOD_GET, 1, false,
     "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
     "Content-Length: 0\r\n\r\n",
     "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n" DATE
     "Connection: close, upgrade\r\nUpgrade: websocket\r\n\r\n"},
};

START_TEST(responses_are_regenerated)
{
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        const struct response_case *c = &responses[i];
        struct http_forward_response facts = {
            .minor = c->client_minor, .keepalive = c->keepalive, .date = SPAN("D")};
        struct http_head head;
        char out[1024];
        int n;

        assert_error(parse_response(c->text, strlen(c->text), c->method, &head), 1, c->text);
        facts.framing = http_response_framing(&head, c->client_minor);
        n = http_forward_response(&head, &facts, out, sizeof(out));
        ck_assert_int_gt(n, 0);
        assert_span(span_of(out, (size_t)n), c->want);
        for (int cap = 0; cap < n; cap++) {
            char *exact = malloc(cap ? (size_t)cap : 1);
            ck_assert_int_eq(http_forward_response(&head, &facts, exact, (size_t)cap), -ENOBUFS);
            free(exact);
        }
    }
}
END_TEST

START_TEST(connect_keeps_its_authority)
{
    static const char text[] = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
    struct http_limits limits = {.allow_connect = true};
    struct http_forward_request facts = {.no_forwarded = true};
    struct http_head head;
    char out[256];
    int n;

    ck_assert_int_eq(parse_request(text, sizeof(text) - 1, &limits, &head), 1);
    n = http_forward_request(&head, &facts, out, sizeof(out));
    assert_span(span_of(out, (size_t)n), text);
}
END_TEST

START_TEST(switching_protocols_is_passed_on)
{
    static const char text[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: a\r\n\r\n";
    struct http_forward_response facts = {.minor = 1, .date = SPAN("D")};
    struct http_parser p;
    struct http_head head;
    char out[256];
    int n;

    http_response_begin(&p, NULL, HTTP_METHOD_GET, true);
    ck_assert_int_eq(http_head_feed(&p, text, sizeof(text) - 1, &head), 1);
    n = http_forward_response(&head, &facts, out, sizeof(out));
    assert_span(span_of(out, (size_t)n), "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
                                         "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("forward");
    tcase_add_test(tc, requests_keep_order_case_and_values);
    tcase_add_test(tc, targets_become_origin_form);
    tcase_add_test(tc, old_requests_become_new_ones);
    tcase_add_test(tc, request_framing_is_made_anew);
    tcase_add_test(tc, connection_fields_end_here);
    tcase_add_test(tc, max_forwards_counts_down);
    tcase_add_test(tc, facts_steer_requests);
    tcase_add_test(tc, forwarding_fields_of_strangers_are_dropped);
    tcase_add_test(tc, forwarding_fields_of_trusted_peers_are_kept);
    tcase_add_test(tc, only_the_believed_list_is_appended_to);
    tcase_add_test(tc, nodes_of_forwarded_are_well_formed);
    tcase_add_test(tc, a_client_cannot_unset_our_fields);
    tcase_add_test(tc, edits_are_applied);
    tcase_add_test(tc, responses_are_regenerated);
    tcase_add_test(tc, connect_keeps_its_authority);
    tcase_add_test(tc, switching_protocols_is_passed_on);
    return run_suite(tc, "http/forward");
}
