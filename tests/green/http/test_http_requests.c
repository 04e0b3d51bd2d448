/* What the HTTP server takes and what it refuses, byte by byte. */
#include "http_serving.h"

/* --- requests that are served ------------------------------------------------------------------------------------ */

static const struct {
    const char *request, *understood;
} served[] = {
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET [/] [-] [h] 0:"},
    {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET [/] [-] [h] 0:"},
    {"GET /a?b?c HTTP/1.1\r\nHost: h:80\r\n\r\n", "GET [/a] [b?c] [h:80] 0:"},
    {"GET /? HTTP/1.1\r\nHost: [::1]\r\n\r\n", "GET [/] [] [[::1]] 0:"},
    {"GET /%20%2f;x=y,z@!$&'()*+:~ HTTP/1.1\r\nHost:h\r\n\r\n", "GET [/%20%2f;x=y,z@!$&'()*+:~] [-] [h] 0:"},
    {"GET http://h/a?b HTTP/1.1\r\nHost: H\r\n\r\n", "GET [/a] [b] [H] 0:"},
    {"GET http://h?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET [/] [b] [h] 0:"},
    {"GET / HTTP/1.0\r\n\r\n", "GET [/] [-] [-] 0:"},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS [*] [-] [h] 0:"},
    {POST "Content-Length: 5\r\n\r\nhello", "POST [/] [-] [h] 5:hello"},
    {POST "content-length: \t 5  \r\n\r\nhello", "5:hello"},
    {POST "Content-Length: 0\r\n\r\n", "0:"},
    {POST "Content-Length: 0000005\r\n\r\nhello", "5:hello"},
    {POST CHUNKED "5\r\nhello\r\n0\r\n\r\n", "-1:hello"},
    {POST "transfer-encoding:CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "-1:hello"},
    {POST CHUNKED "0\r\n\r\n", "-1:"},
    {POST CHUNKED "1\r\nh\r\n00000003\r\nell\r\n1;name\r\no\r\n0;a=b;c=\"d;\\\"e\"\r\n\r\n", "-1:hello"},
    {POST CHUNKED "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n",
     "-1:01234567890123456789"},
    {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "2:hi"},
    {"GET / HTTP/1.1\r\nHost: h\r\nX:\r\nY: \xe4\t \"\r\n\r\n", "GET [/] [-] [h] 0:"},
};

START_TEST(requests_that_are_served)
{
    char tail[200];
    start(mirror, (green_http_server_options_t){0});
    ask(served[_i].request);
    assert_has("HTTP/1.1 200 OK\r\n");
    snprintf(tail, sizeof tail, "%s", served[_i].understood);
    ck_assert_str_eq(answer + answer_n - strlen(tail), tail);
    ck_assert_int_eq(book.calls, 1);
    ck_assert_int_eq(book.status, 200);
    ck_assert_int_eq(book.log_error, 0);
    /* The same in single bytes. */
    int fd = dial();
    for (const char *p = served[_i].request; *p; p++) {
        ck_assert_int_eq(green_write(fd, p, 1, soon()), 1);
        ck_assert_int_eq(green_yield(), 0);
    }
    receive(fd, tail);
    ck_assert_int_eq(green_close(fd), 0);
    end_server();
}
END_TEST

/* --- and those that are not (case 120) --------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *request;
} refused[] = {
    {400, "nonsense\r\n\r\n"},
    {400, "\x16\x03\x01\x02"}, /* TLS */
    {400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1\nHost: h\n\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\n\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\n\rX" SMUGGLED},
    {400, "GET / HTTP/1.1\rHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"},
    {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
    {400, "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /\r\n\r\n"},
    {400, "G\x01T / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET /?%zz HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "OPTIONS *a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET http://h/ HTTP/1.1\r\n\r\n"},
    {501, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"},
    {501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {501, "get / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"},
    {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
    {505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: h\r\n\r\n"},
    {400, "GET / http/1.1\r\nHost: h\r\n\r\n"},
    {400, "GET / RTSP/1.0\r\nHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h/p\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"},
    {400, POST "Content-Length: -1\r\n\r\nx"},
    {400, POST "Content-Length: +1\r\n\r\nx"},
    {400, POST "Content-Length: 1 1\r\n\r\nx"},
    {400, POST "Content-Length: 1,1\r\n\r\nx"},
    {400, POST "Content-Length: 0x1\r\n\r\nx"},
    {400, POST "Content-Length: \r\n\r\nx"},
    {400, POST "Content-Length: x\r\n\r\nx"},
    {400, POST "Content-Length: 18446744073709551617\r\n\r\nx"},
    {400, POST "Content-Length: 9223372036854775808\r\n\r\nx"},
    {400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
    {400, POST "Content-Length: 5\r\n" CHUNKED "0\r\n\r\n" SMUGGLED},
    {400, POST "Transfer-Encoding: \r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nHost: h\r\n" CHUNKED "0\r\n\r\n"},
    {417, POST "Expect: miracles\r\nContent-Length: 1\r\n\r\nx"},
    {400, POST CHUNKED "-1\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "0x1\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED " 1\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1 \r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "g\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1\nx\n0\n\n" SMUGGLED},
    {400, POST CHUNKED "1\r\nxx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1\r\nx0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1\r\nx\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1;\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1;a=\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1;a=\"b\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "1;a\x01\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {400, POST CHUNKED "10000000000000000\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {413, POST CHUNKED "fffffffffffffff\r\nx\r\n0\r\n\r\n" SMUGGLED},
    {413, POST CHUNKED "100000001\r\nx\r\n0\r\n\r\n" SMUGGLED}, /* beyond 32 bits it is not 1 */
    {400, POST CHUNKED "0\r\nX\r\n\r\n"},
    {400, POST CHUNKED "0\r\n: y\r\n\r\n"},
    {400, POST CHUNKED "0\r\nX: y\r\n z\r\n\r\n"},
    {400, POST CHUNKED "0\r\n\n" SMUGGLED},
    {400, POST CHUNKED "1\r\nx\r\n"}, /* and the end: the last chunk is missing */
    {400, POST CHUNKED "5\r\nhe"},
    {400, POST "Content-Length: 5\r\n\r\nhe"},
    {413, POST "Content-Length: 16777217\r\n\r\n"},
};

START_TEST(requests_that_are_refused)
{
    char line[32];
    start(mirror, (green_http_server_options_t){0});
    ask(refused[_i].request);
    snprintf(line, sizeof line, "HTTP/1.1 %d ", refused[_i].status);
    ck_assert_msg(!strncmp(answer, line, strlen(line)), "not %d: %s", refused[_i].status, answer);
    assert_has("\r\nConnection: close\r\n");
    assert_lacks("smuggled");
    ck_assert_int_eq(count("\r\nDate: "), 1);
    ck_assert_int_eq(book.logged, 1);
    ck_assert_int_eq(book.status, refused[_i].status);
    ck_assert_str_ne(book.reason, "");
    assert_has(book.reason);
    end_server();
}
END_TEST

START_TEST(what_is_too_large)
{
    static const struct {
        int status;
        const char *before;
        size_t n;
        const char *after;
    } cases[] = {
        {200, "GET /", 8191, " HTTP/1.1\r\nHost: h\r\n\r\n"},
        {414, "GET /", 8192, " HTTP/1.1\r\nHost: h\r\n\r\n"},
        {414, "GET /", 100000, ""},
        {200, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 32000, "\r\n\r\n"},
        {431, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 33000, "\r\n\r\n"},
        {431, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 100000, ""},
        {414, "A", 100000, " / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, POST CHUNKED "1;", 2000, "\r\nx\r\n0\r\n\r\n"},
        {400, POST CHUNKED "00", 2000, "\r\nx\r\n0\r\n\r\n"},
        {431, POST CHUNKED "0\r\nX: ", 2000, "\r\n\r\n"},
    };
    char line[32];
    start(mirror, (green_http_server_options_t){0});
    char *text = long_request(cases[_i].before, cases[_i].n, cases[_i].after);
    ask(text);
    snprintf(line, sizeof line, "HTTP/1.1 %d ", cases[_i].status);
    ck_assert_msg(!strncmp(answer, line, strlen(line)), "not %d: %.300s", cases[_i].status, answer);
    free(text);
    end_server();
}
END_TEST

START_TEST(too_many_of_something)
{
    struct text {
        const char *begin, *repeat, *end;
        int times, status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n", "X: y\r\n", "\r\n", 99, 200},
        {"GET / HTTP/1.1\r\nHost: h\r\n", "X: y\r\n", "\r\n", 100, 431},
        {POST CHUNKED, "1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n", "0\r\n\r\n", 600, 200},
        {POST CHUNKED, "1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n", "0\r\n\r\n", 700, 400},
        {POST CHUNKED "0\r\n", "X: abcdefghijklmnopqrstuvwxyz\r\n", "\r\n", 700, 431},
    };
    char *request = calloc(1, 40000), line[32];
    ck_assert_ptr_nonnull(request);
    char *p = stpcpy(request, cases[_i].begin);
    for (int i = 0; i < cases[_i].times; i++)
        p = stpcpy(p, cases[_i].repeat);
    strcpy(p, cases[_i].end);
    start(mirror, (green_http_server_options_t){0});
    ask(request);
    snprintf(line, sizeof line, "HTTP/1.1 %d ", cases[_i].status);
    ck_assert_msg(!strncmp(answer, line, strlen(line)), "not %d: %.300s", cases[_i].status, answer);
    free(request);
    end_server();
}
END_TEST

START_TEST(limits_are_options)
{
    start(mirror, (green_http_server_options_t){.head_limit = 100, .body_limit = 3});
    ask(POST "Content-Length: 3\r\n\r\nabc");
    assert_has("200 OK");
    ask(POST "Content-Length: 4\r\n\r\nabcd");
    assert_has("413 Content Too Large");
    ask(POST CHUNKED "3\r\nabc\r\n0\r\n\r\n");
    assert_has("200 OK");
    ask(POST CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
    assert_has("413 Content Too Large");
    char *text = long_request("GET /", 100, " HTTP/1.1\r\nHost: h\r\n\r\n");
    ask(text);
    assert_has("431 ");
    free(text);
    end_server();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        {requests_that_are_served, COUNT(served)},
        {requests_that_are_refused, COUNT(refused)},
        {what_is_too_large, 10},
        {too_many_of_something, 5},
        {limits_are_options, 0},
    };
    return RUN_TESTS("http_requests", tests);
}
