/* The demo's web server, asked over real sockets from the same hub. */
#include "runtime/responder.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static green_address_t bound;
static char answer[1 << 20];
static size_t answer_n;

static void set_up(void)
{
    ck_assert_int_eq(responder_start(&bound), 0);
}

static void tear_down(void)
{
    responder_stop();
    ck_assert_int_eq(green_hub_close(), 0); /* no greenlet is left behind */
}

static int dial(void)
{
    int fd = green_connect(&bound, green_in(GREEN_S(20)));
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    ck_assert_int_eq(green_write_all(fd, text, strlen(text), NULL, green_in(GREEN_S(20))), 0);
}

/* Reads until the answer ends with `tail`; the end of input with NULL. */
static void receive(int fd, const char *tail)
{
    size_t tail_n = tail ? strlen(tail) : 0;
    for (answer_n = 0;;) {
        ssize_t n = green_read(fd, answer + answer_n, sizeof answer - 1 - answer_n, green_in(GREEN_S(20)));
        ck_assert_msg(n > 0 || (n == 0 && !tail), "%s after: %s", n ? green_strerror((int)n) : "the end",
                      answer);
        answer_n += (size_t)n;
        answer[answer_n] = 0;
        if (n == 0 || (tail && answer_n >= tail_n && !memcmp(answer + answer_n - tail_n, tail, tail_n)))
            return;
    }
}

/* One request on a connection of its own; returns the answer. */
static const char *ask(const char *request)
{
    int fd = dial();
    send_text(fd, request);
    receive(fd, NULL);
    green_close(fd);
    return answer;
}

static const char *get(const char *target)
{
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target);
    return ask(request);
}

static void assert_answer(const char *got, const char *status, const char *part)
{
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    ck_assert_msg(!strncmp(got, line, strlen(line)) && strstr(got, part), "not %s with %s: %s", status, part,
                  got);
}

START_TEST(front_page)
{
    assert_answer(get("/"), "200", "<h1>Greenway works</h1>");
    assert_answer(answer, "200", "Content-Type: text/html");
    ck_assert_ptr_nonnull(strstr(answer, "\r\nDate: "));
    ck_assert_ptr_nonnull(strstr(answer, "\r\nConnection: close\r\n"));
    char *body = strstr(answer, "\r\n\r\n") + 4;
    ck_assert_int_eq(atol(strstr(answer, "Content-Length: ") + 16), (long)strlen(body));
    ask("HEAD / HTTP/1.0\r\n\r\n");
    assert_answer(answer, "200", "Content-Length: ");
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(headers_come_back)
{
    const char *request = "GET /headers?x HTTP/1.1\r\nHost: h\r\nX-Own: \xe9\tx\r\nConnection: close\r\n\r\n";
    assert_answer(ask(request), "200", "Content-Type: text/plain");
    ck_assert_str_eq(strstr(answer, "\r\n\r\n") + 4, request);
}
END_TEST

START_TEST(echo_with_length)
{
    assert_answer(
        ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"), "200",
        "Content-Length: 5\r\n\r\nhello");
    assert_answer(ask("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "200",
                  "Content-Length: 0\r\n\r\n");
}
END_TEST

/* What was sent comes back before the rest is: it streams. */
START_TEST(echo_chunked)
{
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n");
    receive(fd, "5\r\nhello\r\n");
    assert_answer(answer, "200", "Transfer-Encoding: chunked");
    send_text(fd, "6\r\n world\r\n0\r\nA: trailer\r\n\r\n");
    receive(fd, "6\r\n world\r\n0\r\n\r\n");
    send_text(fd, "GET /status/204 HTTP/1.1\r\nHost: h\r\n\r\n"); /* and goes on */
    receive(fd, "\r\n\r\n");
    assert_answer(answer, "204", "No Content");
    green_close(fd);
}
END_TEST

START_TEST(echo_of_a_large_body)
{
    static char body[1 << 18];
    int fd = dial();
    char head[128];
    size_t received = 0, sent = 0;
    ck_assert_uint_lt(sizeof body, sizeof answer);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 26);
    snprintf(head, sizeof head,
             "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             sizeof body);
    send_text(fd, head);
    while (sent < sizeof body) { /* in turns, so that neither side's buffers have to hold it all */
        size_t n = sizeof body - sent < 10000 ? sizeof body - sent : 10000;
        ck_assert_int_eq(green_write_all(fd, body + sent, n, NULL, green_in(GREEN_S(20))), 0);
        sent += n;
    }
    receive(fd, NULL);
    received = answer_n - (size_t)(strstr(answer, "\r\n\r\n") + 4 - answer);
    ck_assert_uint_eq(received, sizeof body);
    ck_assert_int_eq(memcmp(answer + answer_n - received, body, received), 0);
    green_close(fd);
}
END_TEST

START_TEST(expectation)
{
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    receive(fd, "Content-Length: 2\r\n\r\n");
    assert_answer(answer, "100", "Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
    send_text(fd, "ok");
    receive(fd, "ok");
    /* Where the body is not wanted it is not asked for, and the connection ends. */
    send_text(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    green_shutdown_write(fd);
    receive(fd, NULL);
    assert_answer(answer, "405", "Connection: close");
    green_close(fd);
}
END_TEST

START_TEST(bytes)
{
    assert_answer(get("/bytes/0"), "200", "Content-Length: 0\r\n\r\n");
    assert_answer(get("/bytes/100000"), "200", "Content-Length: 100000\r\n\r\n");
    ck_assert_uint_eq(answer_n - (size_t)(strstr(answer, "\r\n\r\n") + 4 - answer), 100000);
    assert_answer(get("/bytes/1073741825"), "404", "at most");
    assert_answer(get("/bytes/-1"), "404", "at most");
    assert_answer(get("/bytes/99999999999999999999999"), "404", "at most");
    assert_answer(get("/bytes/"), "404", "at most");
}
END_TEST

START_TEST(statuses)
{
    assert_answer(get("/status/503"), "503", "503 Service Unavailable\n");
    assert_answer(get("/status/299"), "299", "299 Unknown\n");
    assert_answer(get("/status/304"), "304", "\r\n\r\n");
    ck_assert_ptr_null(strstr(answer, "Content-Length"));
    assert_answer(get("/status/199"), "404", "200 to 599");
    assert_answer(get("/status/600"), "404", "200 to 599");
    assert_answer(get("/status/x"), "404", "200 to 599");
}
END_TEST

START_TEST(slow)
{
    green_time before = green_now();
    assert_answer(get("/slow?ms=50"), "200", "that took 50 ms\n");
    ck_assert_int_ge(green_now() - before, GREEN_MS(50));
    assert_answer(get("/slow"), "404", "at most");
    assert_answer(get("/slow?ms=1000000"), "404", "at most");
    assert_answer(get("/slow?ms="), "404", "at most");
}
END_TEST

START_TEST(what_is_not_there)
{
    assert_answer(get("/nothing"), "404", "look at /");
    assert_answer(get("/headers/x"), "404", "look at /");
    assert_answer(get("/echo"), "405", "Allow: POST\r\n");
    assert_answer(ask("DELETE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "405",
                  "Allow: GET, HEAD\r\n");
}
END_TEST

START_TEST(bad_requests)
{
    assert_answer(ask("GET / HTTP/1.1\r\n\r\n"), "400", "needs a Host field");
    assert_answer(ask("nonsense\r\n\r\n"), "400", "Connection: close");
    assert_answer(
        ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "400", "came together");
    static char large[40000];
    snprintf(large, sizeof large, "GET / HTTP/1.1\r\nHost: h\r\nX: %020000d\r\n\r\n", 0);
    assert_answer(ask(large), "431", "longer than the limit");
    /* A body that breaks off in its coding: the answer does, too, and cannot be taken for complete. */
    assert_answer(ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n"),
                  "200", "1\r\nx\r\n");
    ck_assert_ptr_null(strstr(answer, "0\r\n\r\n"));
}
END_TEST

START_TEST(keepalive_and_pipelining)
{
    int fd = dial();
    send_text(fd, "GET /status/201 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
                  "GET /status/202 HTTP/1.1\r\nHost: h\r\n\r\n"
                  "GET /status/410 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    receive(fd, NULL);
    ck_assert_ptr_nonnull(strstr(answer, "201 Created\n"));
    ck_assert_ptr_nonnull(strstr(answer, "202 "));
    ck_assert_ptr_nonnull(strstr(answer, "410 Gone\n"));
    green_close(fd);
}
END_TEST

/* Idle, in the middle of a head, in the middle of an answer, asleep: stopping ends them all. */
START_TEST(stopping)
{
    static const char *const requests[] = {"", "GET / HT", "GET /slow?ms=20000 HTTP/1.1\r\nHost: h\r\n\r\n",
                                           "GET /bytes/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n",
                                           "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nx"};
    int fds[5], late;
    for (int i = 0; i < 5; i++) {
        fds[i] = dial();
        send_text(fds[i], requests[i]);
    }
    receive(fds[4], "\r\n\r\nx");
    late = dial(); /* perhaps not yet accepted */
    green_time before = green_now();
    responder_stop();
    ck_assert_int_lt(green_now() - before, GREEN_S(15));
    responder_stop(); /* once more does nothing */
    for (int i = 0; i < 5; i++)
        green_close(fds[i]);
    green_close(late);
    ck_assert_int_eq(green_connect(&bound, green_in(GREEN_S(20))), -ECONNREFUSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("responder");
    TCase *tc = tcase_create("all");
    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, front_page);
    tcase_add_test(tc, headers_come_back);
    tcase_add_test(tc, echo_with_length);
    tcase_add_test(tc, echo_chunked);
    tcase_add_test(tc, echo_of_a_large_body);
    tcase_add_test(tc, expectation);
    tcase_add_test(tc, bytes);
    tcase_add_test(tc, statuses);
    tcase_add_test(tc, slow);
    tcase_add_test(tc, what_is_not_there);
    tcase_add_test(tc, bad_requests);
    tcase_add_test(tc, keepalive_and_pipelining);
    tcase_add_test(tc, stopping);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
